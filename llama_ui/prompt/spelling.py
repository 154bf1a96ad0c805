"""Spell a text one character a token, so that it can never pass for a control token or a tag."""

import json
from typing import Any

_SPACE = "▁"


class Speller:
    """Knows the two alphabets of Llama tokenizers: SentencePiece's characters with byte tokens
    (`<0x0A>`), and GPT-2's byte-level one (Radford et al. 2019), where each byte is a character.

    Args:
        tokenizer: a fast tokenizer (transformers).
    """

    def __init__(self, tokenizer: Any) -> None:
        self._backend = tokenizer.backend_tokenizer
        # Its decoder alone says for sure: it has to turn the alphabet back into bytes.
        decoder = json.loads(self._backend.to_str())["decoder"]
        self._bytes = _byte_alphabet() if '"ByteLevel"' in json.dumps(decoder) else None

    def spell(self, text: str) -> list[int]:
        """The ids, one or more a character; a character outside the alphabet is left out."""
        if self._bytes is not None:
            known = map(self._backend.token_to_id, (self._bytes[byte] for byte in text.encode()))
            return [token for token in known if token is not None]
        return [token for character in text for token in self._character(character)]

    def _character(self, character: str) -> list[int]:
        token = self._backend.token_to_id(_SPACE if character == " " else character)
        if token is not None:
            return [token]
        spelled = [self._backend.token_to_id(f"<0x{byte:02X}>") for byte in character.encode()]
        return [token for token in spelled if token is not None]


def _byte_alphabet() -> list[str]:
    """The character of each byte: itself where it can be printed, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]
