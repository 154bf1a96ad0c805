"""The chat completions protocol of OpenAI, as its server: what a request may hold. Pure.

Reference: https://platform.openai.com/docs/api-reference/chat/create; top_k and
repetition_penalty are called as in vLLM.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llama_ui.actions import FINAL, Action
from llama_ui.errors import DialogError, OptionError
from llama_ui.messages import parse_messages
from llama_ui.sampling import Sampling
from llama_ui.web.openai_tools import MAX_FUNCTIONS, Tool, ToolCall, check_names, tools_prompt

_SAMPLING = ("temperature", "top_p", "top_k", "repetition_penalty", "seed")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text"]
    text: str


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    tool_calls: list[ToolCall] | None = Field(None, max_length=MAX_FUNCTIONS)
    tool_call_id: str | None = None
    name: None = None
    refusal: None = None


class _StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    include_usage: bool = False


class _TextFormat(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text"]


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions; a field that could not be honoured is refused.

    Fields that are only there for compatibility take the one value that changes nothing.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    messages: list[_Message] = Field(min_length=1)
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: Literal[1] | None = None
    presence_penalty: Literal[0] | None = None
    frequency_penalty: Literal[0] | None = None
    response_format: _TextFormat | None = None
    user: str | None = None
    tools: list[Tool] | None = Field(None, max_length=MAX_FUNCTIONS)
    tool_choice: Literal["auto", "none"] | None = None
    parallel_tool_calls: bool | None = None  # one at a time is called in any case

    @property
    def offered(self) -> list[Tool]:
        """The functions that may be called; raises OptionError when two have the same name."""
        tools = [] if self.tool_choice == "none" else self.tools or []
        check_names(tools)
        if tools and self.logprobs:
            raise OptionError("logprobs are not known with tools.", "Leave one of them out.")
        return tools

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with the token counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    def dialog(self) -> list[dict[str, str]]:
        """The messages, checked, with the functions offered; raises DialogError or OptionError."""
        offered = self.offered
        said = [*_said(self.messages, bool(offered))]
        if offered:
            own = [m["content"] for m in said if m["role"] == "system"]
            prompt = "\n\n".join([*own, tools_prompt(offered)])
            rest = [m for m in said if m["role"] != "system"]
            said = [{"role": "system", "content": prompt}, *rest]
        return parse_messages(said)

    def sampling(self, default: Sampling, window: int | None) -> Sampling:
        """How tokens are chosen; raises OptionError.

        Args:
            default: what is left out.
            window: the context window, in tokens: a reply that nobody has limited takes at most
                half of it.
        """
        given = {name: getattr(self, name) for name in _SAMPLING}
        longest = self.max_completion_tokens or self.max_tokens
        if longest is None:
            longest = min(default.max_new_tokens, (window or 2 * default.max_new_tokens) // 2)
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if self.top_logprobs and not self.logprobs:
            raise OptionError("top_logprobs needs logprobs.", "Set logprobs to true.")
        # Asked for the token's own alone, one alternative is computed and not shown.
        top = max(1, self.top_logprobs or 0) if self.logprobs else 0
        chosen = {name: value for name, value in given.items() if value is not None}
        return Sampling(
            **{
                "temperature": default.temperature,
                "top_p": default.top_p,
                "top_k": default.top_k,
                "repetition_penalty": default.repetition_penalty,
                **chosen,
            },
            max_new_tokens=longest,
            stop=tuple(stop),
            top_logprobs=top,
        )


def _said(messages: Sequence[_Message], as_actions: bool) -> Iterator[dict[str, str]]:
    """The messages as the model sees them: a call as its action, what came of it as the user's
    next words (as llama_ui/agent.py has it)."""
    results = {m.tool_call_id: _text(m) for m in messages if m.role == "tool"}
    called: set[str] = set()
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in called:
                raise DialogError("A tool message belongs to no call.", "Send the call before it.")
        elif message.tool_calls and message.role == "assistant":
            for call in message.tool_calls:
                if call.id not in results:
                    raise DialogError("A tool call has no tool message.", "Send what came of it.")
                called.add(call.id)
                yield {"role": "assistant", "content": call.function.action.as_json()}
                yield {"role": "user", "content": f"Observation: {results[call.id]}"}
        elif message.role == "assistant" and as_actions:
            yield {"role": "assistant", "content": Action(FINAL, _text(message)).as_json()}
        else:
            yield {"role": message.role, "content": _text(message)}


def _text(message: _Message) -> str:
    if message.content is None:
        raise DialogError("A message has no content.", "Send a text in every message.")
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content)


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> Any:
    """An error in the shape that OpenAI's clients read."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def complaint(fault: ValidationError) -> tuple[str, str]:
    """The first thing wrong with a body: one sentence, and the name of the field."""
    first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"The field {where!r} is not supported.", where
    return f"The field {where!r} is not accepted: {first['msg']}.", where
