"""How people really type: no capitals, no full stops, typos, filler words.

Values that a reply has to copy (names, phrases) are wrapped in guards by `guard`, so that a typo
never hits them; their capitals may still go, as people write "my name is anna".
"""

from __future__ import annotations

import re
from random import Random

from .synonyms import reword

OPEN, CLOSE = "\x0e", "\x0f"
_GUARDED = re.compile(f"({OPEN}[^{CLOSE}]*{CLOSE})")
_WORD = re.compile(r"[A-Za-z]{4,}")
_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o",
    "q": "wa", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc",
    "y": "tu", "z": "x",
}  # fmt: skip
_SHORT = [
    (re.compile(r"\b[Yy]ou\b"), "u"),
    (re.compile(r"\b[Aa]re\b"), "r"),
    (re.compile(r"\b[Pp]lease\b"), "pls"),
    (re.compile(r"\b[Tt]hanks\b"), "thx"),
    (re.compile(r"\b[Yy]our\b"), "ur"),
    (re.compile(r"\bWhat is\b"), "whats"),
    (re.compile(r"\bWhat's\b"), "whats"),
    (re.compile(r"\bI'm\b"), "im"),
    (re.compile(r"\bdon't\b"), "dont"),
]
_BEFORE = [
    "hey, ", "hey ", "ok, ", "ok so ", "so ", "um, ", "hmm, ", "well, ", "right, ", "hi, ",
    "and ", "oh, ", "Okay. ", "Quick question: ", "Question: ", "Hello! ", "Hi there. ",
    "Thanks. ", "Great. ", "Cool, ", "nice. ", "I was wondering: ", "Sorry, ", "One more: ",
]  # fmt: skip
_AFTER = [" please", ", please", " pls", " thanks", " :)", " lol", " ?", "??", "!!", " 🙂", " then",
          ", thanks", " exactly?", " btw", " ..."]  # fmt: skip


def guard(value: str) -> str:
    return f"{OPEN}{value}{CLOSE}"


def _typo(word: str, rng: Random) -> str:
    i = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind == 1:
        return word[:i] + word[i + 1 :]
    if kind == 2:
        return word[:i] + word[i] + word[i:]
    near = _NEAR.get(word[i].lower())
    return word[:i] + rng.choice(near) + word[i + 1 :] if near else word


def noise(text: str, rng: Random, filler: bool = True) -> str:
    """The text as somebody might type it; guards are removed."""
    roll = rng.random
    if filler and roll() < 0.5:
        text = "".join(
            piece if piece.startswith(OPEN) else reword(piece, rng)
            for piece in _GUARDED.split(text)
        )
    if roll() < 0.4:  # a good part of what people type is clean
        return _clean(text)
    lower = roll() < 0.5
    rate = rng.choice((0.0, 0.0, 0.0, 0.06, 0.06, 0.15))
    if filler and roll() < 0.15:
        before = rng.choice(_BEFORE)
        keep = text[:2] in ("I ", "I'") or not before.endswith(", ")
        text = before + (text if keep or not text else text[0].lower() + text[1:])
    if filler and roll() < 0.1:
        text = text.rstrip(".?!") + rng.choice(_AFTER)
    elif roll() < 0.45:
        text = text.rstrip(".?!")
    shorten = roll() < 0.12
    out: list[str] = []
    for piece in _GUARDED.split(text):
        if piece.startswith(OPEN):
            out.append(piece.lower() if lower and roll() < 0.8 else piece)
            continue
        if shorten:
            for pattern, short in _SHORT:
                piece = pattern.sub(short, piece)
        if rate:
            piece = _WORD.sub(lambda m: _typo(m[0], rng) if rng.random() < rate else m[0], piece)
        out.append(piece.lower() if lower else piece)
    text = "".join(out)
    if roll() < 0.02:
        text = text.upper()
    return _clean(text)


def _clean(text: str) -> str:
    return text.replace(OPEN, "").replace(CLOSE, "").strip()
