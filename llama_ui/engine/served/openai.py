"""The chat completions protocol of OpenAI, as its client: a request body out, events in.

Reference: https://platform.openai.com/docs/api-reference/chat, with the additions that vLLM,
SGLang and llama.cpp share (top_k, repetition_penalty).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from llama_ui.chat.sampling import SAMPLING, Sampling, wire_values
from llama_ui.chat.text import MAX_CHAT_CHARS
from llama_ui.engine.reply import FinishReason, Token
from llama_ui.engine.served.faults import TOO_LONG, bad_ending, parse_json, stream_fault
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.stream import ServerEvent
from llama_ui.errors import EngineError, OptionError
from llama_ui.prompt.llama2 import Message, Segment, check_dialog
from llama_ui.prompt.plan import PlanOptions, PromptPlan, plan_prompt

# Fields that a server may not know, and the reply is still one without them. All know temperature:
# one that is refused is out of their range, which has to be said.
OPTIONAL_FIELDS = (
    *(
        name
        for option in SAMPLING
        if option.feature and (name := option.wire_name("openai")) not in (None, "temperature")
    ),
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
    thought_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """What one event of a streamed reply says.

    Args:
        text: the next piece of the answer; may end, or begin, with half of a character.
        reasoning: the next piece of what the model thinks before its answer.
        finish_reason: why the reply ends, in the server's word; empty while it goes on.
        usage: how many tokens there were so far.
        tokens: those of the text, where the server tells them.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: str = ""
    usage: Usage | None = None
    tokens: tuple[Token, ...] = ()


class Dialect(Protocol):
    """How one kind of server is asked, and what is known of its model's prompts."""

    url: str
    mode: Literal["chat", "completion"]
    notes: tuple[str, ...]
    quantization: str
    missing: Mapping[str, str]

    def plan(
        self, messages: Sequence[Message], sampling: Sampling, options: PlanOptions = ...
    ) -> PromptPlan: ...
    def reply_ids(self, text: str) -> tuple[int, ...]: ...
    def text_of(self, ids: Sequence[int]) -> str: ...
    def is_text(self, token: int) -> bool: ...
    def pieces(self, ids: Sequence[int]) -> list[str]: ...
    def encode(self, text: str, with_start: bool = True) -> list[int]: ...
    def decode(self, ids: Sequence[int]) -> str: ...
    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan: ...

    def body(
        self, plan: PromptPlan, sampling: Sampling, leave_out: Collection[str]
    ) -> dict[str, Any]:
        """What asks for a reply; the seed is given, and fields that the server does not know."""

    def reader(self, plan: PromptPlan, sampling: Sampling) -> Callable[[ServerEvent], Event]:
        """What reads the events of one reply; raises ValueError for what is no such event, and
        ChatError for what the server says of a fault."""


_NOT_HERE = "The model runs on another server"
_MISSING = {
    "exact_prompt": f"{_NOT_HERE}, which writes the prompt itself.",
    "continue": f"{_NOT_HERE}, which begins every reply anew.",
    "form": f"{_NOT_HERE}, which may not keep to a form.",
    "logprobs": f"{_NOT_HERE}, and its tokens are not known here.",
}


