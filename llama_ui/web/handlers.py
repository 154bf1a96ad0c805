"""What happens on each event of the page. Turns chunks into frames of it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeGuard

from llama_ui.conversation import Conversation
from llama_ui.engine.base import Engine, Token
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, DialogError, EngineError, incident
from llama_ui.export import one_from_json, to_json
from llama_ui.options import ChatOptions
from llama_ui.text import check_text
from llama_ui.web.compare import compared_turns
from llama_ui.web.form import Form
from llama_ui.web.frame import Frame, Frames
from llama_ui.web.inspector import render_tokens
from llama_ui.web.pacing import FramePacer
from llama_ui.web.running import Running, follow, kept
from llama_ui.web.session import Session
from llama_ui.web.transcript import (
    EXAMPLES,
    render_conversation,
    render_empty,
    render_fault,
    render_finished,
    render_notice,
    render_running,
)
from llama_ui.web.turn import Turn

log = logging.getLogger(__name__)

_STOP_LIMIT_S = 10.0
_LOADING_S = 0.5
Change = Callable[[Conversation], Conversation]
Begin = Callable[[Conversation], tuple[Turn, ...]]


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
            transcript=render_empty(self._logo) if is_empty else self._rendered(session),
            running=render_finished(conversation),
            notice="",
            busy=False,
            has_messages=not is_empty,
            chats=[_kept(session)],
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
        )

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
            data: `act`, and `n`, the number of the message, and `text` to write there; from
                the browser, so anything.
        """
        act, text = data.get("act"), data.get("text")
        number: Any = data.get("n")
        begin: dict[str, Callable[[Conversation], Turn]] = {
            "example": lambda chat: Turn.answer(chat.ask(_example(number))),
            "retry": lambda chat: Turn.answer(chat.retry(number)),
            "edit": lambda chat: Turn.answer(chat.edit(number, check_text(text))),
            "continue": Turn.go_on,
            "replay": lambda chat: Turn.replay(chat, number),
            "branch": lambda chat: _branch(chat, session, number, data, self._starter.wait()),
        }
        change: dict[str, Change] = {
            "select": lambda chat: _select(chat, session, number),
            "pin": lambda chat: chat.pin(number),
            "why": lambda chat: _explain(chat, session, number),
        }
        if isinstance(act, str) and act in begin:
            return self._turn(session, key, lambda chat: (begin[act](chat),), form)
        return self._change(session, key, change.get(str(act), _unknown))

    def undo(self, session: Session, key: str, draft: str) -> Frame:
        """Take the last exchange back; its text returns to the box, unless something is in it."""
        try:
            _check(session, key)
            conversation, text = session.conversation.undo()
        except ChatError as fault:
            return _refused(fault, key)
        session.show(conversation)
        session.tokens.clear()  # the messages have other numbers now
        return replace(self.shown(session), message=draft or text)

    def opened(self, session: Session) -> Frame:
        """What a page that has just been loaded must know."""
        return Frame(chats=[_kept(session)], key=session.key)

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
            elif isinstance(kept, str) and _is_key(key):
                # Checking a long chat takes a while that other visitors need not wait for.
                conversation = await asyncio.to_thread(one_from_json, kept)
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

    def rename(self, session: Session, shown: str, data: Mapping[str, Any]) -> Frame:
        """Give the open chat another title, also while a reply runs in it.

        Args:
            shown: the key of the chat that the page shows.
            data: `name`, the title, and `key`, under which the browser keeps it from now on.
        """
        name, key = data.get("name"), data.get("key")
        try:
            _check_key(session, shown)
            if not _is_key(key):
                raise DialogError("The chat cannot be renamed.", "Reload the page.")
            title = check_text(name).strip()
            session.conversation = replace(session.conversation, name=title)
        except ChatError as fault:
            return _refused(fault, shown)
        session.key = key
        return Frame(chats=[_kept(session)], key=session.key)

    def leave(self, session: Session) -> None:
        """The visitor has left: stop what runs, and let the engine forget the conversation."""
        session.stop()
        self._starter.forget(session.owner)

    async def _change(self, session: Session, key: str, change: Change) -> Frames:
        """Change what is shown, without asking the model."""
        try:
            _check(session, key)
            session.conversation = change(session.conversation)
            yield self.shown(session)
        except ChatError as fault:
            yield _refused(fault, key)

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
            _check(session, key)
        except ChatError as fault:
            yield _refused(fault, key)
            return
        session.busy, session.stop_requested = True, False
        notice = ""
        try:
            turns = begin(replace(session.conversation, options=form.options()))
            if turns[0].has_work:
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
        yield Frame() if session.leaving else replace(self.shown(session), notice=notice)

    async def _answer(self, session: Session, turns: Sequence[Turn], message: str | None) -> Frames:
        is_loading = self._starter.state == "loading"
        if not is_loading:
            # Before the message is accepted: what cannot be sent stays in its box.
            await self._submit(session, turns)
        conversation = turns[0].conversation
        conversation = replace(conversation, name=session.conversation.name)
        session.show(conversation, dropped=session.dropped)
        running = [Running(turn) for turn in turns]
        if is_loading:
            running[0].status = self._loading_status()
        yield Frame(
            transcript=render_conversation(conversation, session.dropped, turns[0].going_on),
            running=render_running(running),
            message=message,
            notice="",
            busy=True,
            has_messages=True,
            chats=[_kept(session)],
        )
        try:
            if is_loading:
                while self._starter.state == "loading" and not session.stop_requested:
                    running[0].status = self._loading_status()
                    yield Frame(running=render_running(running))
                    await asyncio.sleep(_LOADING_S)
                await self._submit(session, turns)
            if session.replies:
                engine = self._starter.wait()
                following = follow(session.replies, running, engine, self._pacer)
                async with aclosing(following) as frames:
                    async for _ in frames:
                        yield Frame(running=render_running(running))
        finally:
            session.keep(kept(running), running)

    def _loading_status(self) -> str:
        return f"{self._starter.name} is {self._starter.progress}"

    async def _submit(self, session: Session, turns: Sequence[Turn]) -> None:
        engine = await self._starter.engine(lambda: session.stop_requested)
        if engine is None:
            return
        for turn in turns:
            # Tokenising a long chat takes milliseconds that other visitors need not wait for.
            plan = await asyncio.to_thread(turn.plan, engine, session.owner)
            if not session.stop_requested:
                session.dropped = plan.dropped
                session.replies += (engine.submit(plan, turn.options.sampling),)


