"""How far a load has come, in words and as a line on the terminal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TextIO

_UNITS = ((10**12, "TB", 1), (10**9, "GB", 1), (10**6, "MB", 0), (10**3, "kB", 0))
# How often the line on the terminal changes, and how often a file gets a new one.
_ON_TERMINAL_S = 0.2
_IN_FILE_S = 5.0
_CLEAR = "\x1b[K"


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a load.

    Args:
        phase: what is being done.
        done: how much of it, in bytes while downloading, in weights while loading.
        total: how much there is; 0 where that is not known.
        per_s: bytes a second at the moment; 0 where that is not known.
    """

    phase: Literal["checking", "downloading", "loading", "reaching"]
    done: int = 0
    total: int = 0
    per_s: float = 0.0

    def __str__(self) -> str:
        """For a person, for example "downloading 1.2 of 13.5 GB, 85 MB/s" or "loading 40 %"."""
        if self.phase == "reaching":
            return "not answering yet…"
        if not self.total:
            return "loading…" if self.phase == "loading" else f"{self.phase} the files…"
        if self.phase == "downloading":
            speed = f", {size_in_words(int(self.per_s))}/s" if self.per_s else ""
            return f"downloading {_of(self.done, self.total)}{speed}"
        return f"{self.phase} {100 * self.done // self.total} %"


class Moment(Protocol):
    """What a line on the terminal shows: its text, and how much of it is done."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


Report = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """A report that nobody reads."""


def size_in_words(count: int) -> str:
    """Bytes for a person: "13.5 GB", "85 MB", "3 kB"."""
    size, unit, digits = _unit(count)
    return f"{count / size:.{digits}f} {unit}"


def _of(done: int, total: int) -> str:
    size, unit, digits = _unit(total)
    return f"{done / size:.{digits}f} of {total / size:.{digits}f} {unit}"


def _unit(count: int) -> tuple[int, str, int]:
    return next((unit for unit in _UNITS if count >= unit[0]), _UNITS[-1])


class ProgressLine:
    """One line that changes in place; where that is not possible, a line every few seconds.

    Args:
        stream: where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._changes_in_place = stream.isatty()
        self._written = ""
        self._next = 0.0

    def __call__(self, name: str, progress: Moment) -> None:
        """Hears a report about the model of this name."""
        now, is_last = time.monotonic(), bool(progress.total) and progress.done >= progress.total
        text = f"{name}: {progress}"
        if text == self._written or (now < self._next and not is_last):
            return
        self._written = text
        if self._changes_in_place:
            self._next = now + _ON_TERMINAL_S
            # Back at its start: whatever is written next overwrites this line.
            self._stream.write(f"{text}{_CLEAR}\r")
        else:
            self._next = now + _IN_FILE_S
            self._stream.write(f"{text}\n")
        self._stream.flush()
