"""An engine that lets somebody see what becomes of every reply. Imports no torch."""

from collections.abc import Callable, Sequence

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine, EngineInfo, EngineLoad
from llama_ui.engine.reply import Chunk, Reply
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions, PromptPlan

Observer = Callable[[Chunk | Exception], None]


class ObservedEngine:
    """Passes everything on to an engine.

    Args:
        engine: does the work.
        observe: is given the last chunk of each reply, or its fault, and the refusal of each that
            was not taken; called from any thread.
    """

    def __init__(self, engine: Engine, observe: Observer) -> None:
        self._engine = engine
        self._observe = observe

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    @property
    def load(self) -> EngineLoad:
        return self._engine.load

    def reply_ids(self, text: str) -> tuple[int, ...]:
        return self._engine.reply_ids(text)

    def text_of(self, ids: Sequence[int]) -> str:
        return self._engine.text_of(ids)

    def is_text(self, token: int) -> bool:
        return self._engine.is_text(token)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return self._engine.pieces(ids)

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        return self._engine.plan(messages, sampling, options)

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        try:
            reply = self._engine.submit(plan, sampling)
        except Exception as refusal:
            self._observe(refusal)
            raise
        reply.on_end(self._observe)
        return reply

    def forget(self, owner: str) -> None:
        self._engine.forget(owner)

    def close(self) -> None:
        self._engine.close()
