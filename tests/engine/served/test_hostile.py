"""A server that means harm: sizes without a limit, text that is more than text."""

import gzip
import json
import tracemalloc
from contextlib import contextmanager

import pytest

from llama_ui.engine.served.engine import RemoteEngine
from llama_ui.engine.served.faults import TimeLimits
from llama_ui.engine.served.server import MAX_LISTING_BYTES, RemoteServer, find_server
from llama_ui.errors import ModelError
from tests.engine.served.reading import read
from tests.engine.served.scripted import data, event, scripted_server

LIMITS = TimeLimits(connect=9, idle=60, total=60, after_end=0.5)
MOST_MEMORY = 60_000_000
EVIL = "[click](https://evil.example) <b onclick=x>\x1b[31m\u202e\0 top_k"


@pytest.fixture
def script():
    with scripted_server() as script:
        yield script


@contextmanager
def little_memory():
    """What happens inside takes no more than MOST_MEMORY at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def bomb(content):
    """Half a gigabyte behind half a megabyte."""
    packer = gzip.GzipFile(fileobj=(packed := _Collect()), mode="wb", compresslevel=9)
    packer.write(content)
    for _ in range(500):
        packer.write(b" " * 1_000_000)
    packer.close()
    return bytes(packed.data)


class _Collect:
    def __init__(self):
        self.data = bytearray()

    def write(self, piece):
        self.data += piece
        return len(piece)

    def flush(self):
        pass


def forever(piece):
    def body(write):
        while True:
            write(piece)

    return body


BOMB = bomb(b'{"data": [{"id": "a"}]}')
GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "GZIP"])
def test_nothing_is_decompressed(script, name):
    encoding = {"Content-Encoding": name}
    script.gets = {"/v1/models": (200, BOMB, encoding)}
    script.headers, script.body = {"Content-Type": "text/event-stream", **encoding}, [BOMB]
    engine = RemoteEngine(RemoteServer(script.url, "m"), limits=LIMITS)
    with little_memory():
        with pytest.raises(ModelError):
            find_server(script.url)
        assert "cannot be read" in str(read(engine).fault)
        script.status = 400
        assert "cannot be read" in str(read(engine).fault)


@pytest.mark.parametrize(
    "listing",
    [
        b'{"data": [' + b"[]," * 2_000_000,
        b"[" * MAX_LISTING_BYTES,
        b'{"a":' * (MAX_LISTING_BYTES // 5),
        b'{"data": [{"id": "' + b"x" * MAX_LISTING_BYTES,
        b"\xff" * 10_000_000,
    ],
    ids=["wide", "deep", "deep objects", "a name", "no text"],
)
def test_a_list_of_models_without_measure(script, listing):
    script.gets = {"/v1/models": (200, listing, {})}
    with little_memory(), pytest.raises(ModelError, match="names no model"):
        find_server(script.url)


@pytest.mark.parametrize(
    "piece",
    [b"data: x\n" * 1000, b"data:" + b"x" * 8000, b"x" * 8000, data([[]] * 2000)],
    ids=["lines", "an event", "a line", "events"],
)
def test_streams_without_measure(script, piece):
    script.body = forever(piece)
    engine = RemoteEngine(RemoteServer(script.url, "m"), limits=LIMITS)
    with little_memory():
        assert "cannot be read" in str(read(engine).fault)


@pytest.mark.parametrize("piece", [b": alive\n" * 10_000, b"x" * 80_000 + b"\n"])
def test_streams_without_events(script, piece):
    script.body = forever(piece)
    engine = RemoteEngine(RemoteServer(script.url, "m"), limits=LIMITS)
    assert "cannot be read" in str(read(engine).fault)


@pytest.mark.parametrize("body", ["[" * 900_000, '{"choices":' * 90_000, '{"choices": [' * 70_000])
def test_json_that_is_nested_without_end(script, body):
    script.body = [event("Hel"), f"data: {body}\n\n".encode()]
    heard = read(RemoteEngine(RemoteServer(script.url, "m"), limits=LIMITS))
    assert heard.text == "Hel"
    assert "cannot be read" in str(heard.fault)


def test_headers_without_end(script):
    script.headers = {f"X-{number}": "x" * 1000 for number in range(1000)}
    engine = RemoteEngine(RemoteServer(script.url, "m"), limits=LIMITS)
    assert "connection to the server broke" in str(read(engine).fault)


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
def test_what_a_server_says_is_a_line_of_text(script, status):
    script.status = status
    script.body = [json.dumps({"error": {"message": f"{EVIL} {'x' * 100_000}"}}).encode()]
    script.headers["Retry-After"] = EVIL.encode("ascii", "ignore").decode().replace("\0", "")
    engine = RemoteEngine(RemoteServer(script.url, "m" + EVIL), limits=LIMITS)
    fault = read(engine).fault
    for said in (str(fault), engine.info.name, *engine.info.missing.values()):
        assert said.isprintable()
        assert len(said) < 600
    assert ("top_k" in engine.info.missing) == (status in (400, 422))


def test_nothing_that_a_server_says_is_logged(script, caplog):
    caplog.set_level(0)
    engine = RemoteEngine(RemoteServer(script.url, "m", key="the-key"), limits=LIMITS)
    for status, body in (
        (422, b"forged top_k\nERROR x"),
        (200, b"forged\n"),
        (200, data("forged")),
    ):
        script.status, script.body = status, [body]
        read(engine)
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("llama_ui")]
    assert ours
    assert not any("forged" in message or "the-key" in message for message in ours)
