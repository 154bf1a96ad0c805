"""A TCP proxy in front of a real server that breaks what passes through it."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable

_END = b"\r\n\r\n"


class FaultyProxy:
    """Forwards each connection to the server, as the chosen fault lets it.

    Attributes:
        fault: what happens to the next connections; None forwards them whole.
        requests: how many have come.
        closed: set when a client has hung up before its reply was whole.
    """

    def __init__(self, port: int) -> None:
        self._upstream = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        self.fault: Fault | None = None
        self.requests = 0
        self.closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        self._stop.set()
        self._listener.close()

    def hold(self) -> None:
        """Keep a connection open, until the test is over."""
        self._stop.wait(60)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = _read_request(client)
            self.requests += 1
            fault = self.fault
            if fault is not None and not fault.needs_reply:
                fault.act(self, client)
                return
            with socket.create_connection(self._upstream) as upstream:
                upstream.sendall(request)
                self._forward(upstream, client, fault)

    def _forward(
        self, upstream: socket.socket, client: socket.socket, fault: "Fault | None"
    ) -> None:
        sent = b""
        while piece := upstream.recv(4096):
            try:
                client.sendall(piece)
            except OSError:
                self.closed.set()
                raise
            sent += piece
            # The first words have passed: now it breaks.
            if fault is not None and b'"content":' in sent:
                fault.act(self, client)
                return
            if _has_hung_up(client):
                self.closed.set()
                return


class Fault:
    """What happens to a connection.

    Args:
        act: does it.
        says: part of the sentence that the reader gets.
        needs_reply: whether it happens after the first words of the reply, or in its stead.
    """

    def __init__(
        self, act: Callable[[FaultyProxy, socket.socket], None], says: str, needs_reply: bool = True
    ) -> None:
        self.act, self.says, self.needs_reply = act, says, needs_reply


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while _END not in data:
        data += client.recv(65536)
    head, _, body = data.partition(_END)
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += client.recv(65536)
    # The server is to close the connection after its answer: the proxy forwards no second one.
    return head.replace(b"Connection: keep-alive", b"Connection: close") + _END + body


def _has_hung_up(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        client.setblocking(True)


def close(proxy: FaultyProxy, client: socket.socket) -> None:
    """The server goes away."""


def reset(proxy: FaultyProxy, client: socket.socket) -> None:
    """The connection is torn down (RST)."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def stall(proxy: FaultyProxy, client: socket.socket) -> None:
    """Nothing comes any more, and nothing is closed."""
    proxy.hold()


def drip(proxy: FaultyProxy, client: socket.socket) -> None:
    """Bytes that keep the connection alive and never become an event."""
    while True:
        client.sendall(framed(b":"))
        time.sleep(0.05)


def raw(data: bytes) -> Callable[[FaultyProxy, socket.socket], None]:
    """Bytes outside any framing."""

    def act(proxy: FaultyProxy, client: socket.socket) -> None:
        client.sendall(data)

    return act


def body(data: bytes) -> Callable[[FaultyProxy, socket.socket], None]:
    """A well-framed piece of the stream, and then its regular end."""
    return raw(framed(data) + b"0\r\n\r\n")


def answer(
    status: int, text: object = "", kind: str = "application/json", **headers: str
) -> Callable[[FaultyProxy, socket.socket], None]:
    """A whole answer in the place of the server's."""
    content = (text if isinstance(text, str) else json.dumps(text)).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return raw("\r\n".join(lines).encode() + _END + content)


def framed(data: bytes) -> bytes:
    """The data in the framing of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
