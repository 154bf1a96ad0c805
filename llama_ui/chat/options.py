"""ChatOptions: how a chat is to be answered; they belong to the chat. Pure."""

from dataclasses import dataclass

from llama_ui.chat.sampling import Sampling
from llama_ui.chat.text import check_text
from llama_ui.errors import OptionError

MAX_KEEP_LAST = 1_000


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What the Advanced options of a chat say.

    Args:
        system: the system prompt; empty (or only spaces) means none.
        sampling: how tokens are chosen.
        keep_last: remember so many of the latest exchanges; None remembers all that fit.
        reminder: text that is repeated at the end of each user message; empty means none.
        tools: whether the model is offered tools (see agent.py).

    Raises:
        OptionError: keep_last is no number of exchanges.
        DialogError: a text is too long, or no text.
    """

    system: str = ""
    sampling: Sampling = Sampling()  # noqa: RUF009 - immutable
    keep_last: int | None = None
    reminder: str = ""
    tools: bool = False

    def __post_init__(self) -> None:
        check_text(self.system)
        check_text(self.reminder)
        keep = self.keep_last
        if keep is None:
            return
        if isinstance(keep, bool) or not isinstance(keep, int) or not 0 <= keep <= MAX_KEEP_LAST:
            raise OptionError(
                f"The chat cannot remember {str(keep)[:40]!r} exchanges.",
                f"Choose a whole number from 0 to {MAX_KEEP_LAST:,}, or leave it empty for all.",
            )
