"""One decode step for all rows: forward pass and sampling, captured as CUDA graphs.

A step of a small batch is hundreds of short kernels: launched one by one they leave a GPU idle
most of the time. A graph launches them at once. Its shapes are fixed, so there is one for each
bucket of rows and of attention length, captured when first needed (tens of milliseconds), all in
one memory pool. Without CUDA, or with layers on several devices, the same code runs plainly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch

from llama_ui.chat.sampling import LIMITS, SAMPLING, Sampling
from llama_ui.engine.local.forward import Cache, Forward
from llama_ui.engine.local.sampler import RowOptions, penalize, sample
from llama_ui.engine.reply import Token

_FEW, _ALL = 64, int(LIMITS["top_k"][1])  # candidates to sample from
_MOST_GRAPHS = 48  # a few megabytes each; the oldest goes first
_BITS = 32  # of a word of a mask
_TOP = int(LIMITS["top_logprobs"][1])
_PENALTIES = [option for option in SAMPLING if option.name.endswith("_penalty")]
_OPTIONS = [option.name for option in fields(RowOptions)][1:]  # the first is a number drawn


@dataclass(frozen=True, slots=True)
class RowInput:
    """What one row feeds, and how its next token is chosen.

    Args:
        row: which one.
        token: the token.
        position: where it stands.
        times_drawn: how often the reply holds it so far.
        uniform: the number that decides the draw.
        sampling: the options.
        mask: where the reply has a form, one bit a token: set where it may come next; int32.
    """

    row: int
    token: int
    position: int
    times_drawn: int
    uniform: float
    sampling: Sampling
    mask: torch.Tensor | None = None

    @property
    def is_penalized(self) -> bool:
        """Whether what was said before matters for the next token."""
        return any(getattr(self.sampling, o.name) != o.neutral for o in _PENALTIES)

    def column(self) -> list[float]:
        """As numbers: the token, its position and count, and the fields of RowOptions."""
        options = [getattr(self.sampling, name) for name in _OPTIONS]
        return [self.token, self.position, self.times_drawn, self.uniform, *options]


@dataclass(frozen=True, slots=True)
class _Shape:
    rows: int
    length: int
    candidates: int
    penalties: bool
    masks: bool
    logprobs: bool


@dataclass(frozen=True, slots=True)
class _Output:
    """What a step computes: token ids [rows]; if asked for, log-probabilities of the drawn token
    and the best ones [rows, 1 + best] and the ids of the best [rows, best]."""

    tokens: torch.Tensor
    logprobs: torch.Tensor | None = None
    top_ids: torch.Tensor | None = None


class ModelRunner:
    """Feeds one token of each live row and draws the next.

    Args:
        forward: the model.
        cache: its KV cache.
        vocabulary: how many tokens there are.
    """

    def __init__(self, forward: Forward, cache: Cache, vocabulary: int) -> None:
        device = forward.device
        on_one_gpu = device.type == "cuda" and len(forward.devices) == 1
        self._forward = forward
        self._cache = cache
        self._use_graphs = self.overlaps = on_one_gpu and forward.can_be_captured
        self._graphs: dict[_Shape, tuple[torch.cuda.CUDAGraph, _Output]] = {}
        self._pool = torch.cuda.graph_pool_handle() if on_one_gpu else None
        # One for all captures: cuBLAS keeps a workspace for every stream it has seen.
        self._side = torch.cuda.Stream(device) if on_one_gpu else None
        idle = RowInput(0, 0, cache.scratch, 0, 0.0, Sampling(temperature=0))
        self._idle = torch.tensor(idle.column())
        shape = (len(self._idle), cache.slots)
        self._host = torch.zeros(shape, pin_memory=device.type == "cuda")
        self._inputs = torch.zeros(shape, device=device)
        # What may come next, a bit a token; looked at in the steps that have a form to keep to.
        width = (cache.slots, -(-vocabulary // _BITS))
        self._host_masks = torch.full(
            width, -1, dtype=torch.int32, pin_memory=device.type == "cuda"
        )
        self._masks = torch.full(width, -1, dtype=torch.int32, device=device)
        self._bits = torch.arange(_BITS, dtype=torch.int32, device=device)
        # What the penalties look at; kept up to date in the steps that have any.
        self._seen = torch.zeros(cache.slots, vocabulary, dtype=torch.bool, device=device)
        self._drawn = torch.zeros(cache.slots, vocabulary, device=device)

    def begin(self, row: int, ids: Sequence[int]) -> None:
        """Tell which tokens the prompt of a row holds, for the penalties."""
        self._seen[row], self._drawn[row] = False, 0
        self._seen[row, torch.tensor(ids, device=self._seen.device)] = True

    def swap(self, one: int, other: int) -> None:
        """Exchange what is known of two rows."""
        for known in (self._seen, self._drawn):
            known[[one, other]] = known[[other, one]]

    def rows_for(self, live: int) -> int:
        """How many rows a batch with so many live ones runs."""
        if not self._use_graphs:
            return live
        return min(1 << (live - 1).bit_length(), self._cache.slots)

    def run(
        self, inputs: Sequence[RowInput], meanwhile: Callable[[], None] = lambda: None
    ) -> list[Token]:
        """Draw the next token of each row, in the order given.

        Args:
            inputs: one for each live row.
            meanwhile: work to do while a GPU computes, where it does so by itself (overlaps).
        """
        shape = self._shape(inputs)
        self._host[:, : shape.rows] = self._idle[:, None]
        columns = torch.tensor([item.column() for item in inputs])
        self._host[:, [item.row for item in inputs]] = columns.T
        self._inputs.copy_(self._host, non_blocking=True)
        if shape.masks:
            self._copy_masks(inputs)
        output = self._launch(shape)
        if self.overlaps:
            meanwhile()
        return _tokens(output, inputs)

    def release(self) -> None:
        """Drop the captured graphs and their memory."""
        self._graphs.clear()

    def _copy_masks(self, inputs: Sequence[RowInput]) -> None:
        self._host_masks.fill_(-1)
        for item in inputs:
            if item.mask is not None:
                # A model may have more rows than its tokenizer has tokens, or fewer.
                width = min(len(item.mask), self._host_masks.shape[1])
                self._host_masks[item.row] = 0
                self._host_masks[item.row, :width] = item.mask[:width]
        self._masks.copy_(self._host_masks, non_blocking=True)

    def _shape(self, inputs: Sequence[RowInput]) -> _Shape:
        rows = self.rows_for(max(item.row for item in inputs) + 1)
        needed = max(item.position for item in inputs) + 1
        sampled = [item.sampling.top_k for item in inputs if item.sampling.temperature > 0]
        candidates = _FEW if max(sampled, default=1) <= _FEW else _ALL
        logprobs = any(item.sampling.top_logprobs for item in inputs)
        penalties = any(item.is_penalized for item in inputs)
        masks = any(item.mask is not None for item in inputs)
        return _Shape(rows, self._length_for(needed), candidates, penalties, masks, logprobs)

    def _length_for(self, needed: int) -> int:
        if not self._use_graphs:
            return min(-(-needed // 64) * 64, self._cache.length)
        if self._forward.has_step_kernels:
            # They read real lengths; 512, 2,048, 8,192 and so on decide on their grid only.
            bucket = 512
            while bucket < needed:
                bucket *= 4
            return min(bucket, self._cache.length)
        # 256, 512, 1,024, 1,536, 2,048, 3,072, 4,096, 6,144 and so on.
        bucket = 256
        while bucket < needed:
            is_power = bucket & (bucket - 1) == 0
            bucket = bucket * 3 // 2 if is_power and bucket >= 1024 else 1 << bucket.bit_length()
        return min(bucket, self._cache.length)

    def _launch(self, shape: _Shape) -> _Output:
        if not self._use_graphs:
            return self._compute(shape)
        if shape not in self._graphs:
            if len(self._graphs) >= _MOST_GRAPHS:
                del self._graphs[next(iter(self._graphs))]
            self._graphs[shape] = self._capture(lambda: self._compute(shape))
        graph, output = self._graphs[shape]
        graph.replay()
        return output

    def _capture(self, compute: Callable[[], _Output]) -> tuple[torch.cuda.CUDAGraph, _Output]:
        # Libraries allocate at their first call, which a capture forbids. Running a step twice
        # writes the same keys and values twice.
        assert self._side is not None
        self._side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._side):
            compute()
        torch.cuda.current_stream().wait_stream(self._side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            output = compute()
        return graph, output

    def _compute(self, shape: _Shape) -> _Output:
        token, position, times_drawn, *values = self._inputs[:, : shape.rows]
        options = RowOptions(*values)
        tokens, positions = token.long()[:, None], position.long()[:, None]
        hidden = self._forward(tokens, positions, 0, shape.length)
        logits = self._forward.logits(hidden[:, -1])
        penalized = logits
        if shape.penalties:
            seen, drawn = self._seen[: shape.rows], self._drawn[: shape.rows]
            seen.scatter_(1, tokens, True)
            # Written, not added: a step may be run twice (see _capture).
            drawn.scatter_(1, tokens, times_drawn[:, None])
            penalized = penalize(logits, seen, drawn, options)
        if shape.masks:
            words = self._masks[: shape.rows, :, None]
            allowed = (words >> self._bits & 1).flatten(1)[:, : logits.shape[-1]]
            penalized = penalized.masked_fill(allowed == 0, -torch.inf)
        chosen = sample(penalized, options, shape.candidates)
        if not shape.logprobs:
            return _Output(chosen)
        every = logits.log_softmax(-1)
        best, ids = every.topk(min(_TOP, every.shape[-1]), dim=-1)
        own = every.gather(-1, chosen.clamp(min=0)[:, None])
        return _Output(chosen, torch.cat((own, best), dim=-1), ids)


def _tokens(output: _Output, inputs: Sequence[RowInput]) -> list[Token]:
    """Read the output of a step: this waits for the device."""
    drawn = output.tokens.tolist()
    if output.logprobs is None or output.top_ids is None:
        return [Token(drawn[item.row]) for item in inputs]
    logprobs, top_ids = output.logprobs.tolist(), output.top_ids.tolist()
    tokens = []
    for item in inputs:
        wanted = item.sampling.top_logprobs
        own, *best = logprobs[item.row]
        top = tuple(zip(top_ids[item.row], best, strict=True))[:wanted]
        if not wanted:
            tokens.append(Token(drawn[item.row]))
            continue
        barred = frozenset(id for id, _ in top if item.mask is not None and not _has(item.mask, id))
        tokens.append(Token(drawn[item.row], own, top, barred))
    return tokens


def _has(mask: torch.Tensor, token: int) -> bool:
    word = token // _BITS
    return word < len(mask) and bool(int(mask[word]) >> token % _BITS & 1)
