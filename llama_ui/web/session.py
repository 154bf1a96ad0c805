"""What the server keeps for one open page."""

import secrets

from llama_ui.conversation import Conversation
from llama_ui.engine.base import Reply


class Session:
    """The open conversation of one visitor, and the reply that is being written in it.

    A plain class on purpose: Gradio would turn a dataclass into a dictionary.

    Attributes:
        owner: a name that nobody can guess, for what the engine keeps of this conversation.
        key: under which name the browser keeps the conversation.
        conversation: what stands in the pane.
        dropped: which exchanges the last prompt left out.
        busy: whether a reply is being prepared or written.
        stop_requested: whether the visitor asked to stop that reply.
        reply: the running request, once the engine has taken it.
    """

    def __init__(self) -> None:
        self.owner = secrets.token_urlsafe(16)
        self.key = secrets.token_urlsafe(12)
        self.conversation = Conversation()
        self.dropped: tuple[int, ...] = ()
        self.busy = False
        self.stop_requested = False
        self.reply: Reply | None = None

    def __deepcopy__(self, memo: object) -> "Session":
        """Gradio copies the first session for each visitor: every copy is a new one."""
        return Session()

    def show(self, conversation: Conversation, key: str = "") -> None:
        """Open another conversation, or another branch of this one.

        Args:
            key: the name of another conversation; empty stays with this one.
        """
        self.conversation, self.dropped = conversation, ()
        self.key = key or self.key

    def stop(self) -> None:
        """Stop the running reply, if there is one; returns at once."""
        self.stop_requested = True
        if self.reply is not None:
            self.reply.cancel()
