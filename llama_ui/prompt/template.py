"""Prompts of models that bring their own chat template.

A template (Jinja, in transformers' sandbox) turns messages into one text, which is tokenised with
control tokens recognised: the ids of `tokenizer.apply_chat_template(messages,
add_generation_prompt=True)`. What a person typed stays text (guard.py).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from jinja2 import TemplateError

from llama_ui.chat.thinking import CLOSE, OPEN
from llama_ui.errors import DialogError, ModelError
from llama_ui.prompt.bounded import render, unusable
from llama_ui.prompt.guard import Guard, Speller, any_of
from llama_ui.prompt.llama2 import Memo, Message, Part, Segment, check_dialog
from llama_ui.prompt.spans import Turn, align, literals, nonces

# What templates write as text to mark a turn: [INST], <|user|>, <start_of_turn>.
_TEXT_TAG = re.compile(r"<\|[^|<>{}'\"\s]{1,40}\|>|\[/?[A-Z_]{2,40}\]|<(?:start|end)_of_turn>")


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
        added = tokenizer.added_tokens_decoder.values()
        self._boundary = any_of(token.content for token in added)
        tags = _TEXT_TAG.findall(str(tokenizer.get_chat_template()))
        control = {text for text in (*(t.content for t in added), *tags) if text.strip()}
        self._control = any_of(control)
        self._probe(name)
        # What is neither special nor marks a turn (<think>) is part of what a model writes: in
        # its own replies it stays the token that it was.
        roles = ("system",) * self._has_system + ("user", "assistant", "user")
        between = "".join(literals(self._render(nonces(roles)))[:-1])
        inside = {t.content for t in added if not t.special and t.content not in between}
        self._control_in_replies = any_of(control - inside)

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
        turns = nonces(("user", "assistant", "user"))
        behind = self._render(turns).partition(turns[1].content)[2].lstrip()
        found = self._boundary.match(behind)
        return frozenset([self._tokenizer.convert_tokens_to_ids(found[0])] if found else [])

    def encode(self, messages: Sequence[Message], memo: Memo | None = None) -> list[Segment]:
        """The prompt for these messages; raises DialogError."""
        check_dialog(messages)
        memo = {} if memo is None else memo
        turns = self._turns(messages)
        guard = Guard(self._control, (turn.content for turn in turns))
        marked = self._change(turns, guard.mark)
        try:
            skeleton = self._render(nonces([turn.role for turn in turns]))
            text = self._render(turns)
            if marked != turns:
                text = guard.hide_typed(self._render(marked), text)
        except (TemplateError, TypeError, ValueError) as error:
            raise DialogError(
                f"The model's chat template refuses this conversation ({error}).",
                "Change the last message, or begin a new chat.",
            ) from error
        spans = align(text, skeleton, self._change(turns, guard.hide))
        return list(self._segments(text, spans, guard.typed, memo))

    def encode_reply(self, text: str) -> tuple[int, ...]:
        """The ids of a reply that is to be continued, as they follow what the prompt ends with:
        thinking, where that has begun it."""
        prompt = self._render(nonces(("user",)))
        text = text.lstrip()
        if prompt.rstrip().endswith(OPEN):
            is_thinking = text.startswith(OPEN)
            text = text.removeprefix(OPEN).lstrip() if is_thinking else f"\n{CLOSE}\n\n{text}"
        guard = Guard(self._control, [text])
        hidden = guard.hide(text, self._control_in_replies)
        before = prompt[-1:] if prompt[-1:].isspace() else ""
        pieces = self._tokenise(before + hidden, guard.typed, {})
        return tuple(token for at, ids in pieces if at > len(before) for token in ids)

    def _turns(self, messages: Sequence[Message]) -> list[Turn]:
        """The messages; without a system role its text goes in front of the first user's."""
        turns = [
            Turn(m["role"], (Part(m["role"], index, m["content"]),))  # type: ignore[arg-type]
            for index, m in enumerate(messages)
        ]
        if turns[0].role == "system" and not self._has_system:
            system, first, *rest = turns
            parts = (*system.parts, Part("template", None, "\n\n"), *first.parts)
            return [Turn("user", parts), *rest]
        return turns

    def _change(
        self, turns: Sequence[Turn], change: Callable[[str, re.Pattern[str]], str]
    ) -> list[Turn]:
        """The turns with their typed control tokens marked or hidden."""
        patterns = {"assistant": self._control_in_replies}
        return [
            replace(
                turn,
                parts=tuple(
                    replace(part, text=change(part.text, patterns.get(turn.role, self._control)))
                    for part in turn.parts
                ),
            )
            for turn in turns
        ]

    def _render(self, turns: Sequence[Turn]) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        return render(self._tokenizer, messages)

    def _probe(self, name: str) -> None:
        """Find out, before the first message, whether the template works and what it can do."""
        try:
            for roles in (("user",), ("user", "assistant", "user")):
                turns = nonces(roles)
                if self._render(turns).count(turns[-1].content) != 1:
                    raise unusable(name, "it leaves out what the user says")
        except ModelError:
            raise
        except Exception as error:
            raise unusable(name, error) from error
        turns = nonces(("system", "user"))
        try:
            self._has_system = turns[0].content in self._render(turns)
        except Exception:
            self._has_system = False

    def _segments(
        self, text: str, spans: Sequence[Part], typed: Mapping[str, str], memo: Memo
    ) -> Iterator[Segment]:
        """Tokenise the text, and hand each token to the span it ends in: a space comes in front."""
        owners = [part for span in spans for part in self._split_off_control(span)]
        ids: list[list[int]] = [[] for _ in owners]
        ends, position = [], 0
        for part in owners:
            position += len(part.text)
            ends.append(position)
        owner = 0
        for end, tokens in self._tokenise(text, typed, memo):
            while end > ends[owner] and owner < len(owners) - 1:
                owner += 1
            ids[owner] += tokens
        for part, part_ids in zip(owners, ids, strict=True):
            written = "".join(typed.get(character, character) for character in part.text)
            yield Segment(part.kind, part.message, written, tuple(part_ids))

    def _split_off_control(self, span: Part) -> Iterator[Part]:
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
        self, text: str, typed: Mapping[str, str], memo: Memo
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
                hidden = [at for at in range(start, end) if piece[at] in typed]
                if not hidden:
                    yield base + end, [token]
                elif end - 1 > spelled:
                    first = max(start, spelled + 1)
                    written = "".join(typed.get(c, c) for c in piece[first:end])
                    yield base + end, self._speller.spell(written)
                    spelled = end - 1
            base += len(piece)


def _pieces(text: str, boundary: re.Pattern[str]) -> Iterator[str]:
    """The text cut in front of every control token."""
    starts = [0, *(found.start() for found in boundary.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        if end > start:
            yield text[start:end]
