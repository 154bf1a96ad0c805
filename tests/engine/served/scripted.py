"""A server that sends exactly the bytes that a test gives it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

DONE = b"data: [DONE]\n\n"
Body = Sequence[bytes] | Callable[[Callable[[bytes], object]], object]


class Script:
    """What the server answers to a POST; a test changes it as it likes.

    Attributes:
        body: the pieces of the answer, or what writes them; the connection is closed behind it.
        bodies: what was asked, as JSON, oldest first.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.status, self.headers = 200, {"Content-Type": "text/event-stream"}
        self.body: Body = (DONE,)
        self.gets: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.bodies: list[dict[str, object]] = []


@contextmanager
def scripted_server() -> Iterator[Script]:
    """Runs the server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, headers = script.gets.get(self.path, (404, b"{}", {}))
            self._answer(status, headers, (body,))

        def do_POST(self) -> None:
            script.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(script.status, script.headers, script.body)

        def _answer(self, status: int, headers: dict[str, str], body: Body) -> None:
            self.send_response(status)
            for name, value in {"Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            # The client may have had enough.
            with suppress(OSError):
                if callable(body):
                    body(self.wfile.write)
                else:
                    for piece in body:
                        self.wfile.write(piece)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    script = Script(f"http://127.0.0.1:{server.server_port}/v1")
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


def event(content: object = None, finish: str | None = None, **delta: object) -> bytes:
    """One event of a streamed chat completion."""
    whole = delta if content is None else {"content": content, **delta}
    choice = {"index": 0, "delta": whole, "finish_reason": finish}
    return data({"choices": [choice]})


def data(content: object) -> bytes:
    """Any JSON as one event."""
    return b"data: " + json.dumps(content).encode() + b"\n\n"
