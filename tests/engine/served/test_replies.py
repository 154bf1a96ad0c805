"""Replies as servers send them, through the whole engine: what arrived of one always stays."""

import asyncio
import json

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served import engine as module
from llama_ui.engine.served.engine import RemoteEngine
from llama_ui.engine.served.faults import TimeLimits
from llama_ui.engine.served.server import RemoteServer
from llama_ui.errors import ContextWindowError
from tests.engine.served.reading import ASK, read
from tests.engine.served.scripted import DONE, data, event, scripted_server

LONG = "prompt is too long"
BRIEF = TimeLimits(connect=9, idle=60, total=60, after_end=0.5)


@pytest.fixture
def script():
    with scripted_server() as script:
        yield script


@pytest.fixture
def ask(script):
    """Asks, and gives what came of it for these pieces."""

    def ask(*pieces, **options):
        script.body = pieces
        return read(engine, sampling=Sampling(max_new_tokens=50, **options))

    engine = RemoteEngine(RemoteServer(script.url, "m"), limits=BRIEF)
    yield ask
    engine.close()


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (
            [
                b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n',
                b'data: {"choices":[{"delta":{"content":"\\ude00b"}}]}\n\n',
            ],
            "a😀b",
        ),
        (
            [
                b'data: {"choices":[{"delta":{"content":"a\xf0\x9f"}}]}\n\n',
                b'data: {"choices":[{"delta":{"content":"\x98\x80b"}}]}\n\n',
            ],
            "a😀b",
        ),
        ([b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n'], "a\ufffd"),
        ([b"\xef\xbb\xbf" + event("Hel"), event("lo")], "Hello"),
        ([event("Hel").rstrip() + b"\n", event("lo").rstrip() + b"\n"], "Hello"),
        ([event("Hel").replace(b"\n", b"\r\n"), event("lo").replace(b"\n", b"\r")], "Hello"),
        ([event("Hel"), b": alive\n\n", b"event: ping\ndata: {}\n\n", event("lo")], "Hello"),
        ([event([{"type": "text", "text": "Hello"}])], "Hello"),
        ([event("x" * 150_000), event("y" * 150_000)], "x" * 150_000 + "y" * 150_000),
        ([event("Hel", finish="stop"), event("lo")], "Hello"),
        ([event("Hel", finish=""), event("lo")], "Hello"),
    ],
)
def test_a_reply_is_read_to_the_end_of_its_stream(ask, pieces, text):
    heard = ask(*pieces, event(finish="stop"), DONE)
    assert (heard.text, heard.ending, heard.fault) == (text, "stop", None)


@pytest.mark.parametrize("end", [[event(finish="stop")], [DONE], [event(finish="stop"), DONE[:-2]]])
def test_every_way_to_end(ask, end):
    heard = ask(event("Hello"), *end)
    assert (heard.text, heard.ending, heard.fault) == ("Hello", "stop", None)


def test_what_breaks_behind_the_end_of_a_reply_breaks_nothing(ask):
    for rest in (b"data: {nonsense}\n\n", b"x" * 1_200_000):
        heard = ask(event("Hello"), event(finish="length"), rest)
        assert (heard.text, heard.ending, heard.fault) == ("Hello", "length", None)


