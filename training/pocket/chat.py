"""What a generated chat is made of: replies, turns, and what the chat remembers so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from .grammar import expand
from .noise import guard, noise

if TYPE_CHECKING:
    from .manners import Manner


@dataclass
class Reply:
    """A reply in plain manner, with what a manner needs to say it in another way."""

    text: str
    word: str = ""  # the same in one word
    short: str = ""  # the same in one sentence; empty: the first sentence of `text`
    simple: str = ""  # the same for a child
    verse: str = "general"  # which pool haiku and rhymes are taken from
    plain: bool = False  # True: no manner touches it (a literal repetition)
    bye: bool = False  # the chat is over: no offer of help behind it


@dataclass
class Turn:
    user: str
    reply: Reply
    skill: str
    topic: str = ""  # for follow-ups: what "why?" or "and top_p?" refers to
    why: str = ""  # a template that answers "why?"
    more: str = ""  # a template that answers "tell me more"
    said: str = ""  # the reply as it finally stood in the chat


@dataclass
class Chat:
    """The state of one chat while it is being written."""

    rng: Random
    name: str = "Pocket Llama"  # what the assistant is called; a system prompt may change it
    role: str = ""  # a job given by the system prompt
    user_name: str = ""  # told by the system prompt or by the user
    facts: dict[str, str] = field(default_factory=dict)
    manners: list[Manner] = field(default_factory=list)
    phrase: str = ""  # the phrase every reply has to end with
    turns: list[Turn] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  # the hero of the last story, ...

    @property
    def last(self) -> Turn | None:
        return self.turns[-1] if self.turns else None

    def say(self, template: str | list[str] | tuple[str, ...], **slots: str) -> str:
        """A reading of a template for the assistant's side."""
        return expand(template, self.rng, me=self.name, **slots)

    def type(
        self, template: str | list[str] | tuple[str, ...], filler: bool = True, **slots: str
    ) -> str:
        """A reading of a template as a person would type it; slot values stay free of typos."""
        guarded = {key: guard(value) for key, value in slots.items()}
        return noise(expand(template, self.rng, me=self.name, **guarded), self.rng, filler)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p


Skill = Callable[[Chat], Turn | None]  # None: this skill does not fit here


def first_sentence(text: str) -> str:
    """Up to the first full stop, question or exclamation mark that ends a sentence."""
    text = text.split("\n")[0].strip()
    for i, char in enumerate(text):
        if char in ".!?" and i > 12 and (i + 1 == len(text) or text[i + 1] == " "):
            return text[: i + 1]
    return text.rstrip(":") + ("" if text.endswith((".", "!", "?")) else ".")
