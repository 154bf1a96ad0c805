"""Connections: how many, and how long one may take to say what it wants.

uvicorn's own settings know neither a time for the head of a request nor a limit per address; its
protocol class for h11 has the events of asyncio.Protocol, which is all that is used here.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from llama_ui.web.access.addresses import network

# Seconds for the head of a request, for each LEAST_BYTES of its body, and until some of an answer
# is taken.
HEAD_S, BODY_S, LEAST_BYTES, ANSWER_S = 10.0, 10.0, 16_000, 60.0
# One page holds up to three connections; a program, as many as it has replies.
MOST, MOST_OF_ONE, RESERVE = 1_600, 800, 64
_WATCHED = ("/health", "/ready")


class Room:
    """Who is connected.

    Args:
        most: connections at the same time.
        most_of_one: those of one address.
        is_shared: whether many visitors stand behind an address, as behind a proxy.
    """

    def __init__(
        self,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
        is_shared: Callable[[str], bool] = lambda address: False,
    ) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._is_shared = is_shared
        # In the order in which they came.
        self._here: dict[Connection, str] = {}
        self._reserve: dict[Connection, str] = {}
        self._counts: dict[str, int] = {}

    def enter(self, connection: "Connection", address: str) -> bool:
        """Take a connection in. Where there is no room, the one that has waited longest for its
        visitor to speak gives way.

        Returns:
            Whether it may ask for everything; otherwise only for whether the server is alive.
        """
        limit = self._most if self._is_shared(address) else self._most_of_one
        near = network(address)
        if self._counts.get(near, 0) >= limit:
            has_room = self._drop_oldest(self._here, near)
        elif len(self._here) >= self._most:
            has_room = self._drop_oldest(self._here)
        else:
            has_room = True
        if has_room:
            self._here[connection] = near
            self._counts[near] = self._counts.get(near, 0) + 1
            return True
        if len(self._reserve) >= RESERVE and not self._drop_oldest(self._reserve):
            connection.transport.abort()
        self._reserve[connection] = near
        return False

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._reserve.pop(connection, None)
        near = self._here.pop(connection, None)
        if near is not None:
            self._counts[near] -= 1
            if not self._counts[near]:
                del self._counts[near]

    def _drop_oldest(self, among: dict["Connection", str], near: str | None = None) -> bool:
        for connection, address in among.items():
            if connection.is_waiting and near in (None, address):
                self.leave(connection)
                connection.transport.abort()
                return True
        return False


class Connection(H11Protocol):
    """A connection with limits."""

    room: ClassVar[Room]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._timed: Any = None
        self._stuck: asyncio.TimerHandle | None = None
        self._received = self._seen = 0
        if not self.room.enter(self, self.client[0] if self.client else ""):
            self.app = partial(_only_watched, self.app)
        self._watch()

    @property
    def is_waiting(self) -> bool:
        """Whether the next thing to happen is that the visitor sends something."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.room.leave(self)
        for timer in (self._timer, self._stuck):
            if timer is not None:
                timer.cancel()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # Its protocol would take the connection away from here, without limits.
        self.send_400_response("There are no web sockets here.")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(ANSWER_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()

    def _watch(self) -> None:
        """Start the time of what is awaited, if it is not running."""
        state = self.conn.their_state if self.is_waiting else None
        if state is self._timed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timed, self._seen = state, self._received
        if state is not None:
            limit = HEAD_S if state is h11.IDLE else BODY_S
            self._timer = self.loop.call_later(limit, self._expire)

    def _expire(self) -> None:
        if not self.is_waiting:
            self._timer = self._timed = None
            return
        came, self._seen = self._received - self._seen, self._received
        is_sending = self._timed is h11.SEND_BODY and came >= LEAST_BYTES
        if not is_sending and self.transport.is_reading():
            self.transport.abort()
            return
        # Or it is the application that does not read.
        self._timer = self.loop.call_later(BODY_S, self._expire)


def limited(room: Room) -> type[Connection]:
    """The protocol class for a server whose connections share a room."""
    return type("RoomConnection", (Connection,), {"room": room})


async def _only_watched(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """For those who watch over the server there is always room."""
    if scope["type"] != "http" or scope["path"].endswith(_WATCHED):
        return await app(scope, receive, send)
    headers = {"Retry-After": "5", "Connection": "close"}
    said = "Too many connections. Try again in a moment."
    return await JSONResponse({"detail": said}, 503, headers)(scope, receive, send)
