"""Another engine: a server that speaks OpenAI's protocol. Imports no torch."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import anyio
import httpx

from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.engine.base import EngineInfo, EngineLoad
from llama_ui.engine.meter import SpeedMeter
from llama_ui.engine.progress import Report, ignore
from llama_ui.engine.reply import Chunk, FinishReason, Reply, Stats
from llama_ui.engine.served.faults import (
    WHAT_ARRIVED_STAYS,
    TimeLimits,
    broken_off,
    explained,
    http_fault,
    line,
    no_stream,
    only_thinking,
    words_of,
)
from llama_ui.engine.served.kinds import recognise
from llama_ui.engine.served.openai import (
    ChatCompletions,
    Dialect,
    Event,
    Usage,
    ending_of,
    rejected_fields,
)
from llama_ui.engine.served.server import (
    MAX_FAULT_BYTES,
    RemoteServer,
    check_encoding,
    find_server,
    read_text,
)
from llama_ui.engine.served.stream import (
    MAX_EVENT_BYTES,
    EventParser,
    ServerEvent,
    TextJoiner,
    is_last,
    read_events,
)
from llama_ui.engine.stopwords import StopWords
from llama_ui.errors import BusyError, EngineError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions, PromptPlan

log = logging.getLogger(__name__)

MAX_REPLY_CHARS = 1_000_000


def connect(
    address: str,
    model: str | None = None,
    key: str = "",
    report: Report = ignore,
    max_open: int = 64,
) -> "RemoteEngine":
    """The engine on a server, which is waited for; it is asked by its own endpoints where it is
    one of a kind that tells more by them.

    Args:
        address, model, key, report: as in `find_server`.
        max_open: how many replies may run or wait there at the same time.

    Raises:
        ModelError: the server answers, but waiting longer would not help.
    """
    server = find_server(address, model, key, report)
    return RemoteEngine(server, max_open, dialect=recognise(server))


class RemoteEngine:
    """Answers requests with a model on another server. Every reply is a task on the event loop
    that asks for it.

    Args:
        server: where it is.
        max_open: how many replies may run or wait there at the same time.
        limits: how long it may take.
        dialect: how it is asked; by OpenAI's protocol unless something else is said.
    """

    def __init__(
        self,
        server: RemoteServer,
        max_open: int = 64,
        limits: TimeLimits = TimeLimits(),  # noqa: B008 - immutable
        dialect: Dialect | None = None,
    ) -> None:
        self._server, self._limits, self._max_open = server, limits, max_open
        self._dialect = dialect or ChatCompletions(server)
        self._open: set[_RemoteReply] = set()
        # Fields that the server does not know, and what it said.
        self._rejected: dict[str, str] = {}
        self._speed = SpeedMeter()
        self._is_closed = False

    @property
    def info(self) -> EngineInfo:
        """What is known of the server's model; what it rejects is added as it comes to light."""
        return EngineInfo(
            name=line(PurePosixPath(self._server.model).name, 100),
            quantization=self._dialect.quantization,
            device=f"on {self._server.place}",
            context_length=self._server.context_length,
            mode=self._dialect.mode,
            notes=self._dialect.notes,
            missing={**self._dialect.missing, **self._rejected},
        )

    @property
    def load(self) -> EngineLoad:
        """How busy it is, as far as this page has made it so."""
        return EngineLoad(len(self._open), 0, self._speed.per_second())

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """The tokens of a reply, to have it continued; raises EngineError where not known."""
        return self._dialect.reply_ids(text)

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of a reply made of these tokens; raises EngineError where not known."""
        return self._dialect.text_of(ids)

    def is_text(self, token: int) -> bool:
        """Whether a token stands for text: it exists, and is no control token."""
        return self._dialect.is_text(token)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each token looks like by itself; raises EngineError where not known."""
        return self._dialect.pieces(ids)

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """What would be sent; may ask the server: called from a thread without an event loop.

        Raises:
            ChatError: it cannot be sent, or the server does not answer.
        """
        return self._dialect.plan(messages, sampling, options)

    def encode(self, text: str, with_start: bool = True) -> list[int]:
        """The tokens of a text, control tokens included; raises EngineError where not known."""
        return self._dialect.encode(text, with_start)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these tokens, control tokens spelled out; raises OptionError when one of
        them does not exist, EngineError where they are not known."""
        return self._dialect.decode(ids)

    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan:
        """A prompt that is given token by token; raises ChatError when it cannot be sent."""
        return self._dialect.plan_ids(ids, sampling)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Send the request; called on an event loop.

        Raises:
            BusyError: too many replies are open.
            EngineError: the engine is closed.
        """
        if self._is_closed:
            raise EngineError("The model has been shut down.", "Start the application again.")
        if len(self._open) >= self._max_open:
            raise BusyError(
                f"The model is busy: {len(self._open)} replies are being written already.",
                "Wait a moment and send again.",
            )
        if sampling.seed is None:
            sampling = replace(sampling, seed=random.randint(0, int(LIMITS["seed"][1])))
        reply = _RemoteReply(plan, sampling, self._dialect.reader(plan, sampling))
        self._open.add(reply)
        reply.start(self._answer(reply), partial(self._end, reply))
        return reply

    def forget(self, owner: str) -> None:
        """Nothing of a conversation is kept here."""

    def close(self) -> None:
        """Stop all replies; callable from any thread."""
        self._is_closed = True
        for reply in [*self._open]:
            reply.cancel()

    async def _answer(self, reply: "_RemoteReply") -> FinishReason:
        """Ask, and hand the reply to its reader; returns how it ended, raises what broke it."""
        with anyio.fail_after(self._limits.total):
            async with self._server.client(self._limits) as client:
                while True:
                    body = self._dialect.body(reply.plan, reply.sampling, self._rejected)
                    async with client.stream("POST", self._dialect.url, json=body) as response:
                        if response.status_code == 200:
                            return await self._read(response, reply)
                        answer = await read_text(response, MAX_FAULT_BYTES)
                    rejected = rejected_fields(response.status_code, answer, body)
                    # A server may quote what a visitor wrote into a form; and nothing is asked
                    # again that is asked in the same words.
                    if reply.sampling.answer_form or not rejected - self._rejected.keys():
                        retry_after = response.headers.get("retry-after", "")
                        raise http_fault(response.status_code, answer, retry_after)
                    self._leave_out(rejected, answer)

    def _leave_out(self, fields: set[str], answer: str) -> None:
        log.warning("%s: left out from now on: %s", self._server.place, ", ".join(sorted(fields)))
        reason = f"The server does not take it: {words_of(answer)}"
        # Replaced, never changed: others read it from their threads.
        self._rejected = {**self._rejected, **dict.fromkeys(fields, reason)}

    async def _read(self, response: httpx.Response, reply: "_RemoteReply") -> FinishReason:
        """Pass the reply on to the end of its stream."""
        parser, is_whole, reason = EventParser(), False, ""
        with anyio.CancelScope() as until:
            try:
                async for found in _events(response, parser):
                    if is_last(found):
                        is_whole = True
                        break
                    event = reply.parse(found)
                    reply.take(event)
                    self._speed.add(bool(event.text or event.reasoning))
                    if reply.stop.found:
                        return "stop"
                    reason = event.finish_reason or reason
                    if reason:
                        # More may follow: the counts, or what a server cut off too early.
                        until.deadline = anyio.current_time() + self._limits.after_end
            except (httpx.HTTPError, ValueError):
                # The reply was whole before what followed it broke.
                if not reason:
                    raise
        if not reason and not (is_whole and reply.has_begun):
            raise broken_off(parser.stray)
        ending = ending_of(reason or "stop")
        if reply.only_thought:
            raise only_thinking(ending == "length", reply.sampling.max_new_tokens)
        return ending

    def _end(self, reply: "_RemoteReply", task: "asyncio.Task[FinishReason]") -> None:
        """However the task ended, the reader hears of it."""
        self._open.discard(reply)
        fault = None if task.cancelled() else task.exception()
        if fault is None:
            reason: FinishReason = "cancelled" if task.cancelled() else task.result()
            reply.put(reply.last_chunk(reason, knows_seed="seed" not in self.info.missing))
        elif isinstance(fault, Exception):
            reply.put(reply.rest())
            reply.put(explained(fault, self._limits))


