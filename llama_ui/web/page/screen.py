"""The page between two replies."""

from collections.abc import Collection

from llama_ui.chat.export import to_json
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError
from llama_ui.web.page.frame import Frame
from llama_ui.web.page.guard import LostChat
from llama_ui.web.page.session import Session
from llama_ui.web.render.inspector import render_tokens
from llama_ui.web.render.transcript import (
    render_conversation,
    render_empty,
    render_fault,
    render_finished,
)


class Screen:
    """Draws the open conversation of a session.

    Args:
        starter: holds the engine.
        logo: the SVG that stands on the empty page.
    """

    def __init__(self, starter: EngineStarter, logo: str) -> None:
        self._starter = starter
        self._logo = logo

    @property
    def missing(self) -> Collection[str]:
        """What the engine cannot do, as far as that is known."""
        return self._starter.wait().info.missing if self._starter.state == "ready" else ()

    def shown(self, session: Session) -> Frame:
        """The page between two replies."""
        conversation = session.conversation
        is_empty = conversation.head is None
        return Frame(
            transcript=render_empty(self._logo) if is_empty else self._rendered(session),
            running=render_finished(conversation),
            notice="",
            busy=False,
            has_messages=not is_empty,
            chats=[kept_chat(session)],
            key=session.key,
        )

    def _rendered(self, session: Session) -> str:
        number, explained = session.explained, None
        if number is not None and number in session.tokens:
            explained = number, render_tokens(session.tokens[number], self._starter.wait())
        return render_conversation(
            session.conversation,
            session.dropped,
            explainable=session.tokens,
            explained=explained,
            compared=session.compared,
            missing=self.missing,
        )


def refused(fault: ChatError, key: str) -> Frame:
    """What a page is told that asks for what cannot be; it may have to bring its chat again."""
    is_lost = isinstance(fault, LostChat)
    return Frame(notice=render_fault(fault), chats=[{"lost": str(key)}] if is_lost else None)


def kept_chat(session: Session) -> dict[str, str]:
    """What the browser keeps of the open chat."""
    conversation = session.conversation
    chat = to_json(conversation) if conversation.nodes else ""
    return {"key": session.key, "title": conversation.title, "chat": chat}
