"""Conversation: what was said, with every version of it, as an immutable value. Pure.

The messages of a chat form a tree: each knows the one it follows. A second answer, or a message
written anew, stands beside the first one and begins a branch; nothing is lost. The chat as it is
shown is the path from the first message to `head`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Literal

from llama_ui.chat.attachments import Attachment, check_count, with_attachments
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.text import MAX_CHAT_CHARS, check_text, check_total, clean_reply
from llama_ui.chat.thinking import with_thinking
from llama_ui.errors import DialogError

MAX_MESSAGES = 2_000
MAX_TITLE_CHARS = 80
MAX_STEPS = 20

Ending = Literal["stop", "length", "time", "cancelled", "error", "edited"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step before an answer with tools.

    Args:
        thought: what the model said before its action.
        tool: which it wanted; empty when it said no action.
        given: the input of the tool, or what was said instead of an action.
        observation: what the tool gave.
        ms: how long it took to write the action and to do it, in milliseconds.
    """

    thought: str
    tool: str
    given: str
    observation: str
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """How a reply came about; the numbers are those of the engine's Stats, times in seconds.

    Args:
        ending: why it ended; "edited" when a person has changed it since.
        model: which model answered, as people say it.
        quantization: how its weights were held.
        options: with which it was asked; the seed is the one that was drawn.
        steps: what was done with tools before it.
        thinking: what the model thought before it; sent back only where an option says so.
        thought_tokens, thought_s: how many tokens, and seconds, that took.
        begun: whether it went on from words that were there, so its options alone do not repeat it.
    """

    ending: Ending = "stop"
    model: str = ""
    quantization: str = ""
    prompt_tokens: int = 0
    reused_tokens: int = 0
    reply_tokens: int = 0
    first_token_s: float = 0.0
    tokens_per_s: float = 0.0
    options: ChatOptions | None = None
    steps: tuple[Step, ...] = ()
    thinking: str = ""
    thought_tokens: int = 0
    thought_s: float = 0.0
    begun: bool = False

    def __post_init__(self) -> None:
        check_text(self.thinking, MAX_CHAT_CHARS)
        values = [getattr(self, field.name) for field in fields(self)]
        if len(self.steps) > MAX_STEPS:
            raise DialogError(f"A reply has more than {MAX_STEPS} steps.", "Remove some.")
        for step in self.steps:
            values.append(step.ms)
            for text in (step.thought, step.tool, step.given, step.observation):
                check_text(text)
        for value in values:
            # Not a number, and what is too large for one, are in no range either.
            if isinstance(value, int | float) and not 0 <= value < 2**53:
                raise DialogError("A reply has impossible statistics.", "Remove them.")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat.

    Args:
        role: who wrote it.
        text: exactly what was typed or generated.
        parent: number of the message it follows; None for a first one.
        facts: of a reply.
        attachments: to a user message.
    """

    role: Literal["user", "assistant"]
    text: str
    parent: int | None = None
    facts: Facts | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def content(self) -> str:
        """What the model reads: what is attached, then the text."""
        return with_attachments(self.text, self.attachments)

    @property
    def chars(self) -> int:
        """How long it is, with what is attached."""
        return len(self.text) + sum(len(each.text) for each in self.attachments)

    @property
    def written(self) -> str:
        """A reply as the model wrote it, thinking included."""
        return with_thinking(self.facts.thinking if self.facts else "", self.text)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat. Messages are known by their number, their place in `nodes`. Every method that
    changes something returns a new conversation; a number that does not exist, or is of the wrong
    kind, raises DialogError.

    Args:
        nodes: all messages, each after the one it follows.
        head: the last message that is shown; None when there is none.
        options: how it is to be answered.
        name: a title that was given; empty means the first words.
        pinned: user messages that, with their replies, are to be forgotten last.
    """

    nodes: tuple[Message, ...] = ()
    head: int | None = None
    options: ChatOptions = ChatOptions()  # noqa: RUF009 - immutable
    name: str = ""
    pinned: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def path(self) -> tuple[int, ...]:
        """The numbers of the messages that are shown, oldest first."""
        numbers, at = [], self.head
        while at is not None:
            numbers.append(at)
            at = self.nodes[at].parent
        return tuple(reversed(numbers))

    @property
    def title(self) -> str:
        """What the chat is called: its given name, or its first words."""
        first = " ".join(self.nodes[0].text[:400].split()) if self.nodes else "New chat"
        title = self.name or first
        return title if len(title) <= MAX_TITLE_CHARS else f"{title[: MAX_TITLE_CHARS - 1]}…"

    @property
    def is_waiting(self) -> bool:
        """Whether the last message is one to be answered."""
        return self.head is not None and self.nodes[self.head].role == "user"

    def versions(self, number: int) -> tuple[int, ...]:
        """The messages that stand in the same place, in the order they were written."""
        wanted = self._node(number)
        return tuple(
            other
            for other, node in enumerate(self.nodes)
            if node.parent == wanted.parent and node.role == wanted.role
        )

    def ask(self, text: str, attachments: tuple[Attachment, ...] = ()) -> Conversation:
        """Add a user message; raises DialogError when it is empty or too long."""
        return self._add(Message("user", _some(text), self.head, attachments=attachments))

    def answer(self, text: str, facts: Facts | None = None) -> Conversation:
        """Add a reply to the last user message, beside those it has."""
        if not self.is_waiting:
            raise DialogError("There is no message to answer.", "Type a message and send it.")
        return self._add(Message("assistant", clean_reply(text, self._room), self.head, facts))

    @property
    def _room(self) -> int:
        """How many characters a reply may still have: what has arrived of one must not be lost."""
        return MAX_CHAT_CHARS - sum(node.chars for node in self.nodes)

    def check_room(self, replies: int) -> None:
        """Before a reply is written that there would be no place for; raises DialogError."""
        if len(self.nodes) + replies > MAX_MESSAGES:
            raise _full()

    def retry(self, number: int) -> Conversation:
        """Go back to a user message, or to the one that a reply answers, to have it answered
        once more."""
        node = self._node(number)
        return replace(self, head=number if node.role == "user" else node.parent)

    def edit(self, number: int, text: str) -> Conversation:
        """Write a message anew, as a version beside the old one; what is attached stays."""
        node = self._node(number)
        if node.role == "user":
            return self._add(replace(node, text=_some(text)))
        facts = replace(node.facts or Facts(), ending="edited")
        return self._add(Message("assistant", _some(text), node.parent, facts))

    def extend(self, text: str, facts: Facts | None = None) -> Conversation:
        """Let the last reply go on."""
        reply = self.unfinished()
        node = self.nodes[reply]
        text = node.text + clean_reply(text, self._room)
        return self._replace(reply, replace(node, text=text, facts=facts))

    def unfinished(self) -> int:
        """The number of the last reply, which can go on; raises DialogError without one."""
        if self.head is None or self.is_waiting or not self.nodes[self.head].text:
            raise DialogError("There is no reply to continue.", "Send a message first.")
        return self.head

    def select(self, number: int) -> Conversation:
        """Show another version of a message, and what was last said after it."""
        self._node(number)
        following = {node.parent: other for other, node in enumerate(self.nodes)}
        while number in following:
            number = following[number]
        return replace(self, head=number)

    def undo(self) -> Conversation:
        """Go back to before the last user message; it stays as a version, to be selected again."""
        asked = [number for number in self.path if self.nodes[number].role == "user"]
        if not asked:
            raise DialogError("There is nothing to undo.", "Send a message first.")
        return replace(self, head=self.nodes[asked[-1]].parent)

    def pin(self, number: int) -> Conversation:
        """Pin a user message with its replies, or let it go again."""
        if self._node(number).role != "user":
            raise DialogError("Only your own messages can be pinned.", "Pin the one before.")
        return replace(self, pinned=tuple(sorted({*self.pinned} ^ {number})))

    def exchanges(self) -> list[tuple[int, int]]:
        """The answered user messages that are shown, each with its reply, by their numbers.

        One that never got a reply is left out: roles must alternate in a prompt.
        """
        path = self.path
        return [
            (user, reply)
            for user, reply in pairwise(path)
            if self.nodes[user].role == "user"
            and self.nodes[reply].role == "assistant"
            and self.nodes[reply].text
        ]

    def messages(self, system: str, with_thoughts: bool = False) -> list[dict[str, str]]:
        """What is to be sent: the system prompt, the exchanges, and the message to be answered
        (the last one, or the one whose reply is to go on).

        Args:
            with_thoughts: earlier replies begin with what the model thought before them.
        """
        messages = [{"role": "system", "content": system}] if system.strip() else []
        asked = [number for number in self.path if self.nodes[number].role == "user"]
        for user, reply in self.exchanges():
            if user != asked[-1]:
                messages.append({"role": "user", "content": self.nodes[user].content})
                node = self.nodes[reply]
                content = node.written if with_thoughts else node.text
                messages.append({"role": "assistant", "content": content})
        messages += [
            {"role": "user", "content": self.nodes[number].content} for number in asked[-1:]
        ]
        return messages

    def _node(self, number: object) -> Message:
        # True is an int to Python, and -1 an index.
        if type(number) is int and 0 <= number < len(self.nodes):
            return self.nodes[number]
        raise DialogError("There is no such message in this chat.", "Reload the page.")

    def _add(self, node: Message) -> Conversation:
        return replace(self, nodes=(*self.nodes, node), head=len(self.nodes))

    def _replace(self, number: int, node: Message) -> Conversation:
        return replace(self, nodes=(*self.nodes[:number], node, *self.nodes[number + 1 :]))