class ChatCompletions:
    """Any server of the protocol: it writes the prompt, and tells no tokens.

    Args:
        server: where it is.
        why: why it is asked like this, where one of its kind could tell more.
        ignored: the features that it takes and ignores, and how one knows.
    """

    mode: Literal["chat", "completion"] = "chat"
    notes: tuple[str, ...] = ()
    quantization = ""

    def __init__(
        self, server: RemoteServer, why: str = "", ignored: Mapping[str, str] | None = None
    ) -> None:
        self.url, self._model = f"{server.address}/chat/completions", server.model
        missing = dict.fromkeys(_MISSING, why) if why else _MISSING
        self.missing: Mapping[str, str] = {**missing, **(ignored or {})}

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """The messages to send, as segments without ids: memory and reminder are applied, the
        window is the server's to judge. Raises OptionError for an answer form."""
        if sampling.answer_form is not None:
            raise OptionError(self.missing["form"], "Leave the answer form free.")
        return plan_prompt(_segments, messages, options, window=MAX_CHAT_CHARS, reply_tokens=0)

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """Not possible here: raises EngineError."""
        raise EngineError(self.missing["continue"], "Answer the message once more instead.")

    def text_of(self, ids: Sequence[int]) -> str:
        """Not possible here: raises EngineError."""
        raise EngineError(self.missing["logprobs"], "Answer the message once more instead.")

    def is_text(self, token: int) -> bool:
        """Not known here: False."""
        return False

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Not possible here: raises EngineError."""
        raise EngineError(self.missing["exact_prompt"], "Look at the messages instead.")

    def encode(self, text: str, with_start: bool = True) -> list[int]:
        """Not possible here: raises EngineError."""
        raise EngineError(self.missing["exact_prompt"], "Send messages instead.")

    def decode(self, ids: Sequence[int]) -> str:
        """Not possible here: raises EngineError."""
        raise EngineError(self.missing["exact_prompt"], "Send messages instead.")

    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan:
        """Not possible here: raises EngineError."""
        raise EngineError(self.missing["exact_prompt"], "Send messages instead.")

    def body(
        self, plan: PromptPlan, sampling: Sampling, leave_out: Collection[str]
    ) -> dict[str, Any]:
        """What asks for a streamed reply.

        Values that change nothing are not sent: some servers refuse them (TGI: top_p 1).
        """
        optional = {
            **wire_values(sampling, "openai"),
            "stream_options": {"include_usage": True},
        }
        return {
            "model": self._model,
            "messages": [{"role": s.kind, "content": s.text} for s in plan.segments],
            "stream": True,
            **{name: value for name, value in optional.items() if name not in leave_out},
        }

    def reader(self, plan: PromptPlan, sampling: Sampling) -> Callable[[ServerEvent], Event]:
        """What reads the events of a reply."""
        return parse_event


def _segments(messages: Sequence[Message]) -> list[Segment]:
    check_dialog(messages)
    return [
        Segment(message["role"], index, message["content"], ())  # type: ignore[arg-type]
        for index, message in enumerate(messages)
    ]


def parse_event(event: ServerEvent) -> Event:
    """Read an event of a reply, or a whole reply that was not streamed.

    Raises:
        ValueError: it is not what the protocol says.
        ChatError: the server reports a fault in it.
    """
    content = content_of(event)
    choices = content.get("choices")
    usage = usage_of(content.get("usage"))
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


def content_of(event: ServerEvent) -> dict[str, Any]:
    """The object in an event.

    Raises:
        ValueError: there is none.
        ChatError: it is what the server says of a fault.
    """
    try:
        content = parse_json(event.data)
    except ValueError:
        if event.name == "error":
            raise stream_fault(event.data) from None
        raise
    if not isinstance(content, dict):
        raise ValueError("an event that is no object")
    is_reply = content.get("choices") is not None or "usage" in content
    says = not is_reply and (content.get("message") or content.get("detail"))
    if event.name == "error" or content.get("error") or content.get("object") == "error" or says:
        raise stream_fault(content)
    return content


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


def usage_of(given: Any) -> Usage | None:
    """The counts; None where the server has not counted (some send zeros)."""
    if not isinstance(given, dict):
        return None
    details = given.get("prompt_tokens_details")
    reused = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    prompt, reply = count(given.get("prompt_tokens")), count(given.get("completion_tokens"))
    details = given.get("completion_tokens_details")
    thought = count(details.get("reasoning_tokens")) if isinstance(details, dict) else 0
    usage = Usage(prompt, min(reused, prompt), reply, min(thought, reply))
    return usage if prompt and reply else None


def count(value: Any) -> int:
    """The number that a server gives; 0 where it is no sensible one."""
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
