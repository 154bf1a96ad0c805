"""What is being written, on its way from the event that writes it to the one that shows it.

Whatever an event of Gradio leaves as it is, Gradio makes anew, component by component, at each of
its frames: of a turn, which may change ten of them, that took nine tenths of the server's time. So
the text that grows has an event of its own, which changes nothing else.
"""

import asyncio
from collections.abc import AsyncGenerator


class Writing:
    """The running replies of one turn, as HTML: the latest state counts, the others may be lost."""

    def __init__(self) -> None:
        self._text = ""
        self._is_over = False
        self._changed = asyncio.Event()
        self._readers = 0

    def put(self, text: str) -> None:
        """Show this from now on."""
        self._text = text
        self._changed.set()

    def end(self, text: str) -> None:
        """Show this, and nothing after it."""
        self._is_over = True
        self.put(text)

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        """Every state that is new to the reader. There is one: a second one ends the first, so
        that no visitor can keep a crowd of them waiting."""
        self._readers += 1
        number, is_over = self._readers, False
        self._changed.set()
        while not is_over:
            await self._changed.wait()
            if number != self._readers:
                return
            is_over = self._is_over
            if not is_over:
                self._changed.clear()
            yield self._text
