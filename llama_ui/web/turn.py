"""One turn of a chat: what is asked of the engine, and what comes of it. Pure."""

from dataclasses import dataclass, replace

from llama_ui.conversation import Conversation, Ending, Facts
from llama_ui.engine.base import Engine, PlanOptions, PromptPlan, Stats
from llama_ui.options import ChatOptions


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation whose last message is being answered, or whose last reply goes on.

    Args:
        going_on: the number of that reply.
    """

    conversation: Conversation
    going_on: int | None

    @property
    def options(self) -> ChatOptions:
        """How the chat is to be answered."""
        return self.conversation.options

    @property
    def said(self) -> str:
        """What the reply begins with already."""
        return "" if self.going_on is None else self.conversation.nodes[self.going_on].text

    def plan(self, engine: Engine, owner: str) -> PromptPlan:
        """What is to be sent; raises ChatError when it cannot be."""
        options = PlanOptions(
            owner=owner,
            keep_last=self.options.keep_last,
            reminder=self.options.reminder,
            reply_prefix_ids=engine.reply_ids(self.said) if self.said else (),
        )
        return engine.plan(self.conversation.messages(), self.options.sampling, options)

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
        """The conversation with what was drawn."""
        if self.going_on is None:
            return self.conversation.answer(text, facts)
        return self.conversation.extend(text, facts)
