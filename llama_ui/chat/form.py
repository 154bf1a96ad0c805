"""The form that an answer must have: JSON, one of several choices, or a pattern. Pure."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from llama_ui.errors import OptionError

Kind = Literal["json", "schema", "choices", "pattern"]

# What a person may choose, as the page has it.
FORMS = {
    "free": "Free",
    "json": "JSON",
    "schema": "JSON by a schema",
    "choices": "One of these choices",
    "pattern": "Text by a pattern",
}
MAX_FORM_CHARS = 20_000
MAX_DEPTH = 32
MAX_CHOICES = 200


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What an answer must look like.

    Args:
        kind: of the form; "json" is any JSON object.
        text: the schema, the choices (one a line), or the regular expression.

    Raises:
        OptionError: it is none, or too large. What a grammar cannot be made of comes to light
            where one is made.
    """

    kind: Kind
    text: str = ""

    def __post_init__(self) -> None:
        if len(self.text) > MAX_FORM_CHARS:
            raise OptionError(
                f"The answer form has {len(self.text):,} characters.",
                f"Use up to {MAX_FORM_CHARS:,}.",
            )
        if self.kind == "schema":
            _check_schema(self.text)
        if self.kind == "choices" and not 0 < len(self.choices) <= MAX_CHOICES:
            raise OptionError(
                f"There are {len(self.choices):,} choices.",
                f"Write 1 to {MAX_CHOICES}, one a line.",
            )
        if self.kind == "pattern" and not self.text:
            raise OptionError("The pattern is empty.", "Write a regular expression.")

    @classmethod
    def of_schema(cls, schema: Any) -> "AnswerForm":
        """JSON by a schema."""
        return cls("schema", json.dumps(schema, ensure_ascii=False))

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema of the JSON, where it is to be JSON."""
        if self.kind == "json":
            return {"type": "object"}
        found: dict[str, Any] | None = json.loads(self.text) if self.kind == "schema" else None
        return found

    def within_json(self) -> dict[str, Any]:
        """The schema of a value that has this form."""
        if self.kind == "choices":
            return {"enum": self.choices}
        if self.kind == "pattern":
            return {"type": "string", "pattern": f"^(?:{self.text})$"}
        return {**(self.schema or {}), "$id": "urn:answer"}

    @property
    def choices(self) -> list[str]:
        """What there is to choose from."""
        return list(dict.fromkeys(filter(None, map(str.strip, self.text.split("\n")))))


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is too large a number")
    return number


def _check_schema(text: str) -> None:
    if not text.strip():
        raise OptionError("There is no schema.", "Paste one, or choose another answer form.")
    try:
        schema = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise _TOO_DEEP.fresh() from None
    except ValueError as fault:
        # "Expecting value: line 3 column 7 (char 40)"
        where = str(fault).rpartition(" (char")[0] or str(fault)
        raise OptionError(
            f"The schema is no JSON ({where[:100]}).", "Correct it at that place."
        ) from None
    if not isinstance(schema, dict):
        raise OptionError("The schema is no JSON object.", 'Begin with {"type": "object", …}.')
    if any(depth > MAX_DEPTH for depth in _depths(schema)):
        raise _TOO_DEEP.fresh()


def _depths(value: Any) -> Iterator[int]:
    """How deep each value lies; without recursion."""
    todo = [(value, 0)]
    while todo:
        value, depth = todo.pop()
        yield depth
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list) and depth <= MAX_DEPTH:
            todo += [(each, depth + 1) for each in inner]


_TOO_DEEP = OptionError(
    f"The schema is nested more than {MAX_DEPTH} levels deep.", "Use $defs and $ref instead."
)
