"""What happens on each event of the page. Turns chunks into frames of it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.export import one_from_json
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.text import check_text
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Reply
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, DialogError, incident
from llama_ui.web.access.limits import Gate, submit_for
from llama_ui.web.page.acts import Change, act_of
from llama_ui.web.page.compare import compared_turns
from llama_ui.web.page.form import Form
from llama_ui.web.page.frame import Frame, Frames
from llama_ui.web.page.guard import check, check_key, come_to_rest, is_key
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.running import Running, follow, kept
from llama_ui.web.page.screen import Screen, kept_chat, refused
from llama_ui.web.page.session import Session
from llama_ui.web.page.turn import Turn
from llama_ui.web.render.transcript import (
    render_conversation,
    render_fault,
    render_notice,
    render_running,
)

log = logging.getLogger(__name__)

_LOADING_S = 0.5
Begin = Callable[[Conversation], tuple[Turn, ...]]


class Handlers:
    """The events of the page.

    Args:
        starter: holds the engine.
        logo: the SVG that stands on the empty page.
        pacer: decides how often a running reply is shown.
        gate: how much a visitor may use.
        defaults: the options of a new chat.
    """

    def __init__(
        self,
        starter: EngineStarter,
        logo: str,
        pacer: FramePacer,
        gate: Gate,
        defaults: ChatOptions = ChatOptions(),  # noqa: B008 - immutable
    ) -> None:
        self._starter = starter
        self._screen = Screen(starter, logo)
        self._pacer = pacer
        self._gate = gate
        self._defaults = defaults

    def send(self, session: Session, key: str, text: str, form: Form) -> Frames:
        """Answer a new message; the typed text leaves its box only once it is accepted."""
        return self._turn(session, key, lambda chat: (Turn.answer(chat.ask(text)),), form, "")

    def compare(
        self, session: Session, key: str, text: str, difference: Any, value: Any, form: Form
    ) -> Frames:
        """Answer a new message twice, side by side; see compared_turns."""

        def begin(chat: Conversation) -> tuple[Turn, ...]:
            return compared_turns(chat.ask(text), difference, value)

        return self._turn(session, key, begin, form, "")

    def act(self, session: Session, key: str, data: Mapping[str, Any], form: Form) -> Frames:
        """Do what a button in the chat pane says; what is typed stays.

        Args:
            data: see act_of.
        """
        begin, change = act_of(session, data, self._starter.wait)
        if begin is None:
            return self._change(session, key, change)
        return self._turn(session, key, lambda chat: (begin(chat),), form)

    def undo(self, session: Session, key: str, draft: str) -> Frame:
        """Take the last exchange back; its text returns to the box, unless something is in it."""
        try:
            check(session, key)
            conversation, text = session.conversation.undo()
        except ChatError as fault:
            return refused(fault, key)
        session.show(conversation)
        session.tokens.clear()  # the messages have other numbers now
        return replace(self._screen.shown(session), message=draft or text)

    def opened(self, session: Session) -> Frame:
        """What a page that has just been loaded must know."""
        return Frame(chats=[kept_chat(session)], key=session.key)

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
            elif isinstance(kept, str) and is_key(key):
                # Checking a long chat takes a while that other visitors need not wait for.
                conversation = await asyncio.to_thread(one_from_json, kept)
            else:
                raise DialogError("The chat cannot be opened.", "Reload the page.")
            await come_to_rest(session)
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        left = kept_chat(session)
        session.show(conversation, key)
        chats = [left, kept_chat(session)]
        form = None if data.get("same_options") else Form.of(conversation.options)
        return replace(self._screen.shown(session), chats=chats, form=form)

    def rename(self, session: Session, shown: str, data: Mapping[str, Any]) -> Frame:
        """Give the open chat another title, also while a reply runs in it.

        Args:
            shown: the key of the chat that the page shows.
            data: `name`, the title, and `key`, under which the browser keeps it from now on.
        """
        name, key = data.get("name"), data.get("key")
        try:
            check_key(session, shown)
            if not is_key(key):
                raise DialogError("The chat cannot be renamed.", "Reload the page.")
            title = check_text(name).strip()
            session.conversation = replace(session.conversation, name=title)
        except ChatError as fault:
            return refused(fault, shown)
        session.key = key
        return Frame(chats=[kept_chat(session)], key=session.key)

    def leave(self, session: Session) -> None:
        """The visitor has left: stop what runs, and let the engine forget the conversation."""
        session.stop()
        self._starter.forget(session.owner)

    async def _change(self, session: Session, key: str, change: Change) -> Frames:
        """Change what is shown, without asking the model."""
        try:
            check(session, key)
            session.conversation = change(session.conversation)
            yield self._screen.shown(session)
        except ChatError as fault:
            yield refused(fault, key)

    async def _turn(
        self,
        session: Session,
        key: str,
        begin: Begin,
        form: Form,
        message: str | None = None,
    ) -> Frames:
        """Begin a turn and, if there is something for the model to do, show how it is done; faults
        become a notice.

        Args:
            message: what the message box holds once the turn is accepted; None leaves it.
        """
        try:
            check(session, key)
        except ChatError as fault:
            yield refused(fault, key)
            return
        session.busy, session.stop_requested = True, False
        notice = ""
        try:
            turns = begin(replace(session.conversation, options=form.options()))
            if turns[0].has_work:
                turns[0].conversation.check_room(len(turns))
                async with aclosing(self._answer(session, turns, message)) as frames:
                    async for frame in frames:
                        yield frame
                notice = _verdict(session, turns[0])
            else:  # a reply that was written anew
                session.show(turns[0].conversation)
        except ChatError as fault:
            notice = render_fault(fault)
        except Exception as error:
            what = "Something went wrong on the server"
            notice = render_fault(incident(log, error, what, "Nothing is lost: try again."))
        finally:
            # Also the way out when the visitor has closed the page.
            session.stop()
            session.busy, session.replies = False, ()
        # Gradio sends the last frame twice, the second time after what is shown next.
        yield Frame() if session.leaving else replace(self._screen.shown(session), notice=notice)

    async def _answer(self, session: Session, turns: Sequence[Turn], message: str | None) -> Frames:
        is_loading = self._starter.state == "loading"
        running = [Running.of(turn) for turn in turns]
        if not is_loading:
            # Before the message is accepted: what cannot be sent stays in its box.
            await self._begin(session, running)
        conversation = turns[0].conversation
        conversation = replace(conversation, name=session.conversation.name)
        session.show(conversation, dropped=session.dropped)
        if is_loading:
            running[0].status = self._loading_status()
        yield Frame(
            transcript=render_conversation(
                conversation,
                session.dropped,
                turns[0].going_on,
                missing=self._screen.missing,
                is_writing=True,
            ),
            running=render_running(running),
            message=message,
            notice="",
            busy=True,
            has_messages=True,
            chats=[kept_chat(session)],
        )
        try:
            if is_loading:
                while self._starter.state == "loading" and not session.stop_requested:
                    running[0].status = self._loading_status()
                    yield Frame(running=render_running(running))
                    await asyncio.sleep(_LOADING_S)
                await self._begin(session, running)
            if session.replies:
                engine = self._starter.wait()
                submit = partial(self._submit, session, engine)
                following = follow(session.replies, running, engine, self._pacer, submit)
                async with aclosing(following) as frames:
                    async for _ in frames:
                        yield Frame(running=render_running(running))
        finally:
            session.keep(kept(running), running)

    def _loading_status(self) -> str:
        return f"{self._starter.name} is {self._starter.progress}"

    async def _begin(self, session: Session, running: Sequence[Running]) -> None:
        engine = await self._starter.engine(lambda: session.stop_requested)
        if engine is None:
            return
        for reply in running:
            await self._submit(session, engine, reply)

    async def _submit(self, session: Session, engine: Engine, running: Running) -> Reply | None:
        # Tokenising a long chat takes milliseconds that other visitors need not wait for.
        plan = await asyncio.to_thread(running.plan, engine, session.owner)
        if session.stop_requested:
            return None
        session.dropped = plan.dropped
        reply = submit_for(session.visitor, self._gate, engine, plan, running.sampling)
        session.replies += (reply,)
        return reply


def _verdict(session: Session, turn: Turn) -> str:
    """What a replay has shown; empty for any other turn."""
    if turn.repeats is None or session.stop_requested:
        return ""
    if session.conversation.head == turn.repeats:
        return render_notice("Replayed: the same reply, word for word.")
    return render_notice(
        "Replayed with the same settings, with another reply: rounding depends on the device and "
        "on what else is running. Both are kept as versions."
    )
