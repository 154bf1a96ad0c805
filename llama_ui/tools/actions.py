"""Actions: what a model says as JSON, read with the slips that models make. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import json_repair

from llama_ui.chat.form import AnswerForm

FINAL = "Final Answer"

# What is broken over a longer stretch is not mended: that takes time with the square of it.
_MAX_MENDED_CHARS = 4_000
_BEGINS = re.compile(r"\{\s*[\"'“‘`]?\s*action", re.IGNORECASE)  # noqa: RUF001
_BARE_INPUT = re.compile(r"input[\"'”’]?\s*:\s*([^\"'{}\n]+?)\s*,?\s*\}", re.IGNORECASE)  # noqa: RUF001
_FENCE = re.compile(r"```\w*\s*")
_SPEAKS = re.compile(
    r'\{\s*"action"\s*:\s*"final answer"\s*,\s*"action_input"\s*:\s*"((?:[^"\\]|\\.)*)',
    re.IGNORECASE | re.DOTALL,
)
_LOOSE = json.JSONDecoder(strict=False)  # a line break within a text is let pass


@dataclass(frozen=True, slots=True)
class Action:
    """What a model wants done.

    Args:
        name: of the tool, or FINAL.
        given: the input of the tool, or the answer.
        thought: what the model said before it.
        fields: the input as it was written, where it was an object.
    """

    name: str
    given: str
    thought: str = ""
    fields: Mapping[str, Any] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, name: str, given: str) -> "Action":
        """An action that was kept by its name and input alone; several inputs are an object."""
        try:
            read = json.loads(given) if given.startswith("{") else None
        except (ValueError, RecursionError):
            read = None
        return cls(name, given, fields=read if isinstance(read, dict) else None)

    @property
    def is_final(self) -> bool:
        """Whether it is the answer."""
        return same_name(self.name, FINAL)

    def as_json(self) -> str:
        """As the model should have written it."""
        given = self.given if self.fields is None else self.fields
        return json.dumps({"action": self.name, "action_input": given}, ensure_ascii=False)


def action_schema(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an action.

    Args:
        name: of it; a model may also write it as people do ("date_and_time", "Date and time").
        given: that of its input.
    """
    names = dict.fromkeys((name, name.replace("_", " ").capitalize()))
    return {
        "type": "object",
        "properties": {"action": {"enum": [*names]}, "action_input": given},
        "required": ["action", "action_input"],
        "additionalProperties": False,
    }


def final_schema(form: AnswerForm | None) -> dict[str, Any]:
    """The schema of an answer to the user, which may have to have a form."""
    given = {"type": "string", "minLength": 1} if form is None else form.within_json()
    return action_schema(FINAL, given)


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for capitals, spaces and underscores."""
    return _key(one) == _key(other)


def read_action(text: str) -> Action | None:
    """The first action in a reply; None when there is none.

    It may stand in a fence or bare, with text around it, single quotes, trailing commas, keys
    without quotes, and without its end.
    """
    begins = [match.start() for match in _BEGINS.finditer(text)][:2]
    if not begins:
        return None
    thought = _FENCE.sub("", text[: begins[0]]).strip()
    try:
        read, _ = _LOOSE.raw_decode(text, begins[0])
    except (ValueError, RecursionError):
        # An action after this one was made up before the observation was seen.
        read = _mended(text[begins[0] : begins[1] if len(begins) > 1 else None])
    if not isinstance(read, dict):
        return None
    fields = {_key(name): value for name, value in read.items()}
    name, asked = fields.get("action"), fields.get("action input")
    given = _as_text(asked)
    if not isinstance(name, str) or not name.strip():
        return None
    written = asked if isinstance(asked, dict) else None
    action = Action(name.strip(), given.strip(), thought, written)
    return None if action.is_final and not action.given else action


def spoken(text: str) -> str:
    """As much as is there of an answer that is still being written; empty for any other text."""
    first = _BEGINS.search(text)
    # An answer after another action was made up before the observation was seen.
    found = first and _SPEAKS.match(text, first.start())
    if not found:
        return ""
    said = re.sub(r"(?<!\\)((?:\\\\)*)\\(u[0-9a-fA-F]{0,3})?$", r"\1", found[1])
    try:
        text = str(json.loads(f'"{said}"', strict=False))
    except ValueError:
        return ""
    # The first half of a character whose second half is still to come.
    return _whole_characters(re.sub("[\ud800-\udbff]$", "", text)).strip()


def unfinished(text: str) -> str:
    """What a reply that was cut off says to the user: half an action is no answer."""
    return spoken(text) or ("" if text.lstrip()[:1] in "{`" else text)


def _mended(text: str) -> object:
    if len(text) > _MAX_MENDED_CHARS:
        return None
    try:
        read = json_repair.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(read, list):
        read = next((item for item in read if isinstance(item, dict)), None)
    bare = _BARE_INPUT.search(text)
    if isinstance(read, dict) and bare:
        # Of 12*7 without quotes only the 12 would be left.
        return {
            name: bare[1] if _key(name) == "action input" and not isinstance(value, str) else value
            for name, value in read.items()
        }
    return read


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _whole_characters(text)


def _whole_characters(text: str) -> str:
    """JSON can spell half a character, which no text may hold."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def _key(name: object) -> str:
    return " ".join(str(name).replace("_", " ").casefold().split())
