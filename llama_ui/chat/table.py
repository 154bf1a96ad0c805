"""A row of the table of options: all that is known of one thing that a person may set. Pure.

The fields of `Sampling` and `ChatOptions` are the rows. From them come the checks, the panel of
the page, the fields of the API, the bodies for other servers, and the words about a reply: a new
option is one row, and its arithmetic in the engine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal

from llama_ui.chat.text import check_text
from llama_ui.errors import OptionError

Kind = Literal["number", "whole", "text", "lines", "flag", "choice"]
Section = Literal["Personality", "Creativity", "Memory", "Lab"]
Dialect = Literal["openai", "vllm", "llama.cpp"]

MAX_LINES = 8
MAX_LINE_CHARS = 100
_NO_NAMES: Mapping[Dialect, str] = {}
_NO_CHOICES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row.

    Args:
        name: of the field, and of the control on the page.
        kind: what its values are; "lines" is a short list of texts.
        default: its value when nobody says anything.
        label: what a person calls it.
        help: what it does, one short sentence.
        section: of the panel.
        low, high, step: the range of a number.
        empty: what it means to give no number; without it one must be given.
        placeholder: an example, for a text.
        choices: what there is to choose from, each with what a person calls it.
        on: what a check box stands for, where the option is shown as one.
        neutral: the value that changes nothing; None where there is no such value.
        feature: what an engine must be able to do for it (see EngineInfo); empty for all.
        wire: what servers call it, where that is not its name; None where it depends on the
            endpoint.
    """

    kind: Kind
    default: Any
    label: str
    help: str
    section: Section
    name: str = ""
    low: float = 0
    high: float = 0
    step: float = 1
    empty: str = ""
    placeholder: str = ""
    choices: Mapping[str, str] = field(default_factory=lambda: _NO_CHOICES)
    on: Any = None
    neutral: Any = None
    feature: str = ""
    wire: Mapping[Dialect, str] | None = field(default_factory=lambda: _NO_NAMES)

    def check(self, value: Any) -> Any:
        """The value in its own type; raises OptionError, or DialogError for what is no text."""
        if self.kind == "text":
            return check_text(value)
        if self.kind == "lines":
            return self._lines(value)
        if self.kind == "choice":
            if not isinstance(value, str) or value not in self.choices:
                said = ", ".join(self.choices)
                raise OptionError(f"{self.label} cannot be {_short(value)}.", f"Say one of {said}.")
            return value
        if self.kind == "flag":
            if not isinstance(value, bool):
                raise OptionError(f"{self.label} cannot be {_short(value)}.", "Say true or false.")
            return value
        if value is None and self.empty:
            return None
        is_whole = self.kind == "whole"
        # Sliders deliver ints for floats, and a request may deliver anything at all; a comparison
        # with NaN is false.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high or (is_whole and value % 1):
            raise self._out_of_range(value)
        return int(value) if is_whole else float(value)

    def from_form(self, typed: Any) -> Any:
        """What a control holds, as a value that is still to be checked."""
        if self.on is not None:
            return self.on if typed is True else self.default
        if self.kind == "text":
            # A text box that nobody has touched may send nothing at all.
            return "" if typed is None else typed
        if self.kind == "lines":
            if not isinstance(typed, str | None):
                raise OptionError(f"The {self.label.lower()} are no text.", "Write one a line.")
            return tuple(line for line in (typed or "").split("\n") if line)
        if self.empty:
            text = "" if typed is None else str(typed).strip()
            # Past twenty digits it is out of range anyway, and slow to read.
            whole = re.fullmatch(r"-?[0-9]{1,20}", text)
            return int(text) if whole else text or None
        return typed

    def to_form(self, value: Any) -> Any:
        """A value as a control holds it."""
        if self.on is not None:
            return value != self.default
        if self.kind == "lines":
            return "\n".join(value)
        if self.empty:
            return "" if value is None else str(value)
        return value

    def in_words(self, value: Any) -> str:
        """A value as people read it."""
        if self.kind == "lines":
            return ", ".join(f"“{line}”" for line in value) or "none"
        if self.kind == "flag":
            return "on" if value else "off"
        if self.kind == "choice":
            return self.choices[value]
        if value is None:
            return self.empty
        if isinstance(value, int):
            return f"{value:,}"
        return f"{value:g}" if isinstance(value, float) else str(value)

    def wire_name(self, dialect: Dialect) -> str | None:
        """What a server calls it; None where that depends on the endpoint."""
        return None if self.wire is None else self.wire.get(dialect, self.name)

    def _lines(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, tuple | list) or len(value) > MAX_LINES:
            raise OptionError(
                f"The {self.label.lower()} are no short list.", f"Give up to {MAX_LINES}."
            )
        if not all(isinstance(line, str) and 0 < len(line) <= MAX_LINE_CHARS for line in value):
            raise OptionError(
                f"One of the {self.label.lower()} is empty or too long.",
                f"Use 1 to {MAX_LINE_CHARS} characters for each.",
            )
        return tuple(map(check_text, value))

    def _out_of_range(self, value: Any) -> OptionError:
        is_whole = self.kind == "whole"
        low, high = (f"{end:,}" if is_whole else f"{end:g}" for end in (self.low, self.high))
        kind = "a whole number" if is_whole else "a number"
        or_none = f", or leave it empty ({self.empty})" if self.empty else ""
        return OptionError(
            f"{self.label} cannot be {_short(value)}.",
            f"Choose {kind} from {low} to {high}{or_none}.",
        )


def row(kind: Kind, default: Any, label: str, help: str, section: Section, **more: Any) -> Any:
    """A field of a dataclass that is a row of the table; arguments as in Option."""
    option = Option(kind=kind, default=default, label=label, help=help, section=section, **more)
    return field(default=default, metadata={"option": option})


@cache
def rows(of: type) -> tuple[Option, ...]:
    """The rows that a dataclass declares, in their order."""
    declared = [(one.name, one.metadata.get("option")) for one in fields(of)]
    return tuple(replace(option, name=name) for name, option in declared if option)


def check_rows(instance: Any) -> None:
    """Check every option of a new, frozen dataclass; raises as `Option.check` does."""
    for option in rows(instance.__class__):
        value = option.check(getattr(instance, option.name))
        object.__setattr__(instance, option.name, value)


def _short(value: Any) -> str:
    try:
        return repr(str(value)[:40])
    except ValueError:  # Python writes no whole number of more than some thousand digits
        return "so large a number"
