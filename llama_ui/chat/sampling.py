"""Sampling: the validated options of one reply."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from pydantic import ConfigDict

from llama_ui.chat.form import FORMS, AnswerForm, Kind
from llama_ui.chat.table import Dialect, check_rows, row, rows

SMALLEST_TEMPERATURE = 0.01  # what is below is greedy
# These servers put their own value where one is left out, also one that changes something.
_ALWAYS_SENT: tuple[Dialect, ...] = ("vllm", "llama.cpp")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the tokens of one reply are chosen. Each field is a row of the table of options.

    Args:
        temperature: 0 is greedy (always the most probable token); higher is wilder.
        top_p: keep the most probable tokens until their probabilities add up to this.
        top_k: keep at most this many of the most probable tokens.
        min_p: leave out tokens less probable than this share of the most probable one
            (Nguyen et al. 2024).
        repetition_penalty: above 1, tokens seen before become less probable
            (Keskar et al. 2019, CTRL).
        presence_penalty: taken from the logit of each token that the reply holds already (OpenAI).
        frequency_penalty: the same, once for each time that the reply holds it.
        max_new_tokens: length limit of the reply, in tokens.
        seed: makes the reply reproducible; None draws a new seed.
        stop: the reply ends before the first of these words.
        top_logprobs: report the log-probability of each token, and of so many of the best.
        form: what the reply must look like; one of FORMS.
        form_text: the schema, the choices or the pattern, where the form has one.

    Raises:
        OptionError: a value is outside its range, or of another kind.
    """

    # fmt: off
    temperature: float = row(
        "number", 0.7, "Temperature", "0 always takes the likeliest word; above 1 runs wild.",
        "Creativity", low=0, high=5, step=0.05, feature="temperature",
    )
    top_p: float = row(
        "number", 0.9, "Top-p", "Choose among the likeliest words that add up to this.",
        "Creativity", low=0.05, high=1, step=0.05, neutral=1.0, feature="top_p",
    )
    top_k: int = row(
        "whole", 50, "Top-k", "Choose among at most this many words.",
        "Creativity", low=1, high=1000, feature="top_k",
    )
    min_p: float = row(
        "number", 0.0, "Min-p", "Leave out words less likely than this share of the likeliest.",
        "Creativity", low=0, high=1, step=0.01, neutral=0.0, feature="min_p",
    )
    repetition_penalty: float = row(
        "number", 1.0, "Repetition penalty", "Above 1, words already used become less likely.",
        "Creativity", low=1, high=2, step=0.05, neutral=1.0, feature="repetition_penalty",
        wire={"llama.cpp": "repeat_penalty"},
    )
    presence_penalty: float = row(
        "number", 0.0, "Presence penalty",
        "Above 0, words that the reply has already become less likely; below 0, likelier.",
        "Creativity", low=-2, high=2, step=0.1, neutral=0.0, feature="presence_penalty",
    )
    frequency_penalty: float = row(
        "number", 0.0, "Frequency penalty", "The same, more with each time that a word is used.",
        "Creativity", low=-2, high=2, step=0.1, neutral=0.0, feature="frequency_penalty",
    )
    max_new_tokens: int = row(
        "whole", 512, "Max new tokens", "The longest reply; this room is kept free for it.",
        "Memory", low=1, high=4096,
        wire={"openai": "max_tokens", "vllm": "max_tokens", "llama.cpp": "n_predict"},
    )
    seed: int | None = row(
        "whole", None, "Seed", "Same seed and settings give the same reply.",
        "Lab", low=0, high=2**31 - 1, empty="random", feature="seed",
    )
    stop: tuple[str, ...] = row(
        "lines", (), "Stop words", "The reply ends before any of them. One a line.",
        "Lab", neutral=(),
    )
    top_logprobs: int = row(
        "whole", 0, "Word probabilities",
        "Keeps what else each word could have been, for “Why these words?” under a reply.",
        "Lab", low=0, high=5, neutral=0, on=5, feature="logprobs", wire=None,
    )
    form: str = row(
        "choice", "free", "Answer form", "Makes every other form of answer impossible.",
        "Lab", choices=FORMS, neutral="free", feature="form", wire=None,
    )
    form_text: str = row(
        "text", "", "Schema, choices or pattern",
        "For the answer form: a JSON schema, choices (one a line), or a regular expression.",
        "Lab", neutral="", feature="form", wire=None,
        placeholder='{"type": "object", "properties": {"name": {"type": "string"}}}',
    )
    # fmt: on

    # In a file of a later version there may be more.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        check_rows(self)
        # Dividing by less would overflow; the most probable token has all the weight long before.
        if self.temperature < SMALLEST_TEMPERATURE:
            object.__setattr__(self, "temperature", 0.0)
        _ = self.answer_form  # checks it

    @property
    def answer_form(self) -> AnswerForm | None:
        """What the reply must look like; None leaves it free. Raises OptionError."""
        if self.form == "free":
            return None
        return AnswerForm(cast(Kind, self.form), "" if self.form == "json" else self.form_text)

    def with_form(self, form: AnswerForm | None) -> "Sampling":
        """The same for a reply of that form."""
        if form is None:
            return replace(self, form="free", form_text="")
        return replace(self, form=form.kind, form_text=form.text)


SAMPLING = rows(Sampling)
# option -> (smallest, largest)
LIMITS = {o.name: (o.low, o.high) for o in SAMPLING if o.kind in ("number", "whole")}


def wire_values(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    """The options as a server takes them, under the names that it knows.

    What changes nothing is left out where the server would do the same: some refuse it (TGI: a
    top_p of 1). A seed that nobody gave is never there, nor how probabilities are asked for, which
    depends on the endpoint.

    Args:
        dialect: "openai" is what all servers of the protocol understand and more; "vllm" and
            "llama.cpp" (its own endpoints) are complete, since those servers have defaults of
            their own (llama.cpp: min_p 0.05; vLLM: those of the model's generation_config).
    """
    values = {}
    for option in SAMPLING:
        name, value = option.wire_name(dialect), getattr(sampling, option.name)
        is_sent = value != option.neutral or (value is not None and dialect in _ALWAYS_SENT)
        if name and is_sent:
            values[name] = [*value] if isinstance(value, tuple) else value
    return values
