"""The short operations of a decode step against PyTorch in float64; the rest on any machine."""

import math

import pytest
import torch
import torch.nn.functional as F

from llama_ui.engine.local.kernels import step
from llama_ui.engine.local.kv_cache import KVCache

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="the kernels need a GPU")
GPU = torch.device("cuda", 0)


def error(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((got.double() - wanted).norm() / wanted.norm())


class Config:
    """What a cache asks of a model's config."""

    num_attention_heads = 8
    hidden_size = 512
    num_hidden_layers = 2

    def __init__(self, kv_heads: int, dim: int) -> None:
        self.num_key_value_heads, self.head_dim = kv_heads, dim


def filled(cache: KVCache, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random keys and values in every place of layer 0; what the cache then holds."""
    generator = torch.Generator().manual_seed(seed)
    slots, kv_heads, capacity, dim = cache.keys[0].shape
    size = (slots, capacity, kv_heads, dim)
    device = cache.keys[0].device
    keys, values = (torch.randn(size, generator=generator).to(device, cache.dtype) for _ in "kv")
    rows = torch.arange(slots, device=device)[:, None]
    cache.write(0, rows, torch.arange(capacity, device=device)[None], keys, values)
    return cache.read(0, slice(0, slots), capacity)


def test_eight_bits_hold_a_vector_within_a_254th_of_its_largest_element():
    cache = KVCache(Config(2, 32), 3, 20, [torch.device("cpu")], torch.float32, is_8bit=True)
    new = torch.randn(2, 5, 2, 32) * torch.tensor([0.1, 1.0, 30.0, 1e-2, 0.0])[None, :, None, None]
    rows, positions = torch.tensor([[0], [2]]), torch.tensor([[3, 4, 5, 6, 7]] * 2)
    cache.write(0, rows, positions, new, 2 * new)
    keys, values = cache.read(0, slice(0, 3), 8)
    held = keys[[0, 2], :, 3:].transpose(1, 2)
    most = new.abs().amax(-1, keepdim=True)
    assert ((held - new).abs() <= most * (1 / 254 + 2**-11) + 1e-7).all()
    assert torch.allclose(values[[0, 2], :, 3:].transpose(1, 2), 2 * held, rtol=1e-3)
    assert keys[1].count_nonzero() == 0


def test_rows_move_with_their_scales():
    cache = KVCache(Config(1, 32), 3, 20, [torch.device("cpu")], torch.float32, is_8bit=True)
    before = filled(cache)[0].clone()
    cache.swap(0, 2, 20)
    cache.copy(0, 1, 10)
    after = cache.read(0, slice(0, 3), 20)[0]
    assert torch.equal(after[0], before[2, :, :20])
    assert torch.equal(after[2], before[0, :, :20])
    assert torch.equal(after[1, :, :10], before[2, :, :10])


def test_half_the_memory_but_for_the_scales():
    device = torch.device("cpu")

    def size(is_8bit: bool) -> int:
        cache = KVCache(Config(2, 128), 1, 1000, [device], torch.bfloat16, is_8bit)
        scales = [*cache.key_scales, *cache.value_scales]
        return sum(t.nbytes for t in (*cache.keys, *cache.values, *scales))

    assert size(True) == size(False) * 130 // 256


def test_where_the_kernels_cannot_run_the_candidates_are_the_same():
    scores = torch.randn(3, 500)
    best, ids = step.largest(scores, 64)
    assert torch.equal(best, scores.topk(64).values)
    assert torch.equal(scores.gather(1, ids), best)


@pytest.mark.parametrize(
    ("heads", "hidden", "dtype", "fits"),
    [
        (step.Heads(32, 1, 128), 4096, torch.bfloat16, True),
        (step.Heads(8, 8, 128), 8192, torch.bfloat16, True),
        (step.Heads(3, 3, 64), 576, torch.bfloat16, True),
        (step.Heads(8, 16, 128), 16384, torch.bfloat16, False),
        (step.Heads(32, 1, 80), 2560, torch.bfloat16, False),
        (step.Heads(32, 1, 128), 4096, torch.float32, False),
        (step.Heads(4, 1, 32), 129, torch.bfloat16, False),
    ],
)
def test_which_models_the_kernels_take(heads, hidden, dtype, fits):
    assert step.fits(heads, hidden, dtype) is fits


@needs_gpu
@pytest.mark.parametrize("hidden", [8, 64, 576, 4096, 8192, 16384, 32768])
@pytest.mark.parametrize("rows", [1, 5])
def test_residual_and_norm(hidden, rows):
    x, added = (torch.randn(rows, hidden, device=GPU).bfloat16() for _ in range(2))
    weight = torch.randn(hidden, device=GPU).bfloat16()
    wanted = x + added
    got = step.add_norm(x, added, weight, 1e-5)
    assert torch.equal(x, wanted)
    assert error(got, F.rms_norm(wanted.double(), (hidden,), weight.double(), 1e-5)) < 3e-3
    assert error(step.add_norm(x, None, weight, 1e-5), got.double()) < 1e-6
    assert torch.equal(x, wanted)


@needs_gpu
@pytest.mark.parametrize("is_8bit", [False, True])
@pytest.mark.parametrize("splits", [1, 2, 7])
@pytest.mark.parametrize(
    "heads",
    [
        step.Heads(2, 1, 128),
        step.Heads(1, 8, 128),
        step.Heads(2, 3, 64),
        step.Heads(2, 4, 64),
        step.Heads(2, 2, 32),
        step.Heads(1, 2, 256),
    ],
)
def test_attention_over_rows_of_every_length(heads, splits, is_8bit):
    assert step.unusable(GPU) == ""
    length, positions = 1500, torch.tensor([0, 1, 63, 700, 1499], device=GPU)
    config = Config(heads.kv, heads.dim)
    cache = KVCache(config, 7, length, [GPU, GPU], torch.bfloat16, is_8bit)
    keys, values = (each.double() for each in filled(cache))
    angles = torch.rand(cache.capacity, heads.dim // 2, device=GPU) * 6
    cos = angles.cos().repeat(1, 2).bfloat16()
    sin = torch.cat((-angles.sin(), angles.sin()), dim=1).bfloat16()
    every = heads.kv * (heads.groups + 2)
    qkv = torch.randn(5, every * heads.dim, device=GPU).bfloat16()
    finished = torch.zeros(7, heads.kv, dtype=torch.int32, device=GPU)
    scales = (cache.key_scales[0], cache.value_scales[0]) if is_8bit else None
    held = cache.keys[0], cache.values[0]
    got = step.attention(qkv, positions, (cos, sin), held, scales, finished, heads, 2, splits)
    assert finished.count_nonzero() == 0
    for row, position in enumerate(positions.tolist()):
        new = qkv[row].double().view(-1, heads.dim)
        q, k, v = new.split((heads.kv * heads.groups, heads.kv, heads.kv))
        q, k = (
            each * cos[position].double() + each.roll(heads.dim // 2, -1) * sin[position].double()
            for each in (q, k)
        )
        slot = 2 + row
        keys[slot, :, position], values[slot, :, position] = k, v
        line = slice(0, position + 1)
        k, v = (
            each[slot, :, line].repeat_interleave(heads.groups, dim=0) for each in (keys, values)
        )
        weights = (torch.einsum("hd,hnd->hn", q, k) / math.sqrt(heads.dim)).softmax(-1)
        wanted = torch.einsum("hn,hnd->hd", weights, v).flatten()
        assert error(got[row], wanted) < (2e-2 if is_8bit else 6e-3)
    # The new keys and values are in the cache, and nothing else has changed.
    after = cache.read(0, slice(0, 7), cache.capacity)
    for one, other in zip(after, (keys, values), strict=True):
        assert error(one, other) < 6e-3


@needs_gpu
@pytest.mark.parametrize("width", [64, 100, 1024, 4096, 32_000, 128_256])
@pytest.mark.parametrize("kind", ["random", "equal", "few values", "rising", "infinite", "nan"])
def test_candidates_with_the_smaller_index_first_of_equals(width, kind):
    scores = torch.randn(3, width, device=GPU)
    if kind == "equal":
        scores = torch.zeros(3, width, device=GPU)
    elif kind == "few values":
        scores = torch.randint(-2, 3, (3, width), device=GPU).float()
    elif kind == "rising":
        scores = torch.arange(width, device=GPU).float().repeat(3, 1)
    elif kind == "infinite":
        scores[:, ::2] = -torch.inf
        scores[1, 5] = torch.inf
    elif kind == "nan":
        scores[0, 7], scores[1, 9] = torch.nan, -torch.tensor(torch.nan)
        assert step.largest(scores, 64)[1][:2, 0].tolist() == [7, 9]
        scores = scores.nan_to_num()
    best, ids = step.largest(scores, 64)
    wanted = scores.sort(dim=-1, descending=True, stable=True)
    assert torch.equal(best, wanted.values[:, :64])
    assert torch.equal(ids, wanted.indices[:, :64])
