"""Messages that come from outside, as programs send them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from llama_ui.chat.conversation import MAX_MESSAGES
from llama_ui.chat.text import check_text, check_total
from llama_ui.errors import DialogError


def parse_messages(value: object) -> list[dict[str, str]]:
    """Check messages that come from outside; raises DialogError that says what is wrong."""
    wanted = 'Send a list of {"role": ..., "content": ...}, both strings.'
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise DialogError("The messages are not a list.", wanted)
    if len(value) > MAX_MESSAGES:
        raise DialogError(f"There are more than {MAX_MESSAGES:,} messages.", "Send fewer.")
    messages = [_parse_message(item, wanted) for item in value]
    check_total(len(message["content"]) for message in messages)
    return messages


def _parse_message(item: Any, wanted: str) -> dict[str, str]:
    if not isinstance(item, Mapping):
        raise DialogError("A message is not an object.", wanted)
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or not isinstance(content, str):
        raise DialogError("A message has no text for role or content.", wanted)
    if role not in ("system", "user", "assistant"):
        raise DialogError(f"There is no role {role[:20]!r}.", "Use system, user or assistant.")
    return {"role": role, "content": check_text(content)}
