"""What happens on send, stop, retry, undo and clear. Turns chunks into frames of the page."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from llama_ui.conversation import Conversation
from llama_ui.engine.base import Chunk, PlanOptions
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, DialogError, EngineError, incident
from llama_ui.sampling import Sampling
from llama_ui.web.pacing import FramePacer
from llama_ui.web.session import Session
from llama_ui.web.transcript import (
    EXAMPLES,
    STOPPED,
    caption_for,
    note_for,
    render_conversation,
    render_empty,
    render_fault,
    render_finished,
    render_running,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """The values of Advanced options, as the page sent them: not yet checked."""

    system: str
    temperature: float
    top_p: float
    top_k: float
    repetition_penalty: float
    max_new_tokens: float
    seed: str | None

    def sampling(self) -> Sampling:
        """The checked options; raises OptionError."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,  # type: ignore[arg-type]
            repetition_penalty=self.repetition_penalty,
            max_new_tokens=self.max_new_tokens,  # type: ignore[arg-type]
            seed=_seed(self.seed),
        )


def _seed(typed: object) -> int | None:
    """The seed in its box: empty means none; what is no whole number is for Sampling to refuse."""
    text = "" if typed is None else str(typed).strip()
    if not text:
        return None
    # Past twenty digits it is out of range anyway, and slow to read.
    is_whole = text.isascii() and text.lstrip("-").isdigit() and len(text) <= 20
    return int(text) if is_whole else text  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Frame:
    """A new state of the page; None leaves that part of it as it is."""

    transcript: str | None = None
    running: str | None = None
    message: str | None = None
    notice: str | None = None
    busy: bool | None = None
    has_exchanges: bool | None = None


Frames = AsyncGenerator[Frame, None]


class Handlers:
    """The events of the page.

    Args:
        starter: holds the engine.
        logo: the SVG that stands on the empty page.
        pacer: decides how often a running reply is shown.
    """

    def __init__(self, starter: EngineStarter, logo: str, pacer: FramePacer) -> None:
        self._starter = starter
        self._logo = logo
        self._pacer = pacer

    def shown(self, session: Session) -> Frame:
        """The page between two replies."""
        conversation = session.conversation
        return Frame(
            transcript=render_conversation(conversation, session.dropped)
            if conversation.exchanges
            else render_empty(self._logo),
            running=render_finished(conversation),
            notice="",
            busy=False,
            has_exchanges=bool(conversation.exchanges),
        )

    def send(self, session: Session, text: str, options: Options) -> Frames:
        """Answer a new message; the typed text leaves its box only once it is accepted."""
        return self._turn(session, lambda chat: chat.ask(text), options, message="")

    def send_example(self, session: Session, index: object, options: Options) -> Frames:
        """Answer one of the example prompts of the empty page; what is typed stays."""
        return self._turn(session, lambda chat: chat.ask(_example(index)), options, message=None)

    def retry(self, session: Session, options: Options) -> Frames:
        """Answer the last message once more; what is typed stays."""
        return self._turn(session, Conversation.retry, options, message=None)

    def undo(self, session: Session, draft: str) -> Frame:
        """Take the last exchange back; its text returns to the box, unless something is in it."""
        try:
            _check_idle(session)
            session.conversation, text = session.conversation.undo()
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        session.dropped = 0
        return replace(self.shown(session), message=draft or text)

    def clear(self, session: Session) -> Frame:
        """Begin a new conversation."""
        try:
            _check_idle(session)
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        session.conversation, session.dropped = Conversation(), 0
        return self.shown(session)

    def leave(self, session: Session) -> None:
        """The visitor has left: stop what runs, and let the engine forget the conversation."""
        session.stop()
        self._starter.forget(session.owner)

    async def _turn(
        self,
        session: Session,
        change: Callable[[Conversation], Conversation],
        options: Options,
        message: str | None,
    ) -> Frames:
        """Change the conversation and have its last message answered; faults become a notice.

        Args:
            message: what the message box holds once the change is accepted; None leaves it.
        """
        try:
            _check_idle(session)
        except ChatError as fault:
            yield Frame(notice=render_fault(fault))
            return
        session.busy, session.stop_requested = True, False
        notice = ""
        try:
            conversation = change(session.conversation)
            async with aclosing(self._answer(session, conversation, options, message)) as frames:
                async for frame in frames:
                    yield frame
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

    async def _answer(
        self, session: Session, conversation: Conversation, options: Options, message: str | None
    ) -> Frames:
        sampling = options.sampling()
        messages = conversation.messages(options.system)
        is_loading = self._starter.state == "loading"
        if not is_loading:
            # Before the message is accepted: what cannot be sent stays in its box.
            await self._submit(session, messages, sampling)
        session.conversation = conversation
        status = f"{self._starter.name} is loading, one moment…" if is_loading else ""
        yield Frame(
            transcript=render_conversation(conversation, session.dropped),
            running=render_running("", status),
            message=message,
            notice="",
            busy=True,
            has_exchanges=True,
        )
        if is_loading:
            await self._submit(session, messages, sampling)
        async with aclosing(self._stream(session, sampling)) as frames:
            async for frame in frames:
                yield frame

    async def _submit(
        self, session: Session, messages: list[dict[str, str]], sampling: Sampling
    ) -> None:
        engine = await self._starter.engine(lambda: session.stop_requested)
        if engine is None:
            return
        # Tokenising a long chat takes milliseconds that other visitors need not wait for.
        options = PlanOptions(owner=session.owner)
        plan = await asyncio.to_thread(engine.plan, messages, sampling, options)
        if not session.stop_requested:
            session.reply = engine.submit(plan, sampling)
            session.dropped = len(plan.dropped)

    async def _stream(self, session: Session, sampling: Sampling) -> Frames:
        """Show the running reply, so many frames a second, and keep it at the end."""
        text, note, caption = "", STOPPED, ""
        try:
            if session.reply is not None:
                with self._pacer.stream():
                    async for chunk in session.reply:
                        text += chunk.text
                        if chunk.finish_reason is not None:
                            note = note_for(chunk.finish_reason, sampling.max_new_tokens)
                            caption = caption_for(chunk.stats) if chunk.stats else ""
                            break
                        started = time.perf_counter()
                        yield Frame(running=render_running(text, _queue_status(chunk)))
                        await self._pacer.pause(time.perf_counter() - started)
        except Exception:
            note = "Incomplete: the reply ended with an error."
            raise
        finally:
            session.conversation = session.conversation.answer(text, note, caption)


def _check_idle(session: Session) -> None:
    if session.busy:
        raise EngineError("A reply is still being written.", "Wait for it, or stop it first.")


def _example(index: object) -> str:
    if isinstance(index, int) and 0 <= index < len(EXAMPLES):
        return EXAMPLES[index]
    raise DialogError("There is no such example.", "Choose one of those on the page.")


def _queue_status(chunk: Chunk) -> str:
    if chunk.queue_position is None:
        return ""
    return f"All places are taken; yours is number {chunk.queue_position} in the line…"
