"""How many tokens a second the engine draws. Pure."""

import time
from collections import deque

_WINDOW_S = 3.0


class SpeedMeter:
    """Tokens a second over the last few seconds; written by one thread, read by any."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque()

    def add(self, tokens: int) -> None:
        """Count the tokens of a step."""
        now = time.monotonic()
        self._steps.append((now, tokens))
        while self._steps[0][0] < now - _WINDOW_S:
            self._steps.popleft()

    def per_second(self) -> float:
        """Tokens a second; 0 when nothing runs."""
        now = time.monotonic()
        recent = [(at, tokens) for at, tokens in [*self._steps] if at >= now - _WINDOW_S]
        if len(recent) < 2:
            return 0.0
        return sum(tokens for _, tokens in recent) / max(now - recent[0][0], 0.05)
