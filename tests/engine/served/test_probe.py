"""Options that a server takes and ignores are found out, and said."""

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread

import httpx
import pytest

from llama_ui.engine.served.probe import ignored_options
from llama_ui.engine.served.server import RemoteServer

CALM = {"top_p": 0.05, "top_k": 1, "min_p": 1.0}


@contextmanager
def server(known, refused=()):
    """Answers in a way that depends on the fields that it knows, and refuses some."""
    draws = count()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = 400 if {*refused} & {*body} else 200
            is_hot = body["temperature"] > 0 and "temperature" in known
            is_calm = any(body.get(name) == at for name, at in CALM.items() if name in known)
            seed = body.get("seed") if "seed" in known else next(draws)
            text = f"wild {seed}" if is_hot and not is_calm else "calm"
            answer = {"choices": [{"message": {"content": text}, "finish_reason": "length"}]}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer if status == 200 else {"error": "no"}).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield RemoteServer(f"http://127.0.0.1:{running.server_port}/v1", "m")
    finally:
        running.shutdown()
        running.server_close()


ALL = {"temperature", "seed", *CALM}


@pytest.mark.parametrize(
    ("known", "refused", "ignored"),
    [
        (ALL, (), set()),
        (ALL - {"top_k", "min_p"}, (), {"top_k", "min_p", "repetition_penalty"}),
        (ALL - {"top_k"}, ("top_k",), set()),  # refused is not ignored
        (ALL - {"temperature"}, (), ALL),
        (ALL - {"seed"}, (), {"seed"}),
        (ALL, ("seed",), set()),
    ],
)
def test_what_is_ignored_is_known(known, refused, ignored):
    with server(known, refused) as remote:
        assert {*ignored_options(remote)} == ignored


def test_our_own_api_ignores_nothing(app):
    while httpx.get(f"{app.url}/ready", timeout=60).status_code != 200:
        time.sleep(0.1)
    assert ignored_options(RemoteServer(f"{app.url}/v1", "any")) == {}
