"""ChatOptions: how a chat is to be answered; they belong to the chat. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict

from llama_ui.chat.sampling import SAMPLING, Sampling
from llama_ui.chat.table import MAX_LINE_CHARS, MAX_LINES, Option, check_rows, row, rows
from llama_ui.errors import OptionError


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the options of a chat say. Each field but `sampling` is a row of the table of options.

    Args:
        system: the system prompt; empty (or only spaces) means none.
        sampling: how tokens are chosen.
        keep_last: remember so many of the latest exchanges; None remembers all that fit.
        reminder: text that is repeated at the end of each user message; empty means none.
        send_thinking: earlier replies are sent with what the model thought before them.
        tools: whether the model is offered tools (see agent.py).

    Raises:
        OptionError: a value is outside its range, or of another kind.
        DialogError: a text is too long, or no text.
    """

    # fmt: off
    system: str = row(
        "text", "", "System prompt",
        "Who the model should be and how it should answer. Empty: none is sent.",
        "Personality", neutral="", placeholder="You are a pirate. Answer in one sentence.",
    )
    sampling: Sampling = Sampling()  # noqa: RUF009 - immutable
    keep_last: int | None = row(
        "whole", None, "Memory", "How many recent exchanges to send.",
        "Memory", low=0, high=1_000, empty="all that fit",
    )
    reminder: str = row(
        "text", "", "Reminder",
        "Repeated at the end of each of your messages, for models that forget.",
        "Personality", neutral="", placeholder="Answer in one sentence.",
    )
    send_thinking: bool = row(
        "flag", False, "Send thinking back",
        "What the model thought before earlier replies is sent with them, if its template lets it.",
        "Memory", on=True, neutral=False,
    )
    tools: bool = row(
        "flag", False, "Tools", "Lets the model use tools, each step shown under its answer.",
        "Lab", on=True, neutral=False,
    )
    # fmt: on

    # In a file of a later version there may be more.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        check_rows(self)


_CHAT = rows(ChatOptions)
OPTIONS: tuple[Option, ...] = (*_CHAT, *SAMPLING)
"""The whole table."""


def options_from_form(values: Mapping[str, Any]) -> ChatOptions:
    """The checked options that the controls of the page say.

    Args:
        values: what each control holds, by the name of its option; what is not there is left at
            its default.

    Raises:
        OptionError: a value is outside its range, of another kind, or of no option.
        DialogError: a text is too long, or no text.
    """
    unknown = values.keys() - {option.name for option in OPTIONS}
    if unknown:
        raise OptionError("There is an option that is not known here.", "Reload the page.")

    def given(options: tuple[Option, ...]) -> dict[str, Any]:
        return {o.name: o.from_form(values[o.name]) for o in options if o.name in values}

    return ChatOptions(**given(_CHAT), sampling=Sampling(**given(SAMPLING)))


def form_of(options: ChatOptions) -> dict[str, Any]:
    """What the controls hold for these options, by name."""
    return {option.name: option.to_form(_value(options, option)) for option in OPTIONS}


def options_in_words(options: ChatOptions) -> list[tuple[Option, str]]:
    """The options that change something, each with its value as people read it."""
    values = [(option, _value(options, option)) for option in OPTIONS]
    return [(o, o.in_words(value)) for o, value in values if value != o.neutral]


def options_table() -> str:
    """The whole table as Markdown, for docs/options.md."""
    lines = [
        "| Option | Values | Default | What it does | Name in the API |",
        "|---|---|---|---|---|",
    ]
    for option in OPTIONS:
        values = f"up to {MAX_LINES} of {MAX_LINE_CHARS} characters"
        if option.kind in ("number", "whole"):
            values = f"{option.in_words(option.low)} to {option.in_words(option.high)}"
        elif option.kind == "choice":
            values = ", ".join(option.choices.values())
        elif option.kind != "lines":
            values = "on or off" if option.kind == "flag" else "text"
        default = option.in_words(option.default) or "none"
        name = f"`{option.wire_name('vllm') or option.name}`" if option in SAMPLING else ""
        lines.append(f"| {option.label} | {values} | {default} | {option.help} | {name} |")
    return "\n".join(lines) + "\n"


def _value(options: ChatOptions, option: Option) -> Any:
    return getattr(options if option in _CHAT else options.sampling, option.name)
