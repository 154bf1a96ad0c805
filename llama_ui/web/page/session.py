"""What the server keeps for one open page."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from llama_ui.chat.conversation import Conversation
from llama_ui.engine.reply import Reply, Token
from llama_ui.web.access.limits import Visitor
from llama_ui.web.page.running import Running
from llama_ui.web.page.writing import Writing


class Session:
    """The open conversation of one visitor, and the reply that is being written in it.

    A plain class on purpose: Gradio would turn a dataclass into a dictionary.

    Attributes:
        owner: a name that nobody can guess, for what the engine keeps of this conversation.
        visitor: who has opened the page, as far as limits go.
        key: under which name the browser keeps the conversation.
        conversation: what stands in the pane.
        dropped: which exchanges the last prompt left out.
        tokens: of the replies whose probabilities are known, by the number of the message.
        explained: the reply that is shown token by token.
        busy: whether a reply is being prepared or written.
        leaving: whether another conversation is to be shown once that reply has ended.
        stop_requested: whether the visitor asked to stop that reply.
        compared: two replies that are shown side by side.
        replies: the running requests, once the engine has taken them.
        writing: what the last turn writes, or wrote.
    """

    def __init__(self) -> None:
        self.owner = secrets.token_urlsafe(16)
        self.visitor = Visitor("")
        self.key = secrets.token_urlsafe(12)
        self.conversation = Conversation()
        self.dropped: tuple[int, ...] = ()
        self.tokens: dict[int, tuple[Token, ...]] = {}
        self.explained: int | None = None
        self.busy = False
        self.leaving = False
        self.stop_requested = False
        self.compared: tuple[int, ...] = ()
        self.replies: tuple[Reply, ...] = ()
        self.writing = Writing()
        self.writing.end("")

    def __deepcopy__(self, memo: object) -> "Session":
        """Gradio copies the first session for each visitor: every copy is a new one."""
        return Session()

    def show(
        self, conversation: Conversation, key: str = "", dropped: tuple[int, ...] = ()
    ) -> None:
        """Open another conversation, or another branch of this one.

        Args:
            key: the name of another conversation; empty stays with this one.
            dropped: which of its exchanges the model does not see.
        """
        self.conversation, self.dropped = conversation, dropped
        self.explained, self.compared = None, ()
        if key:
            self.key = key
            self.tokens.clear()

    def keep(self, conversations: Sequence[Conversation], running: Sequence[Running]) -> None:
        """Keep what was written: the conversation after each reply, the last with all of them."""
        numbers = tuple(c.head for c in conversations if c.head is not None)
        for number, reply in zip(numbers, running, strict=True):
            self.tokens.pop(number, None)
            is_known = all(token.logprob is not None for token in reply.tokens)
            if reply.tokens and is_known and reply.turn.going_on is None:
                self.tokens[number] = tuple(reply.tokens)
        # It may have been renamed meanwhile.
        self.conversation = replace(conversations[-1], name=self.conversation.name)
        if len(numbers) > 1:
            self.compared = numbers
            self.conversation = self.conversation.select(numbers[0])

    def stop(self) -> None:
        """Stop what is running, if anything is; returns at once."""
        self.stop_requested = True
        for reply in self.replies:
            reply.cancel()
