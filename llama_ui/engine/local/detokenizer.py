"""Token ids to text, one id at a time, losing nothing."""

from collections.abc import Sequence

from llama_ui.prompt.llama2 import Tokenizer

# A character outside the vocabulary takes at most four byte tokens (UTF-8).
_MAX_BYTES = 4


class Detokenizer:
    """Decodes a growing reply: the pieces, joined, equal the decoding of all its ids,
    control tokens (`</s>`) left out.

    Each new id is decoded together with the ids of the piece before it, and only what comes
    after that piece's text is new: a bounded window, so the cost of a reply is linear in its
    length, and the space that a Llama tokenizer strips from the front is stripped once only.
    Byte tokens (`<0x0A>`) are held until their run ends, because an invalid run changes the
    text of all its bytes.

    Args:
        tokenizer: a fast tokenizer.
        before: ids that the reply goes on from; their text is not repeated.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._control = frozenset(tokenizer.all_special_ids)
        self._before: list[int] = [*before]
        self._held: list[int] = []

    def add(self, token: int) -> str:
        """The text that this token completes; may be empty."""
        piece = self._tokenizer.convert_ids_to_tokens(token)
        # A padded vocabulary has ids that stand for nothing.
        if token in self._control or piece is None:
            return ""
        self._held.append(token)
        assert isinstance(piece, str)
        if len(piece) == 6 and piece.startswith("<0x"):
            return ""
        text = self._new_text()
        # A byte-level tokenizer splits characters without saying so.
        if text.endswith("\ufffd") and len(self._held) < _MAX_BYTES:
            return ""
        # The first piece may be the stripped space alone: it decodes to nothing, so the ids
        # after it need it in their window.
        self._before = self._held if text else self._before + self._held
        self._held = []
        return text

    def finish(self) -> str:
        """The text still held back."""
        text = self._new_text()
        self._before, self._held = [], []
        return text

    def _new_text(self) -> str:
        known = len(self._decode(self._before))
        return self._decode(self._before + self._held)[known:]

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        return text