class _RemoteReply(Reply):
    """A reply on its way; its request is closed the moment that nobody wants it any more.

    Times in seconds of the monotonic clock.
    """

    def __init__(
        self, plan: PromptPlan, sampling: Sampling, parse: Callable[[ServerEvent], Event]
    ) -> None:
        super().__init__()
        self.plan, self.sampling, self.parse = plan, sampling, parse
        self.stop = StopWords(sampling.stop)
        self._text, self._reasoning = TextJoiner(), TextJoiner()
        # Where the server does not tell thinking apart, its tags do.
        self._splitter = plan.splitter(sampling.answer_form is not None)
        self._thought_until = 0.0
        self._chars = self._thought = 0
        self._usage: Usage | None = None
        self._started, self._first = time.monotonic(), 0.0

    @property
    def has_begun(self) -> bool:
        """Whether anything has arrived."""
        return self._first > 0

    @property
    def only_thought(self) -> bool:
        """Whether the model has thought, and said nothing."""
        return self._thought > 0 and self._chars == 0

    def start(
        self,
        work: Coroutine[Any, Any, FinishReason],
        on_end: "Callable[[asyncio.Task[FinishReason]], None]",
    ) -> None:
        """Do the work as a task of the present event loop."""
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(on_end)

    def cancel(self) -> None:
        super().cancel()
        # Once the loop is closed there is nothing left to stop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._task.cancel)

    def take(self, event: Event) -> None:
        """Pass on what an event says; raises EngineError when the reply does not end."""
        self._usage = event.usage or self._usage
        if not event.text and not event.reasoning and not event.tokens:
            return
        self._first = self._first or time.monotonic()
        thought, text = self._split(self._text.add(event.text), len(event.tokens))
        thought = self._reasoning.add(event.reasoning) + thought
        self._chars += len(text.strip())
        self._thought += len(thought.strip())
        if thought:
            self._thought_until = time.monotonic()
        self.put(Chunk(self.stop.add(text), event.tokens, thought))
        if self._chars + self._thought > MAX_REPLY_CHARS:
            raise EngineError(
                f"The reply has more than {MAX_REPLY_CHARS:,} characters.", WHAT_ARRIVED_STAYS
            )

    def rest(self) -> Chunk:
        """What was held back, when nothing follows."""
        thought, text = self._split(self._text.finish(), 0)
        held = self._splitter.finish() if self._splitter else ("", "")
        text = self.stop.add(text + held[1]) + self.stop.finish()
        return Chunk(text, reasoning=self._reasoning.finish() + thought + held[0])

    def _split(self, text: str, tokens: int) -> tuple[str, str]:
        return self._splitter.add(text, tokens) if self._splitter else ("", text)

    def last_chunk(self, reason: FinishReason, knows_seed: bool) -> Chunk:
        """The rest of the text, and the statistics if the server has counted."""
        usage, stats = self._usage, None
        if usage is not None and self.has_begun:
            writing = time.monotonic() - self._first
            split = self._splitter.tokens if self._splitter else 0
            stats = Stats(
                prompt_tokens=usage.prompt_tokens,
                reused_tokens=usage.reused_tokens,
                reply_tokens=usage.reply_tokens,
                first_token_s=self._first - self._started,
                tokens_per_s=(usage.reply_tokens - 1) / writing if writing > 0 else 0.0,
                seed=self.sampling.seed if knows_seed else None,
                thought_tokens=usage.thought_tokens or split,
                thought_s=max(0.0, self._thought_until - self._started),
            )
        return replace(self.rest(), finish_reason=reason, stats=stats)


async def _events(response: httpx.Response, parser: EventParser) -> AsyncIterator[ServerEvent]:
    """What a server answers, event by event; a reply that is not streamed is one event."""
    check_encoding(response)
    kind = response.headers.get("content-type", "")
    if kind.startswith("text/html"):
        raise no_stream(kind)
    if kind.startswith("application/json"):
        yield ServerEvent("", await read_text(response, MAX_EVENT_BYTES))
        return
    async for event in read_events(response.aiter_raw(), parser):
        yield event
