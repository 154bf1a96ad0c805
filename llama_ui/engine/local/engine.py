"""The in-process engine: requests wait in line, one thread runs them all together."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import EngineInfo, EngineLoad
from llama_ui.engine.local.faults import (
    CRASHED,
    MEMORY_FULL,
    NOT_FINITE,
    bug,
    has_lost_the_gpu,
    is_out_of_memory,
)
from llama_ui.engine.local.forward import ForwardLost, Loaded
from llama_ui.engine.local.grammar import Grammars
from llama_ui.engine.local.request import Request
from llama_ui.engine.local.scheduler import make_scheduler
from llama_ui.engine.meter import SpeedMeter
from llama_ui.engine.reply import Chunk, FinishReason, Reply, Token
from llama_ui.engine.wording import Wording
from llama_ui.errors import BusyError, ChatError, EngineError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions, PromptPlan

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_MOST_LOSSES = 2  # of the forward pass, that a request lives through


class LocalEngine(Wording):
    """Answers requests with a model in this process.

    Args:
        loaded: the model to run.
        slots: how many requests run at the same time; by default what suits the device.
        max_waiting: how many more may wait; beyond that a request is refused.
        public_system: the operator's own system prompt: no secret between visitors.
        chunk: prompt tokens computed between two decode steps; by default what suits the device.
        on_fatal: called, in the engine's thread, when it can answer no more: the GPU is lost to
            this process, or the loop itself has failed.
    """

    def __init__(
        self,
        loaded: Loaded,
        slots: int | None = None,
        max_waiting: int = 32,
        public_system: str = "",
        chunk: int | None = None,
        on_fatal: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(loaded.tokenizer, loaded.format, loaded.window, public_system)
        self._grammars = Grammars(loaded.tokenizer, loaded.end_tokens)
        self._max_waiting = max_waiting
        self._on_fatal = on_fatal
        self._scheduler = make_scheduler(loaded, slots, chunk)
        self._info = replace(loaded.info, notes=(*loaded.info.notes, *self._scheduler.notes))
        self._drawn: list[tuple[Request, Token]] = []  # not streamed yet
        self._waiting: list[Request] = []
        self._leaving: set[str] = set()
        self._changed = threading.Condition()
        self._state = "open"
        self._speed = SpeedMeter()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def load(self) -> EngineLoad:
        """How busy it is."""
        return EngineLoad(
            running=len(self._scheduler.requests),
            waiting=len(self._waiting),
            tokens_per_s=self._speed.per_second(),
            slots=self._scheduler.size,
        )

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """Lay out the prompt; raises DialogError, ContextWindowError, or OptionError for an
        answer form that cannot be kept to."""
        self._grammars.check(sampling.answer_form)
        return super().plan(messages, sampling, options)

    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan:
        """A prompt that is given token by token; raises as `plan`."""
        self._grammars.check(sampling.answer_form)
        return super().plan_ids(ids, sampling)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Put the request in line; raises EngineError when the line is full, OptionError when
        the reply so far does not have the answer form."""
        guide = self._grammars.guide(sampling.answer_form, plan.begun)
        request = Request.create(plan, sampling, self._tokenizer, guide)
        with self._changed:
            if self._state != "open":
                raise EngineError("The model has been shut down.", "Start the application again.")
            if len(self._waiting) >= self._max_waiting:
                raise BusyError(
                    f"The model is busy: {len(self._waiting)} requests are waiting already.",
                    "Wait a moment and send again.",
                )
            self._waiting.append(request)
            request.reply.put(Chunk(queue_position=len(self._waiting)))
            self._changed.notify()
        return request.reply

    def forget(self, owner: str) -> None:
        """Drop the keys and values kept for an owner, as soon as nothing of theirs runs."""
        with self._changed:
            self._leaving.add(owner)
            self._changed.notify()

    def close(self) -> None:
        """Cancel every reply and wait for the thread to end."""
        with self._changed:
            self._state = "closed"
            self._changed.notify()
        self._thread.join()
        self._scheduler.close()

    @torch.inference_mode()
    def _run(self) -> None:
        try:
            while self._next():
                prefilling = self._scheduler.prefilling()
                if prefilling is not None:
                    self._accept_drawn()
                    self._guarded(partial(self._scheduler.prefill, prefilling), [prefilling])
                ready = self._scheduler.ready()
                if ready:
                    self._guarded(partial(self._decode, ready), ready)
                else:
                    self._accept_drawn()
            for request in [*self._scheduler.requests]:
                self._finish(request, "cancelled")
        except Exception as fault:
            self._give_up(fault)

    def _next(self) -> bool:
        """Wait for work, then let requests out and in; False when the engine is to stop."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._waiting
                    or self._leaving
                    or self._scheduler.requests
                    or self._state != "open"
                )
            )
            is_open = self._state == "open"
            waiting = [*self._waiting]
            leaving, self._leaving = self._leaving, set()
        for request in [r for r in self._scheduler.requests if r.reply.cancelled]:
            self._guarded(partial(self._finish, request, "cancelled"), [request])
        still_here = {request.owner for request in self._scheduler.requests}
        for owner in leaving - still_here:
            self._scheduler.forget(owner)
        # Asked once: who is stopped a moment later has a slot, and ends there.
        stopped = [r for r in waiting if r.reply.cancelled or not is_open]
        line = self._let_in([r for r in waiting if r not in stopped])
        for request in stopped:
            request.reply.put(Chunk(finish_reason="cancelled"))
        with self._changed:
            # Those who came meanwhile stand behind.
            self._waiting = line + self._waiting[len(waiting) :]
            self._leaving |= leaving & still_here
            if len(line) != len(waiting):
                for place, request in enumerate(self._waiting, start=1):
                    request.reply.put(Chunk(queue_position=place))
        return is_open

    def _let_in(self, waiting: list[Request]) -> list[Request]:
        """Admit requests in their order while there are slots; returns who must go on waiting."""
        for number, request in enumerate(waiting):
            admitted = self._guarded(partial(self._scheduler.admit, request), [request])
            if admitted is False:
                return waiting[number:]
        return []

    def _decode(self, ready: list[Request]) -> None:
        """One token for each; while a GPU computes them, those drawn before are streamed."""
        self._speed.add(len(ready))
        self._drawn = self._scheduler.decode(ready, self._accept_drawn)
        if not self._scheduler.overlaps:
            self._accept_drawn()

    def _accept_drawn(self) -> None:
        """Stream the tokens of the last step; a fault in one is that request's alone."""
        drawn, self._drawn = self._drawn, []
        for request, token in drawn:
            if request not in self._scheduler.requests:
                continue  # cancelled meanwhile
            if token.id < 0:
                log.error("%s", NOT_FINITE)
                self._fail([request], NOT_FINITE)
                continue
            if request.fault is not None:
                self._fail([request], request.fault)
                continue
            try:
                reason = self._scheduler.accept(request, token)
                if reason is not None:
                    self._finish(request, reason)
            except Exception as fault:
                self._fail([request], bug(fault))

    def _finish(self, request: Request, reason: FinishReason) -> None:
        # In this order: while it can fail, the request is still known; when the reader hears of
        # the end, the slot is free.
        last = request.streamer.last_chunk(reason)
        self._scheduler.leave(request, keep=True)
        request.reply.put(last)

    def _fail(self, requests: Sequence[Request], fault: ChatError) -> None:
        for request in requests:
            if request in self._scheduler.requests:
                self._scheduler.leave(request, keep=False)
            request.reply.put(fault.fresh())

    def _guarded(self, work: Callable[[], _Result], affected: list[Request]) -> _Result | None:
        """Do the work; a fault ends the requests that it was done for, not the engine."""
        try:
            return work()
        except ForwardLost as error:
            log.error("%s", error)
            self._restart(affected)
            return None
        except ChatError as error:
            is_full, fault = False, error
        except Exception as error:
            is_full = is_out_of_memory(error)
            if has_lost_the_gpu(error):
                raise
            fault = MEMORY_FULL if is_full else bug(error)
        # Outside the except block: the frames of the failed step no longer hold its memory.
        self._fail(affected, fault)
        if is_full:
            self._scheduler.shrink()
            torch.cuda.empty_cache()
        return None

    def _restart(self, affected: Sequence[Request]) -> None:
        """Feed every request again; those that were there at each of several losses end."""
        self._scheduler.restart()
        for request in affected:
            request.losses += 1
        self._fail([request for request in affected if request.losses > _MOST_LOSSES], CRASHED)

    def _give_up(self, fault: Exception) -> None:
        """The GPU is lost to this process, or the loop itself has a bug: nothing goes on here."""
        log.critical("the engine has stopped", exc_info=fault)
        lost = EngineError("The model has failed.", "The server is restarting; retry in a minute.")
        with self._changed:
            self._state = "failed"
            waiting, self._waiting = self._waiting, []
        for request in (*self._scheduler.requests, *waiting):
            request.reply.put(lost.fresh())
        self._on_fatal()
