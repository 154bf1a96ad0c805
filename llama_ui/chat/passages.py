"""The passages of a text that is too long to be sent, and which of them come first. Pure."""

import logging
import re
from collections.abc import Sequence

import bm25s

from llama_ui.chat.attachments import Attachment

# It writes a line for every text.
logging.getLogger("bm25s").setLevel(logging.WARNING)

PASSAGE_CHARS = 500
_LEFT_OUT = "[...]"
# A line; or as much of one as has the length, to the end of a word where it has one.
_LINE = rf".{{0,{PASSAGE_CHARS}}}(?:\n|\Z)"
_PART = rf".{{1,{PASSAGE_CHARS}}}"
_PIECE = re.compile(rf"{_LINE}|{_PART}(?<=\s)|{_PART}")
# Where a script has no spaces, each character is a word.
_NO_SPACES = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_NO_SPACES}]|[^\W{_NO_SPACES}]+")


def cut(text: str) -> list[str]:
    """The passages of a text, whole lines where that can be; joined they are the text again."""
    passages = [""]
    for piece in _PIECE.findall(text):
        if passages[-1] and len(passages[-1]) + len(piece) > PASSAGE_CHARS:
            passages.append("")
        passages[-1] += piece
    return passages


def part_of(whole: Attachment, passages: Sequence[str], chosen: Sequence[int]) -> Attachment:
    """What is sent where only some passages are; as `asPart` in assets/js/passages.js makes it."""
    if len(chosen) == len(passages):
        return whole
    text, kept = "", {*chosen}
    for number, passage in enumerate(passages):
        if number in kept:
            text += passage
        elif number == 0 or number - 1 in kept:
            text += f"{_LEFT_OUT}\n" if not text or text.endswith("\n") else f"\n{_LEFT_OUT}\n"
    return Attachment(f"{whole.name} ({len(chosen)} of {len(passages)} passages)", text)


def by_match(passages: Sequence[str], question: str) -> list[int]:
    """The numbers of all passages, those first that match the question best (BM25)."""
    words = [_words(passage) for passage in passages]
    known = {word for each in words for word in each}
    asked = [word for word in _words(question) if word in known]
    if not asked:
        return [*range(len(passages))]
    index = bm25s.BM25()
    index.index(words, show_progress=False)
    scores = index.get_scores(asked)
    return sorted(range(len(passages)), key=lambda number: -scores[number])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
