"""A server that is asked by its own endpoints: prompts as token ids, tokens back."""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.tokenizer import ServerTokenizer
from llama_ui.engine.wording import Wording
from llama_ui.errors import EngineError
from llama_ui.prompt.llama2 import Message, PromptFormat
from llama_ui.prompt.plan import PlanOptions, PromptPlan

_CHECK_EVERY_S = 5.0


class NativeServer(Wording):
    """What is the same of all of them: the prompt is written here, over the server's tokenizer.

    Args:
        server: where it is; its window is known.
        tokenizer: its tokenizer.
        format: how its model wants its prompts.
        model: what the server says of its model (see `model_now`).
    """

    quantization = ""

    def __init__(
        self, server: RemoteServer, tokenizer: ServerTokenizer, format: PromptFormat, model: object
    ) -> None:
        super().__init__(tokenizer, format, server.context_length or 0)
        self._server = server
        self._model, self._checked_at = model, time.monotonic()
        self.mode, self.notes = format.mode, format.notes
        self.missing: Mapping[str, str] = {}

    @abstractmethod
    def model_now(self) -> object:
        """Which model the server has; asks it."""

    @abstractmethod
    def check_form(self, form: AnswerForm | None) -> None:
        """Raises OptionError for a form that the server has no words for."""

    def plan(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    ) -> PromptPlan:
        """The exact prompt; raises ChatError when there is none."""
        self.check_form(sampling.answer_form)
        self._check_model()
        return super().plan(messages, sampling, options)

    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan:
        """A prompt that is given token by token; raises as `plan`."""
        self.check_form(sampling.answer_form)
        self._check_model()
        return super().plan_ids(ids, sampling)

    def _check_model(self) -> None:
        """Raises EngineError when the server has another model than at the start."""
        if time.monotonic() - self._checked_at < _CHECK_EVERY_S:
            return
        if self.model_now() != self._model:
            raise EngineError(
                "The server has another model now.",
                "Whoever runs this page can start it again, to have it asked for the new one.",
            )
        self._checked_at = time.monotonic()
