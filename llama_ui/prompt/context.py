"""Fit a conversation into the context window. Pure: counts in, a decision out."""

from collections.abc import Callable

from llama_ui.errors import ContextWindowError


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
