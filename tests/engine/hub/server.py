"""A small Hugging Face Hub on this machine: enough of its protocol for huggingface_hub 2.4.

Large files are redirected to another host (localhost instead of 127.0.0.1), as the real one sends
them to its content network; the answers to those without access are the real ones, word for word.
"""

import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

BLOCK = 16 * 1024
LARGE = (".safetensors", ".model", ".bin", ".gguf")

GRANTED, NEW, PENDING, REFUSED, SCOPED = (
    f"hf_{name}SecretSecretSecret" for name in ("granted", "new", "pending", "refused", "scoped")
)
ACCOUNTS = (GRANTED, NEW, PENDING, REFUSED, SCOPED)


@dataclass
class Repo:
    """A model on the Hub, or a dataset (its name is datasets/...), and what is wrong with it.

    Args:
        files: content by path.
        gated: only GRANTED may read the files.
        disabled: by the Hub.
        status: answer every request with this error.
        headers: of that error.
        file_status: answer the requests for large files with it instead.
        stalls: never answer.
        flips: change a byte in each large file.
        shorter: leave so many bytes of each large file out.
        cuts: break the connection after so many bytes, so often.
        rate: bytes a second of one large file; 0 is as fast as it goes.
        lost: files that are listed but not there.
        claimed: size in bytes that the listing gives to each large file.
    """

    files: Mapping[str, bytes]
    gated: bool = False
    disabled: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    file_status: int = 0
    stalls: bool = False
    flips: bool = False
    shorter: int = 0
    cuts: int = 0
    rate: int = 0
    lost: tuple[str, ...] = ()
    claimed: int = 0

    @property
    def commit(self) -> str:
        ids = [listed(path, content)["blobId"] for path, content in sorted(self.files.items())]
        return hashlib.sha1(" ".join(ids).encode()).hexdigest()

    def info(self, name: str) -> dict[str, Any]:
        files = [{**listed(path, content)} for path, content in sorted(self.files.items())]
        for entry in files:
            if self.claimed and "lfs" in entry:
                entry["size"] = self.claimed
        return {"id": name, "sha": self.commit, "gated": "manual" * self.gated, "siblings": files}

    def tree(self) -> list[dict[str, Any]]:
        """The answer to `GET /api/models/.../tree/...?recursive=true`."""
        entries = []
        for file in self.info("")["siblings"]:
            entry = {"type": "file", "path": file["rfilename"], "oid": file["blobId"]}
            entry["size"] = file["size"]
            if "lfs" in file:
                entry["lfs"] = {**file["lfs"], "oid": file["lfs"]["sha256"]}
            entries.append(entry)
        return entries


@cache
def listed(path: str, content: bytes) -> dict[str, Any]:
    """The entry of a file in the answer to `GET /api/models/...?blobs=true`."""
    git_id = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": git_id}
    if path.endswith(LARGE):
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 134}
    return entry


