"""Replies that are being written: one, or two side by side."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from llama_ui.chat.conversation import Conversation, Facts, Step
from llama_ui.chat.sampling import Sampling
from llama_ui.chat.text import MAX_TEXT_CHARS, clean_reply
from llama_ui.engine.base import Engine, EngineLoad
from llama_ui.engine.reply import Chunk, Token
from llama_ui.prompt.plan import PromptPlan
from llama_ui.tools.actions import spoken
from llama_ui.tools.agent import Agent
from llama_ui.web.page.turn import Turn


@dataclass(slots=True)
class Running:
    """What has been written of a reply.

    Attributes:
        turn: what it answers.
        said: what the reply began with.
        text: what was drawn after that.
        thinking: what the model thought before it.
        tokens: that were drawn, where they are known.
        status: what is happening before the first word.
        facts: how it came about; what stays if it is left where it is.
    """

    turn: Turn
    said: str = ""
    text: str = ""
    thinking: str = ""
    tokens: list[Token] = field(default_factory=list)
    status: str = ""
    facts: Facts = field(init=False)

    @classmethod
    def of(cls, turn: Turn) -> "Running":
        """A turn that begins."""
        return Stepping(turn) if turn.has_tools else cls(turn)

    def __post_init__(self) -> None:
        self.facts = Facts("cancelled", options=self.turn.options)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done with tools so far."""
        return self.facts.steps

    def sampling(self, engine: Engine) -> Sampling:
        """How the next reply is to be drawn."""
        return self.turn.options.sampling

    def plan(self, engine: Engine, owner: str) -> PromptPlan:
        """What is to be sent next; raises ChatError when it cannot be."""
        plan = self.turn.plan(engine, owner, self.steps)
        self.thinking, self.said = self.turn.said(engine, plan)
        return plan

    def goes_on(self) -> bool:
        """After a reply of the engine: whether another one is needed. May take a while."""
        return False

    def take(self, chunk: Chunk, engine: Engine) -> None:
        """Add what the engine has sent."""
        self.text += chunk.text
        self.thinking += chunk.reasoning
        self.tokens += chunk.tokens
        self._note(chunk, engine)

    def _note(self, chunk: Chunk, engine: Engine) -> None:
        """Note the place in the line, and at the end how the reply came about."""
        place, load = chunk.queue_position, engine.load
        # The first news is old news where a slot was free.
        self.status = _waiting(place, load) if place and load.waiting else ""
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

    agent: Agent = field(init=False)
    drawn: str = ""
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        Running.__post_init__(self)
        form = self.turn.options.sampling.answer_form
        self.agent = Agent(answers_json=form is not None and form.schema is not None)

    def sampling(self, engine: Engine) -> Sampling:
        """Every step is drawn with the seed of the first."""
        sampling = (self.facts.options or self.turn.options).sampling
        return self.turn.step_sampling(engine, sampling, self.steps)

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
        self.thinking += chunk.reasoning
        self.text = spoken(self.drawn)
        status = self.status
        self._note(chunk, engine)
        self.status = self.status or status
        if chunk.finish_reason is not None:
            after = self.facts
            self.facts = replace(
                after,
                reply_tokens=before.reply_tokens + after.reply_tokens,
                thought_tokens=before.thought_tokens + after.thought_tokens,
                thought_s=before.thought_s + after.thought_s,
                steps=before.steps,
            )


def _doing(step: Step) -> str:
    return f"{step.tool} has answered…" if step.tool else "Asked once more…"


def _waiting(place: int, load: EngineLoad) -> str:
    """What a visitor in the line reads: their place, and how busy it is before them."""
    running = "1 reply is" if load.running == 1 else f"{load.running} replies are"
    speed = f" at {load.tokens_per_s:,.0f} tokens/s" if load.tokens_per_s else ""
    where = "you're first in line" if place == 1 else f"you're number {place} in line"
    return f"Waiting: {where}. {running} being written{speed}…"


def kept(running: Sequence[Running]) -> tuple[Conversation, list[int]]:
    """The conversation with all replies, those after the first as versions of it, and the number
    of each reply."""
    chat = running[0].turn.conversation
    numbers: list[int] = []
    for reply in running:
        turn = reply.turn
        if numbers:
            turn = replace(turn, conversation=chat.retry(numbers[-1]))
        thinking = clean_reply(reply.thinking, MAX_TEXT_CHARS)
        chat = turn.ended(reply.said, reply.text, replace(reply.facts, thinking=thinking))
        assert chat.head is not None
        numbers.append(chat.head)
    return (chat.select(numbers[0]) if len(numbers) > 1 else chat), numbers
