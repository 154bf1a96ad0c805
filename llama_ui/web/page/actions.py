"""What a person does to a chat: an action of the page becomes turns for the model, or a change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_ui.chat.attachments import read_attached
from llama_ui.chat.conversation import Conversation
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.text import check_text
from llama_ui.engine.base import Engine
from llama_ui.errors import DialogError, OptionError
from llama_ui.web.page.turn import Turn

TEMPERATURE, SYSTEM, NO_SYSTEM = "Temperature", "System prompt", "No system prompt"
DIFFERENCES = (TEMPERATURE, SYSTEM, NO_SYSTEM)
_MAX_BEGUN = 8_192  # tokens

Action = Mapping[str, Any]


def change(chat: Conversation, action: Action) -> Conversation | None:
    """The chat after an action that asks nothing of the model; None for one that does.

    Raises:
        DialogError: the action does not fit the chat.
    """
    name, number, is_reply = action.get("do"), action.get("n"), False
    if name == "edit" and type(number) is int and 0 <= number < len(chat.nodes):
        is_reply = chat.nodes[number].role == "assistant"
    changes: dict[Any, Callable[[], Conversation]] = {
        "open": lambda: chat,
        "select": lambda: chat.select(_number(number)),
        "pin": lambda: chat.pin(_number(number)),
        "undo": chat.undo,
    }
    if is_reply:
        return chat.edit(_number(number), check_text(action.get("text")))
    made = changes.get(name) if isinstance(name, str) else None
    return made() if made else None


def turns(chat: Conversation, action: Action, engine: Callable[[], Engine]) -> tuple[Turn, ...]:
    """The turns that an action begins: one, or two to be compared.

    Args:
        chat: with the options of the page.
        action: `do`, and what belongs to it; from the browser, so anything.
        engine: the engine, once it is needed.

    Raises:
        DialogError: the action does not fit the chat, or is none.
        OptionError: two replies that would not differ.
    """
    number, text = action.get("n"), action.get("text")

    def asked() -> Conversation:
        return chat.ask(check_text(text), read_attached(action.get("attachments")))

    begin: dict[Any, Callable[[], tuple[Turn, ...]]] = {
        "ask": lambda: (Turn.answer(asked()),),
        "retry": lambda: (Turn.answer(chat.retry(_number(number))),),
        "edit": lambda: (Turn.answer(chat.edit(_number(number), check_text(text))),),
        "continue": lambda: (Turn.go_on(chat),),
        "replay": lambda: (Turn.replay(chat, _number(number)),),
        "branch": lambda: (_branch(chat, action, engine()),),
        "compare": lambda: _compare(asked(), action),
    }
    name = action.get("do")
    if not isinstance(name, str) or name not in begin:
        raise DialogError("The page asked for something unknown.", "Reload the page.")
    return begin[name]()


def _number(number: object) -> int:
    # True is an int to Python.
    if type(number) is int:
        return number
    raise DialogError("There is no such message in this chat.", "Reload the page.")


def _branch(chat: Conversation, action: Action, engine: Engine) -> Turn:
    """Another version of a reply that begins with the given tokens."""
    ids = action.get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= _MAX_BEGUN:
        raise DialogError("The tokens of this reply are not known.", "Regenerate the reply.")
    # Only ordinary tokens: a control token would end the reply, or forge a message.
    if not all(type(token) is int and engine.is_text(token) for token in ids):
        raise DialogError("The reply would end there.", "Choose another word.")
    again = chat.retry(_number(action.get("n")))
    return Turn(again, again.options, begun=tuple(ids))


def _compare(asked: Conversation, action: Action) -> tuple[Turn, Turn]:
    """Two turns that differ in one thing, both with one seed."""
    first = Turn.answer(asked)
    other = _differing(first.options, action.get("difference"), action.get("value"))
    if other == first.options:
        raise OptionError("Both replies would have the same options.", "Give another value.")
    return first, replace(first, options=other)


def _differing(options: ChatOptions, difference: Any, value: Any) -> ChatOptions:
    text = value.strip() if isinstance(value, str) else ""
    if difference == SYSTEM:
        return replace(options, system=text)
    if difference == NO_SYSTEM:
        return replace(options, system="")
    if difference != TEMPERATURE:
        raise OptionError("It is not said what should differ.", "Choose one of the differences.")
    try:
        temperature = float(text.replace(",", "."))
    except ValueError:
        raise OptionError(
            "The second temperature is not a number.", "Give one, for example 1.2."
        ) from None
    return replace(options, sampling=replace(options.sampling, temperature=temperature))


def with_one_seed(both: Sequence[Turn], seed: int) -> tuple[Turn, ...]:
    """The turns with the same seed, so that nothing else differs by chance."""
    if len(both) == 1 or both[0].options.sampling.seed is not None:
        return tuple(both)
    return tuple(
        replace(t, options=replace(t.options, sampling=replace(t.options.sampling, seed=seed)))
        for t in both
    )
