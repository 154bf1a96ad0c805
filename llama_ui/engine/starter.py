"""Load an engine in the background, so that the page opens at once, and switch to another one.

Imports no torch.
"""

import asyncio
import contextlib
import gc
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, cast

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.progress import Progress, Report
from llama_ui.engine.reply import Chunk, Reply
from llama_ui.errors import BusyError, ChatError, EngineError, ModelError, incident
from llama_ui.prompt.plan import PromptPlan

log = logging.getLogger(__name__)

Load = Callable[[Report], Engine]
Observer = Callable[[Chunk | Exception], None]
OnProgress = Callable[[str, Progress], None]


@dataclass(frozen=True, slots=True)
class StarterState:
    """What can be said of the engine at one moment.

    Args:
        status: of the engine that answers; "loading" and "failed" only while there is none.
        name: the model that answers, or that is loading or has failed while there is none.
        progress: of the load that runs, if one does.
        next: the model that is loading to take the place of the present one; empty for none.
        fault: why the last load failed; None when it did not.
    """

    status: Literal["loading", "ready", "failed"]
    name: str
    progress: Progress | None = None
    next: str = ""
    fault: ChatError | None = None


class EngineStarter:
    """Holds the engine: while it loads, when it is ready, and while another one is loading.

    Every method may be called from any thread.

    Args:
        load: makes the engine and reports how far it is; runs in a thread, may take minutes, may
            raise ModelError.
        name: what is being loaded, as people say it.
        on_progress: is given the name of what is loaded and the same reports, in that thread.
        observe: is given the last chunk of each reply of every engine, or its fault, and the
            refusal of each that was not taken; called from any thread.
    """

    def __init__(
        self,
        load: Load,
        name: str,
        on_progress: OnProgress = lambda name, progress: None,
        observe: Observer | None = None,
    ) -> None:
        self._load = load
        self._on_progress = on_progress
        self._observe = observe
        self._lock = threading.Lock()
        self._snapshot = StarterState("loading", name, Progress("loading"))
        self._engine: Engine | None = None
        self._settled: Future[None] = Future()  # there is an engine, or a fault
        self._listeners: set[Callable[[], object]] = set()
        self._is_closed = False
        self._running: object = None  # stands for the load that runs, if one does

    @property
    def snapshot(self) -> StarterState:
        """Everything about the engine at this moment."""
        return self._snapshot

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        return self._snapshot.status

    @property
    def name(self) -> str:
        """The model that answers, or is to answer, as people say it."""
        return self._snapshot.name

    @property
    def progress(self) -> Progress:
        """How far the load is that runs, or has come."""
        return self._snapshot.progress or Progress("loading")

    @property
    def fault(self) -> ChatError | None:
        """Why there is no engine; None while there may be one."""
        return self._snapshot.fault if self.state == "failed" else None

    def start(self) -> None:
        """Begin loading; returns at once."""
        self._running = this = object()
        self._run_in_background(self._load, self._snapshot.name, this)

    def switch(self, load: Load, name: str) -> None:
        """Load another engine and put it in the place of the present one; returns at once.

        The present one answers until the other is ready. Then it is closed, and its running replies
        end as stopped. When the load fails, it stays, and the state holds the fault.

        Raises:
            BusyError: one is being loaded already.
        """
        with self._lock:
            now = self._snapshot
            if now.progress is not None:
                raise BusyError(
                    f"{now.next or now.name} is being loaded.", "Try again when it is there."
                )
            if self._engine is not None:
                state = replace(now, progress=Progress("loading"), next=name, fault=None)
            else:
                state = StarterState("loading", name, Progress("loading"))
                self._settled = Future()
            self._change(state)
            self._running = this = object()
        self._run_in_background(load, name, this)

    def cancel(self) -> None:
        """Give up the load that runs, if one does; returns at once.

        Its download ends at the next report; what arrives all the same is dropped.
        """
        with self._lock:
            now = self._snapshot
            if now.progress is None:
                return
            self._running = None
            if self._engine is not None:
                self._change(replace(now, progress=None, next="", fault=None))
                return
            fault = ModelError(f"The load of {now.name} was cancelled.", "Choose a model.")
            self._change(StarterState("failed", now.name, fault=fault))
            settled = self._settled
        settled.set_result(None)

    def present(self) -> Engine:
        """The engine, without waiting; raises EngineError while it loads, and the fault when there
        will be none."""
        engine = self._found()
        if engine is None:
            raise EngineError(f"{self.name} is {self.progress}", "Try again in a moment.")
        return engine

    async def engine(self) -> Engine:
        """The engine, as soon as there is one; raises the fault when there will be none."""
        while (engine := self._found()) is None:
            await asyncio.shield(asyncio.wrap_future(self._settled))
        return engine

    def wait(self) -> Engine:
        """Block until there is an engine; raises the fault when there will be none."""
        while (engine := self._found()) is None:
            self._settled.result()
        return engine

    async def states(self) -> AsyncGenerator[StarterState, None]:
        """The present state, and each that follows: of those that come while the reader is busy,
        only the last."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # The loop may have ended without having closed this iterator.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        with self._lock:
            self._listeners.add(wake)
        try:
            seen = None
            while True:
                changed.clear()
                if self._snapshot != seen:
                    seen = self._snapshot
                    yield seen
                await changed.wait()
        finally:
            with self._lock:
                self._listeners.discard(wake)

    def close(self) -> None:
        """Stop the engine, if there is one; one that still loads is closed when it is there."""
        with self._lock:
            self._is_closed, engine = True, self._engine
        if engine is not None:
            engine.close()

    def forget(self, owner: str) -> None:
        """Drop what the engine keeps of an owner's conversations."""
        if self._engine is not None:
            self._engine.forget(owner)

    def _found(self) -> Engine | None:
        fault = self.fault
        if fault is not None:
            raise fault.fresh()
        return self._engine

    def _run_in_background(self, load: Load, name: str, this: object) -> None:
        threading.Thread(
            target=self._run, args=[load, name, this], name="engine-starter", daemon=True
        ).start()

    def _run(self, load: Load, name: str, this: object) -> None:
        try:
            engine = load(partial(self._report, name, this))
        except Exception as error:
            self._fail(name, this, error)
            return
        if self._observe is not None:
            engine = cast(Engine, _Observed(engine, self._observe))
        _tidy_up()
        with self._lock:
            previous, is_wanted = self._engine, this is self._running
            is_closed = self._is_closed
            if is_wanted:
                self._engine = engine
                self._change(StarterState("ready", name))
        if not is_wanted:
            engine.close()
            return
        log.info("%s is ready", name)
        if previous is None:
            self._settled.set_result(None)
        else:
            previous.close()
            del previous
            _tidy_up()
        if is_closed:
            engine.close()

    def _fail(self, name: str, this: object, error: Exception) -> None:
        if this is not self._running:
            return
        if isinstance(error, ChatError):
            log.error("%s", error)
            fault = error
        else:
            fault = incident(
                log,
                error,
                f"{name} could not be loaded",
                "The log of the server says more; start it again, or choose another --model.",
            )
        with self._lock:
            if this is not self._running:
                return
            if self._engine is not None:
                self._change(replace(self._snapshot, progress=None, next="", fault=fault))
                return
            self._change(StarterState("failed", name, fault=fault))
            settled = self._settled  # a switch that follows at once has another
        settled.set_result(None)

    def _report(self, name: str, this: object, progress: Progress) -> None:
        with self._lock:
            if this is not self._running:
                raise ModelError(f"The load of {name} was cancelled.", "Choose a model.")
            self._change(replace(self._snapshot, progress=progress))
        self._on_progress(name, progress)

    def _change(self, state: StarterState) -> None:
        self._snapshot = state
        for wake in self._listeners:
            wake()


def _tidy_up() -> None:
    """Free what nobody needs, and never look at the rest again: half a million objects that the
    libraries made while they were imported would stop every reply for a quarter of a second."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class _Observed:
    """An engine whose replies somebody watches; everything else is the engine's own."""

    def __init__(self, engine: Engine, observe: Observer) -> None:
        self._engine = engine
        self._observe = observe

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        try:
            reply = self._engine.submit(plan, sampling)
        except Exception as refusal:
            self._observe(refusal)
            raise
        reply.on_end(self._observe)
        return reply
