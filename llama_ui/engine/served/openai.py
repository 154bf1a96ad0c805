"""The chat completions protocol of OpenAI, as its client: a request body out, events in. Pure.

Reference: https://platform.openai.com/docs/api-reference/chat, with the additions that vLLM,
SGLang and llama.cpp share (top_k, repetition_penalty).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_ui.chat.sampling import SAMPLING, Sampling, wire_values
from llama_ui.engine.reply import FinishReason
from llama_ui.engine.served.faults import TOO_LONG, bad_ending, parse_json, stream_fault
from llama_ui.engine.served.stream import ServerEvent
from llama_ui.prompt.llama2 import Message

# Fields that a server may not know, and the reply is still one without them.
OPTIONAL_FIELDS = (
    *(name for option in SAMPLING if option.feature and (name := option.wire_name("openai"))),
    "stop",
    "stream_options",
)
_REASONING = ("reasoning_content", "reasoning", "thinking")
_IN_PARTS = ("text", "thinking", "reasoning", "refusal", "content", "value")
_MAX_DEPTH = 5
_MAX_COUNT = 2**31
# As OpenAI, vLLM, SGLang, TGI, Mistral, Ollama and gateways to others write them.
_WHOLE = {"stop", "eos", "eos_token", "stop_sequence", "end_turn", "tool_calls", "function_call"}
_CUT = {"length", "max_tokens", "model_length", "max_length"}


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server gives them."""

    prompt_tokens: int
    reused_tokens: int
    reply_tokens: int


@dataclass(frozen=True, slots=True)
class Event:
    """What one event of a streamed reply says.

    Args:
        text: the next piece of the answer; may end, or begin, with half of a character.
        reasoning: the next piece of what the model thinks before its answer.
        finish_reason: why the reply ends, in the server's word; empty while it goes on.
        usage: how many tokens there were.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: str = ""
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
        **wire_values(replace(sampling, seed=seed), "openai"),
        "stream_options": {"include_usage": True},
    }
    return {
        "model": model,
        "messages": [dict(message) for message in messages],
        "stream": True,
        **{name: value for name, value in optional.items() if name not in leave_out},
    }


def parse_event(event: ServerEvent) -> Event:
    """Read an event of a reply, or a whole reply that was not streamed.

    Raises:
        ValueError: it is not what the protocol says.
        ChatError: the server reports a fault in it.
    """
    try:
        content = parse_json(event.data)
    except ValueError:
        if event.name == "error":
            raise stream_fault(event.data) from None
        raise
    if not isinstance(content, dict):
        raise ValueError("an event that is no object")
    choices = content.get("choices")
    is_reply = choices is not None or "usage" in content
    says = not is_reply and (content.get("message") or content.get("detail"))
    if event.name == "error" or content.get("error") or content.get("object") == "error" or says:
        raise stream_fault(content)
    usage = _usage(content.get("usage"))
    if not choices:
        return Event(usage=usage)
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, dict):
        raise ValueError("an event that holds no piece of a reply")
    if choice.get("error"):
        raise stream_fault(choice["error"])
    if choice.get("index") not in (0, None):
        return Event(usage=usage)
    # A completion that is not streamed has a message, one without chat format its text itself.
    delta = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
    if not isinstance(delta, dict):
        raise ValueError("an event that holds no piece of a reply")
    text, in_parts = _text_of(delta.get("content"))
    reasoning = next(
        (thought for name in _REASONING if (thought := _all_text(delta.get(name)))), ""
    )
    reason = choice.get("finish_reason")
    if not isinstance(reason, str | None):
        raise ValueError("an event that ends for no reason")
    refusal = _all_text(delta.get("refusal"))
    return Event(text or refusal, reasoning or in_parts, reason or "", usage)


def _text_of(content: Any) -> tuple[str, str]:
    """What a content says: (text, thinking). It is a text, or a list of parts, as of Mistral."""
    text, thinking = "", ""
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else "text"
        if kind in ("thinking", "reasoning"):
            thinking += _all_text(part)
        else:
            text += _all_text(part)
    return text, thinking


def _all_text(part: Any, depth: int = 0) -> str:
    """All text in a part of a content; raises ValueError where there is something else."""
    if part is None or depth > _MAX_DEPTH:
        return ""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(_all_text(item, depth + 1) for item in part)
    if isinstance(part, dict):
        found = next((part[name] for name in _IN_PARTS if part.get(name)), None)
        return _all_text(found, depth + 1)
    raise ValueError("a piece of a reply that is no text")


def _usage(given: Any) -> Usage | None:
    """The counts; None where the server has not counted (some send zeros)."""
    if not isinstance(given, dict):
        return None
    details = given.get("prompt_tokens_details")
    reused = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    prompt, reply = _count(given.get("prompt_tokens")), _count(given.get("completion_tokens"))
    return Usage(prompt, min(reused, prompt), reply) if prompt and reply else None


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < _MAX_COUNT else 0


def ending_of(reason: str) -> FinishReason:
    """What a server's reason means; raises EngineError where it is no normal end."""
    if reason.lower() in _CUT:
        return "length"
    if reason.lower() in _WHOLE:
        return "stop"
    raise bad_ending(reason.lower())


def rejected_fields(status: int, answer: str, body: Mapping[str, Any]) -> set[str]:
    """Which optional fields of the body a refusal names: sent again without them, it may pass."""
    if status not in (400, 422) or TOO_LONG.search(answer):
        return set()
    return {name for name in OPTIONAL_FIELDS if name in body and re.search(rf"\b{name}\b", answer)}
