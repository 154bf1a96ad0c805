"""Text into tokens and back, as a model has it, here or on another server."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from llama_ui.chat.sampling import Sampling
from llama_ui.prompt.llama2 import Message, PromptFormat, Segment, Tokenizer
from llama_ui.prompt.plan import PlanOptions, PromptPlan, check_ids, plan_ids, plan_prompt


class Wording:
    """The part of an engine that needs the model's tokenizer and prompt format, not its weights.

    Args:
        tokenizer: a fast tokenizer, or one that has what is used of it here.
        format: how the model wants its prompts.
        window: the context length, in tokens.
        public_system: the operator's own system prompt: no secret between visitors.
    """

    def __init__(
        self, tokenizer: Any, format: PromptFormat, window: int, public_system: str = ""
    ) -> None:
        self._tokenizer = tokenizer
        self._format = format
        self._window = window
        self._public_system = public_system

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """Lay out the prompt; raises DialogError or ContextWindowError."""
        plan = plan_prompt(
            partial(self._format.encode, memo={}),
            messages,
            options,
            window=self._window,
            reply_tokens=sampling.max_new_tokens,
            begun=self._begun(options.reply_prefix_ids),
        )
        has_system = messages[0]["role"] == "system"
        is_public = has_system and messages[0]["content"] == self._public_system
        return replace(plan, is_public=is_public)

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """The tokens of a reply, to have it continued; tags in it stay text."""
        return self._format.encode_reply(text)

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of a reply made of these tokens, control tokens left out."""
        text: str = self._tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def is_text(self, token: int) -> bool:
        """Whether a token stands for text: it exists, and is no control token."""
        if not 0 <= token < len(self._tokenizer):
            return False
        return token not in self._tokenizer.all_special_ids

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each token looks like by itself, spaces and control tokens included."""
        return [_piece_text(self._tokenizer, token) for token in ids]

    def encode(self, text: str, with_start: bool = True) -> list[int]:
        """The tokens of a text as the tokenizer makes them, control tokens in it included."""
        ids: list[int] = self._tokenizer(text, add_special_tokens=with_start, verbose=False)[
            "input_ids"
        ]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these tokens, control tokens spelled out; raises OptionError."""
        check_ids(ids, len(self._tokenizer))
        text = self._tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        return text

    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan:
        """A prompt that is given token by token; raises OptionError or ContextWindowError."""
        check_ids(ids, len(self._tokenizer))
        return plan_ids(ids, self.decode, self._window, sampling.max_new_tokens)

    def _begun(self, ids: tuple[int, ...]) -> Segment | None:
        if not ids:
            return None
        return Segment("reply", None, f" {self.text_of(ids)}", ids)


def _piece_text(tokenizer: Tokenizer, token: int) -> str:
    """What a token looks like by itself; a lone byte as its code, <0x0A> as the newline it is."""
    piece = tokenizer.convert_ids_to_tokens(token)
    if not isinstance(piece, str):
        return f"<{token}>"
    if token in tokenizer.all_special_ids:
        return piece
    if len(piece) == 6 and piece.startswith("<0x"):
        byte = int(piece[3:5], 16)
        return (
            chr(byte) if byte < 128 and (chr(byte).isprintable() or chr(byte) in "\n\t") else piece
        )
    if "\u2581" in piece:  # SentencePiece's space
        return piece.replace("\u2581", " ")
    text: str = tokenizer.convert_tokens_to_string([piece])
    return text
