"""What the buttons of the chat pane do to a conversation."""

from collections.abc import Callable, Mapping
from typing import Any

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.text import check_text
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Token
from llama_ui.errors import DialogError
from llama_ui.web.page.session import Session
from llama_ui.web.page.turn import Turn
from llama_ui.web.render.transcript import EXAMPLES

Change = Callable[[Conversation], Conversation]
Begin = Callable[[Conversation], Turn]


def act_of(
    session: Session, data: Mapping[str, Any], engine: Callable[[], Engine]
) -> tuple[Begin | None, Change]:
    """The turn that a button begins, or else how it changes what is shown.

    Args:
        session: where the button is.
        data: `act`, and `n`, the number of the message, and what else belongs to it; from the
            browser, so anything. What is wrong is refused when it is done, by a DialogError.
        engine: the engine, once it is needed.
    """
    act, number = data.get("act"), data.get("n")
    begin: dict[Any, Begin] = {
        "example": lambda chat: Turn.answer(chat.ask(_example(number))),
        "retry": lambda chat: Turn.answer(chat.retry(_number(number))),
        "edit": lambda chat: Turn.answer(chat.edit(_number(number), check_text(data.get("text")))),
        "continue": Turn.go_on,
        "replay": lambda chat: Turn.replay(chat, _number(number)),
        "branch": lambda chat: _branch(chat, session, data, engine),
    }
    change: dict[Any, Change] = {
        "select": lambda chat: _select(chat, session, _number(number)),
        "pin": lambda chat: chat.pin(_number(number)),
        "why": lambda chat: _explain(chat, session, _number(number)),
    }
    name = act if isinstance(act, str) else ""
    return begin.get(name), change.get(name, _unknown)


def _number(number: object) -> int:
    # True is an int to Python.
    if type(number) is int:
        return number
    raise DialogError("There is no such message in this chat.", "Reload the page.")


def _example(index: object) -> str:
    if type(index) is int and 0 <= index < len(EXAMPLES):
        return EXAMPLES[index]
    raise DialogError("There is no such example.", "Choose one of those on the page.")


def _branch(
    conversation: Conversation,
    session: Session,
    data: Mapping[str, Any],
    engine: Callable[[], Engine],
) -> Turn:
    """Go another way at one token of a reply: `i` is its place, `choice` which of its best."""
    number, i, choice = _number(data.get("n")), data.get("i"), data.get("choice")
    tokens = session.tokens.get(number, ())
    if type(i) is not int or type(choice) is not int:
        raise DialogError("The page asked for something unknown.", "Reload the page.")
    if not (0 <= i < len(tokens) and 0 <= choice < len(tokens[i].top)):
        raise DialogError("The tokens of this reply are no longer known.", "Answer once more.")
    token, logprob = tokens[i].top[choice]
    drawn = (*tokens[:i], Token(token, logprob, tokens[i].top))
    # Only now: tokens come from an engine, so it is there; before, this would wait for one.
    text_of = engine().text_of
    said = text_of([one.id for one in drawn])
    if not text_of([token]):
        raise DialogError("There the reply would end.", "Choose another word.")
    return Turn.branch(conversation, number, drawn, said)


def _select(conversation: Conversation, session: Session, number: int) -> Conversation:
    session.show(conversation.select(number))
    return session.conversation


def _explain(conversation: Conversation, session: Session, number: int) -> Conversation:
    """Show a reply token by token, or as it was."""
    if number not in session.tokens:
        raise DialogError("The tokens of this reply are not known.", "Answer once more.")
    session.explained = None if session.explained == number else number
    return conversation


def _unknown(conversation: Conversation) -> Conversation:
    raise DialogError("The page asked for something unknown.", "Reload the page.")
