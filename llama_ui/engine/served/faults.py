"""What can go wrong on the way to a server, and what its reader may know of it."""

import json
import logging
import re
from dataclasses import dataclass
from typing import Any

import httpx

from llama_ui.errors import BusyError, ChatError, ContextWindowError, EngineError, incident

log = logging.getLogger(__name__)

WHAT_ARRIVED_STAYS = "What has arrived of the reply stays: answer the message once more."
_CHECK_ADDRESS = "Whoever runs this page can check --server, which mostly ends in /v1."
_MAX_WORDS_CHARS = 300
_MAX_READ_CHARS = 20_000
TOO_LONG = re.compile(
    r"context|too long|too many tokens|max_total_tokens|maximum.{0,40}length", re.IGNORECASE
)
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a server may take, in seconds.

    Args:
        connect: to accept the connection.
        idle: between two signs of life, the first included: it may have a line of its own.
        total: for the whole reply.
        after_end: between two signs of life once it has said why the reply ends.
    """

    connect: float = 10.0
    idle: float = 120.0
    total: float = 1800.0
    after_end: float = 5.0


def explained(fault: Exception, limits: TimeLimits) -> ChatError:
    """What a reader may know of the fault."""
    if isinstance(fault, ChatError):
        return fault
    if isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return EngineError(
            "The server with the model cannot be reached.", "Wait a moment and send again."
        )
    if isinstance(fault, httpx.TimeoutException):
        return EngineError(
            f"The server has sent nothing for {limits.idle:g} seconds.", WHAT_ARRIVED_STAYS
        )
    if isinstance(fault, TimeoutError):
        return EngineError(
            f"The reply has taken longer than {limits.total:g} seconds.", WHAT_ARRIVED_STAYS
        )
    if isinstance(fault, httpx.TransportError):
        return EngineError("The connection to the server broke.", WHAT_ARRIVED_STAYS)
    if isinstance(fault, ValueError):
        log.warning("the server sent something unreadable (%s)", type(fault).__name__)
        return EngineError("The server sent something that cannot be read.", WHAT_ARRIVED_STAYS)
    return incident(log, fault, "Something went wrong on this side", "Send it again.")


def http_fault(status: int, answer: str, retry_after: str = "") -> ChatError:
    """What an answer without a reply means, for the reader.

    Args:
        answer: its text, of which at most a sentence or two are shown.
        retry_after: the header of that name.
    """
    said = words_of(answer)
    if 300 <= status < 400:
        return EngineError(
            f"The server points to another address (HTTP {status}), which is not followed.",
            "Whoever runs this page can name the final address with --server.",
        )
    if status in (401, 403):
        return EngineError(
            f"The server refuses the key (HTTP {status}).",
            "Whoever runs this page can set another in LLAMA_UI_SERVER_KEY.",
        )
    if status == 404:
        return EngineError(
            f"The server has no such model or address (HTTP 404): {said}",
            f"{_CHECK_ADDRESS[:-1]}, and --server-model.",
        )
    if status == 429:
        return BusyError(f"The server is busy: {said}", _wait(retry_after))
    if status == 413 or (status in (400, 422, 500) and TOO_LONG.search(answer)):
        return too_long(said)
    if status in (502, 503, 504):
        return EngineError(f"The server is not ready (HTTP {status}): {said}", _wait(retry_after))
    if status >= 500:
        return EngineError(f"The server has failed (HTTP {status}): {said}", _wait(retry_after))
    return EngineError(
        f"The server refuses the request (HTTP {status}): {said}",
        "Change what it names, or begin a new chat.",
    )


def stream_fault(error: Any) -> ChatError:
    """What a fault that a server reports in the stream of a reply means.

    Args:
        error: the JSON, or the text, that it sent.
    """
    said = words_of(error)
    if TOO_LONG.search(said):
        return too_long(said)
    return EngineError(f"The server gave the reply up: {said}", WHAT_ARRIVED_STAYS)


def too_long(said: str) -> ContextWindowError:
    """The conversation does not fit into the context window over there."""
    return ContextWindowError(
        f"The conversation is too long for the server: {said}",
        "Let the chat remember fewer exchanges, lower the max new tokens, or begin a new chat.",
    )


def no_stream(kind: str) -> EngineError:
    """The server answered with something else than a reply; `kind` is its content type."""
    return EngineError(
        f"The server answers with {line(kind, 50) or 'something unknown'}, not with a stream.",
        _CHECK_ADDRESS,
    )


def broken_off(stray: str) -> EngineError:
    """The stream ended before the reply did; `stray` is what it said outside any event."""
    said = f": {words_of(stray)}" if stray.strip() else "."
    return EngineError(f"The server broke off in the middle of the reply{said}", WHAT_ARRIVED_STAYS)


def bad_ending(reason: str) -> EngineError:
    """The reply ended for another reason than that it was whole, or long enough."""
    if reason == "content_filter":
        return EngineError(
            "The content filter of the server has ended the reply.",
            "What has arrived of it stays: ask in other words.",
        )
    return EngineError(
        f"The server has ended the reply early ({line(reason, 50)}).", WHAT_ARRIVED_STAYS
    )


def only_thinking(is_cut: bool, max_new_tokens: int) -> EngineError:
    """A reply ended in which the model did nothing but think."""
    if is_cut:
        return EngineError(
            f"The model was still thinking when its {max_new_tokens:,} tokens were used up.",
            "Raise the max new tokens and answer the message once more.",
        )
    return EngineError(
        "The model has thought, and then ended without an answer.",
        "Answer the message once more.",
    )


def words_of(answer: Any) -> str:
    """What a server says of a fault, as one line of plain text.

    Servers put it in different places: `error` as text or object (OpenAI, llama.cpp, TGI),
    `message` (vLLM), `detail` as text or list (FastAPI), JSON inside of a text (gateways), a
    page of HTML (proxies), or plain text.
    """
    for _ in range(8):  # each round goes one level deeper
        if isinstance(answer, str):
            inner = _json_in(answer)
            if inner is None:
                return line(_without_html(answer[:_MAX_READ_CHARS])) or "it does not say why."
            answer = inner
        elif isinstance(answer, list):
            answer = next((item for item in answer if item), "")
        elif isinstance(answer, dict):
            answer = _message_in(answer)
        else:
            break
    return line(str(answer)[:_MAX_READ_CHARS])


def _message_in(answer: dict[Any, Any]) -> Any:
    if "msg" in answer:  # of FastAPI, with the place of what is wrong
        place = answer.get("loc")
        where = ".".join(map(str, place)) if isinstance(place, list) else ""
        return f"{where}: {answer['msg']}" if where else str(answer["msg"])
    names = ("error", "errors", "message", "detail", "error_message", "title", "reason")
    found = next((answer[name] for name in names if answer.get(name) not in (None, "", True)), None)
    if found is not None:
        return found
    # A code alone says more than nothing.
    rest = {k: v for k, v in answer.items() if isinstance(v, str | int) and v != ""}
    return ", ".join(f"{name} {value}" for name, value in rest.items())


def _json_in(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found = parse_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) and found else None


def parse_json(text: str | bytes) -> Any:
    """The content of a JSON text; raises ValueError, whatever is wrong with it."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def _without_html(text: str) -> str:
    if not re.match(r"\s*<[!a-z]", text, re.IGNORECASE):
        return text
    title = _TITLE.search(text)
    return title[1] if title else re.sub(r"<[^<>]*>", " ", text)


def line(text: str, most: int = _MAX_WORDS_CHARS) -> str:
    """A text from outside as one line: no control characters, no change of writing direction, at
    most so many characters."""
    shown = "".join(c if c.isprintable() else " " for c in text[: 4 * most])
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else f"{shown[:most]}…"


def _wait(retry_after: str) -> str:
    is_number = retry_after.isascii() and retry_after.isdigit() and len(retry_after) <= 5
    return f"Wait {f'{retry_after} seconds' if is_number else 'a moment'} and send again."
