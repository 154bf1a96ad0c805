"""One turn of a chat: what is asked of the engine, and what comes of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_ui.chat.conversation import Conversation, Ending, Facts, Step
from llama_ui.chat.options import ChatOptions
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Stats, Token
from llama_ui.errors import DialogError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions, PromptPlan
from llama_ui.tools.agent import with_tools


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation whose last message is to be answered, or whose last reply is to go on.

    Args:
        options: how; those of the chat, unless an earlier reply is repeated.
        going_on: the number of the reply that is to go on.
        said: what the reply begins with already.
        drawn: the tokens of that beginning, where they are known.
        repeats: the number of the reply that is run again.
    """

    conversation: Conversation
    options: ChatOptions
    going_on: int | None = None
    said: str = ""
    drawn: tuple[Token, ...] = ()
    repeats: int | None = None

    @classmethod
    def answer(cls, conversation: Conversation) -> "Turn":
        """The last message is to be answered, as the chat says."""
        return cls(conversation, conversation.options)

    @classmethod
    def go_on(cls, conversation: Conversation) -> "Turn":
        """The last reply is to go on; raises DialogError when there is none."""
        number = conversation.unfinished()
        said = conversation.nodes[number].text
        return cls(conversation, conversation.options, number, said)

    @classmethod
    def replay(cls, conversation: Conversation, number: int) -> "Turn":
        """A reply is to be run again as it was; raises DialogError when that is not known."""
        again = conversation.retry(number)
        facts = conversation.nodes[number].facts
        if facts is None or facts.options is None or facts.ending == "edited":
            raise DialogError(
                "It is not known how this reply came about.", "Answer the message once more."
            )
        return cls(again, facts.options, repeats=number)

    @classmethod
    def branch(
        cls, conversation: Conversation, number: int, drawn: tuple[Token, ...], said: str
    ) -> "Turn":
        """Another version of a reply, that begins with these tokens."""
        again = conversation.retry(number)
        return cls(again, again.options, said=said, drawn=drawn)

    @property
    def has_work(self) -> bool:
        """Whether there is anything for the model to do."""
        return self.going_on is not None or self.conversation.is_waiting

    @property
    def has_tools(self) -> bool:
        """Whether it is answered in steps; what a reply began with is only gone on with."""
        return self.options.tools and self.going_on is None and not self.said

    def plan(self, engine: Engine, owner: str, steps: Sequence[Step] = ()) -> PromptPlan:
        """What is to be sent; raises ChatError when it cannot be.

        Args:
            steps: what was done already with tools.
        """
        begun = tuple(token.id for token in self.drawn)
        if self.said and not begun:
            begun = engine.reply_ids(self.said)
        pinned = {*self.conversation.pinned}
        exchanges = self.conversation.exchanges()
        options = PlanOptions(
            owner=owner,
            keep_last=self.options.keep_last,
            pinned=frozenset(n for n, (user, _) in enumerate(exchanges) if user in pinned),
            reminder=self.options.reminder,
            reply_prefix_ids=begun,
        )
        messages: Sequence[Message] = self.conversation.messages(self.options.system)
        if self.has_tools:
            messages, options = with_tools(messages, options, steps)
        return engine.plan(messages, self.options.sampling, options)

    def facts(self, ending: Ending, engine: Engine, stats: Stats | None) -> Facts:
        """How the reply came about."""
        if stats is None:
            return Facts(ending, options=self.options)
        seeded = replace(self.options.sampling, seed=stats.seed)
        return Facts(
            ending,
            engine.info.name,
            engine.info.quantization,
            stats.prompt_tokens,
            stats.reused_tokens,
            stats.reply_tokens,
            stats.first_token_s,
            stats.tokens_per_s,
            replace(self.options, sampling=seeded),
        )

    def ended(self, text: str, facts: Facts) -> Conversation:
        """The conversation with what was drawn; a reply that came out as before is no new one."""
        if self.going_on is not None:
            return self.conversation.extend(text, facts)
        if self.repeats is not None and self.conversation.nodes[self.repeats].text == text:
            return self.conversation.select(self.repeats)
        return self.conversation.answer(self.said + text, facts)
