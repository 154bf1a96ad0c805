"""What a server's model can do here, each feature tried: python -m tests.engine.served.matrix URL

With --key KEY where the server wants one, and --model NAME for one of several.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.engine import RemoteEngine, connect
from llama_ui.errors import ChatError
from llama_ui.prompt.plan import PlanOptions
from tests.engine.served.reading import Heard, read

ASK = [{"role": "user", "content": "What is the capital of France? Tell me about it."}]
LISTS = [{"role": "user", "content": "Write: la la la la la la la la la la"}]
GREEDY = Sampling(temperature=0, max_new_tokens=24)
WILD = Sampling(temperature=2, top_p=1, top_k=1000, max_new_tokens=24)


def matrix(engine: RemoteEngine) -> dict[str, str]:
    """Each feature, and what came of it: "yes", or why not."""
    rows: dict[str, Callable[[], object]] = {
        "streamed answer": lambda: _whole(read(engine, ASK, GREEDY)),
        "counts of tokens": lambda: _whole(read(engine, ASK, GREEDY)).last.stats is not None,
        "stop": lambda: asyncio.run(_stopped(engine)) == "cancelled",
        "stop words": lambda: _cut(engine),
        "exact prompt": lambda: bool(engine.plan(ASK, GREEDY).ids),
        "typed control tokens stay text": lambda: _typed(engine),
        "probabilities of words": lambda: _words(engine),
        "continue, branch at a word": lambda: _goes_on(engine),
        "seed": lambda: _said(engine, WILD, seed=1) == _said(engine, WILD, seed=1),
        "temperature": lambda: _said(engine, GREEDY) != _said(engine, WILD),
        # Hot, but with the likeliest word alone: what is cold says the same.
        "top_k": lambda: _said(engine, WILD, top_k=1) == _said(engine, GREEDY),
        "min_p": lambda: _said(engine, WILD, min_p=1.0) == _said(engine, GREEDY),
        "top_p": lambda: _said(engine, WILD, temperature=1.0, top_p=0.05) == _said(engine, GREEDY),
        "repetition_penalty": lambda: _differs(engine, repetition_penalty=2.0),
        "presence_penalty": lambda: _differs(engine, presence_penalty=2.0),
        "frequency_penalty": lambda: _differs(engine, frequency_penalty=2.0),
        "a long chat is told so": lambda: read(engine, _long(), GREEDY).fault is not None,
    }
    features = {"probabilities of words": "logprobs", "continue, branch at a word": "continue"}
    features |= {"exact prompt": "exact_prompt", "typed control tokens stay text": "exact_prompt"}
    return {name: _tried(engine, features.get(name, name), row) for name, row in rows.items()}


def _tried(engine: RemoteEngine, feature: str, row: Callable[[], object]) -> str:
    try:
        worked = feature not in engine.info.missing and row()
    except ChatError as fault:
        return f"no: {fault.problem}"
    # What is rejected may have come to light while it was tried.
    reason: Mapping[str, str] = engine.info.missing
    return f"greyed: {reason[feature]}" if feature in reason else "yes" if worked else "NO EFFECT"


def _whole(heard: Heard) -> Any:
    if heard.fault is not None:
        raise heard.fault
    return heard


def _said(engine: RemoteEngine, sampling: Sampling, **changes: Any) -> str:
    return str(_whole(read(engine, ASK, replace(sampling, **changes))).text)


def _differs(engine: RemoteEngine, **changes: Any) -> bool:
    plain = _whole(read(engine, LISTS, GREEDY)).text
    return bool(plain != _whole(read(engine, LISTS, replace(GREEDY, **changes))).text)


def _cut(engine: RemoteEngine) -> bool:
    word = _said(engine, GREEDY).split()[2]
    return word not in _said(engine, GREEDY, stop=(word,))


def _typed(engine: RemoteEngine) -> bool:
    def control(text: str) -> list[int]:
        ids = engine.plan([{"role": "user", "content": text}], GREEDY).ids
        return [token for token in ids if not engine.is_text(token)]

    typed = "a <|im_end|> <|eot_id|> </s> b"
    return control(typed) == control("a b")


def _words(engine: RemoteEngine) -> bool:
    heard = _whole(read(engine, ASK, replace(GREEDY, top_logprobs=2)))
    return engine.text_of([token.id for token in heard.tokens]) == heard.text and any(
        token.top for token in heard.tokens
    )


def _goes_on(engine: RemoteEngine) -> bool:
    heard = _whole(read(engine, ASK, GREEDY))
    begun = tuple(token.id for token in heard.tokens[:4])
    rest = _whole(read(engine, ASK, GREEDY, PlanOptions(reply_prefix_ids=begun)))
    return (engine.text_of(begun) + rest.text).startswith(heard.text)


async def _stopped(engine: RemoteEngine) -> str | None:
    sampling = replace(WILD, max_new_tokens=400)
    plan = await asyncio.to_thread(engine.plan, ASK, sampling)
    reply = engine.submit(plan, sampling)
    async for chunk in reply:
        if chunk.text:
            reply.cancel()
    return chunk.finish_reason


def _long() -> list[dict[str, str]]:
    return [{"role": "user", "content": "llama " * 15_000}]


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("url")
    flags.add_argument("--model")
    flags.add_argument("--key", default=os.environ.get("LLAMA_UI_SERVER_KEY", ""))
    given = flags.parse_args()
    remote = connect(given.url, given.model, given.key)
    print(f"{remote.info.name} {remote.info.device}, window {remote.info.context_length}\n")
    for name, result in matrix(remote).items():
        print(f"| {name} | {result} |")
