"""The engine on another server: real servers, and connections that break on the way to them."""

import asyncio
import json
import socket
import threading
from dataclasses import replace

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.engine import RemoteEngine
from llama_ui.engine.served.faults import TimeLimits
from llama_ui.engine.served.server import RemoteServer
from llama_ui.errors import BusyError, EngineError
from llama_ui.prompt.llama2 import encode_dialog
from llama_ui.prompt.plan import PlanOptions
from tests.engine.served import proxy as faults
from tests.engine.served.proxy import Fault, FaultyProxy, framed
from tests.engine.served.reading import ASK, GREEDY, hear, read
from tests.engine.served.scripted import DONE, event, scripted_server

SHORT = TimeLimits(connect=9, idle=2, total=5, after_end=0.5)


@pytest.fixture
def remote():
    """Starts engines and closes them, however the test ends."""
    engines = []

    def start(url, model="", limits=None, **options):
        engine = RemoteEngine(RemoteServer(url, model), limits=limits or TimeLimits(), **options)
        engines.append(engine)
        return engine

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture
def broken(transformers_serve):
    proxy = FaultyProxy(transformers_serve.port)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def whole(transformers_serve):
    """What the server answers when nothing breaks."""
    engine = RemoteEngine(RemoteServer(transformers_serve.url, transformers_serve.model))
    heard = read(engine)
    engine.close()
    assert heard.fault is None
    return heard.text


def test_transformers_serve_answers(remote, transformers_serve, tokenizer):
    """The model is asked in its own format, and the server's counts are passed on."""
    away = remote(transformers_serve.url, transformers_serve.model)
    ask = [{"role": "user", "content": "What is your name?"}]
    heard = read(away, ask)
    assert heard.fault is None
    assert "Pocket Llama" in heard.text
    assert heard.ending in ("stop", "length")
    assert heard.last.stats.prompt_tokens == len(encode_dialog(ask, tokenizer))
    assert heard.last.stats.reply_tokens > 0
    assert heard.last.stats.tokens_per_s > 0


def test_a_rejected_field_is_left_out_once_and_for_all(remote, transformers_serve, broken):
    """transformers serve answers 422 to top_k."""
    engine = remote(broken.url, transformers_serve.model)
    assert "top_k" in engine.info.supports
    assert read(engine).fault is None
    assert broken.requests == 2
    assert "Unexpected fields" in engine.info.missing["top_k"]
    assert "top_k" not in engine.info.supports
    assert read(engine).fault is None
    assert broken.requests == 3


def test_the_longest_reply_and_stop_words_hold(remote, transformers_serve, whole):
    engine = remote(transformers_serve.url, transformers_serve.model)
    cut = read(engine, sampling=Sampling(temperature=0, max_new_tokens=3))
    assert whole.startswith(cut.text)
    assert cut.ending == "length"
    word = whole.split()[3]
    stopped = read(engine, sampling=replace(GREEDY, stop=(word,)))
    assert stopped.text == whole[: whole.index(word)]
    assert stopped.ending == "stop"


def test_stop_closes_the_request_to_the_server(remote, transformers_serve, broken):
    engine = remote(broken.url, transformers_serve.model)
    long = Sampling(temperature=1.5, max_new_tokens=2000)

    async def stop_at_the_first_word():
        text, reasons = "", []
        reply = engine.submit(engine.plan(ASK, long), long)
        async for chunk in reply:
            text += chunk.text
            reasons.append(chunk.finish_reason)
            if text:
                reply.cancel()
        return text, reasons

    text, reasons = asyncio.run(stop_at_the_first_word())
    assert text
    assert reasons[-1] == "cancelled"
    assert broken.closed.wait(30)
    assert engine.load.running == 0


def test_stop_before_the_first_word_and_long_after_the_last(remote, transformers_serve):
    engine = remote(transformers_serve.url, transformers_serve.model)

    async def stop_at_once():
        reply = engine.submit(engine.plan(ASK, GREEDY), GREEDY)
        reply.cancel()
        return reply, await hear(reply)

    reply, heard = asyncio.run(stop_at_once())
    assert heard.ending == "cancelled"
    reply.cancel()
    assert read(engine).fault is None


def test_stop_comes_from_any_thread(remote, broken):
    engine = remote(broken.url)
    broken.fault = Fault(faults.stall, "", False)

    async def stop_from_elsewhere():
        reply = engine.submit(engine.plan(ASK, GREEDY), GREEDY)
        threading.Timer(0.1, reply.cancel).start()
        return await hear(reply)

    assert asyncio.run(stop_from_elsewhere()).ending == "cancelled"