def test_a_reply_that_is_not_streamed_is_one_all_the_same(ask, script):
    script.headers["Content-Type"] = "application/json"
    whole = {
        "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    heard = ask(json.dumps(whole).encode())
    assert (heard.text, heard.ending) == ("Hello", "stop")
    assert heard.last.stats.prompt_tokens == 3
    assert LONG in str(ask(json.dumps({"error": {"message": LONG}}).encode()).fault)


def test_counts_of_nothing_are_no_counts(ask):
    usage = data({"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}})
    heard = ask(event("Hello"), event(finish="stop"), usage, DONE)
    assert (heard.text, heard.ending, heard.last.stats) == ("Hello", "stop", None)


def test_one_token_is_no_negative_speed(ask):
    usage = data({"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 1}})
    assert ask(event("Hello"), event(finish="stop"), usage, DONE).last.stats.tokens_per_s == 0


@pytest.mark.parametrize(
    "fault",
    [
        data({"object": "error", "message": LONG, "code": 400}),
        b'error: {"code":400,"message":"prompt is too long"}\n\n',
        b'event: error\ndata: {"message":"prompt is too long"}\n\n',
        b"event: error\ndata: prompt is too long\n\n",
        b'{"error": {"message": "prompt is too long"}}\n',
        data({"error": {"message": LONG}}),
        data({"detail": LONG}),
    ],
)
@pytest.mark.parametrize("before", [[], [event("Hel")], [event(role="assistant", content="")]])
@pytest.mark.parametrize("end", [[], [DONE]])
def test_a_fault_is_told_in_the_servers_words(ask, before, fault, end):
    heard = ask(*before, fault, *end)
    assert isinstance(heard.fault, ContextWindowError)
    assert LONG in str(heard.fault)
    assert heard.text == ("Hel" if b"Hel" in b"".join(before) else "")


def test_what_stands_outside_the_stream_says_why_it_broke(ask):
    heard = ask(event("Hel"), b"Internal Server Error: out of memory\n")
    assert heard.text == "Hel"
    assert "out of memory" in str(heard.fault)


@pytest.mark.parametrize(
    ("reason", "says"), [("content_filter", "content filter"), ("error", "early (error)")]
)
def test_an_end_that_is_no_normal_one_keeps_what_arrived(ask, reason, says):
    heard = ask(event("Hel"), event("lo\ud83d"), event(finish=reason), DONE)
    assert heard.text == "Hello\ufffd"
    assert says in str(heard.fault)


def test_text_held_back_for_a_stop_word_is_passed_on_when_the_server_breaks_off(ask):
    heard = ask(event("One EN"), stop=("END",))
    assert heard.text == "One EN"
    assert "broke off" in str(heard.fault)
    assert ask(event("One EN"), event("D two"), DONE, stop=("END",)).text == "One "


def test_thinking_arrives_as_what_it_is(ask):
    heard = ask(
        event(reasoning_content="I th"),
        event(reasoning_content="ink"),
        event("So."),
        event(finish="stop"),
        DONE,
    )
    assert (heard.reasoning, heard.text, heard.ending) == ("I think", "So.", "stop")


@pytest.mark.parametrize(
    ("reason", "says"), [("length", "50 tokens were used up"), ("stop", "ended")]
)
def test_a_reply_of_thinking_alone_says_so(ask, reason, says):
    heard = ask(event(reasoning="I think"), event("\n"), event(finish=reason), DONE)
    assert heard.reasoning == "I think"
    assert says in str(heard.fault)


def test_stop_keeps_what_has_arrived(script):
    """Half a character and the beginning of a stop word included."""
    engine = RemoteEngine(RemoteServer(script.url, "m"))
    sampling = Sampling(stop=("END",))

    def endless(write):
        write(event("One\ud83d") + event(" EN"))
        while True:
            write(b": alive\n")

    script.body = endless

    async def stop():
        reply, text = engine.submit(engine.plan(ASK, sampling), sampling), ""
        async for chunk in reply:
            text += chunk.text
            if text:
                reply.cancel()
        return text, chunk.finish_reason

    assert asyncio.run(stop()) == ("One\ufffd EN", "cancelled")


def test_a_reply_that_does_not_end_is_given_up(ask):
    piece = event("x" * 100_000)
    heard = ask(*[piece] * (module.MAX_REPLY_CHARS // 100_000 + 5))
    assert module.MAX_REPLY_CHARS <= len(heard.text) <= module.MAX_REPLY_CHARS + 200_000
    assert "more than" in str(heard.fault)
