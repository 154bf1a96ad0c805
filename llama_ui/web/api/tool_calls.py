"""Functions that a program declares, and the model's calls of them, in OpenAI's protocol. Pure.

They are offered in the words of the agent; the program runs them.
Reference: https://platform.openai.com/docs/guides/function-calling
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llama_ui.chat.form import AnswerForm
from llama_ui.errors import DialogError, OptionError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions
from llama_ui.tools.actions import (
    FINAL,
    Action,
    action_schema,
    final_schema,
    read_action,
    same_name,
    unfinished,
)
from llama_ui.tools.agent import (
    LAST_REMINDER,
    REMINDER,
    Offer,
    as_action,
    exchange,
    system_prompt,
)

MAX_FUNCTIONS = 32
MAX_SCHEMA_CHARS = 4_000
MAX_CALLS = 8
_SIMPLE = ("string", "number", "integer", "boolean")
_SEVERAL = """

For several actions at once, write a list of such objects: [{...}, {...}]"""
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Function(_Strict):
    """A function, as it is declared."""

    name: Name
    description: Annotated[str, Field(max_length=1_024)] = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @property
    def properties(self) -> dict[str, Any]:
        """The parameters by name, each with its schema."""
        found = (self.parameters or {}).get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def bare(self) -> str | None:
        """The one parameter whose value is the input by itself; None where there is another
        number of them, or its values are not simple."""
        if len(self.properties) != 1:
            return None
        [(name, schema)] = self.properties.items()
        kind = schema.get("type") if isinstance(schema, dict) else None
        return name if kind in _SIMPLE else None

    def input_schema(self, number: int) -> dict[str, Any]:
        """What the input of its action must be.

        Args:
            number: of the function; what refers to a part of its parameters finds it there.
        """
        if not self.properties:
            return {"const": ""}
        whole = {**(self.parameters or {}), "$id": f"urn:function:{number}"}
        if self.bare is not None and "$defs" not in whole:
            return dict(self.properties[self.bare])
        return {"type": "object", "additionalProperties": False, **whole}

    def exact_arguments(self, given: Any) -> dict[str, Any]:
        """The input of an action that has this form as arguments by name."""
        if isinstance(given, dict):
            return given
        return {} if self.bare is None else {self.bare: given}

    def offer(self) -> Offer:
        """What the model reads of it; raises OptionError when that is too long."""
        schema = json.dumps(self.parameters or {}, ensure_ascii=False)
        if len(schema) > MAX_SCHEMA_CHARS:
            raise OptionError(
                f"The parameters of {self.name} are longer than {MAX_SCHEMA_CHARS:,} characters.",
                "Describe them in fewer words.",
            )
        said = " ".join(self.description.split()).removesuffix(".") or self.name
        if not self.properties:
            return Offer(self.name, f"{said}; its input is empty.")
        [first, *more] = self.properties.values()
        is_plain = isinstance(first, dict) and first.get("type") in (None, *_SIMPLE)
        if more or not is_plain:
            return Offer(self.name, f"{said}; its input is a JSON object: {schema}")
        [(name, only)] = self.properties.items()
        about = only.get("description") if isinstance(only, dict) else None
        about = " ".join(about.split()) if isinstance(about, str) else name
        return Offer(self.name, f"{said}; its input is: {about.removesuffix('.')}.")

    def arguments(self, action: Action) -> dict[str, Any]:
        """The input of an action as arguments by name."""
        found = action.fields or _object(action.given)
        if found is not None:
            return dict(found)
        if not self.properties:
            return {"input": action.given} if action.given else {}
        required = (self.parameters or {}).get("required")
        names = list(self.properties)
        if len(names) > 1 and isinstance(required, list):
            names = [name for name in names if name in required]
        if len(names) != 1:
            return {"input": action.given}
        schema = self.properties[names[0]]
        kind = schema.get("type") if isinstance(schema, dict) else None
        return {names[0]: action.given if kind in (None, "string") else _value(action.given)}


class Declared(_Strict):
    """An item of `tools`."""

    type: Literal["function"]
    function: Function
    cache_control: Any = None  # bookkeeping


class _Called(_Strict):
    name: Name
    arguments: str


class Call(_Strict):
    """An item of `tool_calls`."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["function"]
    function: _Called
    index: int | None = None  # of a streamed call, which clients send back

    def as_json(self) -> str:
        """The action that it was."""
        found = _object(self.function.arguments)
        only = next(iter(found.values())) if found is not None and len(found) == 1 else None
        if isinstance(only, str):
            return Action(self.function.name, only).as_json()
        given = "" if found == {} else self.function.arguments
        return Action(self.function.name, given, fields=found or None).as_json()


@dataclass(frozen=True, slots=True)
class Said:
    """What a program is told of a reply: a text, or calls."""

    content: str | None
    calls: tuple[dict[str, Any], ...] = ()