_OOPS = {"error": {"message": "out of\nmemory", "code": 500}}
FAULTS = {
    "closes before the headers": Fault(faults.close, "connection to the server broke", False),
    "resets before the headers": Fault(faults.reset, "connection to the server broke", False),
    "never answers": Fault(faults.stall, "nothing for 2 seconds", False),
    "closes after the headers": Fault(
        faults.raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        ),
        "connection to the server broke",
        False,
    ),
    "speaks no HTTP": Fault(faults.raw(b"\x00\xff" * 500), "connection to the server broke", False),
    "closes in the middle of a chunk": Fault(
        faults.raw(b"50\r\ndata: {"), "connection to the server broke"
    ),
    "resets in the middle": Fault(faults.reset, "connection to the server broke"),
    "stalls in the middle": Fault(faults.stall, "nothing for 2 seconds"),
    "drips for ever": Fault(faults.drip, "longer than 5 seconds"),
    "breaks the framing": Fault(faults.raw(b"\x93garbage\r\n" * 9), "connection to the server"),
    "ends with half a character": Fault(
        faults.body(b'data: {"choices":[{"delta":{"content":"\xf0\x9f"}}]}\n\n'), "in the middle"
    ),
    "sends half of the JSON": Fault(faults.body(b'data: {"choices":[{"del\n\n'), "cannot be read"),
    "sends other JSON": Fault(faults.body(b'data: {"choices":[[5]]}\n\n'), "cannot be read"),
    "sends a line without an end": Fault(faults.body(b"x" * 1_100_000), "cannot be read"),
    "ends without an end": Fault(faults.body(b"\n"), "in the middle of the reply"),
    "gives up": Fault(
        faults.body(b"data: " + json.dumps(_OOPS).encode() + b"\n\n"), "out of memory"
    ),
    "is a web page": Fault(faults.answer(200, "<html>", "text/html"), "text/html", False),
    "refuses the key": Fault(faults.answer(401, _OOPS), "refuses the key", False),
    "forbids": Fault(faults.answer(403, _OOPS), "refuses the key", False),
    "has no such model": Fault(faults.answer(404, {"detail": "no llama"}), "no llama", False),
    "is busy": Fault(faults.answer(429, "", Retry_After="7"), "Wait 7 seconds", False),
    "fails": Fault(faults.answer(500, _OOPS), "HTTP 500", False),
    "is not there for now": Fault(faults.answer(503, "<b>down</b>"), "HTTP 503", False),
    "finds it too long": Fault(
        faults.answer(400, {"message": "maximum context length is 2048 tokens; max_tokens"}),
        "too long",
        False,
    ),
    "refuses for another reason": Fault(faults.answer(400, {"detail": "no"}), "HTTP 400", False),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_server_that_fails(name, remote):
    """What has arrived stays, one sentence says what happened, and the next try works."""
    fault = FAULTS[name]
    with scripted_server() as script:
        script.headers["Transfer-Encoding"] = "chunked"
        go_on = threading.Event()

        def once(write):
            write(framed(event("Once")))
            go_on.wait(60)
            write(framed(event(finish="stop") + DONE) + framed(b""))

        script.body = once
        broken = FaultyProxy(int(script.url.split(":")[2].removesuffix("/v1")))
        engine = remote(broken.url, limits=SHORT)
        broken.fault = fault
        heard = read(engine)
        assert fault.says in str(heard.fault)
        assert heard.text.rstrip("\ufffd") == ("Once" if fault.needs_reply else "")
        assert engine.load.running == 0
        broken.fault = None
        go_on.set()
        assert read(engine).text == "Once"
        broken.stop()


def test_a_server_that_is_not_there(remote):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        engine = remote(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        heard = read(engine)
    assert not heard.text
    assert "cannot be reached" in str(heard.fault)


def test_no_redirect_is_followed(remote, broken):
    elsewhere = FaultyProxy(1)
    broken.fault = Fault(faults.answer(307, Location=elsewhere.url), "", False)
    heard = read(remote(broken.url))
    elsewhere.stop()
    assert not heard.text
    assert "not followed" in str(heard.fault)
    assert elsewhere.requests == 0


def test_the_end_of_a_reply_is_not_waited_for_twice(remote, broken):
    """A finish reason, then silence: the reply is whole."""
    event = b'data: {"choices":[{"delta":{"content":"\xc3\xa9"},"finish_reason":"stop"}]}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

    def act(proxy, client):
        # In single bytes: characters and lines arrive in pieces.
        for byte in head + event:
            client.sendall(bytes([byte]))
        proxy.hold()

    broken.fault = Fault(act, "", False)
    heard = read(remote(broken.url, limits=SHORT))
    assert (heard.text, heard.ending, heard.fault) == ("é", "stop", None)
    assert heard.last.stats is None


def test_memory_and_reminder_are_applied_here(remote):
    engine = remote("http://127.0.0.1:1/v1")
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "three"},
    ]
    plan = engine.plan(messages, GREEDY, PlanOptions(keep_last=1, reminder="Rhyme!"))
    assert plan.dropped == (0,)
    assert [s.text for s in plan.segments] == [
        "Be kind.",
        "two\n\nRhyme!",
        "2",
        "three\n\nRhyme!",
    ]
    assert plan.ids == []


def test_what_a_server_cannot_tell_is_said_so(remote):
    engine = remote("http://127.0.0.1:1/v1", "some/model")
    assert engine.info.name == "model"
    assert engine.info.context_length is None
    assert not engine.info.supports & {"exact_prompt", "continue", "logprobs"}
    with pytest.raises(EngineError, match="begins every reply anew"):
        engine.reply_ids("so far")


def test_too_many_replies_and_none_after_closing(remote, transformers_serve, broken):
    engine = remote(broken.url, transformers_serve.model, max_open=1)
    broken.fault = Fault(faults.stall, "", False)
    plan = engine.plan(ASK, GREEDY)

    async def ask_twice():
        first = engine.submit(plan, GREEDY)
        with pytest.raises(BusyError):
            engine.submit(plan, GREEDY)
        engine.close()
        return await hear(first)

    assert asyncio.run(ask_twice()).ending == "cancelled"
    with pytest.raises(EngineError, match="shut down"):
        engine.submit(plan, GREEDY)
