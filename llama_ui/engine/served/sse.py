"""Server-sent events: bytes in, the data of each event out. Pure.

Format: "Parsing an event stream" in the HTML standard, of which only `data` fields matter here.
"""

from collections.abc import AsyncIterator

_MAX_ANSWER_BYTES = 20_000
# More in one event is no piece of a reply.
MAX_EVENT_BYTES = 1_000_000


class EventParser:
    """Cuts a stream into events, whichever pieces it comes in.

    Raises:
        ValueError: from `add`, for what is no text or does not end.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[str] = []

    def add(self, piece: bytes) -> list[str]:
        """The data of the events that this piece completes."""
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        if len(self._buffer) > MAX_EVENT_BYTES:
            raise ValueError("an event without an end")
        return [event for line in lines for event in self._take(line.removesuffix(b"\r"))]

    def _take(self, line: bytes) -> list[str]:
        if not line:
            event, self._data = "\n".join(self._data), []
            return [event] if event else []
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" ").decode())
        return []


async def events(pieces: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The data of each event of a chat completion, up to the one that says it is the last."""
    parser = EventParser()
    async for piece in pieces:
        for data in parser.add(piece):
            if data == "[DONE]":
                return
            yield data


async def first_text(pieces: AsyncIterator[bytes]) -> str:
    """What an answer says, as far as anybody would read it."""
    text = b""
    async for piece in pieces:
        text += piece
        if len(text) > _MAX_ANSWER_BYTES:
            break
    return text.decode(errors="replace")
