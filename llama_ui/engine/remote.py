"""Another engine: a server that speaks OpenAI's protocol. Imports no torch."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

import anyio
import httpx

from llama_ui.engine.base import (
    Chunk,
    EngineInfo,
    EngineLoad,
    FinishReason,
    PlanOptions,
    PromptPlan,
    Reply,
    Stats,
)
from llama_ui.engine.completions import (
    Usage,
    detail_of,
    http_fault,
    parse_event,
    rejected_fields,
    request_body,
)
from llama_ui.engine.events import events, first_text
from llama_ui.engine.meter import SpeedMeter
from llama_ui.engine.planning import plan_prompt
from llama_ui.engine.remote_faults import BROKEN, TimeLimits, explained
from llama_ui.engine.remote_server import RemoteServer
from llama_ui.engine.stopwords import StopWords
from llama_ui.errors import BusyError, EngineError
from llama_ui.prompt import Message, Segment, check_dialog
from llama_ui.sampling import LIMITS, Sampling

log = logging.getLogger(__name__)

# What follows the end of a reply (its counts) is waited for, but not for long.
_AFTER_END_S = 2.0
_NOT_HERE = "The model runs on another server"
_ALWAYS_MISSING = {
    "exact_prompt": f"{_NOT_HERE}, which writes the prompt itself.",
    "continue": f"{_NOT_HERE}, which begins every reply anew.",
    "logprobs": f"{_NOT_HERE}, and its tokens are not known here.",
}


@dataclass(eq=False, slots=True)
class _Request:
    """A reply on its way; times in seconds of the monotonic clock."""

    messages: Sequence[Message]
    sampling: Sampling
    seed: int
    stop: StopWords
    reply: Reply
    started: float = field(default_factory=time.monotonic)
    first: float | None = None
    usage: Usage | None = None


class _CancellableReply(Reply):
    """A reply whose request is closed the moment that nobody wants it any more."""

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        super().__init__()
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        super().cancel()
        self._on_cancel()


class RemoteEngine:
    """Answers requests with a model on another server.

    One thread with an event loop of its own carries all connections.

    Args:
        server: where it is.
        max_open: how many replies may run or wait there at the same time.
        limits: how long it may take.
    """

    def __init__(
        self,
        server: RemoteServer,
        max_open: int = 64,
        limits: TimeLimits = TimeLimits(),  # noqa: B008 - immutable
    ) -> None:
        self._server = server
        self._max_open = max_open
        self._limits = limits
        self._rejected: dict[str, str] = {}
        self._open: set[_Request] = set()
        self._tasks: dict[_Request, asyncio.Task[None]] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._speed = SpeedMeter()
        self._client = httpx.AsyncClient(
            headers=server.headers,
            timeout=httpx.Timeout(limits.idle, connect=limits.connect),
            # A connection that lay idle may be dead: each reply has its own.
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
        )
        self._started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="remote-engine", daemon=True
        )
        self._thread.start()
        self._started.wait()

    @property
    def info(self) -> EngineInfo:
        """What is known of the server's model; what it rejects is added as it comes to light."""
        return EngineInfo(
            name=PurePosixPath(self._server.model).name,
            quantization="",
            device=f"on {self._server.place}",
            context_length=self._server.context_length,
            missing={**_ALWAYS_MISSING, **self._rejected},
        )

    @property
    def load(self) -> EngineLoad:
        """How busy it is, as far as this page has made it so."""
        return EngineLoad(len(self._open), 0, self._speed.per_second())

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """Not possible here: raises EngineError."""
        raise EngineError(_ALWAYS_MISSING["continue"], "Answer the message once more instead.")

    def text_of(self, ids: Sequence[int]) -> str:
        """Not possible here: raises EngineError."""
        raise EngineError(_ALWAYS_MISSING["logprobs"], "Answer the message once more instead.")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Not possible here: raises EngineError."""
        raise EngineError(_ALWAYS_MISSING["exact_prompt"], "Look at the messages instead.")

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """The messages to send, as segments without ids: memory and reminder are applied, the
        window is the server's to judge.

        Raises:
            DialogError: the messages are no dialogue.
        """
        return plan_prompt(_segments, messages, options, window=1, reply_tokens=0)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Send the request; raises EngineError when too many are open."""
        largest = int(LIMITS["seed"][1])
        seed = random.randint(0, largest) if sampling.seed is None else sampling.seed
        messages = [{"role": s.kind, "content": s.text} for s in plan.segments]
        reply = _CancellableReply(lambda: self._call(partial(self._cancel, request)))
        request = _Request(messages, sampling, seed, StopWords(sampling.stop), reply)
        with self._lock:
            if self._is_closed:
                raise EngineError("The model has been shut down.", "Start the application again.")
            if len(self._open) >= self._max_open:
                raise BusyError(
                    f"The model is busy: {len(self._open)} replies are being written already.",
                    "Wait a moment and send again.",
                )
            self._open.add(request)
            self._call(partial(self._start, request))
        return reply

    def forget(self, owner: str) -> None:
        """Nothing of a conversation is kept here."""

    def close(self) -> None:
        """Stop all replies, close all connections and wait for the thread to end."""
        with self._lock:
            self._is_closed = True
            self._call(self._stopping.set)
        self._thread.join()

    def _call(self, what: Callable[[], object]) -> None:
        # After close() the loop takes nothing more: then there is nothing left to do either.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        await self._stopping.wait()
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _start(self, request: _Request) -> None:
        task = self._loop.create_task(self._answer(request))
        self._tasks[request] = task
        task.add_done_callback(partial(self._end, request))

    def _cancel(self, request: _Request) -> None:
        if request in self._tasks:
            self._tasks[request].cancel()

    def _end(self, request: _Request, task: asyncio.Task[None]) -> None:
        """However the request ended, its reader hears of it."""
        del self._tasks[request]
        self._open.discard(request)
        fault = None if task.cancelled() else task.exception()
        if isinstance(fault, Exception):
            request.reply.put(Chunk(request.stop.finish()))
            request.reply.put(explained(fault, self._limits))
        elif task.cancelled():
            request.reply.put(self._last_chunk(request, "cancelled"))

    async def _answer(self, request: _Request) -> None:
        with anyio.fail_after(self._limits.total):
            while not await self._attempt(request):
                pass

    async def _attempt(self, request: _Request) -> bool:
        """Ask once; False when a field was rejected that can be left out the next time."""
        body = request_body(
            self._server.model, request.messages, request.sampling, request.seed, self._rejected
        )
        url = f"{self._server.address}/chat/completions"
        async with self._client.stream("POST", url, json=body) as response:
            if response.status_code == 200:
                await self._read(request, response)
                return True
            answer = await first_text(response.aiter_raw())
        rejected = rejected_fields(response.status_code, answer, body)
        if not rejected:
            raise http_fault(response.status_code, answer, response.headers.get("retry-after", ""))
        reason = f"The server does not take it: {detail_of(answer)}"
        log.warning("%s: left out from now on: %s", self._server.place, ", ".join(rejected))
        self._rejected = {**self._rejected, **dict.fromkeys(rejected, reason)}
        return False

    async def _read(self, request: _Request, response: httpx.Response) -> None:
        """Pass the reply on until it ends; raises when it breaks off."""
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise EngineError(
                f"The server answers with {kind[:50] or 'something unknown'}, not with a stream.",
                "Whoever runs this page can check --server, which mostly ends in /v1.",
            )
        reason: FinishReason | None = None
        with anyio.CancelScope() as until:
            try:
                async for data in events(response.aiter_raw()):
                    event = parse_event(data)
                    request.usage = event.usage or request.usage
                    if reason is None:
                        self._pass_on(request, event.text)
                        reason = "stop" if request.stop.found else event.finish_reason
                    if request.stop.found:
                        break
                    if reason is not None and until.deadline == float("inf"):
                        until.deadline = anyio.current_time() + _AFTER_END_S
            except (httpx.HTTPError, ValueError):
                # The reply was whole before what followed it broke.
                if reason is None:
                    raise
        if reason is None:
            raise EngineError("The server broke off in the middle of the reply.", BROKEN)
        request.reply.put(self._last_chunk(request, reason))

    def _pass_on(self, request: _Request, text: str) -> None:
        if not text:
            return
        request.first = request.first or time.monotonic()
        self._speed.add(1)
        request.reply.put(Chunk(request.stop.add(text)))

    def _last_chunk(self, request: _Request, reason: FinishReason) -> Chunk:
        """The rest of the text, and the statistics if the server has counted."""
        rest, usage, stats = request.stop.finish(), request.usage, None
        if usage is not None and request.first is not None:
            writing = time.monotonic() - request.first
            stats = Stats(
                prompt_tokens=usage.prompt_tokens,
                reused_tokens=usage.reused_tokens,
                reply_tokens=usage.reply_tokens,
                first_token_s=request.first - request.started,
                tokens_per_s=(usage.reply_tokens - 1) / writing if writing > 0 else 0.0,
                seed=None if "seed" in self._rejected else request.seed,
            )
        return Chunk(rest, finish_reason=reason, stats=stats)


def _segments(messages: Sequence[Message]) -> list[Segment]:
    check_dialog(messages)
    return [
        Segment(message["role"], index, message["content"], ())  # type: ignore[arg-type]
        for index, message in enumerate(messages)
    ]
