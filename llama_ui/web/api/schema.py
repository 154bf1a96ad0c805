"""The chat completions protocol of OpenAI, as its server: what a request may hold. Pure.

Reference: https://platform.openai.com/docs/api-reference/chat/create; top_k and
repetition_penalty are called as in vLLM.
"""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llama_ui.chat.messages import parse_messages
from llama_ui.chat.sampling import SAMPLING, Sampling
from llama_ui.errors import ChatError, DialogError, OptionError
from llama_ui.prompt.plan import PlanOptions
from llama_ui.web.api.tool_calls import Call, Declared, Functions, Turns

_OPTIONS = {option.wire_name("vllm"): option for option in SAMPLING if option.wire is not None}


class FieldError(OptionError):
    """A field of a request that is not accepted.

    Args:
        field: its name.
    """

    def __init__(self, field: str, problem: str, next_step: str) -> None:
        super().__init__(problem, next_step)
        self.field = field


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text"]
    text: str


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    name: None = None
    refusal: None = None
    annotations: None = None
    audio: None = None
    function_call: None = None
    tool_calls: Annotated[list[Call], Field(min_length=1, max_length=32)] | None = None
    tool_call_id: str | None = None


class _StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    include_usage: bool = False


class _TextFormat(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text"]


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions; a field that could not be honoured is refused.

    Fields that are only there for compatibility take the one value that changes nothing. The
    sampling options, under the names of vLLM, are those of the table of options.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    messages: list[_Message] = Field(min_length=1)
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: Literal[1] | None = None
    response_format: _TextFormat | None = None
    user: str | None = None
    tools: Annotated[list[Declared], Field(min_length=1)] | None = None
    tool_choice: Literal["auto", "none"] | None = None
    parallel_tool_calls: bool | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with the token counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    def functions(self) -> Functions | None:
        """What the model may call or has called; None where nothing is; raises OptionError."""
        has_calls = any(m.tool_calls or m.role == "tool" for m in self.messages)
        may_call = self.tools is not None and self.tool_choice != "none"
        if not (has_calls or may_call):
            return None
        if self.logprobs:
            raise OptionError("logprobs do not go with tools.", "Leave one of them out.")
        return Functions([tool.function for tool in self.tools or ()], may_call)

    def dialog(self, functions: Functions | None) -> tuple[list[dict[str, str]], PlanOptions]:
        """The messages as they are to be sent, checked; raises DialogError."""
        if functions is None:
            said = [{"role": m.role, "content": _text(m)} for m in self.messages]
            return parse_messages(said), PlanOptions()
        turns = Turns()
        for message in self.messages:
            if message.role == "tool":
                turns.answer(message.tool_call_id, _text(message))
            elif message.role == "assistant" and message.tool_calls:
                # What is said beside a call is not sent, as in the steps of the page.
                turns.call(message.tool_calls)
            else:
                turns.say(message.role, _text(message))
        turns.close()
        sent, options = functions.plan(turns)
        return parse_messages(sent), options

    def sampling(self, default: Sampling, window: int | None) -> Sampling:
        """How tokens are chosen; raises OptionError.

        Args:
            default: what is left out.
            window: the context window, in tokens: a reply that nobody has limited takes at most
                half of it.
        """
        values = {"max_tokens": self.max_completion_tokens, **(self.model_extra or {})}
        window = window or 2 * default.max_new_tokens
        chosen: dict[str, Any] = {"max_new_tokens": min(default.max_new_tokens, window // 2)}
        for name, value in values.items():
            if value is None:
                continue
            if name not in _OPTIONS:
                raise FieldError(name, f"The field {name!r} is not supported.", "Leave it out.")
            option = _OPTIONS[name]
            one_word = option.kind == "lines" and isinstance(value, str)
            try:
                chosen[option.name] = option.check([value] if one_word else value)
            except ChatError as fault:
                raise FieldError(name, fault.problem, fault.next_step) from None
        if self.top_logprobs and not self.logprobs:
            raise FieldError("top_logprobs", "top_logprobs needs logprobs.", "Set it to true.")
        # Asked for the token's own alone, one alternative is computed and not shown.
        top = max(1, self.top_logprobs or 0) if self.logprobs else 0
        return replace(default, **{"seed": None, "stop": (), **chosen, "top_logprobs": top})


def _text(message: _Message) -> str:
    if message.content is None:
        raise DialogError("A message has no content.", "Send its text.")
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
