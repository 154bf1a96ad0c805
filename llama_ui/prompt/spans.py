"""Which part of a rendered chat template comes from which message. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llama_ui.prompt.llama2 import Part

_NONCE = "\U000ffffd{}\U000ffffd"


@dataclass(frozen=True, slots=True)
class Turn:
    """A message as the template gets it: the parts that its content is joined from."""

    role: str
    parts: tuple[Part, ...]

    @property
    def content(self) -> str:
        return "".join(part.text for part in self.parts)


def nonces(roles: Sequence[str]) -> list[Turn]:
    """Turns whose contents can be found in what the template makes of them."""
    return [
        Turn(role, (Part("template", None, _NONCE.format(number)),))
        for number, role in enumerate(roles)
    ]


def literals(skeleton: str) -> list[str]:
    """What the template itself writes before, between and behind the nonces of a rendering."""
    return re.split(_NONCE.format("[0-9]+"), skeleton)


def align(text: str, skeleton: str, turns: Sequence[Turn]) -> list[Part]:
    """Which part of the rendered text comes from where; the parts, joined, are the text.

    Between what the template writes around the nonces stand the contents, perhaps stripped or
    cut. What cannot be followed is the template's.

    Args:
        skeleton: what the template makes of nonces in the roles of the turns.
    """
    pieces = re.split(_NONCE.format("([0-9]+)"), skeleton)
    spans, position = [Part("template", None, pieces[0])], len(pieces[0])
    if not text.startswith(pieces[0]):
        return [Part("template", None, text)]
    for number, literal in zip(pieces[1::2], pieces[2::2], strict=True):
        turn, rest = turns[int(number)], text[position:]
        found = _content_at(rest, literal, turn.content)
        if found is None:
            break
        skipped, length = found
        spans += _cut(turn.parts, skipped, length, rest[:length])
        spans.append(Part("template", None, literal))
        position += length + len(literal)
    return [*spans, Part("template", None, text[position:])]


def _content_at(rest: str, literal: str, content: str) -> tuple[int, int] | None:
    """How much of the content is left out in front, and how long what is there of it is."""
    leading = len(content) - len(content.lstrip())
    for candidate, skipped in (
        (content, 0),
        (content.strip(), leading),
        (content.lstrip(), leading),
        (content.rstrip(), 0),
    ):
        if rest.startswith(candidate + literal):
            return skipped, len(candidate)
    length = rest.find(literal) if literal else -1
    skipped = content.rfind(rest[:length]) if length >= 0 else -1
    return (skipped, length) if skipped >= 0 else None


def _cut(parts: Sequence[Part], skipped: int, length: int, text: str) -> Iterator[Part]:
    """The parts of a content that was stripped to the text."""
    position = -skipped
    for part in parts:
        start, end = max(position, 0), min(position + len(part.text), length)
        position += len(part.text)
        if end > start:
            yield replace(part, text=text[start:end])
