"""Replies that are being written: one, or two side by side."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from llama_ui.chat.conversation import Conversation, Facts, Step
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, Reply, Token
from llama_ui.prompt.plan import PromptPlan
from llama_ui.tools.actions import spoken
from llama_ui.tools.agent import Agent
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.turn import Turn
from llama_ui.web.render.captions import queue_status

Submit = Callable[["Running"], Awaitable[Reply | None]]


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

    @classmethod
    def of(cls, turn: Turn) -> "Running":
        """A turn that begins."""
        return Stepping(turn) if turn.has_tools else cls(turn)

    def __post_init__(self) -> None:
        self.tokens = [*self.turn.drawn]
        self.facts = Facts("cancelled", options=self.turn.options)

    @property
    def shown(self) -> str:
        """The reply as far as it is."""
        return self.turn.said + self.text

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done with tools so far."""
        return self.facts.steps

    @property
    def sampling(self) -> Sampling:
        """How the next reply is to be drawn."""
        return self.turn.options.sampling

    def plan(self, engine: Engine, owner: str) -> PromptPlan:
        """What is to be sent next; raises ChatError when it cannot be."""
        return self.turn.plan(engine, owner, self.steps)

    def goes_on(self) -> bool:
        """After a reply of the engine: whether another one is needed. May take a while."""
        return False

    def take(self, chunk: Chunk, engine: Engine) -> None:
        """Add what the engine has sent."""
        self.text += chunk.text
        self.tokens += chunk.tokens
        self.note(chunk, engine)

    def note(self, chunk: Chunk, engine: Engine) -> None:
        """Note the place in the line, and at the end how the reply came about."""
        place, load = chunk.queue_position, engine.load
        # The first news is old news where a slot was free.
        self.status = queue_status(place, load) if place and load.waiting else ""
        if chunk.finish_reason is not None:
            self.facts = self.turn.facts(chunk.finish_reason, engine, chunk.stats)

    def expire(self) -> None:
        """The reply ended because its time was over."""
        self.facts = replace(self.facts, ending="time")

    def fail(self) -> None:
        """The reply ended with an error."""
        self.facts = replace(self.facts, ending="error")


@dataclass(slots=True)
class Stepping(Running):
    """A reply that is written in steps, with tools between them.

    Attributes:
        agent: has done the steps.
        drawn: what was drawn of the present step.
    """

    agent: Agent = field(default_factory=Agent)
    drawn: str = ""
    began: float = field(default_factory=time.perf_counter)

    @property
    def sampling(self) -> Sampling:
        """Every step is drawn with the seed of the first."""
        return (self.facts.options or self.turn.options).sampling

    def plan(self, engine: Engine, owner: str) -> PromptPlan:
        self.drawn, self.began = "", time.perf_counter()
        return self.turn.plan(engine, owner, self.steps)

    def goes_on(self) -> bool:
        ending, ms = self.facts.ending, (time.perf_counter() - self.began) * 1e3
        self.agent.take(self.drawn, ending == "stop", ms)
        if self.agent.answer is None:
            # What stays if it is stopped here.
            self.facts = replace(self.facts, ending="cancelled", steps=self.agent.steps)
            self.text, self.status = "", _doing(self.agent.steps[-1])
            return True
        self.text = self.agent.answer
        return False

    def take(self, chunk: Chunk, engine: Engine) -> None:
        before = self.facts
        self.drawn += chunk.text
        self.text = spoken(self.drawn)
        status = self.status
        self.note(chunk, engine)
        self.status = self.status or status
        if chunk.finish_reason is not None:
            tokens = before.reply_tokens + self.facts.reply_tokens
            self.facts = replace(self.facts, reply_tokens=tokens, steps=before.steps)


def _doing(step: Step) -> str:
    return f"{step.tool} has answered…" if step.tool else "Asked once more…"


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
    replies: Sequence[Reply],
    running: Sequence[Running],
    engine: Engine,
    pacer: FramePacer,
    submit: Submit,
) -> AsyncGenerator[None, None]:
    """Read the replies together; yields whenever the page is to be drawn again.

    Args:
        submit: asks for the next reply of one that goes on; None when it is to stop.

    Raises:
        ChatError: the fault that has ended one of them; what was written of it is kept.
    """
    changed, frame_s = asyncio.Event(), 0.0

    async def read(first: Reply, into: Running) -> None:
        reply: Reply | None = first
        try:
            with pacer.stream():
                while reply is not None:
                    async for chunk in reply:
                        into.take(chunk, engine)
                        changed.set()
                        if chunk.finish_reason is None:
                            await pacer.pause(frame_s)
                    if reply.expired and into.facts.ending == "cancelled":
                        into.expire()
                        break
                    # A tool may take a while that other visitors need not wait for.
                    goes_on = await asyncio.to_thread(into.goes_on)
                    changed.set()
                    reply = await submit(into) if goes_on else None
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
