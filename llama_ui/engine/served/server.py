"""The server behind --server: how to reach it, and what it is.

What a server sends is limited in time and size, and never decompressed; no redirect is followed.
"""

import asyncio
import ipaddress
import logging
import re
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx

from llama_ui.engine.progress import Progress, Report, ignore
from llama_ui.engine.served.faults import (
    TimeLimits,
    explained,
    http_fault,
    line,
    parse_json,
)
from llama_ui.errors import ChatError, ModelError

log = logging.getLogger(__name__)

_POLL_S = 1.0
_ASK_LIMITS = TimeLimits(connect=10, idle=20, total=20)
_SAY_EVERY_S = 30.0
# It is there, but not ready yet: llama.cpp while it loads, a proxy before its server is up.
_NOT_YET = {429, 502, 503, 504}
MAX_LISTING_BYTES = 2_000_000  # of a service with a thousand models
MAX_FAULT_BYTES = 20_000
_MAX_NAME_CHARS = 500
_MAX_CONTEXT = 2**31
# Models that answer no chat, by what servers list of them or by the names they go by.
_KINDS = ("type", "task", "kind", "pipeline_tag", "model_type")
_NO_CHAT = re.compile(
    r"embed|rerank|cross-encoder|sentence-transformers|minilm|"
    r"\b(bge|e5|gte|clip|siglip|whisper|tts|stt|bark|dall-e|flux|sdxl)\b|"
    r"speech|transcri|moderation|diffusion|feature-extraction|text-to-image|score|classify",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """A server that answers.

    Args:
        address: up to and with its version, for example "http://127.0.0.1:8000/v1".
        model: the model to ask for.
        context_length: the context window, in tokens, if the server tells.
        key: what it wants to be shown; empty for none.
    """

    address: str
    model: str
    context_length: int | None = None
    key: str = field(default="", repr=False)
    _tls: ssl.SSLContext = field(
        default_factory=httpx.create_ssl_context, init=False, repr=False, compare=False
    )

    @property
    def place(self) -> str:
        """Where it runs, as people say it."""
        return urlsplit(self.address).netloc.rpartition("@")[2]

    @property
    def root(self) -> str:
        """Where what stands beside /v1 begins."""
        return self.address.removesuffix("/v1")

    def client(self, limits: TimeLimits) -> httpx.AsyncClient:
        """A client with a connection of its own: one that lay idle may be dead.

        Raises:
            ModelError: the key, or a proxy of this machine, cannot be used.
        """
        try:
            return httpx.AsyncClient(
                headers=self._headers(),
                timeout=httpx.Timeout(limits.idle, connect=limits.connect),
                verify=self._tls,
                follow_redirects=False,
                trust_env=not _is_this_machine(self.address),
            )
        except UnicodeEncodeError:
            raise _bad_key() from None
        except (ValueError, ImportError) as error:
            raise ModelError(
                f"The proxy that this machine names cannot be used ({line(str(error), 100)}).",
                "Correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or name the server in NO_PROXY.",
            ) from None

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask something beside the protocol; called from a thread without an event loop.

        Args:
            path: from the root of the server.
            body: is posted; without one the answer is only fetched.

        Raises:
            ChatError: there is no answer, or it is no object.
        """
        try:
            answer = asyncio.run(self._asked(f"{self.root}{path}", body))
            if answer.status != 200:
                raise http_fault(answer.status, answer.text)
            return answer.json()
        except (httpx.HTTPError, TimeoutError, ValueError) as fault:
            raise explained(fault, _ASK_LIMITS) from None

    def look(self, path: str) -> dict[str, Any]:
        """What it says of itself there; empty where it says nothing. Called as `ask`."""
        with suppress(ChatError):
            return self.ask(path)
        return {}

    def models(self) -> list[dict[str, Any]]:
        """The models that it lists. Called as `ask`."""
        return _models(self.look("/v1/models"))

    async def _asked(self, url: str, body: dict[str, Any] | None) -> "_Answer":
        async with self.client(_ASK_LIMITS) as client:
            return await _ask(client, url, body)

    def _headers(self) -> dict[str, str]:
        if not self.key.isprintable():
            raise _bad_key()
        bearer = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        # A compressed stream could be held back, or burst when read.
        return {"Accept-Encoding": "identity", "User-Agent": "llama-ui", **bearer}


def _bad_key() -> ModelError:
    return ModelError(
        "The key of the server has characters that no request can carry.",
        "Set LLAMA_UI_SERVER_KEY to the key alone, without line breaks.",
    )


def _is_this_machine(address: str) -> bool:
    """Whether a proxy has no business between here and there."""
    host = urlsplit(address).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


async def read_text(response: httpx.Response, most: int) -> str:
    """What an answer says, cut after so many bytes; raises ValueError when it is compressed."""
    check_encoding(response)
    text = bytearray()
    async for piece in response.aiter_raw():
        text += piece
        if len(text) > most:
            break
    return text[:most].decode("utf-8-sig", errors="replace")


def check_encoding(response: httpx.Response) -> None:
    """Raises ValueError for an answer that is compressed, which was not asked for: a few bytes
    of it may become gigabytes."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ValueError("a compressed answer")


def find_server(
    address: str, model: str | None = None, key: str = "", report: Report = ignore
) -> RemoteServer:
    """Wait until the server answers, for ever if need be, and ask what it is.

    Args:
        address: from the operator, never from a visitor.
        model: the model to ask for; None takes the first that the server names and that chats.
        key: what it wants to be shown; empty for none.
        report: hears that the server does not answer yet.

    Raises:
        ModelError: it answers, but waiting longer would not help.
    """
    return asyncio.run(
        _find(RemoteServer(address.rstrip("/"), "", None, key.strip()), model, report)
    )


async def _find(server: RemoteServer, model: str | None, report: Report) -> RemoteServer:
    async with server.client(_ASK_LIMITS) as client:
        answer = await _first_answer(client, f"{server.address}/models", report)
        if answer.status in (401, 403) or 300 <= answer.status < 400:
            fault = http_fault(answer.status, answer.text)
            raise ModelError(fault.problem, fault.next_step)
        models = _models(answer.json())
        if model is None and not models:
            raise ModelError(
                f"The server at {server.place} names no model.",
                "Name one with --server-model, or check that --server ends as it should, mostly "
                "in /v1.",
            )
        name = model or _first_that_chats(models)
        entry = next((m for m in models if m["id"] == name), {})
        length = await _context_length(client, server.root, entry)
        return RemoteServer(server.address, name, length, server.key)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server answered to a question about itself."""

    status: int
    text: str

    def json(self) -> dict[str, Any]:
        """The object in it; empty when it holds none."""
        try:
            content = parse_json(self.text) if self.status == 200 else {}
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}


async def _ask(client: httpx.AsyncClient, url: str, body: dict[str, Any] | None = None) -> _Answer:
    """Ask once; raises httpx.TransportError or TimeoutError when no answer comes."""
    method = "GET" if body is None else "POST"
    with anyio.fail_after(_ASK_LIMITS.total):
        async with client.stream(method, url, json=body) as response:
            try:
                return _Answer(response.status_code, await read_text(response, MAX_LISTING_BYTES))
            except ValueError:
                return _Answer(response.status_code, "")


async def _first_answer(client: httpx.AsyncClient, url: str, report: Report) -> _Answer:
    said = float("-inf")
    while True:
        try:
            answer = await _ask(client, url)
            if answer.status not in _NOT_YET:
                return answer
            reason = f"HTTP {answer.status}"
        except httpx.LocalProtocolError:
            # Not a word of it: it quotes the header.
            raise _bad_key() from None
        except (httpx.TransportError, TimeoutError) as error:
            reason = line(str(error), 100) or type(error).__name__
        report(Progress("reaching"))
        if time.monotonic() - said > _SAY_EVERY_S:
            log.info("waiting for the server at %s: %s", line(urlsplit(url).netloc), reason)
            said = time.monotonic()
        await asyncio.sleep(_POLL_S)


def _models(answer: dict[str, Any]) -> list[dict[str, Any]]:
    listed = answer.get("data")
    entries = listed if isinstance(listed, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and _is_name(entry.get("id"))]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME_CHARS and value.isprintable()


def _first_that_chats(models: list[dict[str, Any]]) -> str:
    """The first model that is no embedding model or the like; the first where all seem to be."""
    name = str(next(filter(_chats, models), models[0])["id"])
    if len(models) > 1:
        log.info("the server has %d models; taking %s (see --server-model)", len(models), name)
    return name


def _chats(entry: dict[str, Any]) -> bool:
    able = entry.get("capabilities")
    if isinstance(able, dict) and able.get("completion_chat") is False:  # Mistral
        return False
    # A folder's or an owner's name says nothing of the model.
    said = [str(entry["id"]).rpartition("/")[2], *(str(entry.get(kind, "")) for kind in _KINDS)]
    return not any(_NO_CHAT.search(text.replace("_", "-")) for text in said)


async def _context_length(
    client: httpx.AsyncClient, root: str, entry: dict[str, Any]
) -> int | None:
    """Servers tell it in different places, or not at all."""
    if length := _length(entry.get("max_model_len")):  # vLLM, SGLang, this application
        return length
    with suppress(httpx.TransportError, TimeoutError):
        settings = (await _ask(client, f"{root}/props")).json().get("default_generation_settings")
        if isinstance(settings, dict) and (length := _length(settings.get("n_ctx"))):  # llama.cpp
            return length
    with suppress(httpx.TransportError, TimeoutError):
        return _length((await _ask(client, f"{root}/info")).json().get("max_total_tokens"))  # TGI
    return None


def _length(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < _MAX_CONTEXT else None
