"""End the program at a signal.

Imports almost nothing: what is imported before the handlers are in place is time in which Ctrl+C
would print a traceback.
"""

from __future__ import annotations

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType
    from typing import NoReturn


class Ending:
    """Ends the program at Ctrl+C (exit code 130) and SIGTERM (0), at any moment, without a
    traceback; also where a shell started it in the background, which makes Python ignore Ctrl+C."""

    def __init__(self) -> None:
        self.code = 0
        self._is_waiting = False
        self._folders: list[Path] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def wait(self) -> None:
        """Block until a signal arrives, once. At any other time a signal ends the program on the
        spot: nothing is running yet that would have to be closed, or it is being closed."""
        try:
            self._is_waiting = True
            while True:
                time.sleep(3600)
        except _Woken:
            return

    def removes(self, folder: Path) -> None:
        """Have a folder removed at the end."""
        self._folders.append(folder)

    def now(self, code: int) -> NoReturn:
        """End without waiting for threads: one may be in the midst of a download, or hold a lock
        while it writes into a pipe that nobody reads."""
        if self._folders:
            import shutil

            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)
        os._exit(code)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.code = 130 if number == signal.SIGINT else 0
        if not self._is_waiting:
            self.now(self.code)
        self._is_waiting = False
        raise _Woken


class _Woken(BaseException):
    """Raised in the main thread, which sleeps."""
