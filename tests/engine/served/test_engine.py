"""The engine on another server: real servers, and connections that break on the way to them."""

import json
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.engine import RemoteEngine
from llama_ui.engine.served.faults import TimeLimits
from llama_ui.engine.served.server import RemoteServer, find_server
from llama_ui.errors import EngineError, ModelError
from llama_ui.prompt.llama2 import encode_dialog
from llama_ui.prompt.plan import PlanOptions
from llama_ui.settings import ROOT
from tests.engine.served import proxy as faults
from tests.engine.served.proxy import Fault, FaultyProxy

ASK = [{"role": "user", "content": "Tell me a tiny story."}]
# Short: the servers under test are slow ones.
GREEDY = Sampling(temperature=0, max_new_tokens=8)
SHORT = TimeLimits(connect=2, idle=1, total=2)


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
    text, _, fault = read(engine)
    engine.close()
    assert fault is None
    return text


def read(engine, messages=ASK, sampling=GREEDY, options=None):
    """The text, the last chunk, and the fault of a reply."""
    text, last = "", None
    try:
        for chunk in engine.submit(
            engine.plan(messages, sampling, options or PlanOptions()), sampling
        ):
            text, last = text + chunk.text, chunk
    except EngineError as fault:
        return text, last, fault
    return text, last, None


def test_transformers_serve_answers(remote, transformers_serve, tokenizer):
    """The model is asked in its own format, and the server's counts are passed on."""
    away = remote(transformers_serve.url, transformers_serve.model)
    ask = [{"role": "user", "content": "What is your name?"}]
    text, last, fault = read(away, ask)
    assert fault is None
    assert "Pocket Llama" in text
    assert last.finish_reason in ("stop", "length")
    assert last.stats.prompt_tokens == len(encode_dialog(ask, tokenizer))
    assert last.stats.reply_tokens > 0
    assert last.stats.tokens_per_s > 0


def test_a_rejected_field_is_left_out_once_and_for_all(remote, transformers_serve, broken):
    """transformers serve answers 422 to top_k."""
    engine = remote(broken.url, transformers_serve.model)
    assert "top_k" in engine.info.supports
    assert read(engine)[2] is None
    assert broken.requests == 2
    assert "Unexpected fields" in engine.info.missing["top_k"]
    assert "top_k" not in engine.info.supports
    assert read(engine)[2] is None
    assert broken.requests == 3


def test_the_longest_reply_and_stop_words_hold(remote, transformers_serve, whole):
    engine = remote(transformers_serve.url, transformers_serve.model)
    cut, last, _ = read(engine, sampling=Sampling(temperature=0, max_new_tokens=3))
    assert whole.startswith(cut)
    assert last.finish_reason == "length"
    word = whole.split()[3]
    stopped, last, _ = read(engine, sampling=replace(GREEDY, stop=(word,)))
    assert stopped == whole[: whole.index(word)]
    assert last.finish_reason == "stop"


def test_stop_closes_the_request_to_the_server(remote, transformers_serve, broken):
    engine = remote(broken.url, transformers_serve.model)
    long = Sampling(temperature=1.5, max_new_tokens=2000)
    reply = engine.submit(engine.plan(ASK, long), long)
    text, reasons = "", []
    for chunk in reply:
        text += chunk.text
        reasons.append(chunk.finish_reason)
        if text:
            reply.cancel()
    assert text
    assert reasons[-1] == "cancelled"
    assert broken.closed.wait(30)
    assert engine.load.running == 0


def test_stop_before_the_first_word_and_long_after_the_last(remote, transformers_serve):
    engine = remote(transformers_serve.url, transformers_serve.model)
    reply = engine.submit(engine.plan(ASK, GREEDY), GREEDY)
    reply.cancel()
    assert [chunk.finish_reason for chunk in reply][-1] == "cancelled"
    reply.cancel()
    assert read(engine)[2] is None


