"""What one visitor may use, so that all get something."""

import asyncio
import contextlib
import os
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, TypeVar

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, Reply
from llama_ui.errors import BusyError, LimitError
from llama_ui.prompt.plan import PromptPlan
from llama_ui.web.access.addresses import network

_DAY_S = 86_400
_MAX_KNOWN = 10_000
# Behind one address there may be a school.
ADDRESS_FACTOR = 5
# Work beside replies (drawing a chat, counting a prompt): one thread for each two cores, so that
# replies always have the others; so much of it may wait, of one visitor and of all.
_WORKERS = max(1, (os.cpu_count() or 1) // 2)
WORK_OF_ONE, WORK_OF_ALL = 8, 200


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed; None is no limit.

    Args:
        requests: a minute, by one visitor.
        tokens: a day, of prompts and replies, by one visitor; what a prompt reuses is free.
        message_chars: of one message.
        new_tokens: of one reply.
        reply_s: seconds that one reply may take.
        work: a minute, by one visitor: prompts shown, chats drawn, tokens counted.
    """

    requests: int | None = None
    tokens: int | None = None
    message_chars: int | None = None
    new_tokens: int | None = None
    reply_s: float | None = None
    work: int | None = None

    def longest(self, tokens: int) -> int:
        """So many new tokens, or as many as are allowed."""
        return tokens if self.new_tokens is None else min(tokens, self.new_tokens)


Place = Literal["local", "shared", "space"]
# On one's own machine nothing is rationed; a link is known to a few; a Space is open to all.
DEFAULTS: dict[Place, Limits] = {
    "local": Limits(),
    "shared": Limits(30, 500_000, 20_000, 2_048, 600, 600),
    "space": Limits(15, 100_000, 8_000, 1_024, 180, 300),
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks.

    Args:
        name: the log-in, or what the signed cookie says.
        address: where the request comes from, as far as that is known.
    """

    name: str
    address: str = ""


class Bucket:
    """Holds up to `size` and fills evenly, `size` in `period_s` seconds; may be overdrawn."""

    def __init__(self, size: float, period_s: float, now: float) -> None:
        self._size, self._rate = size, size / period_s
        self._level, self._at = float(size), now

    def wait_s(self, wanted: float, now: float) -> float:
        """Seconds until so much is there; 0 when it is there now."""
        level = min(self._size, self._level + (now - self._at) * self._rate)
        self._level, self._at = level, now
        return max(0.0, (wanted - level) / self._rate)

    def take(self, amount: float) -> None:
        """Take out so much, also more than is there; a negative amount gives it back."""
        self._level -= amount


_Key = TypeVar("_Key")
_Result = TypeVar("_Result")


class Buckets(Generic[_Key]):
    """One bucket for each key; those not asked for longest are forgotten first."""

    def __init__(self, size: float, period_s: float, max_known: int = _MAX_KNOWN) -> None:
        self._size, self._period_s, self._max_known = size, period_s, max_known
        self._known: OrderedDict[_Key, Bucket] = OrderedDict()

    def of(self, key: _Key, now: float) -> Bucket:
        """The bucket of a key; a new one is full."""
        if key not in self._known:
            self._known[key] = Bucket(self._size, self._period_s, now)
            if len(self._known) > self._max_known:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


class Gate:
    """Lets requests in as far as the limits go; thread-safe.

    Args:
        limits: of one visitor; an address may use ADDRESS_FACTOR times as much.
        clock: seconds that only go forward.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: list[Buckets[str]] = _pair(limits.requests, 60)
        self._tokens: list[Buckets[str]] = _pair(limits.tokens, _DAY_S)
        self._work: list[Buckets[str]] = _pair(limits.work, 60)
        self._working: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(_WORKERS, "visitors-work")

    def admit(self, visitor: Visitor, chars: int, new_tokens: int) -> None:
        """Count a request.

        Args:
            chars: of its longest message.
            new_tokens: how long its reply may become.

        Raises:
            LimitError: it is not let in; says when to try again.
        """
        most = self.limits
        if most.message_chars is not None and chars > most.message_chars:
            raise LimitError(
                f"The message has {chars:,} characters; here {most.message_chars:,} are allowed.",
                "Send it in smaller pieces.",
            )
        if most.new_tokens is not None and new_tokens > most.new_tokens:
            raise LimitError(
                f"The reply may take {new_tokens:,} tokens; here {most.new_tokens:,} are allowed.",
                "Lower the max new tokens.",
            )
        with self._lock:
            now = self._clock()
            requests = [b.of(key, now) for b, key in _of(self._requests, visitor)]
            tokens = [b.of(key, now) for b, key in _of(self._tokens, visitor)]
            _check(
                max((b.wait_s(1, now) for b in requests), default=0), "per-minute limit of requests"
            )
            _check(max((b.wait_s(1, now) for b in tokens), default=0), "daily limit of tokens")
            for bucket in requests:
                bucket.take(1)

    def spend(self, visitor: Visitor, tokens: int) -> None:
        """Count the tokens of a request that has been let in, as they become known."""
        with self._lock:
            now = self._clock()
            for buckets, key in _of(self._tokens, visitor):
                bucket = buckets.of(key, now)
                bucket.wait_s(0, now)
                bucket.take(tokens)

    async def bounded(
        self,
        visitor: Visitor,
        work: Callable[..., _Result],
        *arguments: object,
        pool: ThreadPoolExecutor | None = None,
    ) -> _Result:
        """Do what a visitor asks for beside replies: counted, off the event loop, a few at once.

        Args:
            visitor: who asks for it.
            work: called with the arguments in one of the few threads for this.
            pool: other threads, for work that takes so long that what is short must not wait.

        Raises:
            LimitError: the visitor has asked for too much; says when to try again.
            BusyError: too much of it is waiting.
        """
        address = network(visitor.address)
        with self._lock:
            now = self._clock()
            buckets = [b.of(key, now) for b, key in _of(self._work, visitor)]
            _check(
                max((b.wait_s(1, now) for b in buckets), default=0), "per-minute limit of requests"
            )
            mine, near = self._working[visitor.name], self._working[address]
            if mine >= WORK_OF_ONE or near >= WORK_OF_ONE * ADDRESS_FACTOR:
                raise LimitError("You have asked for many things at once.", "Wait a moment.", 1)
            if self._working.total() >= 2 * WORK_OF_ALL:
                raise BusyError("Too many are asking at once.", "Try again in a moment.")
            for bucket in buckets:
                bucket.take(1)
            self._working.update((visitor.name, address))
        done = (pool or self._pool).submit(work, *arguments)
        # What has begun runs to its end, also when nobody waits for it any more.
        done.add_done_callback(lambda _: self._forget(visitor.name, address))
        return await asyncio.wrap_future(done)

    def _forget(self, *keys: str) -> None:
        with self._lock:
            self._working.subtract(keys)
            for key in keys:
                if self._working[key] <= 0:
                    del self._working[key]


async def plan_for(
    visitor: Visitor,
    gate: Gate,
    sampling: Sampling,
    plan: Callable[..., PromptPlan],
    *arguments: object,
) -> PromptPlan:
    """Lay out a prompt beside the event loop; raises what `plan` raises, and as Gate.bounded."""
    if sampling.answer_form is None:
        # Tokenising a long chat takes milliseconds that other visitors need not wait for.
        return await asyncio.to_thread(plan, *arguments)
    # A new form is tried out first: work of the visitor's own.
    return await gate.bounded(visitor, plan, *arguments)


def submit_for(
    visitor: Visitor, gate: Gate, engine: Engine, plan: PromptPlan, sampling: Sampling
) -> Reply:
    """Start a reply within the visitor's limits, and count what it uses; called on an event loop.

    Raises:
        LimitError: a limit is reached; says when to try again.
        BusyError: too many are waiting.
    """
    messages = [len(s.text) for s in plan.segments if s.kind == "user"]
    gate.admit(visitor, max(messages, default=0), sampling.max_new_tokens)
    reply = engine.submit(plan, sampling)
    reply.on_end(partial(_spend, visitor, gate))
    if gate.limits.reply_s is not None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(gate.limits.reply_s, reply.expire)

        def ended(_: Chunk | Exception) -> None:
            # Else the timer would hold the reply until its time is over. At the end of the
            # program the loop may be closed before the engine.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(timer.cancel)

        reply.on_end(ended)
    return reply


def _spend(visitor: Visitor, gate: Gate, end: Chunk | Exception) -> None:
    if isinstance(end, Chunk) and end.stats is not None:
        stats = end.stats
        gate.spend(visitor, stats.prompt_tokens - stats.reused_tokens + stats.reply_tokens)


def in_words(seconds: float) -> str:
    """A waiting time for a person: "20 seconds", "3 minutes", "5 hours"."""
    for size, word in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= 2 * size or size == 1:
            count = max(1, -int(-seconds // size))
            return f"{count} {word}{'s' if count > 1 else ''}"
    raise AssertionError


def _pair(size: int | None, period_s: float) -> list[Buckets[str]]:
    """Buckets of visitors and of addresses, if there is a limit."""
    if size is None:
        return []
    return [Buckets(size, period_s), Buckets(size * ADDRESS_FACTOR, period_s)]


def _of(pair: list[Buckets[str]], visitor: Visitor) -> list[tuple[Buckets[str], str]]:
    return [*zip(pair, [visitor.name, network(visitor.address)], strict=False)]


def _check(wait_s: float, what: str) -> None:
    if wait_s > 0:
        raise LimitError(f"You've reached the {what}.", f"Try again in {in_words(wait_s)}.", wait_s)
