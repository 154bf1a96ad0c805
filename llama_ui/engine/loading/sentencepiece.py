"""The tokenizer that SentencePiece's tokenizer.model, or a GGUF file, describes.

SentencePiece's BPE joins, again and again, the neighbours whose joined piece has the best score
(Kudo and Richardson 2018). In the tokenizers library the order of its merges decides, so they
have to stand in the order of those scores; transformers would order those of a bare
tokenizer.model by id, and runs of spaces would get other ids than the model was trained with.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from llama_ui.errors import ModelError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
_BPE = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of the vocabulary: its text, its score, and what kind it is."""

    text: str
    score: float
    kind: int


@dataclass(slots=True)
class Vocabulary:
    """Its pieces, whose places are their ids, the kind of model, and how a text is normalised
    first."""

    pieces: list[Piece]
    kind: int = 1
    has_prefix: bool = True
    joins_spaces: bool = False
    charsmap: bytes = b""


def build_tokenizer(path: Path, legacy: bool = False) -> Tokenizer:
    """Read tokenizer.model.

    A text gets a space in front, also one that begins with a space.

    Args:
        legacy: whether a space also comes in front of what follows a control token (the field of
            that name in tokenizer_config.json).

    Raises:
        ModelError: it is damaged, or no BPE model.
    """
    try:
        model = _read(path.read_bytes())
    except (ValueError, IndexError, TypeError, struct.error) as error:
        raise ModelError(
            f"{path} is damaged ({error}).", "Delete this file, and copy or download it again."
        ) from error
    if model.kind != _BPE or not model.pieces:
        raise ModelError(
            f"{path} is no SentencePiece BPE model.",
            "Choose a model with a tokenizer.json beside it.",
        )
    return tokenizer_of(model, legacy)


def tokenizer_of(model: Vocabulary, legacy: bool = False) -> Tokenizer:
    """The tokenizer with this vocabulary; legacy as for build_tokenizer."""
    pieces = model.pieces
    vocabulary = {piece.text: number for number, piece in enumerate(pieces)}
    scores = {piece.text: piece.score for piece in pieces if piece.kind == NORMAL}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=_merges(vocabulary, scores),
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    rules: list[Any] = [normalizers.Precompiled(model.charsmap)] if model.charsmap else []
    if model.joins_spaces:
        rules += [normalizers.Replace(Regex(" +"), " "), normalizers.Strip()]
        legacy = True  # Metaspace would no longer see where the text starts
    if model.has_prefix and legacy:
        rules.append(normalizers.Prepend("▁"))
    tokenizer.normalizer = normalizers.Sequence([*rules, normalizers.Replace(" ", "▁")])
    if model.has_prefix and not legacy:
        # At the start of all the text only; Metaspace leaves out a prefix that is there already,
        # so it writes it as a space, of which none is left.
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(" ", prepend_scheme="first", split=False),
                pre_tokenizers.Metaspace("▁", prepend_scheme="never", split=False),
            ]
        )
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(
        [*steps, decoders.Strip(" ", 1, 0)] if model.has_prefix else steps
    )
    special = [piece.text for piece in pieces if piece.kind in (UNKNOWN, CONTROL)]
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in special])
    own = [piece.text for piece in pieces if piece.kind == USER_DEFINED]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in own])
    return tokenizer


def _merges(vocabulary: dict[str, int], scores: dict[str, float]) -> list[tuple[str, str]]:
    """Every way to join two pieces to a third, those with the best score first, of equals the
    longest."""
    found = []
    for piece, score in scores.items():
        splits = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
        pairs = [(left, right) for left, right in splits if left in scores and right in scores]
        pairs.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        found += [(score, *pair) for pair in pairs]
    found.sort(key=lambda merge: (merge[0], len(merge[1]), len(merge[2])), reverse=True)
    return [(left, right) for _, left, right in found]


def _read(data: bytes) -> Vocabulary:
    """The fields of sentencepiece_model.proto that matter here."""
    model = Vocabulary([])
    for number, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            model.pieces.append(_piece(dict(_fields(value))))
        elif number == 2:
            model.kind = int(dict(_fields(value)).get(3, 1))
        elif number == 3:
            rules = dict(_fields(value))
            charsmap = rules.get(2, b"")
            model.charsmap = charsmap if isinstance(charsmap, bytes) else b""
            model.has_prefix = bool(rules.get(3, 1))
            model.joins_spaces = bool(rules.get(4, 0))
    return model


def _piece(fields: dict[int, int | bytes]) -> Piece:
    text, score, kind = fields.get(1, b""), fields.get(2, b"\0\0\0\0"), fields.get(3, NORMAL)
    if not isinstance(text, bytes) or not isinstance(score, bytes) or not isinstance(kind, int):
        raise ValueError("a piece without text")
    return Piece(text.decode(), struct.unpack("<f", score)[0], kind)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer message: number and value (an integer, or its bytes)."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire == 2:
            length, position = _varint(data, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position + length > len(data):
            raise ValueError("it is cut off")
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
