"""Functions that a program declares, in the form in which tools are offered to a model. Pure.

Reference: https://platform.openai.com/docs/guides/function-calling; the words that the model reads
and writes are those of llama_ui/agent.py.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llama_ui.actions import FINAL, Action, read_action, same_name, spoken
from llama_ui.agent import Offer, offering
from llama_ui.errors import OptionError

MAX_FUNCTIONS = 32


class Function(BaseModel):
    """A function as a program declares it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = Field(None, max_length=2_000)
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @property
    def offered_as(self) -> str:
        """`get_weather` is "Get weather" to the model."""
        return self.name.replace("_", " ").capitalize()

    @property
    def inputs(self) -> dict[str, Any]:
        """Its parameters: their schemas by name."""
        found = (self.parameters or {}).get("properties")
        return found if isinstance(found, dict) else {}

    def offer(self) -> Offer:
        """The line by which it is offered."""
        said = " ".join((self.description or "").split()).removesuffix(".")
        if not self.inputs:
            return self.offered_as, f"{said}; its input is empty."
        if len(self.inputs) == 1:
            return self.offered_as, f"{said}; its input is the {next(iter(self.inputs))}."
        return self.offered_as, f"{said}; its input is an object with {', '.join(self.inputs)}."

    def arguments(self, given: str) -> str:
        """What the model gave it as a JSON object of its parameters."""
        read = _json(given)
        if isinstance(read, dict):
            return json.dumps(read, ensure_ascii=False)
        names = [*self.inputs]
        if not names:
            return "{}"
        required = (self.parameters or {}).get("required")
        if len(names) > 1 and isinstance(required, list) and len(required) == 1:
            names = [str(required[0])]
        schema = self.inputs.get(names[0])
        is_text = not isinstance(schema, dict) or schema.get("type", "string") == "string"
        value = given if is_text or read is None else read
        return json.dumps({names[0]: value}, ensure_ascii=False)


class Tool(BaseModel):
    """An entry of `tools`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["function"]
    function: Function


class Called(BaseModel):
    """Which function a call is of, and with what."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=64)
    arguments: str

    @property
    def action(self) -> Action:
        """As the model said it."""
        read = _json(self.arguments)
        if isinstance(read, dict) and len(read) <= 1:
            value = next(iter(read.values()), "")
            given = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        else:
            given = self.arguments
        return Action(self.name.replace("_", " ").capitalize(), given)


class ToolCall(BaseModel):
    """A call that a model has made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(max_length=200)
    type: Literal["function"] = "function"
    function: Called


def check_names(tools: Sequence[Tool]) -> None:
    """Raises OptionError when the model could not tell two functions apart."""
    names = [tool.function.name for tool in tools]
    for number, name in enumerate(names):
        if same_name(name, FINAL) or any(same_name(name, other) for other in names[:number]):
            raise OptionError(
                f"The function name {name!r} is taken.", "Give every function a name of its own."
            )


def tools_prompt(tools: Sequence[Tool]) -> str:
    """The system prompt that offers the functions."""
    return offering([tool.function.offer() for tool in tools])


def read_answer(text: str, is_whole: bool, tools: Sequence[Tool]) -> tuple[str, ToolCall | None]:
    """What a reply says, or which function it calls.

    Args:
        is_whole: whether it ended by itself.
    """
    action = read_action(text) if is_whole else None
    if action is None:
        # Half an action is no answer, half an answer is.
        half = "" if text.lstrip()[:1] in "{`" else text
        return (text if is_whole else spoken(text) or half), None
    if action.is_final:
        return action.given, None
    for tool in tools:
        if same_name(tool.function.name, action.name):
            # An object keeps its names, even that of a single field.
            given = action.given if action.fields is None else json.dumps(action.fields)
            called = Called(name=tool.function.name, arguments=tool.function.arguments(given))
            return "", ToolCall(id=f"call_{secrets.token_hex(12)}", function=called)
    return text, None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
