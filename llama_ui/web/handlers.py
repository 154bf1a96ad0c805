"""What happens on each event of the page. Turns chunks into frames of it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from llama_ui.conversation import Conversation, Facts
from llama_ui.engine.base import Chunk, Engine
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, DialogError, EngineError, incident
from llama_ui.export import from_json, to_json
from llama_ui.options import ChatOptions
from llama_ui.text import check_text
from llama_ui.web.form import Form
from llama_ui.web.frame import Frame, Frames
from llama_ui.web.pacing import FramePacer
from llama_ui.web.session import Session
from llama_ui.web.transcript import (
    EXAMPLES,
    queue_status,
    render_conversation,
    render_empty,
    render_fault,
    render_finished,
    render_running,
)
from llama_ui.web.turn import Turn

log = logging.getLogger(__name__)

_STOP_LIMIT_S = 10.0
_LOADING_S = 0.5
Change = Callable[[Conversation], Conversation]


class Handlers:
    """The events of the page.

    Args:
        starter: holds the engine.
        logo: the SVG that stands on the empty page.
        pacer: decides how often a running reply is shown.
        defaults: the options of a new chat.
    """

    def __init__(
        self,
        starter: EngineStarter,
        logo: str,
        pacer: FramePacer,
        defaults: ChatOptions = ChatOptions(),  # noqa: B008 - immutable
    ) -> None:
        self._starter = starter
        self._logo = logo
        self._pacer = pacer
        self._defaults = defaults

    def shown(self, session: Session) -> Frame:
        """The page between two replies."""
        conversation = session.conversation
        is_empty = conversation.head is None
        return Frame(
            transcript=render_empty(self._logo)
            if is_empty
            else render_conversation(conversation, session.dropped),
            running=render_finished(conversation),
            notice="",
            busy=False,
            has_messages=not is_empty,
            chats=[_kept(session)],
            key=session.key,
        )

    def send(self, session: Session, key: str, text: str, form: Form) -> Frames:
        """Answer a new message; the typed text leaves its box only once it is accepted."""
        return self._turn(session, key, lambda chat: chat.ask(text), form, message="")

    def act(self, session: Session, key: str, data: Mapping[str, Any], form: Form) -> Frames:
        """Do what a button in the chat pane says; what is typed stays.

        Args:
            data: `act`, and `n`, the number of the message, and `text` to write there; from
                the browser, so anything.
        """
        act, text = data.get("act"), data.get("text")
        number: Any = data.get("n")
        if act == "example":
            return self._turn(session, key, lambda chat: chat.ask(_example(number)), form)
        if act == "retry":
            return self._turn(session, key, lambda chat: chat.retry(number), form)
        if act == "edit":
            return self._turn(session, key, lambda chat: chat.edit(number, check_text(text)), form)
        if act == "select":
            return self._change(session, key, lambda chat: chat.select(number))
        if act == "continue":
            return self._turn(session, key, lambda chat: chat, form, goes_on=True)
        return self._change(session, key, _unknown)

    def undo(self, session: Session, key: str, draft: str) -> Frame:
        """Take the last exchange back; its text returns to the box, unless something is in it."""
        try:
            _check(session, key)
            conversation, text = session.conversation.undo()
        except ChatError as fault:
            return _refused(fault, key)
        session.show(conversation)
        return replace(self.shown(session), message=draft or text)

    async def open(self, session: Session, data: Mapping[str, Any]) -> Frame:
        """Show another chat: a new one, or one that the browser has kept.

        Args:
            data: `key` and `chat`, an export of one chat; without them a new one begins. With
                `same_options` the controls stay as they are.
        """
        try:
            kept, key = data.get("chat"), data.get("key")
            if not kept:
                conversation, key = Conversation(options=self._defaults), Session().key
            elif isinstance(kept, str) and isinstance(key, str) and 0 < len(key) <= 40:
                # Checking a long chat takes a while that other visitors need not wait for.
                [conversation, *_] = await asyncio.to_thread(from_json, kept)
            else:
                raise DialogError("The chat cannot be opened.", "Reload the page.")
            await _come_to_rest(session)
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        left = _kept(session)
        session.show(conversation, key)
        chats = [left, _kept(session)]
        form = None if data.get("same_options") else Form.of(conversation.options)
        return replace(self.shown(session), chats=chats, form=form)

    def leave(self, session: Session) -> None:
        """The visitor has left: stop what runs, and let the engine forget the conversation."""
        session.stop()
        self._starter.forget(session.owner)

    async def _change(self, session: Session, key: str, change: Change) -> Frames:
        """Change what is shown, without asking the model."""
        try:
            _check(session, key)
            session.show(change(session.conversation))
            yield self.shown(session)
        except ChatError as fault:
            yield _refused(fault, key)

    async def _turn(
        self,
        session: Session,
        key: str,
        change: Change,
        form: Form,
        message: str | None = None,
        goes_on: bool = False,
    ) -> Frames:
        """Change the conversation and, if that leaves something to answer, have it answered;
        faults become a notice.

        Args:
            message: what the message box holds once the change is accepted; None leaves it.
            goes_on: the last reply is to go on.
        """
        try:
            _check(session, key)
        except ChatError as fault:
            yield _refused(fault, key)
            return
        session.busy, session.stop_requested = True, False
        notice = ""
        try:
            conversation = change(replace(session.conversation, options=form.options()))
            turn = Turn(conversation, conversation.unfinished() if goes_on else None)
            if goes_on or conversation.is_waiting:
                async with aclosing(self._answer(session, turn, message)) as frames:
                    async for frame in frames:
                        yield frame
            else:  # a reply that was written anew
                session.show(conversation)
        except ChatError as fault:
            notice = render_fault(fault)
        except Exception as error:
            what = "Something went wrong on the server"
            notice = render_fault(incident(log, error, what, "Nothing is lost: try again."))
        finally:
            # Also the way out when the visitor has closed the page.
            session.stop()
            session.busy, session.reply = False, None
        yield replace(self.shown(session), notice=notice)

    async def _answer(self, session: Session, turn: Turn, message: str | None) -> Frames:
        is_loading = self._starter.state == "loading"
        if not is_loading:
            # Before the message is accepted: what cannot be sent stays in its box.
            await self._submit(session, turn)
        session.conversation = turn.conversation
        status = self._loading_status() if is_loading else ""
        yield Frame(
            transcript=render_conversation(turn.conversation, session.dropped, turn.going_on),
            running=render_running(turn.said, status),
            message=message,
            notice="",
            busy=True,
            has_messages=True,
            chats=[_kept(session)],
        )
        if is_loading:
            async with aclosing(self._until_loaded(session, turn.said)) as frames:
                async for frame in frames:
                    yield frame
            await self._submit(session, turn)
        async with aclosing(self._stream(session, turn)) as frames:
            async for frame in frames:
                yield frame

    async def _until_loaded(self, session: Session, said: str) -> Frames:
        """Say how far the load is, again and again, until it ends or nobody waits for it."""
        while self._starter.state == "loading" and not session.stop_requested:
            yield Frame(running=render_running(said, self._loading_status()))
            await asyncio.sleep(_LOADING_S)

    def _loading_status(self) -> str:
        return f"{self._starter.name} is {self._starter.progress}"

    async def _submit(self, session: Session, turn: Turn) -> None:
        engine = await self._starter.engine(lambda: session.stop_requested)
        if engine is None:
            return
        # Tokenising a long chat takes milliseconds that other visitors need not wait for.
        plan = await asyncio.to_thread(turn.plan, engine, session.owner)
        if not session.stop_requested:
            session.reply = engine.submit(plan, turn.options.sampling)
            session.dropped = plan.dropped

    async def _stream(self, session: Session, turn: Turn) -> Frames:
        """Show the running reply, so many frames a second, and keep it at the end."""
        text, facts = "", Facts("cancelled", options=turn.options)
        try:
            if session.reply is not None:
                engine = self._starter.wait()
                with self._pacer.stream():
                    async for chunk in session.reply:
                        text += chunk.text
                        if chunk.finish_reason is not None:
                            facts = turn.facts(chunk.finish_reason, engine, chunk.stats)
                            break
                        started = time.perf_counter()
                        status = _queue_status(chunk, engine)
                        yield Frame(running=render_running(turn.said + text, status))
                        await self._pacer.pause(time.perf_counter() - started)
        except Exception:
            facts = replace(facts, ending="error")
            raise
        finally:
            session.conversation = turn.ended(text, facts)


async def _come_to_rest(session: Session) -> None:
    """Stop the running reply and wait until it is kept."""
    session.stop()
    deadline = time.monotonic() + _STOP_LIMIT_S
    while session.busy and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    _check_idle(session)


class LostChat(ChatError):
    """The server does not hold the chat that the page shows: it was started again."""


def _check(session: Session, key: object) -> None:
    """Raises when the session cannot take a change from a page that shows the chat `key`."""
    _check_idle(session)
    if key != session.key:
        raise LostChat(
            "The server was started again since you wrote last.",
            "The chat is being restored from this browser: send once more if nothing happens.",
        )


def _check_idle(session: Session) -> None:
    if session.busy:
        raise EngineError("A reply is still being written.", "Wait for it, or stop it first.")


def _refused(fault: ChatError, key: str) -> Frame:
    is_lost = isinstance(fault, LostChat)
    return Frame(notice=render_fault(fault), chats=[{"lost": str(key)}] if is_lost else None)


def _kept(session: Session) -> dict[str, str]:
    """What the browser keeps of the open chat."""
    conversation = session.conversation
    chat = to_json(conversation) if conversation.nodes else ""
    return {"key": session.key, "title": conversation.title, "chat": chat}


def _example(index: object) -> str:
    if type(index) is int and 0 <= index < len(EXAMPLES):
        return EXAMPLES[index]
    raise DialogError("There is no such example.", "Choose one of those on the page.")


def _unknown(conversation: Conversation) -> Conversation:
    raise DialogError("The page asked for something unknown.", "Reload the page.")


def _queue_status(chunk: Chunk, engine: Engine) -> str:
    return "" if chunk.queue_position is None else queue_status(chunk.queue_position, engine.load)