async def _come_to_rest(session: Session) -> None:
    """Stop the running reply and wait until it is kept."""
    session.stop()
    session.leaving = True
    deadline = time.monotonic() + _STOP_LIMIT_S
    while session.busy and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    session.leaving = False
    _check_idle(session)


class LostChat(ChatError):
    """The server does not hold the chat that the page shows: it was started again."""


def _check(session: Session, key: object) -> None:
    """Raises when the session cannot take a change from a page that shows the chat `key`."""
    _check_idle(session)
    _check_key(session, key)


def _check_key(session: Session, key: object) -> None:
    if key != session.key:
        raise LostChat(
            "The server was started again since you wrote last.",
            "The chat is being restored from this browser: send once more if nothing happens.",
        )


def _is_key(key: object) -> TypeGuard[str]:
    return isinstance(key, str) and 0 < len(key) <= 40


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


def _branch(
    conversation: Conversation,
    session: Session,
    number: int,
    data: Mapping[str, Any],
    engine: Engine,
) -> Turn:
    """Go another way at one token of a reply: `i` is its place, `choice` which of its best."""
    tokens, i, choice = session.tokens.get(number, ()), data.get("i"), data.get("choice")
    if type(i) is not int or type(choice) is not int:
        raise DialogError("The page asked for something unknown.", "Reload the page.")
    if not (0 <= i < len(tokens) and 0 <= choice < len(tokens[i].top)):
        raise DialogError("The tokens of this reply are no longer known.", "Answer once more.")
    token, logprob = tokens[i].top[choice]
    drawn = (*tokens[:i], Token(token, logprob, tokens[i].top))
    said = engine.text_of([one.id for one in drawn])
    if not engine.text_of([token]):
        raise DialogError("There the reply would end.", "Choose another word.")
    return Turn.branch(conversation, number, drawn, said)


def _select(conversation: Conversation, session: Session, number: int) -> Conversation:
    session.show(conversation.select(number))
    return session.conversation


def _explain(conversation: Conversation, session: Session, number: int) -> Conversation:
    """Show a reply token by token, or as it was."""
    if number not in session.tokens:
        raise DialogError("The tokens of this reply are not known.", "Answer once more.")
    session.explained = None if session.explained == number else number
    return conversation


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


def _unknown(conversation: Conversation) -> Conversation:
    raise DialogError("The page asked for something unknown.", "Reload the page.")
