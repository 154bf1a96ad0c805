"""Two replies to one message, that differ in one thing. Pure."""

from dataclasses import replace
from typing import Any

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.options import ChatOptions
from llama_ui.errors import OptionError
from llama_ui.web.page.turn import Turn

TEMPERATURE, SYSTEM, NO_SYSTEM = "Temperature", "System prompt", "No system prompt"
DIFFERENCES = (TEMPERATURE, SYSTEM, NO_SYSTEM)


def compared_turns(conversation: Conversation, difference: Any, value: Any) -> tuple[Turn, Turn]:
    """The turn as the options say, and the one beside it.

    Args:
        conversation: its last message is to be answered.
        difference: one of DIFFERENCES, in which the second one differs.
        value: of that, in the second one.

    Raises:
        OptionError: the value is none, or nothing would differ.
    """
    first = Turn.answer(conversation)
    second = _second(first.options, difference, value)
    if second == first.options:
        raise OptionError("Both replies would have the same options.", "Give another value.")
    return first, replace(first, options=second)


def _second(options: ChatOptions, difference: Any, value: Any) -> ChatOptions:
    text = value.strip() if isinstance(value, str) else ""
    if difference == SYSTEM:
        return replace(options, system=text)
    if difference == NO_SYSTEM:
        return replace(options, system="")
    if difference != TEMPERATURE:
        raise OptionError("It is not said what is to differ.", "Choose one of the differences.")
    try:
        temperature = float(text.replace(",", "."))
    except ValueError:
        raise OptionError(
            "The second temperature is no number.", "Give one, for example 1.2."
        ) from None
    return replace(options, sampling=replace(options.sampling, temperature=temperature))
