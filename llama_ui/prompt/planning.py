"""What of a conversation is sent: memory, reminder and window applied. Imports no torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from llama_ui.prompt.context import exchanges_to_drop
from llama_ui.prompt.llama2 import Message, Segment, check_dialog
from llama_ui.prompt.plan import PlanOptions, PromptPlan

Encode = Callable[[Sequence[Message]], list[Segment]]


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
    reminded = [_remind(message, options.reminder) for message in messages]
    recent = exchanges if options.keep_last is None else options.keep_last
    forgotten = [e for e in range(exchanges - recent) if e not in options.pinned]
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


def _remind(message: Message, reminder: str) -> Message:
    if not reminder.strip() or message["role"] != "user":
        return message
    return {"role": "user", "content": f"{message['content']}\n\n{reminder}"}
