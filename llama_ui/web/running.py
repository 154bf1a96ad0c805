"""Replies that are being written: one, or two side by side."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from llama_ui.conversation import Conversation, Facts
from llama_ui.engine.base import Chunk, Engine, Reply, Token
from llama_ui.web.captions import queue_status
from llama_ui.web.pacing import FramePacer
from llama_ui.web.turn import Turn


@dataclass(slots=True)
class Running:
    """What has been written of a reply.

    Attributes:
        turn: what it answers.
        text: what was drawn; what the turn began with is not in it.
        tokens: of the whole reply.
        status: what is happening before the first word.
        facts: how it came about; what stays if it is left where it is.
    """

    turn: Turn
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    status: str = ""
    facts: Facts = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = [*self.turn.drawn]
        self.facts = Facts("cancelled", options=self.turn.options)

    @property
    def shown(self) -> str:
        """The reply as far as it is."""
        return self.turn.said + self.text

    def take(self, chunk: Chunk, engine: Engine) -> None:
        """Add what the engine has sent."""
        self.text += chunk.text
        self.tokens += chunk.tokens
        place, load = chunk.queue_position, engine.load
        # The first news is old news where a slot was free.
        self.status = queue_status(place, load) if place and load.waiting else ""
        if chunk.finish_reason is not None:
            self.facts = self.turn.facts(chunk.finish_reason, engine, chunk.stats)

    def fail(self) -> None:
        """The reply ended with an error."""
        self.facts = replace(self.facts, ending="error")


def kept(running: Sequence[Running]) -> list[Conversation]:
    """The conversation after each reply: those after the first are versions of it."""
    conversations: list[Conversation] = []
    for reply in running:
        turn = reply.turn
        if conversations:
            last = conversations[-1]
            assert last.head is not None
            turn = replace(turn, conversation=last.retry(last.head))
        conversations.append(turn.ended(reply.text, reply.facts))
    return conversations


async def follow(
    replies: Sequence[Reply], running: Sequence[Running], engine: Engine, pacer: FramePacer
) -> AsyncGenerator[None, None]:
    """Read the replies together; yields whenever the page is to be drawn again.

    Raises:
        ChatError: the fault that has ended one of them; what was written of it is kept.
    """
    changed, frame_s = asyncio.Event(), 0.0

    async def read(reply: Reply, into: Running) -> None:
        try:
            with pacer.stream():
                async for chunk in reply:
                    into.take(chunk, engine)
                    changed.set()
                    if chunk.finish_reason is None:
                        await pacer.pause(frame_s)
        except Exception:
            into.fail()
            raise
        finally:
            changed.set()

    readers = [asyncio.create_task(read(*pair)) for pair in zip(replies, running, strict=True)]
    try:
        while not all(reader.done() for reader in readers):
            await changed.wait()
            changed.clear()
            started = time.perf_counter()
            yield
            frame_s = time.perf_counter() - started
        for reader in readers:
            reader.result()
    finally:
        for reader in readers:
            reader.cancel()
