"""Frame: what changes on the page at once."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from llama_ui.web.page.form import Form

Kept = dict[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """A new state of the page; None leaves that part of it as it is.

    Args:
        chats: what the browser is to keep; the last one is open.
        key: the name of the open chat, which comes back with every event.
        form: what Advanced options are to show.
        meter: what fills the context window.
        prompt: the exact prompt that the visitor asked to see.
    """

    transcript: str | None = None
    running: str | None = None
    message: str | None = None
    notice: str | None = None
    busy: bool | None = None
    has_messages: bool | None = None
    chats: list[Kept] | None = None
    key: str | None = None
    form: Form | None = None
    meter: str | None = None
    prompt: str | None = None

    @property
    def is_writing(self) -> bool:
        """Whether nothing changes but the replies that are being written."""
        return self.running is not None and self == Frame(running=self.running)


Frames = AsyncGenerator[Frame, None]