def _some(text: str) -> str:
    if not check_text(text).strip():
        raise DialogError("The message is empty.", "Type a message and send it.")
    return text


def _full() -> DialogError:
    return DialogError(f"The chat has more than {MAX_MESSAGES:,} messages.", "Start a new one.")


def _check(conversation: Conversation) -> None:
    """Hold what every method relies on; raises DialogError."""
    broken = DialogError("The chat is damaged: its messages do not fit.", "Start a new one.")
    nodes, head = conversation.nodes, conversation.head
    if len(nodes) > MAX_MESSAGES:
        raise _full()
    for number, node in enumerate(nodes):
        if node.role == "user":
            check_text(node.text)
        else:
            check_text(node.text, MAX_CHAT_CHARS)
        if node.parent is None:
            fits = node.role == "user"
        else:
            fits = 0 <= node.parent < number
            fits = fits and (node.role == "user" or nodes[node.parent].role == "user")
        if not fits or (node.facts if node.role == "user" else node.attachments):
            raise broken
        check_count(node.attachments)
    if head is not None and not 0 <= head < len(nodes):
        raise broken
    if any(not 0 <= number < len(nodes) for number in conversation.pinned):
        raise broken
    check_text(conversation.name)
    check_total(node.chars for node in nodes)
    steps = (step for node in nodes if node.facts for step in node.facts.steps)
    check_total(len(step.thought + step.given + step.observation) for step in steps)
