"""The requests that share the model: slots, prefill in chunks, one decode step for all.

Only the engine's thread uses it, so nothing here locks.
"""

from collections.abc import Callable, Sequence

import torch

from llama_ui.engine.local.forward import Cache, Forward, Loaded
from llama_ui.engine.local.request import Request
from llama_ui.engine.local.runner import ModelRunner, RowInput
from llama_ui.engine.local.slots import Slot, best_source, choose_target
from llama_ui.engine.reply import FinishReason, Token


class Scheduler:
    """Runs requests together, and keeps what they leave in the cache for those that follow.

    Args:
        forward: the model.
        cache: its KV cache; one row a slot.
        end_tokens: ids that end a reply.
        chunk: how many prompt tokens are computed between two decode steps; by default what
            suits the forward pass.
    """

    def __init__(
        self,
        forward: Forward,
        cache: Cache,
        end_tokens: frozenset[int],
        chunk: int | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self._forward = forward
        self._cache = cache
        self._runner = ModelRunner(forward, cache, forward.vocabulary)
        self._end_tokens = end_tokens
        self._chunk = chunk or forward.chunk
        self._slots = [Slot(row) for row in range(cache.slots)]
        self._clock = 0
        self.notes = forward.notes
        self.overlaps = self._runner.overlaps

    def admit(self, request: Request) -> bool:
        """Give the request a slot, with the longest prefix that any slot holds; False if none
        is free."""
        source, length = best_source(self._slots, request.ids, request.owner, request.public)
        slot = choose_target(self._slots, source, length, request.owner)
        if slot is None:
            return False
        if source is not None and source is not slot:
            slot.forget()  # should the copy fail, what is left is nothing
            self._cache.copy(source.row, slot.row, length)
        slot.ids, slot.owner, slot.public = request.ids[:length], request.owner, request.public
        slot.is_live = True
        request.slot, request.num_computed_tokens = slot, length
        request.streamer.reused_tokens = length
        self.requests.append(request)
        return True

    def prefilling(self) -> Request | None:
        """The oldest request whose prompt is not computed yet."""
        return next((request for request in self.requests if request.is_prefilling), None)

    def ready(self) -> list[Request]:
        """The requests that take part in a decode step."""
        return [r for r in self.requests if not r.is_prefilling and not r.has_ended]

    def prefill(self, request: Request) -> None:
        """Feed the next chunk of the prompt, except for its last token."""
        assert request.slot is not None
        start = request.num_computed_tokens
        end = min(start + self._chunk, len(request.ids) - 1)
        device = self._forward.device
        ids = request.ids[start:end]
        # Rounded up, so that kernels find aligned shapes; what lies behind the end is masked.
        length = min(-(-end // 8) * 8, self._cache.length)
        self._forward(
            torch.tensor([ids], device=device),
            torch.arange(start, end, device=device)[None],
            request.slot.row,
            length,
        )
        request.slot.ids += ids
        request.num_computed_tokens = end

    def decode(
        self, ready: Sequence[Request], meanwhile: Callable[[], None] = lambda: None
    ) -> list[tuple[Request, Token]]:
        """Feed the last token of each request and draw its next one.

        Args:
            ready: the requests.
            meanwhile: work to do while a GPU computes; requests may leave in it.
        """
        for request in ready:
            # Not before: while its prompt is fed, its row may pad the batches of others.
            if not request.is_decoding:
                assert request.slot is not None
                self._runner.begin(request.slot.row, request.ids)
                request.is_decoding = True
        self._move_together(ready)
        inputs = [_row_input(request) for request in ready]
        for request in ready:
            assert request.slot is not None
            request.slot.ids.append(request.ids[request.num_computed_tokens])
            request.num_computed_tokens += 1
        drawn = zip(ready, self._runner.run(inputs, meanwhile), strict=True)
        still_here = [(request, token) for request, token in drawn if request in self.requests]
        for request, token in still_here:
            request.take(token, self._end_tokens, self._cache.length)
        return still_here

    def accept(self, request: Request, token: Token) -> FinishReason | None:
        """Stream a drawn token; says how the reply ends if it ends with it."""
        return request.accept(token)

    @property
    def size(self) -> int:
        """How many requests can run at once."""
        return len(self._slots)

    def leave(self, request: Request, keep: bool) -> None:
        """Free the slot of a request; what it holds stays for the owner's next turn, if kept."""
        self.requests.remove(request)
        slot = request.slot
        assert slot is not None
        self._clock += 1
        slot.is_live, slot.last_used = False, self._clock
        if not keep:
            slot.forget()

    def forget(self, owner: str) -> None:
        """Drop what the idle slots of an owner hold."""
        for slot in self._slots:
            if slot.owner == owner and not slot.is_live:
                slot.forget()

    def shrink(self) -> None:
        """After running out of memory: give back what can be given, and use less from now on."""
        self._runner.release()
        self._chunk = max(16, self._chunk // 2)

    def restart(self) -> None:
        """After the forward pass has lost its cache: every request is fed again from its ids."""
        for slot in self._slots:
            if slot.is_live:
                slot.ids = []
            else:
                slot.forget()
        for request in self.requests:
            request.restart()

    def close(self) -> None:
        """Free what the forward pass holds outside of this process."""
        self._forward.close()

    def _move_together(self, ready: Sequence[Request]) -> None:
        """Move live rows to the front where that makes the batch smaller."""
        limit = self._runner.rows_for(len(ready))
        rows = {slot.row: slot for slot in self._slots}
        wanted = {request.slot.row for request in ready if request.slot is not None}
        outside = sorted(row for row in wanted if row >= limit)
        inside = (row for row in range(limit) if row not in wanted)
        for far, near in zip(outside, inside, strict=False):
            self._swap(rows[far], rows[near])

    def _swap(self, one: Slot, other: Slot) -> None:
        self._cache.swap(one.row, other.row, max(len(one.ids), len(other.ids)))
        self._runner.swap(one.row, other.row)
        one.row, other.row = other.row, one.row


def _row_input(request: Request) -> RowInput:
    assert request.slot is not None
    token = request.ids[request.num_computed_tokens]
    return RowInput(
        row=request.slot.row,
        token=token,
        position=request.num_computed_tokens,
        times_drawn=request.times_drawn[token],
        uniform=request.numbers.random(),
        sampling=request.sampling,
        mask=request.mask(),
    )


def make_scheduler(loaded: Loaded, slots: int | None, chunk: int | None) -> Scheduler:
    """A scheduler over the forward pass and the cache of a model; raises ModelError."""
    forward, cache = loaded.allocate(slots)
    return Scheduler(forward, cache, loaded.end_tokens, chunk)
