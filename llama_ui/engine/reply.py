"""The stream that a reply is, from an engine's thread to its one reader. No torch, no gradio."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Stats:
    """Facts about a finished reply; times in seconds, from the request on.

    reused_tokens are those of the prompt whose keys and values were still there; thought_tokens
    those of the reply that were no answer yet.
    """

    prompt_tokens: int
    reused_tokens: int
    reply_tokens: int
    first_token_s: float
    tokens_per_s: float
    seed: int | None
    thought_tokens: int = 0
    thought_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Token:
    """A drawn token.

    Args:
        id: its id.
        logprob: natural logarithm of its probability, before temperature and the other options;
            None unless asked for.
        top: the most probable tokens at its place, (id, logprob), best first, if asked for.
        barred: those of them that the form of the answer does not allow.
    """

    id: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    barred: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply: new text, and in the last one how it ended.

    Args:
        text: text that follows what was sent before; may be empty.
        tokens: the tokens drawn since then; their text may come later, when it is complete.
        reasoning: what the model thought since then.
        queue_position: place in the line while it waits; 1 is the next.
        finish_reason: set in the last chunk only.
        stats: set in the last chunk only.
    """

    text: str = ""
    tokens: tuple[Token, ...] = ()
    reasoning: str = ""
    queue_position: int | None = None
    finish_reason: FinishReason | None = None
    stats: Stats | None = None

    def followed_by(self, later: Chunk) -> Chunk:
        """Both as one chunk."""
        return replace(
            later,
            text=self.text + later.text,
            tokens=self.tokens + later.tokens,
            reasoning=self.reasoning + later.reasoning,
        )


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
