"""Start an engine in the background, so that the page opens at once. Imports no torch."""

import asyncio
import gc
import logging
import threading
from collections.abc import Callable
from typing import Literal

from llama_ui.engine.base import Engine
from llama_ui.engine.progress import Progress, Report, ignore
from llama_ui.errors import ChatError, incident

log = logging.getLogger(__name__)

_POLL_S = 0.05


class EngineStarter:
    """Holds the engine while it loads, when it is ready, or the reason why it never will be.

    Args:
        load: makes the engine and reports how far it is; runs in a thread, may take minutes, may
            raise ModelError.
        name: what is being loaded, as people say it.
        on_progress: hears the same reports, in that thread.
    """

    def __init__(
        self, load: Callable[[Report], Engine], name: str, on_progress: Report = ignore
    ) -> None:
        self.name = name
        self.progress = Progress("loading")
        self._on_progress = on_progress
        self.fault: ChatError | None = None
        self._load = load
        self._engine: Engine | None = None
        self._thread = threading.Thread(target=self._run, name="engine-starter", daemon=True)

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        if self.fault is not None:
            return "failed"
        return "loading" if self._engine is None else "ready"

    def start(self) -> None:
        """Begin loading; returns at once."""
        self._thread.start()

    async def engine(self, is_cancelled: Callable[[], bool] = lambda: False) -> Engine | None:
        """The engine as soon as it is ready; None when cancelled first; raises the fault."""
        while self.state == "loading":
            if is_cancelled():
                return None
            await asyncio.sleep(_POLL_S)
        if self.fault is not None:
            raise self.fault.fresh()
        return self._engine

    def wait(self) -> Engine:
        """Block until the engine is ready; raises the fault."""
        self._thread.join()
        if self._engine is None:
            raise (self.fault and self.fault.fresh()) or RuntimeError(
                "the engine has not been started"
            )
        return self._engine

    def close(self) -> None:
        """Stop the engine, if it has started."""
        if self._engine is not None:
            self._engine.close()

    def forget(self, owner: str) -> None:
        """Drop what the engine keeps of an owner's conversations."""
        if self._engine is not None:
            self._engine.forget(owner)

    def _run(self) -> None:
        try:
            self._engine = self._load(self._report)
            # Half a million objects that the libraries made while they were imported: looking
            # through them for garbage again would stop every reply for a quarter of a second.
            gc.collect()
            gc.freeze()
            log.info("%s is ready", self.name)
        except ChatError as fault:
            log.error("%s", fault)
            self.fault = fault
        except Exception as fault:
            self.fault = incident(
                log,
                fault,
                f"{self.name} could not be loaded",
                "The log of the server says more; start it again, or choose another --model.",
            )

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        self._on_progress(progress)
