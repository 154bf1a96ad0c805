"""Whether a session can take what a page asks of it."""

import asyncio
import time
from typing import TypeGuard

from llama_ui.errors import ChatError, EngineError
from llama_ui.web.page.session import Session

_STOP_LIMIT_S = 10.0


class LostChat(ChatError):
    """The server does not hold the chat that the page shows: it was started again."""


def check(session: Session, key: object) -> None:
    """Raises when the session cannot take a change from a page that shows the chat `key`."""
    check_idle(session)
    check_key(session, key)


def check_key(session: Session, key: object) -> None:
    """Raises LostChat when the page shows a chat that is not open here."""
    if key != session.key:
        raise LostChat(
            "The server was started again since you wrote last.",
            "The chat is being restored from this browser: send once more if nothing happens.",
        )


def check_idle(session: Session) -> None:
    """Raises EngineError while a reply is being written."""
    if session.busy:
        raise EngineError("A reply is still being written.", "Wait for it, or stop it first.")


def is_key(key: object) -> TypeGuard[str]:
    """Whether it can be the name of a chat."""
    return isinstance(key, str) and 0 < len(key) <= 40


async def come_to_rest(session: Session) -> None:
    """Stop the running reply and wait until it is kept."""
    session.stop()
    session.leaving = True
    deadline = time.monotonic() + _STOP_LIMIT_S
    while session.busy and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    session.leaving = False
    check_idle(session)
