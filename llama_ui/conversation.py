"""Message and Conversation: what was said, as immutable values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llama_ui.errors import DialogError

MAX_MESSAGE_CHARS = 100_000
MAX_MESSAGES = 2_000
MAX_CHARS = 1_000_000  # of a whole conversation


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user message and the reply to it.

    Args:
        user: what the user wrote, exactly.
        assistant: what the model wrote so far; None before the reply has begun.
        note: why the reply is incomplete, for the reader; empty when it is whole.
        caption: facts about the reply (tokens, speed, seed), for the reader.
    """

    user: str
    assistant: str | None = None
    note: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The exchanges of one chat, oldest first. Every method returns a new conversation."""

    exchanges: tuple[Exchange, ...] = ()

    def ask(self, text: str) -> Conversation:
        """Add a user message; raises DialogError when it is empty or too long."""
        check_text(text)
        if not text.strip():
            raise DialogError("The message is empty.", "Type a message and send it.")
        return Conversation((*self.exchanges, Exchange(text)))

    def answer(self, text: str, note: str = "", caption: str = "") -> Conversation:
        """Set the reply to the last user message."""
        *earlier, last = self.exchanges
        return Conversation(
            (*earlier, replace(last, assistant=text, note=note, caption=caption)),
        )

    def retry(self) -> Conversation:
        """Take the last reply back, so that the last user message is to be answered again."""
        if not self.exchanges:
            raise DialogError("There is nothing to retry.", "Send a message first.")
        *earlier, last = self.exchanges
        return Conversation((*earlier, Exchange(last.user)))

    def undo(self) -> tuple[Conversation, str]:
        """Take the last exchange back; returns the conversation without it and its user text."""
        if not self.exchanges:
            raise DialogError("There is nothing to undo.", "Send a message first.")
        *earlier, last = self.exchanges
        return Conversation(tuple(earlier)), last.user

    def messages(self, system: str = "") -> list[dict[str, str]]:
        """The messages to send, the last exchange waiting for its reply.

        An earlier user message that never got a reply is left out: roles must alternate.

        Args:
            system: the system prompt; empty (or only spaces) means none.
        """
        check_text(system)
        messages = [{"role": "system", "content": system}] if system.strip() else []
        for exchange in self.exchanges[:-1]:
            if exchange.assistant:
                messages.append({"role": "user", "content": exchange.user})
                messages.append({"role": "assistant", "content": exchange.assistant})
        if self.exchanges:
            messages.append({"role": "user", "content": self.exchanges[-1].user})
        _check_total(messages)
        return messages


def check_text(text: object) -> None:
    """Refuse what is no text, or too long for any context window; raises DialogError."""
    if not isinstance(text, str):
        raise DialogError("The message is not text.", "Send it as a string.")
    if len(text) > MAX_MESSAGE_CHARS:
        raise DialogError(
            f"The text has {len(text):,} characters; at most {MAX_MESSAGE_CHARS:,} are accepted.",
            "Send it in smaller pieces.",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DialogError(
            "The text has half a character in it (a lone surrogate).", "Remove it and send again."
        ) from None


def parse_messages(value: object) -> list[dict[str, str]]:
    """Check messages that come from outside; raises DialogError that says what is wrong."""
    wanted = 'Send a list of {"role": ..., "content": ...}, both strings.'
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise DialogError("The messages are not a list.", wanted)
    if len(value) > MAX_MESSAGES:
        raise DialogError(f"There are more than {MAX_MESSAGES:,} messages.", "Send fewer.")
    messages = [_parse_message(item, wanted) for item in value]
    _check_total(messages)
    return messages


def _check_total(messages: Sequence[Mapping[str, str]]) -> None:
    total = sum(len(message["content"]) for message in messages)
    if total > MAX_CHARS:
        raise DialogError(
            f"The conversation has {total:,} characters; at most {MAX_CHARS:,} are accepted.",
            "Start a new one.",
        )


def _parse_message(item: Any, wanted: str) -> dict[str, str]:
    if not isinstance(item, Mapping):
        raise DialogError("A message is not an object.", wanted)
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or not isinstance(content, str):
        raise DialogError("A message has no text for role or content.", wanted)
    if role not in ("system", "user", "assistant"):
        raise DialogError(f"There is no role {role[:20]!r}.", "Use system, user or assistant.")
    check_text(content)
    return {"role": role, "content": content}
