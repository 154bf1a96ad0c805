"""Advanced options as the page sends and shows them."""

import re
from dataclasses import astuple, dataclass
from typing import Any

from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.errors import OptionError


@dataclass(frozen=True, slots=True)
class Form:
    """The values of the controls, in their order on the page: not yet checked."""

    system: Any
    temperature: Any
    top_p: Any
    top_k: Any
    repetition_penalty: Any
    max_new_tokens: Any
    seed: Any
    keep_last: Any
    reminder: Any
    stop: Any
    probabilities: Any = False
    tools: Any = False

    @classmethod
    def of(cls, options: ChatOptions) -> "Form":
        """What the controls show for these options."""
        sampling = options.sampling
        return cls(
            options.system,
            sampling.temperature,
            sampling.top_p,
            sampling.top_k,
            sampling.repetition_penalty,
            sampling.max_new_tokens,
            "" if sampling.seed is None else str(sampling.seed),
            "" if options.keep_last is None else str(options.keep_last),
            options.reminder,
            "\n".join(sampling.stop),
            sampling.top_logprobs > 0,
            options.tools,
        )

    def values(self) -> list[Any]:
        """The values in the order of the controls."""
        return [*astuple(self)]

    def options(self) -> ChatOptions:
        """The checked options; raises OptionError or DialogError."""
        sampling = Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repetition_penalty=self.repetition_penalty,
            max_new_tokens=self.max_new_tokens,
            seed=_whole(self.seed),
            stop=_lines(self.stop),
            top_logprobs=int(LIMITS["top_logprobs"][1]) if self.probabilities is True else 0,
        )
        # A text box that nobody has touched may send nothing at all.
        system, reminder = self.system or "", self.reminder or ""
        keep_last = _whole(self.keep_last)
        return ChatOptions(system, sampling, keep_last, reminder, tools=self.tools is True)


def _whole(typed: object) -> Any:
    """The number in a text box: empty means none; what is no whole number is refused later."""
    text = "" if typed is None else str(typed).strip()
    if not text:
        return None
    # Past twenty digits it is out of range anyway, and slow to read.
    return int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else text


def _lines(typed: object) -> tuple[str, ...]:
    """One stop word a line, its spaces kept."""
    if not isinstance(typed, str | None):
        raise OptionError("The stop words are no text.", "Write one a line.")
    return tuple(line for line in (typed or "").split("\n") if line)
