"""Another engine: a server that speaks OpenAI's protocol. Imports no torch."""

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath

import httpx

from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.engine.base import EngineInfo, EngineLoad
from llama_ui.engine.reply import Chunk, Reply
from llama_ui.engine.served.faults import TimeLimits, explained
from llama_ui.engine.served.request import RemoteRequest, Upstream
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.stopwords import StopWords
from llama_ui.errors import BusyError, EngineError
from llama_ui.prompt.llama2 import Message, Segment, check_dialog
from llama_ui.prompt.plan import PlanOptions, PromptPlan
from llama_ui.prompt.planning import plan_prompt

_NOT_HERE = "The model runs on another server"
_ALWAYS_MISSING = {
    "exact_prompt": f"{_NOT_HERE}, which writes the prompt itself.",
    "continue": f"{_NOT_HERE}, which begins every reply anew.",
    "logprobs": f"{_NOT_HERE}, and its tokens are not known here.",
}


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
        self._upstream = Upstream(server, limits)
        self._max_open = max_open
        self._open: set[RemoteRequest] = set()
        self._tasks: dict[RemoteRequest, asyncio.Task[None]] = {}
        self._lock = threading.Lock()
        self._is_closed = False
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
        server = self._upstream.server
        return EngineInfo(
            name=PurePosixPath(server.model).name,
            quantization="",
            device=f"on {server.place}",
            context_length=server.context_length,
            missing={**_ALWAYS_MISSING, **self._upstream.rejected},
        )

    @property
    def load(self) -> EngineLoad:
        """How busy it is, as far as this page has made it so."""
        return EngineLoad(len(self._open), 0, self._upstream.speed.per_second())

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """Not possible here: raises EngineError."""
        raise EngineError(_ALWAYS_MISSING["continue"], "Answer the message once more instead.")

    def text_of(self, ids: Sequence[int]) -> str:
        """Not possible here: raises EngineError."""
        raise EngineError(_ALWAYS_MISSING["logprobs"], "Answer the message once more instead.")

    def is_text(self, token: int) -> bool:
        return False

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
        request = RemoteRequest(
            self._upstream, messages, sampling, seed, StopWords(sampling.stop), reply
        )
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

    def _start(self, request: RemoteRequest) -> None:
        task = self._loop.create_task(request.run(self._client))
        self._tasks[request] = task
        task.add_done_callback(partial(self._end, request))

    def _cancel(self, request: RemoteRequest) -> None:
        if request in self._tasks:
            self._tasks[request].cancel()

    def _end(self, request: RemoteRequest, task: asyncio.Task[None]) -> None:
        """However the request ended, its reader hears of it."""
        del self._tasks[request]
        self._open.discard(request)
        fault = None if task.cancelled() else task.exception()
        if isinstance(fault, Exception):
            request.reply.put(Chunk(request.stop.finish()))
            request.reply.put(explained(fault, self._upstream.limits))
        elif task.cancelled():
            request.reply.put(request.last_chunk("cancelled"))


def _segments(messages: Sequence[Message]) -> list[Segment]:
    check_dialog(messages)
    return [
        Segment(message["role"], index, message["content"], ())  # type: ignore[arg-type]
        for index, message in enumerate(messages)
    ]
