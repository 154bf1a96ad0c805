"""What a reply costs its visitor, with the real engine."""

import asyncio
from dataclasses import replace

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.errors import LimitError
from llama_ui.web.access.limits import Gate, Limits, Visitor, submit_for

ASK = [{"role": "user", "content": "Tell me a tiny story."}]
ANN = Visitor("ann", "10.0.0.1")
LONG = Sampling(temperature=2, top_p=1, top_k=1000, seed=7, max_new_tokens=1500)


def answer(engine, gate, sampling):
    async def read():
        plan = engine.plan(ASK, sampling)
        return [chunk async for chunk in submit_for(ANN, gate, engine, plan, sampling)]

    return asyncio.run(read())


def test_the_tokens_of_a_reply_are_counted(engine):
    gate = Gate(Limits(tokens=30))
    short = Sampling(temperature=0, max_new_tokens=8)
    for _ in range(2):
        assert answer(engine, gate, short)[-1].stats.reply_tokens == 8
    with pytest.raises(LimitError, match="daily limit of tokens"):
        answer(engine, gate, short)


def test_a_reply_ends_when_its_time_is_over(engine):
    last = answer(engine, Gate(Limits(reply_s=0.3)), LONG)[-1]
    assert last.finish_reason == "cancelled"
    assert 0 < last.stats.reply_tokens < 1500


def test_the_message_counts_not_the_system_prompt(engine):
    sampling = replace(LONG, max_new_tokens=1)
    gate = Gate(Limits(message_chars=len(ASK[0]["content"])))
    answer(engine, gate, sampling)
    with pytest.raises(LimitError, match="smaller pieces"):
        answer(engine, Gate(Limits(message_chars=5)), sampling)
