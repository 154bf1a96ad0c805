"""What counts as text from outside. Pure."""

from collections.abc import Iterable

from llama_ui.errors import DialogError

MAX_TEXT_CHARS = 100_000
MAX_CHAT_CHARS = 1_000_000


def check_text(text: object, most: int = MAX_TEXT_CHARS) -> str:
    """The text itself; raises DialogError when it is none, or has more characters than `most`."""
    if not isinstance(text, str):
        raise DialogError("The message is not text.", "Send it as a string.")
    if len(text) > most:
        raise DialogError(
            f"The text has {len(text):,} characters; at most {most:,} are accepted.",
            "Send it in smaller pieces.",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DialogError(
            "The text has half a character in it (a lone surrogate).", "Remove it and send again."
        ) from None
    return text


def clean_reply(text: str, room: int) -> str:
    """A reply as it can be kept, whatever a model or a server has sent: halves of characters are
    joined, or replaced where the other half is missing, and what is beyond `room` is cut."""
    return text[: max(0, room)].encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def check_total(lengths: Iterable[int]) -> None:
    """Raises DialogError when the texts of a conversation are too long together.

    Args:
        lengths: of each text, in characters.
    """
    total = sum(lengths)
    if total > MAX_CHAT_CHARS:
        raise DialogError(
            f"The conversation has {total:,} characters; at most {MAX_CHAT_CHARS:,} are accepted.",
            "Start a new one.",
        )
