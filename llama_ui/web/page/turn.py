"""One turn of a chat: what is asked of the engine, and what becomes of the conversation. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_ui.chat.conversation import Conversation, Ending, Facts, Step
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.chat.thinking import ThoughtSplitter
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Stats
from llama_ui.errors import DialogError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions, PromptPlan
from llama_ui.tools.agent import with_action_form, with_tools


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation whose last message is to be answered, or whose last reply is to go on.

    Args:
        options: how; those of the chat, unless an earlier reply is repeated.
        going_on: the number of the reply that is to go on.
        begun: the tokens with which a new version of a reply begins.
        repeats: the number of the reply that is run again.
    """

    conversation: Conversation
    options: ChatOptions
    going_on: int | None = None
    begun: tuple[int, ...] = ()
    repeats: int | None = None

    @classmethod
    def answer(cls, conversation: Conversation) -> "Turn":
        """Answer the last message with the options of the chat."""
        return cls(conversation, conversation.options)

    @classmethod
    def go_on(cls, conversation: Conversation) -> "Turn":
        """Let the last reply go on; raises DialogError when there is none."""
        return cls(conversation, conversation.options, conversation.unfinished())

    @classmethod
    def replay(cls, conversation: Conversation, number: int) -> "Turn":
        """Run a reply again as it was; raises DialogError when that is not known."""
        again = conversation.retry(number)
        facts = conversation.nodes[number].facts
        if facts is None or facts.options is None or facts.ending == "edited":
            raise DialogError(
                "It is not known how this reply came about.", "Regenerate the reply instead."
            )
        if facts.begun:
            raise DialogError(
                "This reply went on from words that were there already; its settings alone do not "
                "repeat it.",
                "Regenerate the reply instead.",
            )
        return cls(again, facts.options, repeats=number)

    @property
    def has_tools(self) -> bool:
        """Whether it is answered in steps; a reply that has begun is only gone on with."""
        return self.options.tools and self.going_on is None and not self.begun

    def said(self, engine: Engine, plan: PromptPlan) -> tuple[str, str]:
        """What the reply begins with already: thinking, and text."""
        if self.going_on is not None:
            node = self.conversation.nodes[self.going_on]
            return node.facts.thinking if node.facts else "", node.text
        begun = engine.text_of(self.begun) if self.begun else ""
        return ThoughtSplitter(plan.opens_thinking).add(begun)

    def plan(self, engine: Engine, owner: str, steps: Sequence[Step] = ()) -> PromptPlan:
        """What is to be sent; raises ChatError when it cannot be.

        Args:
            owner: whose keys and values may be reused.
            steps: what was done already with tools.
        """
        begun = self.begun
        if self.going_on is not None:
            begun = engine.reply_ids(self.conversation.nodes[self.going_on].written)
        pinned = {*self.conversation.pinned}
        exchanges = self.conversation.exchanges()
        options = PlanOptions(
            owner=owner,
            keep_last=self.options.keep_last,
            pinned=frozenset(n for n, (user, _) in enumerate(exchanges) if user in pinned),
            reminder=self.options.reminder,
            reply_prefix_ids=begun,
        )
        # With tools an earlier reply is written as JSON, which has no place for thinking.
        with_thoughts = self.options.send_thinking and not self.has_tools
        messages: Sequence[Message] = self.conversation.messages(self.options.system, with_thoughts)
        sampling = self.options.sampling
        if self.has_tools:
            messages, options = with_tools(messages, options, steps)
            sampling = self.step_sampling(engine, sampling, steps)
        return engine.plan(messages, sampling, options)

    def step_sampling(self, engine: Engine, sampling: Sampling, steps: Sequence[Step]) -> Sampling:
        """The options of a step with tools: an engine that can keeps it to an action."""
        can = "form" in engine.info.supports
        return with_action_form(sampling, steps) if can else sampling

    def left_out(self, plan: PromptPlan) -> list[int]:
        """The numbers of the messages that a plan leaves out."""
        exchanges = self.conversation.exchanges()
        return [n for place in plan.dropped if place < len(exchanges) for n in exchanges[place]]

    def facts(self, ending: Ending, engine: Engine, stats: Stats | None) -> Facts:
        """How the reply came about."""
        if stats is None:
            return Facts(ending, options=self.options)
        seeded = replace(self.options.sampling, seed=stats.seed)
        going_on = self.going_on
        before = (None if going_on is None else self.conversation.nodes[going_on].facts) or Facts()
        return Facts(
            ending,
            engine.info.name,
            engine.info.quantization,
            stats.prompt_tokens,
            stats.reused_tokens,
            stats.reply_tokens + before.reply_tokens,
            stats.first_token_s,
            stats.tokens_per_s,
            replace(self.options, sampling=seeded),
            thought_tokens=before.thought_tokens + stats.thought_tokens,
            thought_s=before.thought_s + stats.thought_s,
            begun=self.going_on is not None or bool(self.begun),
        )

    def ended(self, said: str, text: str, facts: Facts) -> Conversation:
        """The conversation with the reply; one that came out as before is no new version.

        Args:
            said: what the reply began with.
            text: what was drawn after it.
        """
        if self.going_on is not None:
            return self.conversation.extend(text, facts)
        if self.repeats is not None and self.conversation.nodes[self.repeats].text == text:
            return self.conversation.select(self.repeats)
        return self.conversation.answer(said + text, facts)
