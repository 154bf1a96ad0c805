"""The bodies of requests in OpenAI's protocol, as its server. Pure.

A field that changes the answer and cannot be honoured is refused by its name. One that is empty,
at the value that changes nothing, or mere bookkeeping is accepted, as OpenAI's server does.

Reference: https://platform.openai.com/docs/api-reference/chat/create and .../completions/create;
sampling options beyond those, /tokenize and /detokenize are called as in vLLM.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.messages import parse_messages
from llama_ui.chat.sampling import SAMPLING, Sampling
from llama_ui.chat.table import Option
from llama_ui.chat.text import MAX_CHAT_CHARS, check_text
from llama_ui.errors import ChatError, DialogError, OptionError
from llama_ui.prompt.plan import PlanOptions
from llama_ui.web.api.tool_calls import Call, Declared, Functions, Turns

_OPTIONS = {option.wire_name("vllm"): option for option in SAMPLING if option.wire is not None}
_SEEDS = 2**31
# Fields that change nothing here, whatever they say.
_BOOKKEEPING = frozenset(
    {
        *("user", "metadata", "store", "service_tier", "safety_identifier", "prediction"),
        *("prompt_cache_key", "prompt_cache_retention"),
        *("cache_salt", "priority", "request_id"),
    }
)
# Fields that change nothing at one value.
_NEUTRAL: Mapping[str, Any] = {
    "n": 1,
    "best_of": 1,
    "echo": False,
    "suffix": "",
    "logit_bias": {},
    "modalities": ["text"],
    "functions": [],
    "function_call": "none",
    "reasoning_effort": "none",
    "verbosity": "medium",
    "min_tokens": 0,
    "ignore_eos": False,
    "stop_token_ids": [],
    "bad_words": [],
    "length_penalty": 1,
    "use_beam_search": False,
    "skip_special_tokens": True,
    "spaces_between_special_tokens": True,
    "include_stop_str_in_output": False,
    "chat_template_kwargs": {},
    "logits_processors": [],
}
_IN_MESSAGES = frozenset(
    {
        *("name", "refusal", "annotations", "id", "index", "cache_control"),
        *("reasoning_content", "reasoning"),
    }
)
_IN_PARTS = frozenset({"type", "text", "cache_control", "annotations"})


class FieldError(OptionError):
    """A field of a request is not accepted.

    Args:
        field: its name.
    """

    def __init__(self, field: str, problem: str, next_step: str) -> None:
        super().__init__(problem, next_step)
        self.field = field


class _Body(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Message(_Body):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Any = None
    tool_calls: Annotated[list[Call], Field(max_length=32)] | None = None
    tool_call_id: str | None = None


class _StreamOptions(_Strict):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    continuous_usage_stats: Literal[False] | None = None


class _JsonSchema(_Strict):
    name: str | None = None
    description: str | None = None
    strict: bool | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class _ResponseFormat(_Strict):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _Structured(_Strict):
    """As vLLM has it."""

    json_: Annotated[dict[str, Any] | str | None, Field(alias="json")] = None
    json_object: bool | None = None
    regex: str | None = None
    choice: list[str] | None = None


class _Named(_Strict):
    name: str


class _NamedChoice(_Strict):
    type: Literal["function"]
    function: _Named


class _Sampled(_Body):
    """What the bodies of both kinds of completion share."""

    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_completion_tokens: int | None = None
    response_format: _ResponseFormat | None = None
    structured_outputs: _Structured | None = None

    def answer_form(self) -> AnswerForm | None:
        """What the reply must look like; raises FieldError."""
        field = "structured_outputs" if self.structured_outputs else "response_format"
        try:
            return self._asked_form()
        except OptionError as fault:
            raise FieldError(field, fault.problem, fault.next_step) from None

    def _asked_form(self) -> AnswerForm | None:
        asked, other = self.response_format, self.structured_outputs
        if asked is not None and asked.type != "text":
            if other is not None:
                raise OptionError("There are two forms for one reply.", "Leave one of them out.")
            if asked.type == "json_object":
                return AnswerForm("json")
            if asked.json_schema is None:
                raise OptionError("There is no json_schema.", "Send it.")
            return AnswerForm.of_schema(asked.json_schema.schema_)
        if other is None:
            return None
        if isinstance(other.json_, str):
            return AnswerForm("schema", other.json_)
        if other.json_ is not None:
            return AnswerForm.of_schema(other.json_)
        if other.regex is not None:
            return AnswerForm("pattern", other.regex)
        if other.choice is not None:
            form = AnswerForm("choices", "\n".join(other.choice))
            if form.choices != other.choice:
                raise OptionError(
                    "A choice is empty, stands twice, or has line breaks or spaces around it.",
                    "Send choices of one line each.",
                )
            return form
        return AnswerForm("json") if other.json_object else None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with the token counts."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def shown_top(self) -> int | None:
        """How many alternatives to a token are to be shown; None shows no probabilities."""
        raise NotImplementedError

    def sampling(self, default: Sampling, window: int | None) -> tuple[Sampling, dict[str, str]]:
        """How tokens are chosen, and what an engine must be able to do for it, each feature with
        the field that asks for it.

        Args:
            default: what is left out.
            window: the context window, in tokens: a reply that nobody has limited takes at most
                half of it.

        Raises:
            FieldError: an option is out of range, or a field is not supported.
        """
        given = {**(self.model_extra or {})}
        if self.max_completion_tokens is not None:
            given["max_tokens"] = self.max_completion_tokens
        chosen, needed = self._unsaid(default, window), dict[str, str]()
        for name, value in _meaningful(given, _BOOKKEEPING, _NEUTRAL).items():
            option = _OPTIONS.get(name)
            if option is None:
                raise _unsupported(name)
            try:
                chosen[option.name] = option.check(_as_ours(option, value))
            except ChatError as fault:
                raise FieldError(name, fault.problem, fault.next_step) from None
            if option.feature and chosen[option.name] != option.neutral:
                needed[option.feature] = name
        # Asked for the token's own alone, one alternative is computed and not shown.
        top = 0 if self.shown_top is None else max(1, self.shown_top)
        return replace(default, **{"seed": None, "stop": (), **chosen, "top_logprobs": top}), needed

    def _unsaid(self, default: Sampling, window: int | None) -> dict[str, Any]:
        window = window or 2 * default.max_new_tokens
        return {"max_new_tokens": min(default.max_new_tokens, window // 2)}


class ChatRequest(_Sampled):
    """The body of POST /v1/chat/completions."""

    messages: list[_Message] = Field(min_length=1)
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: list[Declared] | None = None
    tool_choice: Literal["auto", "none", "required"] | _NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    add_generation_prompt: bool | None = None  # the opposite of:
    continue_final_message: bool | None = None

    @property
    def shown_top(self) -> int | None:
        if self.top_logprobs and not self.logprobs:
            raise FieldError("top_logprobs", "top_logprobs needs logprobs.", "Set it to true.")
        return (self.top_logprobs or 0) if self.logprobs else None

    def functions(self) -> Functions | None:
        """What the model may call or has called; None where nothing is; raises OptionError."""
        has_calls = any(m.tool_calls or m.role == "tool" for m in self.messages)
        may_call = bool(self.tools) and self.tool_choice != "none"
        if not (has_calls or may_call):
            return None
        if self.logprobs:
            raise FieldError("logprobs", "logprobs do not go with tools.", "Leave one of them out.")
        asked = self.tool_choice or "auto"
        choice: str = asked.function.name if isinstance(asked, _NamedChoice) else asked
        declared = [tool.function for tool in self.tools or ()]
        # Several at once only where they are asked for: few small models can.
        return Functions(declared, choice if may_call else "none", bool(self.parallel_tool_calls))

    def needs_form(self, functions: Functions | None) -> str:
        """The field that only an engine can honour that keeps to forms; empty without one."""
        if functions is not None and functions.must_call:
            return "tool_choice"
        return "tools" if functions is not None and functions.is_strict else ""

    def dialog(self, functions: Functions | None) -> tuple[list[dict[str, str]], PlanOptions, str]:
        """The messages as they are to be sent, the options of the plan, and the beginning of the
        reply, if the last message is one; raises DialogError or FieldError."""
        turns = _turns(self.messages)
        begun = turns.take_begun()
        if self.continue_final_message not in (None, bool(begun)):
            problem = "A last message of the assistant is continued, and no other."
            raise FieldError("continue_final_message", problem, "Leave the field out.")
        if functions is None:
            return parse_messages(turns.messages), PlanOptions(), begun
        if begun:
            raise FieldError("messages", "With tools no reply is continued.", "Leave it out.")
        sent, options = functions.plan(turns)
        return parse_messages(sent), options, ""


class CompletionRequest(_Sampled):
    """The body of POST /v1/completions: one prompt, as a text or as token ids."""

    prompt: Any
    logprobs: int | None = None

    @property
    def shown_top(self) -> int | None:
        return self.logprobs

    def text_or_tokens(self) -> str | list[int]:
        """The prompt; raises FieldError or DialogError."""
        prompt = self.prompt
        if isinstance(prompt, list) and prompt and all(isinstance(p, str | list) for p in prompt):
            if len(prompt) > 1:
                raise FieldError("prompt", "There is more than one prompt.", "Send one at a time.")
            [prompt] = prompt
        if isinstance(prompt, str):
            return check_text(prompt, MAX_CHAT_CHARS)
        if isinstance(prompt, list) and all(type(token) is int for token in prompt):
            return prompt
        raise FieldError("prompt", "The prompt is neither text nor token ids.", "Send one of them.")

    def _unsaid(self, default: Sampling, window: int | None) -> dict[str, Any]:
        return {"max_new_tokens": 16}  # OpenAI's default


class TokenizeRequest(_Strict):
    """The body of POST /tokenize: a text, or messages."""

    model: str | None = None
    prompt: str | None = None
    messages: Annotated[list[_Message], Field(min_length=1)] | None = None
    tools: list[Declared] | None = None
    add_special_tokens: bool = True
    add_generation_prompt: Literal[True] = True
    return_token_strs: bool | None = None

    def text(self) -> str:
        """The text; raises FieldError or DialogError."""
        if self.prompt is None:
            raise FieldError("prompt", "There is nothing to tokenize.", "Send prompt or messages.")
        return check_text(self.prompt, MAX_CHAT_CHARS)

    def chat(self) -> ChatRequest:
        """The request whose messages are to be counted."""
        return ChatRequest.model_construct(messages=self.messages, tools=self.tools)


class DetokenizeRequest(_Strict):
    """The body of POST /detokenize."""

    model: str | None = None
    tokens: list[int]


def _turns(messages: Sequence[_Message]) -> Turns:
    """The messages in order: system messages in front, calls with their results."""
    turns = Turns()
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        extra = _meaningful(message.model_extra or {}, _IN_MESSAGES, {})
        for name in extra:
            raise _unsupported(f"{where}.{name}")
        if message.role == "tool":
            turns.answer(message.tool_call_id, _text(message.content, where))
        elif message.role == "assistant" and message.tool_calls:
            # What is said beside a call is not sent, as in the steps of the page.
            turns.call(message.tool_calls)
        else:
            role = "system" if message.role == "developer" else message.role
            turns.say(role, _text(message.content, where))
    turns.close()
    return turns


def _text(content: Any, where: str) -> str:
    """The text of a message: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    if content is None:
        raise DialogError("A message has no content.", "Send its text.")
    if not isinstance(content, list):
        raise FieldError(f"{where}.content", "A content is neither text nor parts.", "Send text.")
    texts = []
    for number, part in enumerate(content):
        at = f"{where}.content.{number}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            named = f"of type {kind[:40]!r}" if isinstance(kind, str) and kind != "text" else "here"
            raise FieldError(at, f"A part {named} is not supported.", "Send text only.")
        for name in _meaningful(part, _IN_PARTS, {}):
            raise _unsupported(f"{at}.{name}")
        texts.append(part["text"])
    return "".join(texts)


def _meaningful(
    fields: Mapping[str, Any], bookkeeping: Collection[str], neutral: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields that are neither null, nor bookkeeping, nor at the value that changes nothing."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None
        and name not in bookkeeping
        and not (name in neutral and value == neutral[name])
    }


def _as_ours(option: Option, value: Any) -> Any:
    """A value of the protocol as the option takes it."""
    if option.kind == "lines" and isinstance(value, str):
        return [value]
    # Others have seeds of 64 bits.
    return value % _SEEDS if option.name == "seed" and type(value) is int else value


def _unsupported(field: str) -> FieldError:
    return FieldError(field, f"The field {field[:80]!r} is not supported.", "Leave it out.")


def complaint(fault: ValidationError) -> FieldError:
    """The first thing wrong with a body, in one sentence."""
    first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if not where:
        return FieldError("", "The body is no JSON object that can be read.", "Send one in UTF-8.")
    if first["type"] == "extra_forbidden":
        return _unsupported(where)
    return FieldError(where, f"The field {where!r} is not accepted: {first['msg']}.", "Change it.")
