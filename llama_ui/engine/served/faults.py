"""What can go wrong on the way to a server, and what its reader may know of it."""

import logging
from dataclasses import dataclass

import httpx

from llama_ui.errors import ChatError, EngineError, incident

log = logging.getLogger(__name__)

BROKEN = "What has arrived of the reply stays: answer the message once more."


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a server may take, in seconds.

    Args:
        connect: to accept the connection.
        idle: between two signs of life, the first included: it may have a line of its own.
        total: for the whole reply.
    """

    connect: float = 10.0
    idle: float = 120.0
    total: float = 1800.0


def explained(fault: Exception, limits: TimeLimits) -> ChatError:
    """What a reader may know of the fault."""
    if isinstance(fault, ChatError):
        return fault
    if isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout):
        return EngineError(
            "The server with the model cannot be reached.", "Wait a moment and send again."
        )
    if isinstance(fault, httpx.TimeoutException):
        return EngineError(f"The server has sent nothing for {limits.idle:g} seconds.", BROKEN)
    if isinstance(fault, TimeoutError):
        return EngineError(f"The reply has taken longer than {limits.total:g} seconds.", BROKEN)
    if isinstance(fault, httpx.TransportError):
        return EngineError("The connection to the server broke.", BROKEN)
    if isinstance(fault, ValueError):
        log.warning("the server sent something unreadable", exc_info=fault)
        return EngineError("The server sent something that cannot be read.", BROKEN)
    return incident(log, fault, "Something went wrong on this side", "Send it again.")
