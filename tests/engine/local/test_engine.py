"""The engine on real models: the bundled one in 4-bit, and a GGUF."""

import asyncio
import random
import threading
import time
from dataclasses import replace

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.local.streamer import ReplyStreamer
from llama_ui.engine.reply import Chunk, Reply, Token
from llama_ui.errors import ContextWindowError, EngineError
from llama_ui.prompt.plan import PlanOptions
from tests.sizes import examples

HELLO = [{"role": "user", "content": "Tell me a tiny story about a brave llama."}]
GREEDY = Sampling(temperature=0, max_new_tokens=24)
# Wild sampling seldom ends by itself: replies long enough to be stopped.
LONG = Sampling(temperature=2, top_p=1, top_k=1000, max_new_tokens=1000, seed=3)


# Faults are forced inside of torch; tests/engine/gguf has llama.cpp's.
on_torch = pytest.mark.parametrize("loaded", ["pocket"], indirect=True)


def ask(engine, sampling=GREEDY, messages=HELLO) -> Reply:
    return engine.submit(engine.plan(messages, sampling), sampling)


def text_of(reply: Reply) -> str:
    return "".join(chunk.text for chunk in reply)


def last_of(reply: Reply):
    return list(reply)[-1]


@on_torch
def test_the_model_is_loaded_in_4_bit(loaded):
    import bitsandbytes

    kinds = [type(module) for module in loaded.model.modules()]
    assert bitsandbytes.nn.Linear4bit in kinds
    assert loaded.info.quantization == "4-bit NF4"
    assert loaded.info.context_length == 2048


def test_a_reply_streams_and_ends_with_statistics(engine):
    plan = engine.plan(HELLO, GREEDY)
    chunks = list(engine.submit(plan, GREEDY))
    assert len(chunks) > 2
    last = chunks[-1]
    assert last.finish_reason in ("stop", "length")
    assert last.stats.prompt_tokens == len(plan.ids)
    assert 0 < last.stats.reply_tokens <= 24
    assert last.stats.tokens_per_s > 0


def test_a_seed_makes_a_reply_reproducible_and_another_seed_another_reply(engine):
    def sample(seed):
        return text_of(ask(engine, Sampling(temperature=1.5, max_new_tokens=40, seed=seed)))

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1


def test_a_reply_without_a_seed_says_which_one_was_drawn(engine):
    sampling = Sampling(temperature=1.2, max_new_tokens=30)
    reply = ask(engine, sampling)
    chunks = list(reply)
    again = Sampling(temperature=1.2, max_new_tokens=30, seed=chunks[-1].stats.seed)
    assert text_of(ask(engine, again)) == "".join(chunk.text for chunk in chunks)


def test_the_reply_ends_at_max_new_tokens(engine):
    last = last_of(ask(engine, Sampling(temperature=0, max_new_tokens=3)))
    assert last.finish_reason == "length"
    assert last.stats.reply_tokens == 3


def test_an_event_loop_can_read_it(engine):
    async def read():
        return "".join([chunk.text async for chunk in ask(engine)])

    assert asyncio.run(read()) == text_of(ask(engine))


def test_a_slow_reader_gets_fewer_chunks_and_the_same_text(engine):
    async def read():
        chunks = []
        async for chunk in ask(engine):
            chunks.append(chunk)
            await asyncio.sleep(0.2)
        return chunks

    chunks = asyncio.run(read())
    assert "".join(chunk.text for chunk in chunks) == text_of(ask(engine))
    assert len(chunks) < chunks[-1].stats.reply_tokens


def test_the_streamer_loses_no_space(loaded):
    reply = Reply()
    streamer = ReplyStreamer(loaded.tokenizer, reply, prompt_tokens=2, seed=None)
    for token in loaded.tokenizer("a llama  hums", add_special_tokens=False)["input_ids"]:
        streamer.put_token(Token(token))
    reply.put(streamer.last_chunk("stop"))
    assert text_of(reply) == "a llama  hums"


def test_a_long_chat_loses_its_oldest_exchanges_but_not_the_system_prompt(engine):
    messages = [{"role": "system", "content": "Be kind."}]
    for number in range(60):
        messages.append({"role": "user", "content": f"Question {number} about llamas and hills"})
        messages.append({"role": "assistant", "content": f"Answer {number}: they like grass. " * 4})
    messages.append({"role": "user", "content": "And now?"})
    plan = engine.plan(messages, Sampling(max_new_tokens=256))
    assert plan.dropped == tuple(range(len(plan.dropped)))
    assert 0 < len(plan.dropped) < 60
    assert len(plan.ids) + 256 <= 2048
    assert "Be kind." in plan.text
    assert "Question 0 " not in plan.text
    assert len(plan.text.rpartition("And now?")[2]) < 40
    assert sum(plan.counts.values()) == len(plan.ids)


def test_what_cannot_fit_is_refused_with_the_counts(engine):
    messages = [{"role": "user", "content": "llama " * 3000}]
    with pytest.raises(ContextWindowError, match=r"take [\d,]+ tokens .* holds 2,048"):
        engine.plan(messages, GREEDY)


def test_requests_wait_in_line_and_know_their_place(loaded):
    engine = LocalEngine(loaded, slots=1)
    running = ask(engine, LONG)
    next(chunk for chunk in running if chunk.text)
    waiting = [ask(engine, LONG), ask(engine, LONG)]
    assert [next(iter(reply)).queue_position for reply in waiting] == [1, 2]
    waiting[0].cancel()
    assert next(iter(waiting[1])).queue_position == 1
    running.cancel()
    assert next(chunk for chunk in waiting[1] if chunk.text)
    engine.close()


