"""Control tokens that somebody typed stay text.

A person, or an earlier reply, can type `<|eot_id|>` or `[/INST]`. The chat template gets what was
typed between two marks, so it can still act on it (and cut the thinking off at `</think>`). In
what it writes, the marks tell which tokens were typed. Each of these becomes a stand-in, a
character that nobody uses; behind the tokenizer the stand-in becomes the typed text again, spelled
one character a token. So the ids of a control token stand only where the template puts them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

_LAST_CHARACTER = 0x10FFFF
_SPACE = "▁"


class Guard:
    """Hides the typed control tokens of one prompt, and knows what each stand-in stands for.

    Args:
        control: matches everything that is to stay text when it is typed.
        contents: all that was typed; the marks and stand-ins are characters that it lacks.
    """

    def __init__(self, control: re.Pattern[str], contents: Iterable[str]) -> None:
        taken = {character for character in chain(*contents) if character > "\uffff"}
        self._free = (c for c in map(chr, range(_LAST_CHARACTER, 0xFFFF, -1)) if c not in taken)
        self._control = control
        self._start, self._end, nothing = next(self._free), next(self._free), next(self._free)
        self._stand_ins = {"": nothing}
        self.typed: dict[str, str] = {nothing: ""}

    def mark(self, text: str, pattern: re.Pattern[str]) -> str:
        """The text with marks around each match."""
        return pattern.sub(lambda found: f"{self._start}{found[0]}{self._end}", text)

    def hide(self, text: str, pattern: re.Pattern[str]) -> str:
        """The text with a stand-in for each match."""
        return pattern.sub(lambda found: self._stand_in(found[0]), text)

    def hide_typed(self, marked: str, plain: str) -> str:
        """What the template writes, with a stand-in for each control token that was typed.

        Args:
            marked: what it makes of the marked contents.
            plain: what it makes of the contents as they are. It is the better text, because a
                mark may have kept the template from stripping a space; but only `marked` says
                what was typed. So the marks are carried over where both have the same tokens.
        """
        found = [*self._control.finditer(marked)]
        same = [*self._control.finditer(plain)]
        # Both marks: one alone is what the template left of a token that it cut off.
        is_typed = [
            marked.startswith(self._start, token.start() - 1)
            and marked.startswith(self._end, token.end())
            for token in found
        ]
        if [token[0] for token in found] == [token[0] for token in same]:
            return self._replace(plain, same, is_typed)
        text = self._replace(marked, found, is_typed)
        # A mark that is left alone still keeps what stands on its sides apart.
        return re.sub(f"[{self._start}{self._end}]+", self._stand_in(""), text)

    def _replace(self, text: str, tokens: list[re.Match[str]], is_typed: list[bool]) -> str:
        parts, position = [], 0
        for token, typed in zip(tokens, is_typed, strict=True):
            parts += [text[position : token.start()]]
            parts += [self._stand_in(token[0]) if typed else token[0]]
            position = token.end()
        return "".join((*parts, text[position:]))

    def _stand_in(self, text: str) -> str:
        if text not in self._stand_ins:
            self._stand_ins[text] = next(self._free)
            self.typed[self._stand_ins[text]] = text
        return self._stand_ins[text]


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the texts, the longest first; nothing when there is none."""
    ordered = sorted(set(texts), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")


class Speller:
    """Spells a text one character a token, so that it can never pass for a control token.

    It knows the two alphabets of Llama tokenizers: SentencePiece's characters with byte tokens
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
        return [token for token in self._ids(text) if token is not None]

    def _ids(self, text: str) -> Iterator[int | None]:
        if self._bytes is not None:
            yield from (self._backend.token_to_id(self._bytes[byte]) for byte in text.encode())
            return
        for character in text:
            token = self._backend.token_to_id(_SPACE if character == " " else character)
            spelled = [f"<0x{byte:02X}>" for byte in character.encode()]
            yield from map(self._backend.token_to_id, spelled) if token is None else [token]


def _byte_alphabet() -> list[str]:
    """The character of each byte: itself where it can be printed, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]
