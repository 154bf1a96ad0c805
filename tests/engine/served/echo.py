"""A small server that speaks OpenAI's protocol and says what it was told, in small pieces."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SIZES = (1, 2, 3, 5, 7, 11)  # characters of the pieces, in turn


@contextmanager
def echo_server(rejected: str = "") -> Iterator[str]:
    """Runs the server; gives its address.

    Args:
        rejected: a field that it answers with 400.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"data": [{"id": "echo"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if rejected in body:
                self._answer(400, {"error": {"message": f"Unknown parameter: {rejected}"}})
                return
            self._head(200, "text/event-stream")
            for piece in pieces(body["messages"][-1]["content"]):
                self._event({"choices": [{"delta": {"content": piece}}]})
            self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, event: object) -> None:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

        def _answer(self, status: int, content: object) -> None:
            self._head(status, "application/json")
            self.wfile.write(json.dumps(content).encode())

        def _head(self, status: int, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of changing sizes."""
    sizes = itertools.cycle(SIZES)
    at = 0
    while at < len(text):
        size = next(sizes)
        yield text[at : at + size]
        at += size
