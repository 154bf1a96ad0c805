"""Prompts of models that bring their own chat template.

A template (Jinja, in transformers' sandbox) turns messages into one text, which is tokenised with
control tokens recognised: the ids of `tokenizer.apply_chat_template(messages,
add_generation_prompt=True)`. A person can type a control token, or a tag that the template writes
as text. Before the template sees it, each is replaced by a character that nobody uses; behind the
tokenizer that character becomes the typed text again, spelled one character a token. So control
tokens stand only where the template puts them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from jinja2.exceptions import TemplateError

from llama_ui.errors import DialogError, ModelError
from llama_ui.prompt.llama2 import (
    Kind,
    Memo,
    Message,
    Segment,
    check_dialog,
)
from llama_ui.prompt.spelling import Speller

_LAST_CHARACTER = 0x10FFFF
_NONCE = "\U000ffffd{}\U000ffffd"
# What templates write as text to mark a turn: [INST], <|user|>, <start_of_turn>.
_TEXT_TAG = re.compile(r"<\|[^|<>{}'\"\s]{1,40}\|>|\[/?[A-Z_]{2,40}\]|<(?:start|end)_of_turn>")


def template_of(tokenizer: Any, name: str) -> str | None:
    """The template that a tokenizer brings; raises ModelError when it cannot be used."""
    if not tokenizer.chat_template:
        return None
    try:
        return str(tokenizer.get_chat_template())
    except ValueError as error:
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception | str) -> ModelError:
    return ModelError(
        f"The chat template of {name} cannot be used ({str(error).strip()[:200]}).",
        "Choose another model, or mend chat_template in its tokenizer_config.json.",
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Text of one message, or what joins two."""

    kind: Kind
    message: int | None
    text: str


@dataclass(frozen=True, slots=True)
class _Turn:
    """A message as the template gets it: the parts that its content is joined from."""

    role: str
    parts: tuple[_Part, ...]

    @property
    def content(self) -> str:
        return "".join(part.text for part in self.parts)


class TemplateFormat:
    """The prompt by the tokenizer's own chat template.

    Args:
        tokenizer: a fast tokenizer with a chat template.
        name: of the model, for faults.

    Raises:
        ModelError: the template is broken, or leaves out what the user says.
    """

    mode: Literal["chat", "completion"] = "chat"

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer = tokenizer
        self._speller = Speller(tokenizer)
        self._special = tuple(t.content for t in tokenizer.added_tokens_decoder.values())
        tags = {*self._special, *_TEXT_TAG.findall(str(tokenizer.get_chat_template()))}
        self._control = _any_of(token for token in tags if token.strip())
        self._boundary = _any_of(self._special)
        self._probe(name)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about these prompts."""
        if self._has_system:
            return ()
        return (
            "This model's chat template has no system prompt: yours is put in front of the "
            "first message.",
        )

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """The control token that the template writes behind a reply."""
        turns = self._nonces(("user", "assistant", "user"))
        behind = self._render(turns).partition(turns[1].content)[2].lstrip()
        found = self._boundary.match(behind)
        return frozenset([self._tokenizer.convert_tokens_to_ids(found[0])] if found else [])

    def encode(self, messages: Sequence[Message], memo: Memo | None = None) -> list[Segment]:
        """The prompt for these messages; raises DialogError."""
        check_dialog(messages)
        memo = {} if memo is None else memo
        turns, forged = self._protect(self._turns(messages))
        try:
            text = self._render(turns)
            skeleton = self._render(self._nonces([turn.role for turn in turns]))
        except TemplateError as error:
            raise DialogError(
                f"The model's chat template refuses this conversation ({error}).",
                "Change the last message, or begin a new chat.",
            ) from error
        spans = _align(text, skeleton, turns)
        return list(self._segments(text, spans, forged, memo))

    def encode_reply(self, text: str) -> tuple[int, ...]:
        """The ids of a reply that is to be continued, as they follow what the prompt ends with."""
        [turn], forged = self._protect([_Turn("assistant", (_Part("reply", None, text.lstrip()),))])
        end = self._render(self._nonces(("user",)))[-1:]
        before = end if end.isspace() else ""
        pieces = self._tokenise(before + turn.content, forged, {})
        return tuple(token for at, ids in pieces if at > len(before) for token in ids)

    def _turns(self, messages: Sequence[Message]) -> list[_Turn]:
        """The messages; without a system role its text goes in front of the first user's."""
        turns = [
            _Turn(m["role"], (_Part(m["role"], index, m["content"]),))  # type: ignore[arg-type]
            for index, m in enumerate(messages)
        ]
        if turns[0].role == "system" and not self._has_system:
            system, first, *rest = turns
            parts = (*system.parts, _Part("template", None, "\n\n"), *first.parts)
            return [_Turn("user", parts), *rest]
        return turns

    def _protect(self, turns: list[_Turn]) -> tuple[list[_Turn], dict[str, str]]:
        """Replace typed control tokens and tags; returns what each new character stands for."""
        taken = {character for turn in turns for character in turn.content if character > "\uffff"}
        free = (chr(n) for n in range(_LAST_CHARACTER, 0xFFFF, -1) if chr(n) not in taken)
        stand_ins: dict[str, str] = {}

        def protect(part: _Part) -> _Part:
            def stand_in(found: re.Match[str]) -> str:
                if found[0] not in stand_ins:
                    stand_ins[found[0]] = next(free)
                return stand_ins[found[0]]

            return replace(part, text=self._control.sub(stand_in, part.text))

        safe = [_Turn(turn.role, tuple(map(protect, turn.parts))) for turn in turns]
        return safe, {character: text for text, character in stand_ins.items()}

    def _render(self, turns: Sequence[_Turn]) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        rendered: str = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False
        )
        return rendered

    def _nonces(self, roles: Sequence[str]) -> list[_Turn]:
        """Turns whose contents can be found in what the template makes of them."""
        return [
            _Turn(role, (_Part("template", None, _NONCE.format(number)),))
            for number, role in enumerate(roles)
        ]

    def _probe(self, name: str) -> None:
        """Find out, before the first message, whether the template works and what it can do."""
        try:
            for roles in (("user",), ("user", "assistant", "user")):
                turns = self._nonces(roles)
                if self._render(turns).count(turns[-1].content) != 1:
                    raise _unusable(name, "it leaves out what the user says")
        except ModelError:
            raise
        except Exception as error:
            raise _unusable(name, error) from error
        turns = self._nonces(("system", "user"))
        try:
            self._has_system = turns[0].content in self._render(turns)
        except Exception:
            self._has_system = False

    def _segments(
        self, text: str, spans: Sequence[_Part], forged: Mapping[str, str], memo: Memo
    ) -> Iterator[Segment]:
        """Tokenise the text, and hand each token to the span it ends in: a space comes in front."""
        owners = [part for span in spans for part in self._split_off_control(span)]
        ids: list[list[int]] = [[] for _ in owners]
        ends, position = [], 0
        for part in owners:
            position += len(part.text)
            ends.append(position)
        owner = 0
        for end, tokens in self._tokenise(text, forged, memo):
            while end > ends[owner] and owner < len(owners) - 1:
                owner += 1
            ids[owner] += tokens
        for part, part_ids in zip(owners, ids, strict=True):
            typed = "".join(forged.get(character, character) for character in part.text)
            yield Segment(part.kind, part.message, typed, tuple(part_ids))

    def _split_off_control(self, span: _Part) -> Iterator[_Part]:
        if span.kind != "template":
            yield span
            return
        position = 0
        for found in self._boundary.finditer(span.text):
            yield replace(span, text=span.text[position : found.start()])
            yield replace(span, text=found[0])
            position = found.end()
        yield replace(span, text=span.text[position:])

    def _tokenise(
        self, text: str, forged: Mapping[str, str], memo: Memo
    ) -> Iterator[tuple[int, list[int]]]:
        """Where each token ends, and its id, or those that spell what a stand-in stands for.

        What stands between two control tokens is tokenised by itself, the first of them with it:
        nothing reaches across one, so a caller's memo need not see a turn twice.
        """
        pieces = list(_pieces(text, self._boundary))
        new = sorted({piece for piece in pieces if piece not in memo})
        if new:
            encoded = self._tokenizer(
                new, add_special_tokens=False, return_offsets_mapping=True, verbose=False
            )
            tokens = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
            memo.update(zip(new, (list(zip(*pair, strict=True)) for pair in tokens), strict=True))
        base = 0
        for piece in pieces:
            spelled = -1
            for token, (start, end) in memo[piece]:
                hidden = [at for at in range(start, end) if piece[at] in forged]
                if not hidden:
                    yield base + end, [token]
                elif end - 1 > spelled:
                    first = max(start, spelled + 1)
                    typed = "".join(forged.get(c, c) for c in piece[first:end])
                    yield base + end, self._speller.spell(typed)
                    spelled = end - 1
            base += len(piece)


