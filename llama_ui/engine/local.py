"""The in-process engine: requests wait in line, one thread answers them."""

import logging
import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from llama_ui.context import exchanges_to_drop
from llama_ui.engine.base import Chunk, EngineInfo, FinishReason, PromptPlan, Reply
from llama_ui.engine.loader import LoadedModel
from llama_ui.engine.streamer import ReplyStreamer
from llama_ui.errors import EngineError
from llama_ui.prompt import Message, dialog_segments
from llama_ui.sampling import LIMITS, Sampling

log = logging.getLogger(__name__)

MAX_WAITING = 32


@dataclass(frozen=True, slots=True)
class _Request:
    ids: list[int]
    sampling: Sampling
    reply: Reply


class LocalEngine:
    """Answers requests one after another with `generate`, in a thread of its own.

    Args:
        loaded: the model to run.
        max_waiting: how many requests may wait; one more is refused.
    """

    def __init__(self, loaded: LoadedModel, max_waiting: int = MAX_WAITING) -> None:
        self._model = loaded.model
        # transformers declares a class of which mypy sees only a tensor.
        self._generate: Any = loaded.model.generate
        self._tokenizer = loaded.tokenizer
        self._info = loaded.info
        self._max_waiting = max_waiting
        self._waiting: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._running: Reply | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def info(self) -> EngineInfo:
        return self._info

    def plan(self, messages: Sequence[Message], sampling: Sampling) -> PromptPlan:
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
        return PromptPlan(tuple(dialog_segments(messages, self._tokenizer, dropped)), dropped)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Put the request in line; raises EngineError when the line is full."""
        reply = Reply()
        with self._changed:
            if self._closed:
                raise EngineError("The model has been shut down.", "Start the application again.")
            if len(self._waiting) >= self._max_waiting:
                raise EngineError(
                    f"The model is busy: {len(self._waiting)} requests are waiting already.",
                    "Wait a moment and send again.",
                )
            self._waiting.append(_Request(plan.ids, sampling, reply))
            self._tell_positions()
            self._changed.notify()
        return reply

    def close(self) -> None:
        """Cancel every reply and wait for the thread to end."""
        with self._changed:
            self._closed = True
            for request in self._waiting:
                request.reply.cancel()
            if self._running is not None:
                self._running.cancel()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                self._leave_if_cancelled()
                if self._closed:
                    return
                if not self._waiting:
                    continue
                request = self._waiting.popleft()
                self._running = request.reply
                self._tell_positions()
            try:
                self._answer(request)
            except torch.OutOfMemoryError:
                request.reply.put(
                    EngineError(
                        "The memory of the GPU is full.",
                        "Shorten the conversation or lower the max new tokens, and retry.",
                    )
                )
            except Exception as fault:
                request.reply.put(fault)
            self._running = None

    def _answer(self, request: _Request) -> None:
        sampling, reply = request.sampling, request.reply
        seed = secrets.randbelow(int(LIMITS["seed"][1])) if sampling.seed is None else sampling.seed
        streamer = ReplyStreamer(self._tokenizer, reply, len(request.ids), seed)
        # Nobody else draws from the global generator: this is the only thread that samples.
        torch.manual_seed(seed)
        ids = torch.tensor([request.ids], device=self._model.device)
        if not reply.cancelled:
            self._generate(
                ids,
                attention_mask=torch.ones_like(ids),
                streamer=streamer,
                generation_config=self._generation_config(sampling),
                stopping_criteria=StoppingCriteriaList([_Stop(self, reply)]),
            )
        streamer.finish(self._finish_reason(streamer.ids, reply))

    def _generation_config(self, sampling: Sampling) -> GenerationConfig:
        greedy = sampling.temperature == 0
        chosen: dict[str, Any] = (
            {}
            if greedy
            else {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
            }
        )
        return GenerationConfig(
            do_sample=not greedy,
            repetition_penalty=sampling.repetition_penalty,
            max_new_tokens=sampling.max_new_tokens,
            bos_token_id=self._tokenizer.bos_token_id,
            eos_token_id=self._tokenizer.eos_token_id,
            pad_token_id=self._tokenizer.eos_token_id,
            **chosen,
        )

    def _finish_reason(self, ids: list[int], reply: Reply) -> FinishReason:
        if ids and ids[-1] == self._tokenizer.eos_token_id:
            return "stop"
        return "cancelled" if reply.cancelled else "length"

    def _leave_if_cancelled(self) -> None:
        """Let cancelled requests leave the line without waiting for their turn."""
        leaving = [request for request in self._waiting if request.reply.cancelled]
        for request in leaving:
            self._waiting.remove(request)
            request.reply.put(Chunk(finish_reason="cancelled"))
        if leaving:
            self._tell_positions()

    def _tell_positions(self) -> None:
        ahead = int(self._running is not None)
        for position, request in enumerate(self._waiting):
            request.reply.put(Chunk(queue_position=position + ahead))


class _Stop(StoppingCriteria):
    """Ends `generate` at the token after cancel(); looks after the line meanwhile."""

    def __init__(self, engine: LocalEngine, reply: Reply) -> None:
        self._engine = engine
        self._reply = reply

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        with self._engine._changed:
            self._engine._leave_if_cancelled()
        return torch.full((len(input_ids),), self._reply.cancelled, device=input_ids.device)
