"""How often a streaming reply is shown: fewer frames the more there are to show."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

# A frame costs the server a millisecond and the browser a few: more than these show no gain.
FRAMES_PER_S = 30
FRAMES_PER_S_OF_ALL = 120
# A long reply takes longer to render: at most this share of the time goes into frames.
SHARE_OF_TIME = 0.3


class FramePacer:
    """One for the whole server."""

    def __init__(self) -> None:
        self._streams = 0

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Counts a stream while it is shown."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def pause(self, frame_s: float = 0.0) -> None:
        """Wait until the next frame of a stream is due.

        Args:
            frame_s: how long the last one took to make, in seconds.
        """
        share = self._streams / FRAMES_PER_S_OF_ALL
        await asyncio.sleep(max(1 / FRAMES_PER_S, share, frame_s / SHARE_OF_TIME))
