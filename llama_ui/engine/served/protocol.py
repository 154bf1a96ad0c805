"""The chat completions protocol of OpenAI, as its client: a request body out, events in. Pure.

Reference: https://platform.openai.com/docs/api-reference/chat, with the additions that vLLM,
SGLang and llama.cpp share (top_k, repetition_penalty).
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.reply import FinishReason
from llama_ui.errors import EngineError
from llama_ui.prompt.llama2 import Message

# Fields that a server may not know, and the reply is still one without them.
OPTIONAL_FIELDS = ("seed", "top_p", "top_k", "repetition_penalty", "stop", "stream_options")
_MAX_DETAIL_CHARS = 200
_TOO_LONG = re.compile(r"context|too long|too many tokens|max_total_tokens|maximum.*length", re.I)


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server gives them."""

    prompt_tokens: int
    reused_tokens: int
    reply_tokens: int


@dataclass(frozen=True, slots=True)
class Event:
    """What one event of a streamed reply says."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


def request_body(
    model: str,
    messages: Sequence[Message],
    sampling: Sampling,
    seed: int,
    leave_out: Collection[str] = (),
) -> dict[str, Any]:
    """The JSON body that asks for a streamed reply.

    Values that change nothing are not sent: some servers refuse them (TGI: top_p 1).

    Args:
        leave_out: optional fields that this server does not know.
    """
    optional = {
        "seed": seed,
        "top_p": sampling.top_p if sampling.top_p < 1 else None,
        "top_k": sampling.top_k,
        "repetition_penalty": (
            sampling.repetition_penalty if sampling.repetition_penalty > 1 else None
        ),
        "stop": [*sampling.stop] or None,
        "stream_options": {"include_usage": True},
    }
    return {
        "model": model,
        "messages": [dict(message) for message in messages],
        "stream": True,
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_new_tokens,
        **{k: v for k, v in optional.items() if v is not None and k not in leave_out},
    }


def parse_event(data: str) -> Event:
    """Read the data of one event.

    Raises:
        ValueError: it is not what the protocol says.
        EngineError: the server reports a fault in it.
    """
    event = json.loads(data)
    if not isinstance(event, dict):
        raise ValueError("an event that is no object")
    if event.get("error"):
        raise EngineError(
            f"The server gave the reply up: {detail_of(event)}", "Answer the message once more."
        )
    choices = event.get("choices") or [{}]
    choice = choices[0] if isinstance(choices, list) else None
    delta = (choice.get("delta") or {}) if isinstance(choice, dict) else None
    text = (delta.get("content") or "") if isinstance(delta, dict) else None
    if not isinstance(choice, dict) or not isinstance(text, str):
        raise ValueError("an event that holds no piece of a reply")
    reason = choice.get("finish_reason")
    finish: FinishReason | None = None
    if reason:
        finish = "length" if reason == "length" else "stop"
    return Event(text, finish, _usage(event.get("usage")))


def _usage(given: Any) -> Usage | None:
    if not isinstance(given, dict):
        return None
    details = given.get("prompt_tokens_details")
    reused = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt, reply = given.get("prompt_tokens"), given.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(reply, int):
        return None
    return Usage(prompt, reused if isinstance(reused, int) else 0, reply)


def rejected_fields(status: int, answer: str, body: Mapping[str, Any]) -> set[str]:
    """Which optional fields of the body a refusal names: sent again without them, it may pass."""
    if status not in (400, 422) or _TOO_LONG.search(answer):
        return set()
    return {name for name in OPTIONAL_FIELDS if name in body and re.search(rf"\b{name}\b", answer)}


def http_fault(status: int, answer: str, retry_after: str = "") -> EngineError:
    """What an answer without a reply means, for the reader.

    Args:
        answer: its text, of which at most a sentence is shown.
        retry_after: the header of that name.
    """
    said = detail_of(answer)
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
            "Whoever runs this page can check --server, which mostly ends in /v1, and "
            "--server-model.",
        )
    if status == 429:
        wait = f"{retry_after} seconds" if retry_after.isdigit() else "a moment"
        return EngineError("The server is busy.", f"Wait {wait} and send again.")
    if status >= 500:
        return EngineError(
            f"The server has failed (HTTP {status}): {said}", "Wait a moment and send again."
        )
    if status in (400, 413, 422) and (status == 413 or _TOO_LONG.search(answer)):
        return EngineError(
            f"The conversation is too long for the server: {said}",
            "Let the chat remember fewer exchanges, lower the max new tokens, or begin a new chat.",
        )
    return EngineError(
        f"The server refuses the request (HTTP {status}): {said}",
        "Change what it names, or begin a new chat.",
    )


def detail_of(answer: Any) -> str:
    """The message in an error, in one line; servers put it in different places."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            return _line(answer)
    for name in ("error", "message", "detail"):
        if isinstance(answer, dict) and answer.get(name):
            answer = answer[name]
    return _line(answer if isinstance(answer, str) else json.dumps(answer))


def _line(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text[: 4 * _MAX_DETAIL_CHARS])
    shown = " ".join(shown.split())
    if len(shown) > _MAX_DETAIL_CHARS:
        shown = shown[:_MAX_DETAIL_CHARS] + "…"
    return shown or "it does not say why."
