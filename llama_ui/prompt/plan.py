"""What would be sent for a conversation: the prompt, token by token, and what is left out. Pure."""

from dataclasses import dataclass
from itertools import takewhile

from llama_ui.prompt.llama2 import Segment


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What else a plan depends on.

    Args:
        owner: whose conversation it is, a name that nobody can guess. Keys and values of earlier
            turns are reused for the same owner only; the empty owner has none.
        keep_last: send at most so many of the latest exchanges; None sends all that fit.
        pinned: exchanges, counted from 0, that are dropped last.
        reminder: text that is repeated at the end of each user message.
        reply_prefix_ids: the tokens of a reply that has begun already and is to be continued.
    """

    owner: str = ""
    keep_last: int | None = None
    pinned: frozenset[int] = frozenset()
    reminder: str = ""
    reply_prefix_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """What would be sent for a conversation.

    Args:
        segments: the prompt in order, each token with its origin.
        dropped: which exchanges, counted from 0, are left out: they do not fit, or are not to be
            remembered.
        owner: whose conversation it is.
        is_public: whether its system prompt is the operator's own.
    """

    segments: tuple[Segment, ...]
    dropped: tuple[int, ...] = ()
    owner: str = ""
    is_public: bool = False

    @property
    def public_tokens(self) -> int:
        """How many tokens at the start are the operator's system prompt and its frame."""
        if not self.is_public:
            return 0
        before_user = takewhile(lambda segment: segment.kind != "user", self.segments)
        return sum(len(segment.ids) for segment in before_user)

    @property
    def ids(self) -> list[int]:
        """The token ids of the whole prompt."""
        return [token for segment in self.segments for token in segment.ids]

    @property
    def text(self) -> str:
        """The prompt as the model sees it, control tokens spelled out."""
        return "".join(segment.text for segment in self.segments)

    @property
    def begun(self) -> tuple[int, ...]:
        """The tokens of the reply that is to be continued."""
        return next((s.ids for s in self.segments if s.kind == "reply"), ())

    @property
    def counts(self) -> dict[str, int]:
        """Tokens by part: template, system, history, the message to be answered, and what has
        been said of its reply."""
        last = max((s.message for s in self.segments if s.message is not None), default=None)
        counts = dict.fromkeys(("template", "system", "history", "message", "reply"), 0)
        for segment in self.segments:
            part = "history" if segment.kind in ("user", "assistant") else str(segment.kind)
            if segment.message is not None and segment.message == last:
                part = "message"
            counts[part] += len(segment.ids)
        return counts
