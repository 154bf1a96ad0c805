"""Connections that never finish: real sockets against the real server."""

import socket
import time

import httpx
import pytest

from llama_ui.web.access.connections import BODY_S, HEAD_S, RESERVE, Room
from tests.sizes import examples

COUNT = examples(300)


@pytest.fixture(scope="module")
def own(start_app):
    # No model is needed, and none is there.
    app = start_app("--server", "http://127.0.0.1:1/v1")
    while "is open at" not in app.log():  # from then on connections have limits
        time.sleep(0.1)
    return app


def connected(url: str, text: bytes) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), 30)
    line.sendall(text)
    return line


POST = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{"
UNFINISHED = {
    "no word": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
    "half a body": (POST % "/gradio_api/queue/join").encode(),
    "refused, and goes on": (POST % "/nothing").encode(),
    "unread answers": b"GET /config HTTP/1.1\r\nHost: x\r\n\r\nGET /c",
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_what_never_ends_is_ended(own, kind):
    lines = [connected(own.url, UNFINISHED[kind]) for _ in range(COUNT)]
    for _ in range(5):
        assert httpx.get(f"{own.url}/health", timeout=20).status_code == 200
    # The server closes each; a timeout of the test itself says that it does not.
    for line in lines:
        line.settimeout(HEAD_S + BODY_S + 30)
        try:
            while line.recv(65536):
                pass
        except ConnectionResetError:
            pass
        line.close()


def test_one_byte_at_a_time_is_no_way_around(own):
    line = connected(
        own.url, b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"
    )
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        for _ in range(200):
            line.sendall(b" ")
            time.sleep(0.5)


class Line:
    """What a room knows of a connection."""

    def __init__(self, is_waiting: bool) -> None:
        self.is_waiting = is_waiting
        self.transport = self
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def test_whoever_waits_longest_gives_way():
    room = Room(most=4, most_of_one=2)
    first, second, third = Line(True), Line(True), Line(False)
    assert all(room.enter(line, "10.0.0.1") for line in (first, second, third))
    assert (first.is_aborted, second.is_aborted) == (True, False)
    busy = [Line(False) for _ in range(2)]
    assert all(room.enter(line, f"10.0.0.{n}") for n, line in enumerate(busy, 2))
    assert room.enter(Line(False), "10.0.0.9")
    assert second.is_aborted


def test_of_one_address_so_many_and_of_all_so_many():
    room = Room(most=4, most_of_one=2, is_shared=lambda address: address == "10.0.0.1")
    assert [room.enter(Line(False), "::ffff:10.0.0.2") for _ in range(2)] == [True, True]
    assert not room.enter(Line(False), "10.0.0.2")
    assert [room.enter(Line(False), "10.0.0.1") for _ in range(3)] == [True, True, False]


def test_the_reserve_has_an_end_and_is_given_back():
    room = Room(most=1)
    kept, late = Line(False), Line(False)
    assert room.enter(kept, "10.0.0.1")
    for _ in range(RESERVE):
        assert not room.enter(Line(False), "10.0.0.2")
    room.enter(late, "10.0.0.2")
    assert late.is_aborted
    room.leave(kept)
    assert room.enter(Line(False), "10.0.0.3")
