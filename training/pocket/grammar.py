"""A tiny template language: one line of text that can be said in many ways.

    expand("{Hi|Hello}{, <name>|}!", rng, name="Ada")   ->  "Hello, Ada!"

`{a|b|c}` picks one alternative; alternatives nest, an empty one is allowed, and at the top level
the braces may be left out. `<slot>` is replaced by a value given by the caller. There is nothing
else, so a template reads like what it produces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

_TOKEN = re.compile(r"<[a-z_]+>|[{|}]|[^<{|}]+|<")


class Slot(NamedTuple):
    name: str


class Pick(NamedTuple):
    options: tuple[tuple[Part, ...], ...]


Part = str | Slot | Pick


@cache
def parse(template: str) -> tuple[Part, ...]:
    tokens = iter(_TOKEN.findall(template))
    options, end = _alternatives(tokens)
    if end:
        raise ValueError(f"a brace stands alone in {template!r}")
    return options[0] if len(options) == 1 else (Pick(options),)


def _alternatives(tokens: Iterator[str]) -> tuple[tuple[tuple[Part, ...], ...], str]:
    """Read up to the closing brace (or the end); return the alternatives and what closed them."""
    options: list[tuple[Part, ...]] = []
    parts: list[Part] = []
    for token in tokens:
        if token == "{":
            inner, end = _alternatives(tokens)
            if end != "}":
                raise ValueError("a brace is never closed")
            parts.append(Pick(inner))
        elif token == "|":
            options.append(tuple(parts))
            parts = []
        elif token == "}":
            return (*options, tuple(parts)), "}"
        elif len(token) > 2 and token[0] == "<" and token[-1] == ">":
            parts.append(Slot(token[1:-1]))
        else:
            parts.append(token)
    return (*options, tuple(parts)), ""


def expand(template: str | Sequence[str], rng: Random, **slots: str) -> str:
    """One random reading of the template (or of one template of a sequence)."""
    if not isinstance(template, str):
        template = template[int(rng.random() * len(template))]
    out: list[str] = []
    _walk(parse(template), rng, slots, out)
    return "".join(out)


def _walk(parts: tuple[Part, ...], rng: Random, slots: dict[str, str], out: list[str]) -> None:
    for part in parts:
        if type(part) is str:
            out.append(part)
        elif type(part) is Slot:
            out.append(slots[part.name])
        else:
            options = part.options  # type: ignore[union-attr]
            _walk(options[int(rng.random() * len(options))], rng, slots, out)


def count(template: str) -> int:
    """How many readings a template has (slots counted as one)."""

    def ways(parts: tuple[Part, ...]) -> int:
        total = 1
        for part in parts:
            if isinstance(part, Pick):
                total *= sum(ways(option) for option in part.options)
        return total

    return ways(parse(template))
