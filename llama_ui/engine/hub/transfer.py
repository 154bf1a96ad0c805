"""How far a download of several files is. Imports no torch."""

import threading
import time
from collections import deque
from typing import Any

from llama_ui.engine.progress import Progress, Report

_SPEED_WINDOW_S = 5.0


class TransferMeter:
    """Adds up what the threads of a download receive, and reports it.

    Args:
        done: bytes that were there before.
        total: bytes of all files together.
    """

    def __init__(self, done: int, total: int, report: Report) -> None:
        self.abandoned = False
        self._done, self._total, self._report = done, total, report
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), done)])

    def add(self, count: int) -> None:
        if self.abandoned:
            raise InterruptedError("another file of this download has failed")
        with self._lock:
            self._done += count
            now = time.monotonic()
            while len(self._recent) > 1 and now - self._recent[0][0] > _SPEED_WINDOW_S:
                self._recent.popleft()
            then, before = self._recent[0]
            self._recent.append((now, self._done))
            speed = (self._done - before) / (now - then) if now > then else 0.0
            self._report(Progress("downloading", self._done, self._total, speed))


def bar_for(meter: TransferMeter) -> Any:
    """A progress bar as huggingface_hub wants one, which shows nothing and counts in the meter."""

    class Bar:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: Any) -> None: ...

        def update(self, count: float | None = 1) -> None:
            """Bytes written to disk."""
            meter.add(int(count or 0))

        def update_transfer(self, count: float | None = 1) -> None:
            """Bytes from the network, which hf_xet counts apart."""

        def set_postfix_str(self, *_: Any, **__: Any) -> None: ...

        def set_transfer_postfix_str(self, *_: Any, **__: Any) -> None: ...

        def close(self) -> None: ...

    return Bar
