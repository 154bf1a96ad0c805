"""The dialogues of the evaluation, and the rules that judge them.

Written apart from the generator: other phrasings, typos, follow-ups. Every third dialogue of a
skill belongs to the development part, whose failures may be looked at while the generator is
improved; the others are the test part, and only their scores are read.

The text files hold dialogues divided by empty lines:

    s: a system prompt
    u: what the user says; the model's own replies come between
    + a pattern that the reply to the last `u:` must contain (several lines: all of them)
    - a pattern that it must not contain
    = a form that it must have (rules.py)

Patterns are regular expressions, upper and lower case alike. Besides them every reply of every
dialogue must end by itself and must not loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent
TEXT_FILES = (
    "identity", "small_talk", "guide", "manners", "format", "stories", "arithmetic", "declining",
    "follow_ups", "closing",
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """What the user says, and what the reply to it must be like; no rules: it is not judged."""

    user: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    form: str = ""


@dataclass(frozen=True)
class Case:
    skill: str
    turns: tuple[Turn, ...]
    system: str = ""
    development: bool = False


def all_cases() -> list[Case]:
    """Every dialogue, in a fixed order."""
    from . import calculator, memory

    cases = [case for name in TEXT_FILES for case in _read(name)]
    cases += [*_controls(), *memory.recall(), *memory.persistence(), *calculator.cases()]
    seen: dict[str, int] = {}
    marked = []
    for case in cases:
        seen[case.skill] = seen.get(case.skill, 0) + 1
        marked.append(replace(case, development=seen[case.skill] % 3 == 0))
    return marked


def _read(name: str) -> Iterator[Case]:
    """The dialogues of a text file; its name is the skill."""
    skill = name.replace("_", " ")
    for block in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("\n\n"):
        system, turns = "", []
        for line in block.strip().split("\n"):
            mark, _, value = line.partition(" ")
            if mark == "s:":
                system = value
            elif mark == "u:":
                turns.append(Turn(value))
            elif mark == "+":
                turns[-1] = replace(turns[-1], has=(*turns[-1].has, value))
            elif mark == "-":
                turns[-1] = replace(turns[-1], lacks=(*turns[-1].lacks, value))
            elif mark == "=":
                turns[-1] = replace(turns[-1], form=value)
            else:
                raise ValueError(f"{name}.txt: unknown line {line!r}")
        yield Case(skill, tuple(turns), system)


ASKED = (
    "What does {} do?", "can you explain {} to me", "{} - what's that?", "tell me what {} means",
    "whats {} for", "I don't understand {}.", "{}?",
)  # fmt: skip


def _controls() -> Iterator[Case]:
    """Each control, flag and concept asked for twice: plainly, and in one of other ways."""
    lines = (FOLDER / "controls.tsv").read_text(encoding="utf-8").strip().split("\n")
    for number, line in enumerate(lines):
        name, pattern = line.split("\t")
        lacks = ("don't know", "larger model would")
        yield Case("what is X", (Turn(f"What is {name}?", (pattern,), lacks),))
        other = ASKED[number % len(ASKED)].format(name)
        yield Case("what is X, otherwise", (Turn(other, (pattern,), lacks),))
