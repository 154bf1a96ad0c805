"""The in-process engine: requests wait in line, one thread runs them all together."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

import torch

from llama_ui.context import exchanges_to_drop
from llama_ui.engine.base import (
    Chunk,
    EngineInfo,
    EngineLoad,
    FinishReason,
    PlanOptions,
    PromptPlan,
    Reply,
)
from llama_ui.engine.batch import Batch
from llama_ui.engine.cache import KVCache, cache_dtype, slots_that_fit
from llama_ui.engine.forward import LlamaForward
from llama_ui.engine.loader import LoadedModel
from llama_ui.engine.request import Request
from llama_ui.errors import EngineError
from llama_ui.prompt import Message, dialog_segments
from llama_ui.sampling import Sampling

log = logging.getLogger(__name__)

_CHUNK_ON_GPU = 512
_CHUNK_ON_CPU = 128


class LocalEngine:
    """Answers requests with a model in this process.

    Args:
        loaded: the model to run.
        slots: how many requests run at the same time; by default what suits the device.
        max_waiting: how many more may wait; beyond that a request is refused.
        public_system: the operator's own system prompt: no secret between visitors.
        chunk: prompt tokens fed between two decode steps; by default what suits the device.
        on_fatal: called, in the engine's thread, when the GPU is lost to this process.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        slots: int | None = None,
        max_waiting: int = 32,
        public_system: str = "",
        chunk: int | None = None,
        on_fatal: Callable[[], None] = lambda: None,
    ) -> None:
        model = loaded.model
        self._tokenizer = loaded.tokenizer
        self._info = loaded.info
        self._max_waiting = max_waiting
        self._public_system = public_system
        self._on_fatal = on_fatal
        devices = [layer.input_layernorm.weight.device for layer in model.model.layers]
        length = loaded.info.context_length
        dtype = cache_dtype(devices, model.dtype)
        slots = slots or slots_that_fit(model.config, length, devices, dtype)
        cache = KVCache(model.config, slots, length, devices, dtype)
        forward = LlamaForward(model, cache)
        default_chunk = _CHUNK_ON_CPU if forward.device.type == "cpu" else _CHUNK_ON_GPU
        self._batch = Batch(
            forward,
            cache,
            vocabulary=model.config.vocab_size,
            end_tokens=_end_tokens(loaded),
            chunk=chunk or default_chunk,
        )
        self._waiting: list[Request] = []
        self._leaving: set[str] = set()
        self._changed = threading.Condition()
        self._state = "open"
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def load(self) -> EngineLoad:
        """How busy it is."""
        return EngineLoad(running=len(self._batch.requests), waiting=len(self._waiting))

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """Lay out the prompt; raises DialogError or ContextWindowError."""
        has_system = bool(messages) and messages[0]["role"] == "system"

        def prompt_tokens(dropped: int) -> int:
            segments = dialog_segments(messages, self._tokenizer, dropped)
            return sum(len(segment.ids) for segment in segments)

        dropped = exchanges_to_drop(
            prompt_tokens,
            exchanges=(len(messages) - has_system) // 2,
            window=self._info.context_length,
            reply_tokens=sampling.max_new_tokens,
        )
        segments = tuple(dialog_segments(messages, self._tokenizer, dropped))
        is_public = has_system and messages[0]["content"] == self._public_system
        return PromptPlan(segments, dropped, options.owner, is_public)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Put the request in line; raises EngineError when the line is full."""
        request = Request.create(plan, sampling, self._tokenizer)
        with self._changed:
            if self._state != "open":
                raise EngineError("The model has been shut down.", "Start the application again.")
            if len(self._waiting) >= self._max_waiting:
                raise EngineError(
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

    @torch.inference_mode()
    def _run(self) -> None:
        while self._next():
            prefilling = self._batch.prefilling()
            if prefilling is not None:
                self._guarded(partial(self._batch.prefill, prefilling), [prefilling])
            ready = self._batch.ready()
            if ready:
                self._guarded(partial(self._decode, ready), ready)
        for request in [*self._batch.requests]:
            self._finish(request, "cancelled")

    def _next(self) -> bool:
        """Wait for work, then let requests out and in; False when the engine is to stop."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._waiting or self._leaving or self._batch.requests or self._state != "open"
                )
            )
            for request in [r for r in self._batch.requests if r.reply.cancelled]:
                self._finish(request, "cancelled")
            self._forget_leaving()
            is_open = self._state == "open"
            stay = [r for r in self._waiting if is_open and not r.reply.cancelled]
            for request in self._waiting:
                if request not in stay:
                    request.streamer.finish("cancelled")
            admitted = 0
            while admitted < len(stay) and self._batch.admit(stay[admitted]):
                admitted += 1
            self._set_line(stay[admitted:])
            return is_open

    def _set_line(self, waiting: list[Request]) -> None:
        """Replace the line, and tell those whose place in it has changed."""
        if len(waiting) != len(self._waiting):
            for place, request in enumerate(waiting, start=1):
                request.reply.put(Chunk(queue_position=place))
            self._waiting = waiting

    def _forget_leaving(self) -> None:
        still_here = {request.owner for request in self._batch.requests}
        for owner in self._leaving - still_here:
            self._batch.forget(owner)
        self._leaving &= still_here

    def _decode(self, ready: list[Request]) -> None:
        """One token for each; a fault in taking it is that request's alone."""
        for request, token in self._batch.decode(ready):
            try:
                reason = self._batch.accept(request, token)
            except Exception as fault:
                self._fail([request], fault)
            else:
                if reason is not None:
                    self._finish(request, reason)

    def _finish(self, request: Request, reason: FinishReason) -> None:
        self._batch.leave(request, keep=True)
        request.streamer.finish(reason)

    def _fail(self, requests: Sequence[Request], fault: Exception) -> None:
        for request in requests:
            self._batch.leave(request, keep=False)
            request.reply.put(fault)

    def _guarded(self, work: Callable[[], None], affected: list[Request]) -> None:
        """Do the work; a fault ends the requests that it was done for, not the engine."""
        try:
            work()
            return
        except torch.OutOfMemoryError:
            fault: Exception = EngineError(
                "The memory of the GPU is full.",
                "Shorten the conversation or lower the max new tokens, and retry.",
            )
        except Exception as error:
            fault = error
        # Outside the except block: the frames of the failed step no longer hold its memory.
        self._fail([r for r in affected if r in self._batch.requests], fault)
        if isinstance(fault, EngineError):
            self._batch.shrink()
            torch.cuda.empty_cache()
        elif _has_lost_the_gpu(fault):
            self._give_up(fault)

    def _give_up(self, fault: Exception) -> None:
        """After a CUDA error other than full memory this process can compute no more."""
        log.critical("the GPU is lost to this process", exc_info=fault)
        lost = EngineError("The GPU has failed.", "The server is restarting; retry in a minute.")
        self._fail([*self._batch.requests], lost)
        with self._changed:
            self._state = "failed"
            for request in self._waiting:
                request.reply.put(lost)
            self._waiting = []
        self._on_fatal()


def _has_lost_the_gpu(fault: Exception) -> bool:
    return isinstance(fault, RuntimeError) and "CUDA error" in str(fault)


def _end_tokens(loaded: LoadedModel) -> frozenset[int]:
    """Every token that ends a reply: the tokenizer's, and those the checkpoint names."""
    named = loaded.model.generation_config.eos_token_id
    several = named if isinstance(named, list) else [named]
    return frozenset(
        token for token in (*several, loaded.tokenizer.eos_token_id) if token is not None
    )
