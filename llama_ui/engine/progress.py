"""How far a load has come. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_UNITS = ((10**12, "TB", 1), (10**9, "GB", 1), (10**6, "MB", 0), (10**3, "kB", 0))


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
