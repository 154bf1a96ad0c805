"""What a GGUF file says about its model: metadata and tensors, checked before anybody loads it.

Format: docs/gguf.md in github.com/ggml-org/ggml. A file may come from anywhere, so every size,
count and offset is held against a limit or the length of the file before it is used.
"""

import re
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from llama_ui.errors import ModelError

_T = TypeVar("_T")

_MOST_KEYS = 100_000  # of metadata, and of tensors
_MOST_BYTES = 16 << 20  # of one string
_MOST_VALUES = 8_000_000  # in all arrays together: a vocabulary of 256,000 has a tenth of it
_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?"} | {
    10: "Q",
    11: "q",
    12: "d",
}
# ggml's types (ggml.h, ggml-common.h): name, weights a block, bytes a block.
_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


class Damaged(ValueError):
    """The file breaks the format; the text says where, and continues "it is damaged: "."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file: its shape with the fastest dimension last, its ggml type by name, and
    its size in bytes."""

    name: str
    shape: tuple[int, ...]
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Gguf:
    """A model in one file, or in several parts.

    Args:
        path: of the file, or of the first part.
        metadata: of the first part.
        tensors: of all parts, by name.
        size: bytes of all parts.
    """

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, Tensor]
    size: int

    @property
    def name(self) -> str:
        """The file's name without what belongs to the format."""
        part = _PART.fullmatch(self.path.name)
        return part[1] if part else self.path.stem

    @property
    def quantization(self) -> str:
        """The type that most of the bytes are held in."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors.values():
            sizes[tensor.kind] += tensor.size
        return sizes.most_common(1)[0][0]

    def get(self, key: str, kind: type[_T], default: _T | None = None) -> _T:
        """A value of the metadata; raises Damaged when it is missing or of another type."""
        value = self.metadata.get(key, default)
        # A whole number will do for a float; True is no number.
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise Damaged(f"{key} is missing" if value is None else f"{key} is no {kind.__name__}")
        return value

    def count(self, key: str, most: int, default: int | None = None) -> int:
        """A whole number from 1 to most; raises Damaged."""
        value = self.get(key, int, default)
        if not 1 <= value <= most:
            raise Damaged(f"{key} is {value:,}")
        return value

    def array(self, key: str, kind: type[_T]) -> list[_T]:
        """A list of the metadata, all of one type; empty when it is missing; raises Damaged."""
        values = self.metadata.get(key, [])
        if not isinstance(values, list) or not all(type(value) is kind for value in values):
            raise Damaged(f"{key} is no list of {kind.__name__}")
        return values


def read_gguf(path: Path) -> Gguf:
    """Read the header of a file, and of the other parts of a model that is split.

    Raises:
        ModelError: the file, or a part, is missing or damaged.
    """
    found = _PART.fullmatch(path.name)
    count = int(found[3]) if found else 1
    names = [f"{found[1]}-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1)] if found else []
    parts = [path.with_name(name) for name in names] or [path]
    metadata: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    size = 0
    for number, part in enumerate(parts):
        if not part.is_file():
            missing = f"{part.name}, part {number + 1} of {count}," if found else str(part)
            raise ModelError(f"There is no {missing}.", "Copy or download it again.")
        try:
            its_metadata, its_tensors = _read(part)
            if its_metadata.get("split.count", 1) not in (count, 0):
                raise Damaged("it is a part of another model, or has been renamed")
            if twice := tensors.keys() & its_tensors.keys():
                raise Damaged(f"{min(twice)} stands in two parts")
        except Damaged as fault:
            raise damaged(part, fault) from fault
        except OSError as fault:
            raise ModelError(
                f"{part} cannot be read ({fault.strerror}).", "Check its permissions, and retry."
            ) from fault
        metadata = metadata or its_metadata
        tensors |= its_tensors
        size += part.stat().st_size
    return Gguf(parts[0], metadata, tensors, size)


def damaged(path: Path, fault: Damaged) -> ModelError:
    """What a reader is told of a file that breaks the format."""
    return ModelError(
        f"{path} is damaged: {printable(str(fault))}.",
        "Delete this file, and copy or download it again.",
    )


def printable(text: str) -> str:
    """Text that came out of a file, for a log or a page."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:300])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with path.open("rb") as file:
        header = _Header(file, path.stat().st_size)
        if header.bytes(4) != b"GGUF":
            raise Damaged("it does not begin with GGUF")
        version = header.number("I")
        if version not in (2, 3):
            raise Damaged(f"it has the unknown version {version}")
        tensors, keys = header.number("Q"), header.number("Q")
        if max(tensors, keys) > _MOST_KEYS:
            raise Damaged(f"it claims {keys:,} keys and {tensors:,} tensors")
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            key = header.text()
            if key in metadata:
                raise Damaged(f"{key} stands in it twice")
            metadata[key] = header.value()
        table = list(header.tensors(tensors))
        alignment = metadata.get("general.alignment", 32)
        if type(alignment) is not int or alignment not in (1 << n for n in range(3, 17)):
            raise Damaged("its alignment makes no sense")
        start = -(-file.tell() // alignment) * alignment
    found = {tensor.name: tensor for tensor, _ in table}
    if len(found) != len(table):
        raise Damaged("a tensor stands in it twice")
    end = max((start + offset + tensor.size for tensor, offset in table), default=0)
    if end > header.size:
        raise Damaged(f"it has {header.size:,} bytes, not {end:,}")
    if any(offset % alignment for _, offset in table):
        raise Damaged("a tensor does not lie where it should")
    return metadata, found


class _Header:
    """Reads the values of a header one after the other; raises Damaged."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._values = 0
        self.size = size

    def bytes(self, count: int) -> bytes:
        # Not before the check: reading allocates what is asked for.
        if count > self.size - self._file.tell():
            raise Damaged("its header is cut off")
        return self._file.read(count)

    def number(self, code: str) -> Any:
        return self._numbers(code, 1)[0]

    def text(self) -> str:
        length = self.number("Q")
        if length > _MOST_BYTES:
            raise Damaged(f"a text in it claims {length:,} bytes")
        try:
            return self.bytes(length).decode()
        except UnicodeDecodeError:
            raise Damaged("a text in it is no UTF-8") from None

    def value(self) -> Any:
        kind = self.number("I")
        if kind == _STRING:
            return self.text()
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind != _ARRAY:
            raise Damaged(f"a value in it has the unknown type {kind}")
        kind, count = self.number("I"), self.number("Q")
        self._values += count
        if self._values > _MOST_VALUES:
            raise Damaged(f"its lists claim {self._values:,} values")
        if kind == _STRING:
            return [self.text() for _ in range(count)]
        if kind not in _NUMBERS:
            raise Damaged(f"a list in it has the unknown type {kind}")
        return list(self._numbers(_NUMBERS[kind], count))

    def tensors(self, count: int) -> Iterator[tuple[Tensor, int]]:
        """Each tensor, and where it lies behind the header."""
        for _ in range(count):
            name, dimensions = self.text(), self.number("I")
            if not 1 <= dimensions <= 4:
                raise Damaged(f"a tensor in it has {dimensions} dimensions")
            shape = tuple(reversed(self._numbers("Q", dimensions)))
            kind, offset = self.number("I"), self.number("Q")
            if kind not in _TYPES:
                raise Damaged(f"a tensor in it has the unknown type {kind}")
            label, block, width = _TYPES[kind]
            if not all(shape) or shape[-1] % block:
                raise Damaged("the shape of a tensor in it makes no sense")
            yield Tensor(name, shape, label, prod(shape) // block * width), offset

    def _numbers(self, code: str, count: int) -> Sequence[Any]:
        data = self.bytes(count * struct.calcsize(f"<{code}"))
        return struct.unpack(f"<{count}{code}", data)
