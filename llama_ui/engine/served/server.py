"""Find out what the server behind --server is: wait until it answers, then ask for its model."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from llama_ui.engine.progress import Progress, Report, ignore
from llama_ui.engine.served.protocol import http_fault
from llama_ui.errors import ModelError

log = logging.getLogger(__name__)

_POLL_S = 1.0
_ASK_LIMIT_S = 10.0
_SAY_EVERY_S = 30.0
# It is there, but not ready yet: llama.cpp while it loads, a proxy before its server is up.
_NOT_YET = {429, 502, 503, 504}


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
    key: str = ""

    @property
    def place(self) -> str:
        """Where it runs, as people say it."""
        return urlsplit(self.address).netloc

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return headers(self.key)


def headers(key: str) -> dict[str, str]:
    """What every request carries. A compressed stream could be held back, or burst when read."""
    bearer = {"Authorization": f"Bearer {key}"} if key else {}
    return {"Accept-Encoding": "identity", "User-Agent": "llama-ui", **bearer}


def find_server(
    address: str, model: str | None = None, key: str = "", report: Report = ignore
) -> RemoteServer:
    """Wait until the server answers, for ever if need be, and ask what it is.

    Args:
        address: from the operator, never from a visitor.
        model: the model to ask for; None takes the first that the server names.
        report: hears that the server does not answer yet.

    Raises:
        ModelError: it answers, but waiting longer would not help.
    """
    address = address.rstrip("/")
    with httpx.Client(headers=headers(key), timeout=_ASK_LIMIT_S) as client:
        answer = _first_answer(client, f"{address}/models", report)
        if answer.status_code in (401, 403) or answer.is_redirect:
            fault = http_fault(answer.status_code, answer.text)
            raise ModelError(fault.problem, fault.next_step)
        models = _models(answer)
        if model is None and not models:
            raise ModelError(
                f"The server at {urlsplit(address).netloc} names no model.",
                "Name one with --server-model, or check that --server ends as it should, mostly "
                "in /v1.",
            )
        name = model or str(models[0]["id"])
        entry = next((m for m in models if m.get("id") == name), {})
        return RemoteServer(address, name, _context_length(client, address, entry), key)


def _first_answer(client: httpx.Client, url: str, report: Report) -> httpx.Response:
    said = float("-inf")
    while True:
        try:
            answer = client.get(url)
            if answer.status_code not in _NOT_YET:
                return answer
            reason = f"HTTP {answer.status_code}"
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
        report(Progress("reaching"))
        if time.monotonic() - said > _SAY_EVERY_S:
            log.info("waiting for the server at %s: %s", urlsplit(url).netloc, reason)
            said = time.monotonic()
        time.sleep(_POLL_S)


def _models(answer: httpx.Response) -> list[dict[str, Any]]:
    listed = _json(answer).get("data")
    entries = listed if isinstance(listed, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and entry.get("id")]


def _context_length(client: httpx.Client, address: str, entry: dict[str, Any]) -> int | None:
    """Servers tell it in different places, or not at all."""
    return next((n for n in _lengths(client, address, entry) if type(n) is int and n > 0), None)


def _lengths(client: httpx.Client, address: str, entry: dict[str, Any]) -> Iterator[Any]:
    yield entry.get("max_model_len")  # vLLM, SGLang, this application
    root = address.removesuffix("/v1")
    props = _ask(client, f"{root}/props").get("default_generation_settings")
    yield props.get("n_ctx") if isinstance(props, dict) else None  # llama.cpp
    yield _ask(client, f"{root}/info").get("max_total_tokens")  # TGI


def _ask(client: httpx.Client, url: str) -> dict[str, Any]:
    try:
        return _json(client.get(url))
    except httpx.TransportError:
        return {}


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json() if answer.is_success else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
