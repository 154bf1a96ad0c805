"""What a person attaches to a message: text with a name. Pure.

This is how it stands in a prompt, before what was typed, each file in turn:

    File: notes.txt
    ```
    the text of the file
    ```

The fence is longer than any run of backticks in the text, so that no text ends its own.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from llama_ui.chat.text import check_text
from llama_ui.errors import DialogError

MAX_ATTACHMENTS = 10
MAX_ATTACHMENT_CHARS = 500_000
MAX_NAME_CHARS = 120


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file, or a part of one.

    Args:
        name: one line; where only a part is sent, it says which.
        text: what the model reads of it.

    Raises:
        DialogError: the name is no line of text, or the text is too long.
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        if not (0 < len(self.name) <= MAX_NAME_CHARS and self.name.isprintable()):
            raise DialogError("An attached file has no usable name.", "Rename it.")
        check_text(self.text, MAX_ATTACHMENT_CHARS)

    @property
    def content(self) -> str:
        """How it stands in a prompt."""
        longest = max(map(len, re.findall("`+", self.text)), default=0)
        fence = "`" * max(3, longest + 1)
        end = "" if self.text.endswith("\n") else "\n"
        return f"File: {self.name}\n{fence}\n{self.text}{end}{fence}"


_ATTACHMENTS = TypeAdapter(tuple[Attachment, ...])


def with_attachments(text: str, attachments: Sequence[Attachment]) -> str:
    """A message as the model reads it."""
    return "\n\n".join([*(each.content for each in attachments), text])


def check_count(attachments: Sequence[object]) -> None:
    """Raises DialogError where a message has too many."""
    if len(attachments) > MAX_ATTACHMENTS:
        raise DialogError(
            f"A message has more than {MAX_ATTACHMENTS} attached files.", "Remove some."
        )


def read_attachments(value: object) -> tuple[Attachment, ...]:
    """Attachments that come from outside, as parsed JSON; None means none.

    Raises:
        DialogError: they are none, too many, or one is too long.
    """
    given = [] if value is None else value
    if isinstance(given, list):
        check_count(given)  # before each of them is looked at
    try:
        # As JSON once more: only there does a strict reading take a list for a tuple.
        found = _ATTACHMENTS.validate_json(json.dumps(given), strict=True)
    except (ValidationError, ValueError):
        raise DialogError("The attached files cannot be read.", "Attach them again.") from None
    return found


def read_attached(value: object) -> tuple[Attachment, ...]:
    """The attachments of one message that come from outside; as read_attachments.

    Raises:
        DialogError: also where they are too long together.
    """
    found = read_attachments(value)
    chars = sum(len(each.text) for each in found)
    if chars > MAX_ATTACHMENT_CHARS:
        raise DialogError(
            f"Together the attached files have {chars:,} characters; at most "
            f"{MAX_ATTACHMENT_CHARS:,} can be sent.",
            "Remove one.",
        )
    return found
