"""What of a conversation is sent: memory, reminder and context window applied. Imports no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from llama_ui.chat.thinking import OPEN, ThoughtSplitter
from llama_ui.errors import ContextWindowError, OptionError
from llama_ui.prompt.llama2 import Message, Segment, check_dialog

# No token of a usual tokenizer stands for more, runs of spaces apart.
_CHARS_A_TOKEN = 16

Encode = Callable[[Sequence[Message]], list[Segment]]


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
        is_chat: whether it is made of messages; otherwise it was given token by token, and what
            comes of it is passed on as it is.
    """

    segments: tuple[Segment, ...]
    dropped: tuple[int, ...] = ()
    owner: str = ""
    is_public: bool = False
    is_chat: bool = True

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
    def opens_thinking(self) -> bool:
        """Whether the template has the reply begin with thinking."""
        ending = ""
        for segment in reversed(self.segments):
            if segment.kind not in ("template", "reply"):
                break
            if segment.kind == "template":
                ending = segment.text + ending
        return ending.rstrip().endswith(OPEN)

    def splitter(self, has_form: bool) -> ThoughtSplitter | None:
        """What tells thinking apart in the reply; None where it is passed on as it is.

        Args:
            has_form: whether the reply is kept to an answer form, which leaves no room to think.
        """
        if not self.is_chat or has_form:
            return None
        splitter = ThoughtSplitter(self.opens_thinking)
        splitter.add("".join(s.text for s in self.segments if s.kind == "reply"))
        return splitter

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


def plan_prompt(
    encode: Encode,
    messages: Sequence[Message],
    options: PlanOptions,
    window: int,
    reply_tokens: int,
    begun: Segment | None = None,
) -> PromptPlan:
    """Lay out the prompt, without the exchanges that it has no room for.

    Args:
        encode: turns messages into the segments of a prompt.
        messages: an optional system message, then user and assistant in turns, a user message
            last.
        options: what to keep, to add and to leave out.
        window: the context length, in tokens.
        reply_tokens: tokens to keep free for the reply.
        begun: a reply that is to be continued.

    Raises:
        DialogError: the messages are no dialogue.
        ContextWindowError: even without any exchange the prompt does not fit.
    """
    check_dialog(messages)
    has_system = messages[0]["role"] == "system"
    exchanges = (len(messages) - has_system) // 2
    reminded = [remind(message, options.reminder) for message in messages]
    recent = exchanges if options.keep_last is None else options.keep_last
    lengths = [
        len(reminded[index]["content"]) + len(reminded[index + 1]["content"])
        for index in range(has_system, len(messages) - 1, 2)
    ]
    oldest = max(exchanges - recent, _out_of_reach(lengths, window))
    forgotten = [e for e in range(oldest) if e not in options.pinned]
    # Oldest first; what is pinned goes last.
    sent = [e for e in range(exchanges) if e not in forgotten]
    order = sorted(sent, key=lambda e: (e in options.pinned, e))

    def kept(count: int) -> list[int]:
        """Which messages are sent when so many exchanges are dropped."""
        gone = {*forgotten, *order[:count]}
        return [
            index
            for index in range(len(messages))
            if index < has_system or (index - has_system) // 2 not in gone
        ]

    def segments(count: int) -> list[Segment]:
        indexes = kept(count)
        return [
            segment
            if segment.message is None
            else replace(segment, message=indexes[segment.message])
            for segment in encode([reminded[index] for index in indexes])
        ]

    def tokens(count: int) -> int:
        return sum(len(segment.ids) for segment in segments(count))

    continued = (begun,) if begun else ()
    taken = sum(len(segment.ids) for segment in continued)
    count = exchanges_to_drop(tokens, len(order), window - taken, reply_tokens)
    dropped = tuple(sorted((*forgotten, *order[:count])))
    return PromptPlan((*segments(count), *continued), dropped, options.owner)