_OOPS = {"error": {"message": "out of\nmemory", "code": 500}}
FAULTS = {
    "closes before the headers": Fault(faults.close, "connection to the server broke", False),
    "resets before the headers": Fault(faults.reset, "connection to the server broke", False),
    "never answers": Fault(faults.stall, "nothing for 1 seconds", False),
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
    "stalls in the middle": Fault(faults.stall, "nothing for 1 seconds"),
    "drips for ever": Fault(faults.drip, "longer than 2 seconds"),
    "breaks the framing": Fault(faults.raw(b"\x93garbage\r\n" * 9), "connection to the server"),
    "sends half a character": Fault(
        faults.body(b'data: {"choices":[{"delta":{"content":"\xf0\x9f"}}]}\n\n'), "cannot be read"
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
def test_a_server_that_fails(name, remote, transformers_serve, broken, whole):
    """What has arrived stays, one sentence says what happened, and the next try works."""
    fault = FAULTS[name]
    engine = remote(broken.url, transformers_serve.model, SHORT)
    broken.fault = fault
    text, _, said = read(engine)
    assert fault.says in str(said)
    assert bool(text) == fault.needs_reply
    assert whole.startswith(text)
    assert engine.load.running == 0
    broken.fault = None
    assert read(remote(broken.url, transformers_serve.model))[0] == whole


def test_a_server_that_is_not_there(remote):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        engine = remote(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        text, _, said = read(engine)
    assert not text
    assert "cannot be reached" in str(said)


def test_no_redirect_is_followed(remote, broken):
    elsewhere = FaultyProxy(1)
    broken.fault = Fault(faults.answer(307, Location=elsewhere.url), "", False)
    text, _, said = read(remote(broken.url))
    elsewhere.stop()
    assert not text
    assert "not followed" in str(said)
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
    text, last, said = read(remote(broken.url))
    assert (text, last.finish_reason, said) == ("é", "stop", None)
    assert last.stats is None


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
    first = engine.submit(plan, GREEDY)
    with pytest.raises(EngineError, match="busy"):
        engine.submit(plan, GREEDY)
    engine.close()
    assert [chunk.finish_reason for chunk in first] == ["cancelled"]
    with pytest.raises(EngineError, match="shut down"):
        engine.submit(plan, GREEDY)


class _Listing(BaseHTTPRequestHandler):
    """Answers GET from a table, each path from its list in order, the last again and again."""

    table: dict[str, list[tuple[int, object]]] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        answers = self.table.get(self.path, [(404, {})])
        status, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def listing():
    server = HTTPServer(("127.0.0.1", 0), _Listing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


VLLM = {"data": [{"id": "a", "max_model_len": 4096}, {"id": "b", "max_model_len": 512}]}
PLAIN = {"data": [{"id": "a"}]}


@pytest.mark.parametrize(
    ("table", "model", "found"),
    [
        ({"/v1/models": [(200, VLLM)]}, None, ("a", 4096)),
        ({"/v1/models": [(200, VLLM)]}, "b", ("b", 512)),
        ({"/v1/models": [(503, {}), (200, PLAIN)]}, None, ("a", None)),
        (
            {
                "/v1/models": [(200, PLAIN)],
                "/props": [(200, {"default_generation_settings": {"n_ctx": 1024}})],
            },
            None,
            ("a", 1024),
        ),
        (
            {"/v1/models": [(200, PLAIN)], "/info": [(200, {"max_total_tokens": 2048})]},
            None,
            ("a", 2048),
        ),
        ({"/v1/models": [(500, {})]}, "mine", ("mine", None)),
        ({"/v1/models": [(200, {"data": "x"})], "/props": [(200, [])]}, "mine", ("mine", None)),
    ],
)
def test_a_server_is_asked_what_it_is(listing, table, model, found):
    _Listing.table = table
    server = find_server(f"{listing}/", model)
    assert (server.model, server.context_length) == found
    assert server.address == listing


def test_with_a_server_no_model_is_loaded_here(listing):
    """The whole application, in a process of its own, never imports torch."""
    _Listing.table = {"/v1/models": [(200, VLLM)]}
    code = (
        "import sys, app; from llama_ui.settings import Settings; import llama_ui.web.server;"
        f"engine = app.remote_engine(Settings(server={listing!r}), print);"
        "print(engine.info.context_length, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    length, *modules = done.stdout.split()
    assert length == "4096"
    assert not {"torch", "transformers", "bitsandbytes"} & {*modules}


@pytest.mark.parametrize(
    ("answer", "says"), [((401, {}), "key"), ((302, {}), "not followed"), ((404, {}), "no model")]
)
def test_what_waiting_does_not_mend_is_said_at_once(listing, answer, says):
    _Listing.table = {"/v1/models": [answer]}
    with pytest.raises(ModelError, match=says):
        find_server(listing)
