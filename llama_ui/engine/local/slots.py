"""Slots: which row of the KV cache holds which tokens, and which one a request gets. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Slot:
    """One row of the cache.

    Args:
        row: its place in the cache.
        ids: the tokens whose keys and values it holds, in order.
        owner: whose tokens they are.
        public: how many tokens at the start everybody may share (an operator's system prompt).
        last_used: when a request last used it; larger is later.
        is_live: whether a request is using it.
    """

    row: int
    ids: list[int] = field(default_factory=list)
    owner: str = ""
    public: int = 0
    last_used: int = 0
    is_live: bool = False

    def forget(self) -> None:
        """Hold nothing any more."""
        self.ids, self.owner, self.public, self.last_used = [], "", 0, 0


def common_prefix(one: Sequence[int], other: Sequence[int], limit: int) -> int:
    """How many tokens at the start are the same, at most limit."""
    limit = min(limit, len(one), len(other))
    # Comparing slices runs in C: find the first difference by halving.
    low = 0
    while low < limit:
        middle = (low + limit + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            limit = middle - 1
    return low


def best_source(
    slots: Iterable[Slot], ids: Sequence[int], owner: str, public: int
) -> tuple[Slot | None, int]:
    """The slot that holds the longest usable prefix of the prompt, and its length.

    The last token is never reused: at least one must be fed to get the next. Between owners only
    what both know to be public is shared: else the time to the first token would tell one visitor
    what another one wrote.
    """
    best: tuple[Slot | None, int] = (None, 0)
    for slot in slots:
        is_own = owner != "" and slot.owner == owner
        limit = len(ids) - 1 if is_own else min(len(ids) - 1, public, slot.public)
        length = common_prefix(slot.ids, ids, limit)
        # Of equals an idle one: it can be used in place.
        if length > best[1] or (length == best[1] > 0 and best[0] and best[0].is_live):
            best = (slot, length)
    return best


def choose_target(
    slots: Iterable[Slot], source: Slot | None, length: int, owner: str
) -> Slot | None:
    """The slot that a request is to use; None when all are live.

    The source itself if nobody is using it and the request goes on with most of what its own
    owner left there; else the least recently used idle one, so that another chat is not cut down
    to a few words that both begin with.
    """
    is_own = source is not None and not source.is_live and source.owner == owner
    if source is not None and is_own and 2 * length >= len(source.ids):
        return source
    idle = [slot for slot in slots if not slot.is_live]
    return min(idle, key=lambda slot: (slot.last_used, slot.row), default=None)