def plan_ids(
    ids: Sequence[int], decode: Callable[[Sequence[int]], str], window: int, reply_tokens: int
) -> PromptPlan:
    """A prompt that is given token by token.

    Args:
        ids: that exist (see check_ids).
        decode: gives the text of tokens.
        window: the context length, in tokens.
        reply_tokens: tokens to keep free for the reply.

    Raises:
        OptionError: there is no token.
        ContextWindowError: prompt and reply do not fit.
    """
    if not ids:
        raise OptionError("The prompt is empty.", "Send some text.")
    if len(ids) + reply_tokens > window:
        raise ContextWindowError(
            f"The prompt has {len(ids):,} tokens and the reply may take "
            f"{reply_tokens:,}, but the context window holds {window:,}.",
            "Shorten the prompt, or ask for fewer tokens.",
        )
    # The last token begins the reply, so that the space before the next word is kept.
    *before, last = ids
    prompt = Segment("user", 0, decode(before), tuple(before))
    return PromptPlan((prompt, Segment("reply", None, "", (last,))), is_chat=False)


def check_ids(ids: Sequence[int], size: int) -> None:
    """Raises OptionError for a token that a vocabulary of this size does not have."""
    if any(type(token) is not int or not 0 <= token < size for token in ids):
        raise OptionError(
            "A token of the prompt does not exist.", f"Send whole numbers from 0 to {size - 1}."
        )


def _out_of_reach(lengths: Sequence[int], window: int) -> int:
    """How many of the oldest exchanges cannot fit whatever their tokens are, so that a long chat
    costs no more to plan than a short one. Rounded to steps from the beginning, which stay where
    they are as the chat grows: the prompt prefix stays the same for a while.

    Args:
        lengths: of the exchanges, in characters.
        window: the context length, in tokens.
    """
    far = sum(lengths) - _CHARS_A_TOKEN * window
    if far <= 0:
        return 0
    step = _CHARS_A_TOKEN * window // 4
    wanted, count = far // step * step, 0
    while wanted > 0:
        wanted -= lengths[count]
        count += 1
    return count


def remind(message: Message, reminder: str) -> Message:
    """A message as it is sent: a user's with the reminder at its end."""
    if not reminder.strip() or message["role"] != "user":
        return message
    return {"role": "user", "content": f"{message['content']}\n\n{reminder}"}


def exchanges_to_drop(
    prompt_tokens: Callable[[int], int], exchanges: int, window: int, reply_tokens: int
) -> int:
    """How many of the oldest exchanges to leave out, so that prompt and reply fit.

    The system message and the last message are never dropped. What is dropped is rounded up to
    quarters of the window: the turns that follow then find the same prompt prefix again, and
    with it their keys and values, instead of losing one more exchange each time.

    Args:
        prompt_tokens: length of the prompt, in tokens, without the given number of exchanges.
        exchanges: how many finished exchanges there are.
        window: the context length, in tokens.
        reply_tokens: tokens to keep free for the reply.

    Raises:
        ContextWindowError: even without any exchange the prompt does not fit.
    """
    budget = window - reply_tokens
    full = prompt_tokens(0)
    if full <= budget:
        return 0
    least = prompt_tokens(exchanges) if exchanges else full
    if least > budget:
        raise ContextWindowError(
            f"The system prompt and the message take {least:,} tokens and the reply may take "
            f"{reply_tokens:,}, but the context window holds {window:,}.",
            "Shorten the message or the system prompt, or lower the max new tokens.",
        )
    step = max(1, window // 4)
    rounded = full - -(-(full - budget) // step) * step
    target = rounded if least <= rounded else budget
    return _first_at_most(prompt_tokens, exchanges, target)


def _first_at_most(prompt_tokens: Callable[[int], int], exchanges: int, target: int) -> int:
    """The smallest number of dropped exchanges whose prompt is at most target (bisection)."""
    low, high = 1, exchanges
    while low < high:
        middle = (low + high) // 2
        if prompt_tokens(middle) <= target:
            high = middle
        else:
            low = middle + 1
    return low
