"""Server-sent events as servers really send them: bytes in, events and whole characters out. Pure.

Format: "Parsing an event stream" in the HTML standard. Beyond it, this accepts what servers of
this kind are known to send: events without a blank line between them, llama.cpp's old
`error: {...}` lines, bare JSON lines, and characters cut in two between events.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

MAX_EVENT_BYTES = 1_000_000
MAX_STREAM_BYTES = 30_000_000
_LINE_COST = 64  # what an empty line takes in memory, about
_MAX_STRAY_CHARS = 2_000
_BOM = b"\xef\xbb\xbf"
_DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Args:
        name: its type; empty where it has none, "error" for what a server says of a fault.
        data: its text. Bytes that are no UTF-8 are kept as surrogates (PEP 383).
    """

    name: str
    data: str


class EventParser:
    """Cuts a stream into events, whichever pieces it comes in.

    Attributes:
        stray: text outside any event, as far as anybody would read it: often why a server broke
            off.

    Raises:
        ValueError: from `add`, for a line or an event that does not end.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_first, self._after_cr = True, False
        self._name, self._data, self._size = "", list[str](), 0
        self.stray = ""

    def add(self, piece: bytes) -> list[ServerEvent]:
        """The events that this piece completes."""
        if self._after_cr:
            piece = piece.removeprefix(b"\n")
        self._after_cr = piece.endswith(b"\r")
        first, *others = re.split(rb"\r\n|\r|\n", piece)
        self._line += first
        if len(self._line) > MAX_EVENT_BYTES:
            raise ValueError("a line without an end")
        if not others:
            return []
        *lines, rest = bytes(self._line), *others
        self._line = bytearray(rest)
        return [event for line in lines for event in self._take(line)]

    def finish(self) -> list[ServerEvent]:
        """The events that the end of the stream completes: many servers leave out the last line
        break."""
        line, self._line = bytes(self._line), bytearray()
        return [*self._take(line), *self._take(b"")]

    def _take(self, line: bytes) -> list[ServerEvent]:
        if self._is_first:
            line, self._is_first = line.removeprefix(_BOM), False
        if not line:
            return self._end_event()
        if line.startswith(b":"):  # a sign of life
            return []
        text = line.decode(errors="surrogateescape")
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            return self._add_data(value)
        if name == "event":
            self._name = value.strip()
        elif name == "error":
            return [ServerEvent("error", value)]
        elif text.startswith("{"):
            return [ServerEvent(self._name, text)]
        elif name not in ("id", "retry") and len(self.stray) < _MAX_STRAY_CHARS:
            self.stray = f"{self.stray}{text}\n"[:_MAX_STRAY_CHARS]
        return []

    def _add_data(self, value: str) -> list[ServerEvent]:
        # Not every server puts a blank line behind an event: an object on one line is whole.
        is_whole = (value.startswith("{") and value.rstrip().endswith("}")) or value == _DONE
        if is_whole and not self._data:
            return [ServerEvent(self._name, value)]
        self._data.append(value)
        self._size += len(value) + _LINE_COST
        if self._size > MAX_EVENT_BYTES:
            raise ValueError("an event without an end")
        return []

    def _end_event(self) -> list[ServerEvent]:
        event = ServerEvent(self._name, "\n".join(self._data))
        self._name, self._data, self._size = "", [], 0
        return [event] if event.data.strip() else []


async def read_events(
    pieces: AsyncIterator[bytes], parser: EventParser
) -> AsyncIterator[ServerEvent]:
    """Each event of a stream, up to its end or the event that says it is the last.

    Raises:
        ValueError: the stream, or a part of it, does not end.
    """
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > MAX_STREAM_BYTES:
            raise ValueError("a stream without an end")
        for event in parser.add(piece):
            yield event
            if is_last(event):
                return
    for event in parser.finish():
        yield event


def is_last(event: ServerEvent) -> bool:
    """Whether the event says that nothing follows."""
    return event.data.strip() == _DONE


# A high surrogate at the end, or the first bytes of a character (as surrogates), that may become
# whole. A surrogate behind a high one is the other half of a character, never a byte.
_UNFINISHED = re.compile(
    "(?:[\ud800-\udbff]|(?<![\ud800-\udbff])(?:[\udcc2-\udcdf]|[\udce0-\udcef][\udc80-\udcbf]?"
    "|[\udcf0-\udcf4][\udc80-\udcbf]{0,2}))\\Z"
)
_BYTES = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]+")
_LONGEST_UNFINISHED = 4


class TextJoiner:
    """Passes text on in whole characters, however servers cut them: half of a surrogate pair in
    one event and half in the next, or some bytes of a character here and the others there. What
    never becomes whole is U+FFFD."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """The text up to the last whole character."""
        text, self._held = self._held + text, ""
        if text.isascii():
            return text
        # One more than can be held: what stands before decides what a surrogate is.
        tail = text[-_LONGEST_UNFINISHED:]
        if found := _UNFINISHED.search(tail):
            self._held = found[0]
            text = text[: len(text) - len(self._held)]
        return _whole(text)

    def finish(self) -> str:
        """What was held back, when nothing follows."""
        text, self._held = self._held, ""
        return _whole(text)


def _whole(text: str) -> str:
    """The text without surrogates."""
    text = _BYTES.sub(lambda found: _decoded(found[0]), text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _decoded(escaped: str) -> str:
    return escaped.encode(errors="surrogateescape").decode(errors="replace")
