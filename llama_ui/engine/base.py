"""What every engine offers, and the stream that a reply is. Imports neither torch nor gradio."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal, Protocol

from llama_ui.licence import Licence
from llama_ui.prompt import Message, Segment
from llama_ui.sampling import Sampling

FinishReason = Literal["stop", "length", "cancelled"]

# What the page offers that an engine may not be able to do: those of the engine in this process.
FEATURES = frozenset(
    {"exact_prompt", "continue", "logprobs", "seed", "top_p", "top_k", "repetition_penalty"}
)


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a reader may know about the model behind the page.

    Args:
        name: the model, as people say it.
        quantization: how the weights are held, for example "4-bit NF4".
        device: where it runs, for example "CPU" or "NVIDIA H200".
        context_length: the context window, in tokens; None where that is not known.
        mode: whether it answers, or (a base model) goes on with the text as it stands.
        adapter: what was put on the model, by name; empty without.
        notes: what a reader should know besides, one sentence each.
        licence: whose terms the model is used under, if they ask to be shown.
        missing: of FEATURES, what this engine cannot do, and why, one sentence each.
    """

    name: str
    quantization: str
    device: str
    context_length: int | None
    mode: Literal["chat", "completion"] = "chat"
    adapter: str = ""
    notes: tuple[str, ...] = ()
    licence: Licence | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def supports(self) -> frozenset[str]:
        """Of FEATURES, what this engine can do."""
        return FEATURES - self.missing.keys()


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What else a plan depends on.

    Args:
        owner: whose conversation it is, a name that nobody can guess. Keys and values of earlier
            turns are reused for the same owner only; the empty owner has none.
        keep_last: send at most so many of the latest exchanges; None sends all that fit.
        pinned: exchanges, counted from 0, that are dropped last.
        reminder: text that is repeated at the end of each user message.
        reply_prefix_ids: the tokens of a reply that has begun already and is to be continued.
    """

    owner: str = ""
    keep_last: int | None = None
    pinned: frozenset[int] = frozenset()
    reminder: str = ""
    reply_prefix_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """What would be sent for a conversation.

    Args:
        segments: the prompt in order, each token with its origin.
        dropped: which exchanges, counted from 0, are left out: they do not fit, or are not to be
            remembered.
        owner: whose conversation it is.
        is_public: whether its system prompt is the operator's own.
    """

    segments: tuple[Segment, ...]
    dropped: tuple[int, ...] = ()
    owner: str = ""
    is_public: bool = False

    @property
    def public_tokens(self) -> int:
        """How many tokens at the start are the operator's system prompt and its frame."""
        if not self.is_public:
            return 0
        before_user = takewhile(lambda segment: segment.kind != "user", self.segments)
        return sum(len(segment.ids) for segment in before_user)

    @property
    def ids(self) -> list[int]:
        """The token ids of the whole prompt."""
        return [token for segment in self.segments for token in segment.ids]

    @property
    def text(self) -> str:
        """The prompt as the model sees it, control tokens spelled out."""
        return "".join(segment.text for segment in self.segments)

    @property
    def begun(self) -> tuple[int, ...]:
        """The tokens of the reply that is to be continued."""
        return next((s.ids for s in self.segments if s.kind == "reply"), ())

    @property
    def counts(self) -> dict[str, int]:
        """Tokens by part: template, system, history, the message to be answered, and what has
        been said of its reply."""
        last = max((s.message for s in self.segments if s.message is not None), default=None)
        counts = dict.fromkeys(("template", "system", "history", "message", "reply"), 0)
        for segment in self.segments:
            part = "history" if segment.kind in ("user", "assistant") else str(segment.kind)
            if segment.message is not None and segment.message == last:
                part = "message"
            counts[part] += len(segment.ids)
        return counts