class Hub(ThreadingHTTPServer):
    """Serves repositories by name; `requests` is what it was asked, `tokens` what came along."""

    daemon_threads = True

    def __init__(self, repos: Mapping[str, Repo]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = dict(repos)
        self.requests: list[str] = []
        self.sent = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(repos: Mapping[str, Repo]) -> Iterator[Hub]:
    """A hub that runs while the block does."""
    with Hub(repos) as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        yield hub
        hub.closing.set()
        hub.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None: ...

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.server.requests.append(f"{self.command} {path}")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if path.startswith("cdn/"):
            # The real one's signed addresses refuse a second kind of authorisation.
            name, _, file = path.removeprefix("cdn/").partition("/-/")
            status = 400 if token else self.server.repos[name].file_status
            self._refuse(status) if status else self._send(name, file)
        elif token and token not in ACCOUNTS:
            self._refuse(401, text="Invalid credentials in Authorization header")
        elif path == "api/whoami-v2":
            self._json({"type": "user", "name": "ann"}) if token else self._refuse(401)
        elif path.startswith("api/models/"):
            self._api(path.removeprefix("api/models/"), token)
        elif path.startswith("api/datasets/"):
            self._api(path.removeprefix("api/"), token)
        elif "/resolve/" not in path:
            self._refuse(404)
        else:
            name, _, rest = path.partition("/resolve/")
            self._resolve(name, *rest.split("/", 1), token=token)

    def _api(self, path: str, token: str) -> None:
        name, _, revision = path.partition("/revision/")
        if "/tree/" in path:
            name, _, revision = path.partition("/tree/")
        is_check = name.endswith("/auth-check")
        name = name.removesuffix("/auth-check")
        repo = self._find(name, token)
        if repo is None or not self._is_known(repo, revision or "main"):
            return
        if "/tree/" in path:
            self._json(repo.tree())
        elif not is_check:
            self._json(repo.info(name))
        elif self._may_read(name, repo, token):
            self._json("OK")

    def _resolve(self, name: str, revision: str, file: str, token: str) -> None:
        repo = self._find(name, token)
        if repo is None or not self._may_read(name, repo, token):
            return
        if not self._is_known(repo, revision):
            return
        if file not in repo.files or file in repo.lost:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif not file.endswith(LARGE):
            self._send(name, file)
        else:
            entry = listed(file, repo.files[file])
            self.send_response(302)
            self.send_header("X-Repo-Commit", repo.commit)
            self.send_header("X-Linked-Size", str(entry["size"]))
            self.send_header("X-Linked-ETag", f'"{entry["lfs"]["sha256"]}"')
            cdn = f"http://localhost:{self.server.server_port}/cdn/{name}/-/{file}"
            self.send_header("Location", cdn)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _find(self, name: str, token: str) -> Repo | None:
        repo = self.server.repos.get(name)
        if repo is None:
            if token:
                self._refuse(404, "RepoNotFound", "Repository not found")
            else:
                self._refuse(401, text="Invalid username or password.")
        elif repo.stalls:
            self.server.closing.wait(60)
        elif repo.status:
            self._refuse(repo.status, headers=repo.headers)
        elif repo.disabled:
            self._refuse(403, text="Access to this resource is disabled.")
        else:
            return repo
        return None

    def _is_known(self, repo: Repo, revision: str) -> bool:
        if revision in ("main", repo.commit):
            return True
        self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return False

    def _may_read(self, name: str, repo: Repo, token: str) -> bool:
        if not repo.gated or token == GRANTED:
            return True
        said = {
            "": f"Access to model {name} is restricted. You must have access to it and be "
            "authenticated to access it. Please log in.",
            NEW: f"Access to model {name} is restricted and you are not in the authorized list. "
            f"Visit https://huggingface.co/{name} to ask for access.",
            PENDING: f"Your request to access model {name} is awaiting a review from the repo "
            "authors.",
            REFUSED: f"Your request to access model {name} has been rejected by the repo's "
            "authors.",
            SCOPED: "Please enable access to public gated repositories in your fine-grained token "
            "settings to view this repository.",
        }[token]
        code = "" if token == SCOPED else "GatedRepo"
        self._refuse(403 if token else 401, code, said)
        return False

    def _send(self, name: str, file: str) -> None:
        repo = self.server.repos[name]
        content = repo.files[file]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        is_large, entry = file.endswith(LARGE), listed(file, content)
        if is_large and repo.flips:
            content = content[:-1] + bytes((content[-1] ^ 1,))
        if is_large and repo.shorter:
            content = content[: -repo.shorter]
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", repo.commit)
        self.send_header("ETag", f'"{entry["lfs"]["sha256"] if is_large else entry["blobId"]}"')
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "GET":
            self._send_bytes(repo, content[start:], is_large)

    def _send_bytes(self, repo: Repo, content: bytes, is_large: bool) -> None:
        for number, begin in enumerate(range(0, len(content), BLOCK)):
            if is_large and repo.cuts and number == 2:
                repo.cuts -= 1
                self.close_connection = True
                return
            block = content[begin : begin + BLOCK]
            self.wfile.write(block)
            self.server.sent += len(block)
            if is_large and repo.rate:
                time.sleep(len(block) / repo.rate)

    def _json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(
        self, status: int, code: str = "", text: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        body = json.dumps({"error": text}).encode() if text else b""
        self.send_response(status)
        for key, value in {
            "X-Error-Code": code,
            "X-Error-Message": text,
            **(headers or {}),
        }.items():
            if value:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