def test_a_full_line_is_refused(loaded):
    engine = LocalEngine(loaded, slots=1, max_waiting=1)
    running = ask(engine, LONG)
    next(chunk for chunk in running if chunk.text)
    waiting = None
    with pytest.raises(EngineError, match="busy"):
        for _ in range(3):
            waiting = ask(engine)
    running.cancel()
    assert last_of(waiting).finish_reason in ("stop", "length")
    engine.close()


def test_a_waiting_request_can_be_stopped_without_its_turn(loaded):
    engine = LocalEngine(loaded, slots=1)
    running, waiting = ask(engine, LONG), ask(engine)
    waiting.cancel()
    assert last_of(waiting).finish_reason == "cancelled"
    running.cancel()
    assert last_of(running).finish_reason == "cancelled"
    engine.close()


def test_stops_at_random_moments_leave_the_engine_clean(engine):
    """Stop before, during and after a reply: every one ends, and the next reply is whole."""
    chance = random.Random(7)
    expected = text_of(ask(engine))
    threads = threading.active_count()
    for _ in range(examples(20)):
        reply = ask(engine, LONG)
        time.sleep(chance.choice([0, chance.random() * 0.3]))
        reply.cancel()
        assert last_of(reply).finish_reason in ("cancelled", "stop", "length")
    assert text_of(ask(engine)) == expected
    assert threading.active_count() == threads


def test_cancel_stops_within_one_token(engine):
    reply = ask(engine, LONG)
    for number, chunk in enumerate(reply):
        if number == 5:
            at_cancel = time.perf_counter()
            reply.cancel()
        if chunk.finish_reason:
            tokens = chunk.stats.reply_tokens
            token_s = 1 / chunk.stats.tokens_per_s
    assert tokens < 100
    assert time.perf_counter() - at_cancel < 20 * token_s + 1


@on_torch
def test_a_fault_in_the_worker_reaches_the_reader(engine, loaded):
    """A real fault inside the forward pass, at any token: an error, never a hang."""
    chance = random.Random(11)
    expected = text_of(ask(engine))
    for _ in range(examples(8)):
        countdown = chance.randrange(1, 20)

        def fail(*_):
            nonlocal countdown
            countdown -= 1
            if countdown == 0:
                raise RuntimeError("forced")

        hook = loaded.model.lm_head.register_forward_pre_hook(fail)
        try:
            with pytest.raises(EngineError, match="incident"):
                list(ask(engine, LONG))
        finally:
            hook.remove()
    assert text_of(ask(engine)) == expected


@on_torch
def test_text_before_a_fault_is_delivered(engine, loaded):
    calls = 0

    def fail(*_):
        nonlocal calls
        calls += 1
        if calls == 10:
            raise RuntimeError("forced")

    hook = loaded.model.lm_head.register_forward_pre_hook(fail)
    text = ""
    try:
        with pytest.raises(EngineError, match="incident"):
            for chunk in ask(engine, LONG):
                text += chunk.text
    finally:
        hook.remove()
    assert text


def test_closing_ends_every_reply_and_the_thread(loaded):
    engine = LocalEngine(loaded)
    replies = [ask(engine, LONG) for _ in range(3)]
    engine.close()
    assert [last_of(reply).finish_reason for reply in replies] == ["cancelled"] * 3
    with pytest.raises(EngineError):
        ask(engine)


def test_a_stop_word_ends_the_reply_before_it(engine):
    whole = text_of(ask(engine))
    word = whole.split()[3]
    sampling = replace(GREEDY, stop=("never said", word))
    chunks = list(ask(engine, sampling))
    assert "".join(chunk.text for chunk in chunks) == whole[: whole.index(word)]
    assert chunks[-1].finish_reason == "stop"


def test_a_cut_reply_goes_on_where_it_was_cut(exact):
    """In two pieces it is the reply that one piece would have been, spaces included."""
    engine = LocalEngine(exact)
    chunks = list(ask(engine))
    whole = "".join(chunk.text for chunk in chunks)
    drawn = tuple(token.id for chunk in chunks for token in chunk.tokens)
    prompt = engine.plan(HELLO, GREEDY).text
    for count in (1, 5, len(drawn) - 1):
        plan = engine.plan(HELLO, GREEDY, PlanOptions(reply_prefix_ids=drawn[:count]))
        assert plan.counts["reply"] == count
        said = plan.text.removeprefix(prompt).removeprefix(" ")
        assert said
        assert (said + text_of(engine.submit(plan, GREEDY))).startswith(whole)
    assert engine.reply_ids(whole) == drawn
    engine.close()


def test_the_engine_says_how_busy_it_is(engine):
    assert engine.load.tokens_per_s == 0
    seen = [engine.load for _ in ask(engine, Sampling(temperature=1, max_new_tokens=60))]
    assert max(load.tokens_per_s for load in seen) > 0
    assert max(load.running for load in seen) == 1


def test_thinking_is_told_apart_where_the_reply_begins_with_it(engine):
    """Also when it had begun before: a reply that goes on knows where it is."""

    def heard(begun):
        options = PlanOptions(reply_prefix_ids=engine.reply_ids(begun))
        sampling = Sampling(temperature=0, max_new_tokens=8)
        last = Chunk()
        for chunk in engine.submit(engine.plan(HELLO, sampling, options), sampling):
            last = last.followed_by(chunk)
        return last

    inside, behind = heard("<think>\nI am"), heard("<think>\nHm\n</think>\n\nI am")
    assert inside.reasoning
    assert not inside.text
    assert inside.stats.thought_tokens == inside.stats.reply_tokens
    assert behind.text
    assert not behind.reasoning
    assert behind.stats.thought_tokens == 0