@dataclass(frozen=True, slots=True)
class Stats:
    """Facts about a finished reply; times in seconds, from the request on.

    reused_tokens are those of the prompt whose keys and values were still there.
    """

    prompt_tokens: int
    reused_tokens: int
    reply_tokens: int
    first_token_s: float
    tokens_per_s: float
    seed: int | None


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy an engine is.

    Args:
        running: requests that have a slot.
        waiting: requests in line.
        tokens_per_s: of all replies together, over the last seconds.
        slots: how many can run at once; None where that is not known.
    """

    running: int
    waiting: int
    tokens_per_s: float = 0.0
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A drawn token.

    Args:
        id: its id.
        logprob: natural logarithm of its probability, before temperature and the other options;
            None unless asked for.
        top: the most probable tokens at its place, (id, logprob), best first, if asked for.
    """

    id: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply: new text, and in the last one how it ended.

    Args:
        text: text that follows what was sent before; may be empty.
        tokens: the tokens drawn since then; their text may come later, when it is complete.
        queue_position: place in the line while it waits; 1 is the next.
        finish_reason: set in the last chunk only.
        stats: set in the last chunk only.
    """

    text: str = ""
    tokens: tuple[Token, ...] = ()
    queue_position: int | None = None
    finish_reason: FinishReason | None = None
    stats: Stats | None = None

    def followed_by(self, later: Chunk) -> Chunk:
        """Both as one chunk."""
        return replace(later, text=self.text + later.text, tokens=self.tokens + later.tokens)


class Reply:
    """One running request: iterate it from a thread (for) or from an event loop (async for).

    The engine's thread puts chunks in; exactly one reader takes them out. Whatever has arrived
    since the reader last looked comes as one chunk, so a slow reader gets fewer, larger ones.
    The stream ends after the chunk with a finish_reason, or raises the fault that ended it.
    """

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Chunk | Exception] = queue.SimpleQueue()
        self._wake: Callable[[], object] | None = None
        self._cancelled = self._expired = False
        self._lock = threading.Lock()
        self._end: Chunk | Exception | None = None
        self._observers: list[Callable[[Chunk | Exception], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._cancelled

    def cancel(self) -> None:
        """Ask the engine to stop. Thread-safe, returns at once, harmless when late."""
        self._cancelled = True

    @property
    def expired(self) -> bool:
        """Whether it was stopped because its time was over."""
        return self._expired

    def expire(self) -> None:
        """Ask the engine to stop because the time of the reply is over."""
        self._expired = not self._cancelled
        self.cancel()

    def put(self, item: Chunk | Exception) -> None:
        """For the engine: hand a chunk, or the fault that ends the reply, to the reader."""
        if isinstance(item, Exception) or item.finish_reason is not None:
            with self._lock:
                self._end, observers = item, [*self._observers]
            for observer in observers:
                observer(item)
        self._items.put(item)
        wake = self._wake
        if wake is not None:
            # The reader's event loop may be closed by now: then nobody is left to wake.
            with contextlib.suppress(RuntimeError):
                wake()

    def on_end(self, observer: Callable[[Chunk | Exception], None]) -> None:
        """Have the last chunk, or the fault, shown to somebody beside the reader, once."""
        with self._lock:
            self._observers.append(observer)
            end = self._end
        if end is not None:
            observer(end)

    def __iter__(self) -> Iterator[Chunk]:
        finished = False
        while not finished:
            chunk, finished, fault = self._merge(self._items.get())
            if chunk is not None:
                yield chunk
            if fault is not None:
                raise fault

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(arrived.set)
        finished = False
        while not finished:
            arrived.clear()
            # Look after clearing: what came before is in the queue, what comes later sets it.
            try:
                first = self._items.get_nowait()
            except queue.Empty:
                await arrived.wait()
                continue
            chunk, finished, fault = self._merge(first)
            if chunk is not None:
                yield chunk
            if fault is not None:
                raise fault

    def _merge(self, item: Chunk | Exception) -> tuple[Chunk | None, bool, Exception | None]:
        """Join the item with all that wait behind it: (chunk, is it the last, fault)."""
        chunk: Chunk | None = None
        while True:
            if isinstance(item, Exception):
                return chunk, True, item
            chunk = chunk.followed_by(item) if chunk else item
            if item.finish_reason is not None:
                return chunk, True, None
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                return chunk, False, None


class Engine(Protocol):
    """A model that answers, here or on another machine."""

    @property
    def info(self) -> EngineInfo: ...

    @property
    def load(self) -> EngineLoad: ...

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """The tokens of a reply, to have it continued."""

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of a reply made of these tokens, control tokens left out."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each token looks like by itself, spaces and control tokens included."""

    def plan(
        self, messages: Sequence[Message], sampling: Sampling, options: PlanOptions = ...
    ) -> PromptPlan:
        """What would be sent for these messages; raises ChatError when it cannot be."""

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Start a reply; returns at once; raises BusyError when too many are waiting."""

    def forget(self, owner: str) -> None:
        """Drop what is kept of an owner's conversations."""

    def close(self) -> None:
        """Stop all replies and free the model."""