def _any_of(texts: Iterator[str] | Sequence[str]) -> re.Pattern[str]:
    """Matches any of the texts, the longest first; nothing when there is none."""
    ordered = sorted(set(texts), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")


def _pieces(text: str, boundary: re.Pattern[str]) -> Iterator[str]:
    """The text cut in front of every control token."""
    starts = [0, *(found.start() for found in boundary.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        if end > start:
            yield text[start:end]


def _align(text: str, skeleton: str, turns: Sequence[_Turn]) -> list[_Part]:
    """Which part of the rendered text comes from where; the parts, joined, are the text.

    Between what the template writes around the nonces stand the contents, perhaps stripped.
    """
    literals = re.split(_NONCE.format("([0-9]+)"), skeleton)
    spans, position = [_Part("template", None, literals[0])], len(literals[0])
    if not text.startswith(literals[0]):
        return [_Part("template", None, text)]
    for number, literal in zip(literals[1::2], literals[2::2], strict=True):
        turn, rest = turns[int(number)], text[position:]
        found = _content_at(rest, literal, turn.content)
        if found is None:
            break
        skipped, length = found
        spans += _cut(turn.parts, skipped, length, rest[:length])
        spans.append(_Part("template", None, literal))
        position += length + len(literal)
    # The template did something to a content that cannot be followed: the rest is unassigned.
    return [*spans, _Part("template", None, text[position:])]


def _content_at(rest: str, literal: str, content: str) -> tuple[int, int] | None:
    """How much of the content is stripped in front, and how long what is left of it is."""
    leading = len(content) - len(content.lstrip())
    for candidate, skipped in (
        (content, 0),
        (content.strip(), leading),
        (content.lstrip(), leading),
        (content.rstrip(), 0),
    ):
        if rest.startswith(candidate + literal):
            return skipped, len(candidate)
    return None


def _cut(parts: Sequence[_Part], skipped: int, length: int, text: str) -> Iterator[_Part]:
    """The parts of a content that was stripped to the text."""
    position = -skipped
    for part in parts:
        start, end = max(position, 0), min(position + len(part.text), length)
        position += len(part.text)
        if end > start:
            yield replace(part, text=text[start:end])