class Turns:
    """A history as the model reads it: what is said in turns, calls as actions, their results as
    observations. Two messages of one role in a row are joined; system messages come in front."""

    def __init__(self) -> None:
        self._system: list[str] = []
        self._said: list[Message] = []
        self._calls: set[int] = set()
        self._open: dict[str, Call] = {}
        self._asked = 0

    @property
    def messages(self) -> list[Message]:
        """All of them."""
        return [*self._in_front(*self._system), *self._said]

    def with_tools(self, system: str) -> list[Message]:
        """All of them, behind a system prompt that offers tools, answers in the form of actions."""
        said = (
            message if number in self._calls else as_action(message)
            for number, message in enumerate(self._said)
        )
        return [*self._in_front(*self._system, system), *said]

    def _in_front(self, *texts: str) -> list[Message]:
        return [{"role": "system", "content": "\n\n".join(texts)}] if texts else []

    def say(self, role: str, content: str) -> None:
        """Add a message of a person, of the system, or an answer."""
        self.close()
        if role == "system":
            self._system.append(content)
            return
        last = self._said[-1] if self._said else None
        if last is not None and last["role"] == role:
            content = f"{self._said.pop()['content']}\n\n{content}"
        if role == "user":
            self._asked = sum(message["role"] == "user" for message in self._said)
        self._said.append({"role": role, "content": content})

    def take_begun(self) -> str:
        """Take away the last message if it is an answer, to have it continued; else empty."""
        is_answer = bool(self._said) and self._said[-1]["role"] == "assistant"
        return self._said.pop()["content"] if is_answer else ""

    def call(self, calls: Sequence[Call]) -> None:
        """Add calls of the model."""
        self.close()
        self._open = {call.id: call for call in calls}

    def answer(self, call_id: str | None, content: str) -> None:
        """Add what came of one."""
        call = self._open.pop(call_id or "", None)
        if call is None:
            raise DialogError(
                "A tool message answers no call.",
                "Send the assistant message with its tool_calls before it, and the tool_call_id.",
            )
        self._calls.add(len(self._said))
        self._said += exchange(call.as_json(), content)

    def close(self) -> None:
        """Raises DialogError when a call has no answer."""
        if self._open:
            raise DialogError(
                "A call in the messages has no answer.",
                "Send a tool message with the tool_call_id of each call.",
            )

    def pinned(self) -> frozenset[int]:
        """The steps since the last question: none is forgotten before its answer."""
        users = sum(message["role"] == "user" for message in self._said)
        return frozenset(range(self._asked, users - 1))


class Functions:
    """The functions of one request.

    Args:
        declared: may be offered.
        choice: whether they may be called now ("none", "auto"), or one must be ("required"), or
            the name of the one that must.
        several: whether one reply may make several calls.

    Raises:
        OptionError: too many, two of one name, one that is described at too great a length, or
            a choice that is none of them.
    """

    def __init__(
        self, declared: Sequence[Function], choice: str = "auto", several: bool = False
    ) -> None:
        if len(declared) > MAX_FUNCTIONS:
            raise OptionError(f"There are more than {MAX_FUNCTIONS} tools.", "Declare fewer.")
        names = [FINAL, *(function.name for function in declared)]
        for number, name in enumerate(names):
            if any(same_name(name, other) for other in names[:number]):
                raise OptionError(f"The name {name!r} is taken.", "Give each tool its own name.")
        self._declared, self._several = declared, several
        self.may_call = choice != "none"
        self.must_call = choice not in ("none", "auto")
        self._callable = [
            (number, function)
            for number, function in enumerate(declared)
            if choice in ("auto", "required", function.name)
        ]
        if self.must_call and not self._callable:
            raise OptionError(f"There is no function {choice[:64]!r}.", "Name one of the tools.")
        self._is_exact = False
        self._system = system_prompt([function.offer() for function in declared])
        if several:
            self._system += _SEVERAL

    @property
    def is_strict(self) -> bool:
        """Whether a call must have the form that was declared."""
        return any(function.strict for _, function in self._callable)

    def form(self, final: AnswerForm | None) -> AnswerForm:
        """The form of every reply; what is said from now on is read by it.

        Args:
            final: that of an answer to the user; None is any text.
        """
        self._is_exact = True
        calls = [action_schema(f.name, f.input_schema(number)) for number, f in self._callable]
        answers = [] if self.must_call else [final_schema(final)]
        each = [*calls, *answers]
        if self._several and calls:
            some = {"type": "array", "items": {"anyOf": calls}, "minItems": 1}
            each.append({**some, "maxItems": MAX_CALLS})
        how = {} if self.is_strict else {"x-guidance": {"lenient": True}}
        return AnswerForm.of_schema({"anyOf": each, **how})

    def read_leniently(self) -> None:
        """There is no form after all: replies are read as models write them."""
        self._is_exact = False

    def plan(self, turns: Turns) -> tuple[list[Message], PlanOptions]:
        """What is to be sent."""
        reminder = REMINDER if self.may_call else LAST_REMINDER
        said = turns.with_tools(self._system)
        return said, PlanOptions(reminder=reminder, pinned=turns.pinned())

    def read(self, reply: str, is_whole: bool) -> Said:
        """What a reply comes to."""
        if not is_whole:
            return Said(unfinished(reply))
        if self._is_exact:
            return self._read_exactly(reply)
        action = read_action(reply)
        if action is None:
            return Said(reply)
        if action.is_final:
            return Said(action.given)
        for function in self._declared if self.may_call else ():
            if same_name(function.name, action.name):
                return Said(None, (_call(function.name, function.arguments(action)),))
        return Said(reply)

    def _read_exactly(self, reply: str) -> Said:
        """What a reply comes to that should have the form."""
        try:
            read = json.loads(reply)
            calls = []
            for action in read if isinstance(read, list) else [read]:
                name, given = action["action"], action["action_input"]
                if same_name(name, FINAL):
                    is_text = isinstance(given, str)
                    return Said(given if is_text else json.dumps(given, ensure_ascii=False))
                [function] = [f for _, f in self._callable if same_name(f.name, name)]
                calls.append(_call(function.name, function.exact_arguments(given)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Cut by a stop word, or by a server that does not keep to the form after all.
            return Said(unfinished(reply))
        return Said(None, tuple(calls))


def _call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    called = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": called}


def _object(text: str) -> dict[str, Any] | None:
    found = _value(text) if text.lstrip().startswith("{") else None
    return found if isinstance(found, dict) else None


def _value(text: str) -> Any:
    """What a text says as JSON; itself where it says nothing."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
