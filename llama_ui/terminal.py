"""Show on the terminal how far a load is."""

import time
from typing import TextIO

from llama_ui.engine.progress import Progress

_ON_TERMINAL_S = 0.2
_IN_FILE_S = 5.0
_CLEAR = "\x1b[K"


class ProgressLine:
    """One line that changes in place; where that is not possible, a line every few seconds.

    Args:
        name: what is being loaded, as people say it.
        stream: where to write.
    """

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._changes_in_place = stream.isatty()
        self._written = ""
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        """Hears a report."""
        now, is_last = time.monotonic(), bool(progress.total) and progress.done >= progress.total
        text = f"{self._name}: {progress}"
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
