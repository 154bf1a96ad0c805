"""The short operations of a decode step as kernels of our own (attention.cu, step.cu).

Each takes the place of three to six operations; attention reads what a row holds, not a bucket.
"""

import logging
import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F

from llama_ui.engine.local.kernels.compiler import CompileError, Kernel, load

log = logging.getLogger(__name__)

CANDIDATES = 64  # that largest() finds
_OLDEST = (8, 0)
_HEAD_DIMS, _MOST_GROUPS = (32, 64, 128, 256), 8
_MOST_HIDDEN = 4 * 8 * 1024  # 1,024 threads with four times eight elements
_LEAST_KEYS = 64  # of a part of a row


@dataclass(frozen=True, slots=True)
class Heads:
    """The shape of attention: key heads, query heads for each, elements of a head."""

    kv: int
    groups: int
    dim: int


def add_norm(
    x: torch.Tensor, added: torch.Tensor | None, weight: torch.Tensor, eps: float
) -> torch.Tensor:
    """Add to the residual stream in place, and return its RMS norm (Zhang and Sennrich 2019).

    Args:
        x: [rows, hidden], bfloat16, as is everything here.
        added: of the same shape; None adds nothing.
        weight: [hidden].
    """
    normed = torch.empty_like(x)
    hidden = x.shape[-1]
    threads = min(1024, -(-hidden // 256) * 32)
    kernel = _short("add_norm", (*"PPPPif",), x.device)
    kernel(x.device, (len(x), 1, 1), threads, x, added, weight, normed, hidden, eps)
    return normed


def attention(
    qkv: torch.Tensor,
    positions: torch.Tensor,
    rotary: tuple[torch.Tensor, torch.Tensor],
    cache: tuple[torch.Tensor, torch.Tensor],
    scales: tuple[torch.Tensor, torch.Tensor] | None,
    finished: torch.Tensor,
    heads: Heads,
    first_row: int,
    splits: int,
) -> torch.Tensor:
    """Attention of one new token a row, whose key and value go into the cache.

    Args:
        qkv: projections, [rows, (query heads + 2 key heads) * dim].
        positions: of the new tokens, int64 [rows].
        rotary: cosines and signed sines, [capacity, dim].
        cache: keys and values, [slots, key heads, capacity, dim].
        scales: of an 8-bit cache, float16 [slots, key heads, capacity] each.
        finished: zeros, int32 [slots, key heads]; zeros again afterwards.
        first_row: slot of the first row.
        splits: parts that the keys of a row are divided into.

    Returns:
        [rows, query heads * dim]
    """
    rows, device = len(qkv), qkv.device
    keys, values = cache
    out = torch.empty(rows, heads.kv * heads.groups * heads.dim, dtype=qkv.dtype, device=device)
    size = rows * heads.kv * heads.groups * splits * (heads.dim + 2) if splits > 1 else 0
    parts = torch.empty(size, dtype=torch.float32, device=device)
    kernel = _attention(heads, scales is not None, device)
    kernel(
        *(device, (splits, heads.kv, rows), 128),
        *(qkv, positions, *rotary, keys, values, *(scales or (None, None))),
        *(out, parts, finished, first_row, heads.kv, keys.shape[2]),
    )
    return out


def splits_for(length: int, rows: int, heads: Heads, device: torch.device) -> int:
    """Into how many parts to divide rows of at most so many keys: to give every multiprocessor four
    blocks of threads."""
    blocks = 4 * torch.cuda.get_device_properties(device).multi_processor_count
    return max(1, min(length // _LEAST_KEYS, blocks // (rows * heads.kv), 64))


def largest(scores: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest scores of each row in order, and their indices: [rows, count] both.

    Args:
        scores: float32, [rows, width].
    """
    count = min(count, scores.shape[-1])
    if count != CANDIDATES or scores.device.type != "cuda" or unusable(scores.device):
        return tuple(scores.topk(count, dim=-1))  # type: ignore[return-value]
    return _largest(scores.contiguous())


def _largest(scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    rows, width = scores.shape
    best = torch.empty(rows, CANDIDATES, device=scores.device)
    ids = torch.empty(rows, CANDIDATES, dtype=torch.int64, device=scores.device)
    kernel = _short("largest", (*"PPPi",), scores.device)
    kernel(scores.device, (rows, 1, 1), 1024, scores, best, ids, width)
    return best, ids


def fits(heads: Heads, hidden: int, dtype: torch.dtype) -> bool:
    """Whether a model has a shape that the kernels take."""
    return (
        dtype == torch.bfloat16
        and heads.dim in _HEAD_DIMS
        and heads.groups <= _MOST_GROUPS
        and hidden % 8 == 0
        and hidden <= _MOST_HIDDEN
    )


@cache
def unusable(device: torch.device) -> str:
    """Why the kernels cannot be used on a GPU; empty when they can. Compiles and checks them."""
    if torch.cuda.get_device_capability(device) < _OLDEST:
        return "compute capability 8.0 is needed"
    try:
        generator = torch.Generator(device).manual_seed(0)
        errors = (_error_of_norm(generator), _error_of_attention(generator))
        scores = torch.randn(3, 5000, generator=generator, device=device)
        right = torch.equal(_largest(scores)[1], scores.topk(CANDIDATES).indices)
    except (CompileError, RuntimeError) as error:  # of the compiler, or of the first launches
        log.warning("the kernels of a decode step cannot be used: %s", error)
        return str(error).splitlines()[0][:200]
    # Not "larger than": also when an error is not a number.
    if not (max(errors) < 2e-2 and right):
        return f"the self-check failed: errors {errors}, candidates {right}"
    return ""


def _error_of_norm(generator: torch.Generator) -> float:
    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=generator.device).bfloat16()

    x, added, weight = random(3, 4096), random(3, 4096), random(4096)
    wanted = F.rms_norm((x + added).double(), (4096,), weight.double(), 1e-5)
    return _difference(add_norm(x, added, weight, 1e-5), wanted)


def _error_of_attention(generator: torch.Generator) -> float:
    """Rows of several lengths, in three parts, against PyTorch in float64."""

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=generator.device).bfloat16()

    heads, slots, capacity = Heads(2, 2, 64), 3, 400
    keys, values = random(slots, 2, capacity, 64), random(slots, 2, capacity, 64)
    positions = torch.tensor([0, 77, 399], device=generator.device)
    angles = torch.arange(capacity)[:, None] * torch.logspace(0, -4, 32)[None]
    cos, sin = angles.cos().repeat(1, 2), torch.cat((-angles.sin(), angles.sin()), dim=1)
    rotary = cos.to(keys), sin.to(keys)
    qkv, finished = random(3, 8 * 64), torch.zeros(3, 2, dtype=torch.int32, device=keys.device)
    wanted = []
    for row, position in enumerate(positions.tolist()):
        q, k, v = qkv[row].double().view(8, 64).split((4, 2, 2))
        q, k = (
            each * cos[position].to(q) + each.roll(32, -1) * sin[position].to(q) for each in (q, k)
        )
        every = (
            torch.cat((old[row, :, :position].double(), new[:, None]), dim=1)
            for old, new in ((keys, k), (values, v))
        )
        k, v = (each.repeat_interleave(2, dim=0) for each in every)
        weights = (torch.einsum("hd,hnd->hn", q, k) / math.sqrt(64)).softmax(-1)
        wanted.append(torch.einsum("hn,hnd->hd", weights, v).flatten())
    got = attention(qkv, positions, rotary, (keys, values), None, finished, heads, 0, 3)
    return _difference(got, torch.stack(wanted))


def _difference(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((got.double() - wanted).norm() / wanted.norm())


@cache
def _short(name: str, parameters: tuple[str, ...], device: torch.device) -> Kernel:
    capability = torch.cuda.get_device_capability(device)
    return load("step.cu", name, parameters, capability, (("COUNT", CANDIDATES),))


@cache
def _attention(heads: Heads, is_8bit: bool, device: torch.device) -> Kernel:
    capability = torch.cuda.get_device_capability(device)
    defines = (("HEAD_DIM", heads.dim), ("GROUPS", heads.groups), ("CACHE_8BIT", int(is_8bit)))
    return load("attention.cu", "attention", (*"PPPPPPPPPPPiii",), capability, defines)
