"""Sampling: the validated options of one reply."""

from dataclasses import dataclass

from llama_ui.errors import OptionError

# option -> (smallest, largest): the one home of the ranges, also for the page's sliders.
LIMITS: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_p": (0.05, 1.0),
    "top_k": (1, 1000),
    "repetition_penalty": (1.0, 2.0),
    "max_new_tokens": (1, 4096),
    "seed": (0, 2**31 - 1),
    "top_logprobs": (0, 5),
}
SMALLEST_TEMPERATURE = 0.01  # what is below is greedy
MAX_STOP_WORDS = 8
MAX_STOP_CHARS = 100


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the tokens of one reply are chosen.

    Args:
        temperature: 0 is greedy (always the most probable token); higher is wilder.
        top_p: keep the most probable tokens until their probabilities add up to this.
        top_k: keep at most this many of the most probable tokens.
        repetition_penalty: above 1, tokens seen before become less probable
            (Keskar et al. 2019, CTRL).
        max_new_tokens: length limit of the reply, in tokens.
        seed: makes the reply reproducible; None draws a new seed.
        stop: the reply ends before the first of these words.
        top_logprobs: report the log-probability of each token, and of so many of the best.

    Raises:
        OptionError: a value is not a finite number inside `LIMITS`, or the stop words are no words.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 50
    repetition_penalty: float = 1.0
    max_new_tokens: int = 512
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if value is None and name == "seed":
                continue
            # Sliders deliver ints for floats, and a request may deliver anything at all.
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _out_of_range(name, value)
            if not low <= value <= high:  # also refuses NaN
                raise _out_of_range(name, value)
            is_whole = isinstance(low, int)
            if is_whole and value != int(value):
                raise _out_of_range(name, value)
            object.__setattr__(self, name, int(value) if is_whole else float(value))
        _check_stop(self.stop)
        # Dividing by less would overflow; the most probable token has all the weight long before.
        if self.temperature < SMALLEST_TEMPERATURE:
            object.__setattr__(self, "temperature", 0.0)


def _check_stop(words: object) -> None:
    if not isinstance(words, tuple) or len(words) > MAX_STOP_WORDS:
        raise OptionError("The stop words are no short list.", f"Give up to {MAX_STOP_WORDS}.")
    if not all(isinstance(word, str) and 0 < len(word) <= MAX_STOP_CHARS for word in words):
        raise OptionError(
            "A stop word is empty or too long.", f"Use 1 to {MAX_STOP_CHARS} characters for each."
        )


def _out_of_range(name: str, value: object) -> OptionError:
    shown = (f"{limit:,}" if isinstance(limit, int) else f"{limit:g}" for limit in LIMITS[name])
    label = name.replace("_", " ").capitalize()
    kind = "a whole number" if isinstance(LIMITS[name][0], int) else "a number"
    return OptionError(
        f"{label} cannot be {str(value)[:40]!r}.", f"Choose {kind} from {' to '.join(shown)}."
    )
