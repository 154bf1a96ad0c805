"""Run a chat template, which is a program of somebody else's, in a bounded number of steps.

transformers runs it in Jinja's sandbox, which keeps it from Python but not from running for ever.
"""

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, TypeVar

from jinja2 import Environment, TemplateError

from llama_ui.errors import ModelError
from llama_ui.prompt.llama2 import Message

# Calls and lines of a template that one prompt may take; published ones take some 100 a message.
_STEPS, _STEPS_A_MESSAGE = 200_000, 1_000

_Result = TypeVar("_Result")


def template_of(tokenizer: Any, name: str) -> str | None:
    """The template that a tokenizer brings; raises ModelError when it cannot be used."""
    if not tokenizer.chat_template:
        return None
    try:
        template = str(tokenizer.get_chat_template())
        tokens = {(kind, text) for _, kind, text in Environment(autoescape=True).lex(template)}
    except Exception as error:
        raise unusable(name, error) from error
    if ("operator", "**") in tokens:
        # One step of it can take for ever.
        raise unusable(name, "it computes powers")
    return template


def unusable(name: str, error: Exception | str) -> ModelError:
    """The refusal of a model whose template fails."""
    return ModelError(
        f"The chat template of {name} cannot be used ({str(error).strip()[:200]}).",
        "Choose another model, or mend chat_template in its tokenizer_config.json.",
    )


def render(tokenizer: Any, messages: Sequence[Message]) -> str:
    """What the tokenizer's template writes for the messages; raises what the template raises,
    and TemplateError when it takes too many steps."""
    rendered: str = _bounded(
        lambda: tokenizer.apply_chat_template(
            [dict(message) for message in messages], add_generation_prompt=True, tokenize=False
        ),
        _STEPS + _STEPS_A_MESSAGE * len(messages),
    )
    return rendered


def _bounded(work: Callable[[], _Result], most: int) -> _Result:
    """Do the work in at most so many steps."""
    steps = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps > most:
            raise TemplateError("it takes too long")
        # Each line of the template, and each call of anything from it.
        return count if frame.f_code.co_filename == "<template>" else None

    previous = sys.gettrace()
    sys.settrace(count)
    try:
        return work()
    finally:
        sys.settrace(previous)
