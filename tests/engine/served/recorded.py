"""A server that answers as a real one did: its answers were recorded, and go over a real socket.

What was asked in the same words is answered in the same bytes; anything else is 404. To record
again, start the real server afresh and run the tests with its address in LLAMA_UI_TEST_VLLM.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

# A salt for one request alone, which nobody can guess.
_ONCE = re.compile(r'"cache_salt": "[0-9a-f]{32}"')
# What is another in every answer.
_ALWAYS_NEW = re.compile(r'"created":\d+|"id":"(cmpl|modelperm)-\w+"')


@contextmanager
def recorded_server(file: Path, real: str = "") -> Iterator[str]:
    """Runs the server; gives its address.

    Args:
        file: the answers.
        real: the root of a real server, to record it anew.
    """
    answers: dict[str, list[list]] = {} if real else json.loads(file.read_text("utf-8"))
    kept = {key: [*said] for key, said in answers.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(f"GET {self.path}", None)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            body = _ONCE.sub("", json.dumps(json.loads(content), sort_keys=True))
            asked = hashlib.sha256(body.encode()).hexdigest()[:20]
            self._answer(f"POST {self.path} {asked}", content)

        def _answer(self, key: str, content: bytes | None) -> None:
            if real:
                answer = httpx.request(
                    self.command,
                    real + self.path,
                    content=content,
                    headers={"Content-Type": "application/json"},
                    timeout=60,
                )
                text = _ALWAYS_NEW.sub(lambda found: f"{found[0].split(':')[0]}:0", answer.text)
                said = [answer.status_code, answer.headers["content-type"], text]
                if said not in kept.setdefault(key, []):
                    kept[key].append(said)
            elif key in kept:
                # Asked again, it may have said something else.
                said = kept[key].pop(0) if len(kept[key]) > 1 else kept[key][0]
            else:
                said = [404, "application/json", '{"error": "nothing was recorded for this"}']
            status, kind, text = said
            with suppress(OSError):  # the client may have had enough
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        if real:
            file.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n", "utf-8")
