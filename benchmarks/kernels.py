"""The kernels alone: what each tiling of the 4-bit product takes, and attention, against the bytes.

    python -m benchmarks.kernels [--tilings] [--shape 7b]

Prints a Markdown table. Each time is the mean over replays of a CUDA graph that goes through more
weights than the GPU's cache holds. With --tilings every tiling is timed: the table in
llama_ui/engine/local/kernels/nf4.py comes from there.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

from llama_ui.engine.loading.shape import LLAMA_2, ModelShape
from llama_ui.engine.local.kernels import nf4, step
from llama_ui.engine.local.kernels.compiler import compile_all

ROWS = (1, 8, 16, 32, 64)


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="7b", choices=[*LLAMA_2])
    parser.add_argument("--tilings", action="store_true", help="time every tiling")
    given = parser.parse_args()
    device = torch.device("cuda", 0)
    speed = copy_speed(device)
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, copies {speed:.2f} TB/s, "
        f"checks: {nf4.unusable(device) or 'good'}, {step.unusable(device) or 'good'}\n"
    )
    print("| product | rows | us | TB/s | error | bitsandbytes' error |\n|---|---|---|---|---|---|")
    shape = ModelShape.of(LLAMA_2[given.shape])
    kv = shape.kv_heads * shape.head_dim
    products = {
        "query, key, value": ((shape.hidden + 2 * kv, shape.hidden), False),
        "attention output": ((shape.hidden, shape.hidden), False),
        "gate, up, silu": ((shape.intermediate, shape.hidden), True),
        "down": ((shape.hidden, shape.intermediate), False),
    }
    if given.tilings:
        every = {
            chosen
            for (rows, _), is_paired in products.values()
            for count in ROWS
            for _, chosen in tilings(rows, count, is_paired, device, True)
        }
        capability = torch.cuda.get_device_capability(device)
        compile_all("nf4.cu", capability, [chosen.defines for chosen in every])
    for name, ((rows, columns), is_paired) in products.items():
        for line in product(name, rows, columns, is_paired, given.tilings, device):
            print(line, flush=True)
    print("\n| attention, bfloat16 | rows | keys | us | TB/s |\n|---|---|---|---|---|")
    for users, keys in ((1, 600), (1, 3500), (8, 600), (32, 600), (32, 2000)):
        print(attention(shape, users, keys, device), flush=True)
    print("\n| other | rows | us |\n|---|---|---|")
    for users in (1, 8, 32):
        x, added = (torch.randn(users, shape.hidden, device=device).bfloat16() for _ in range(2))
        weight = torch.randn(shape.hidden, device=device).bfloat16()
        scores = torch.randn(users, shape.vocabulary, device=device)
        norm = timed(
            lambda x=x, a=added, w=weight: [step.add_norm(x, a, w, 1e-5) for _ in range(50)]
        )
        top = timed(lambda scores=scores: [step.largest(scores, 64) for _ in range(20)])
        torch_top = timed(lambda scores=scores: [scores.topk(64) for _ in range(20)])
        print(f"| residual and norm | {users} | {norm / 50:.2f} |")
        print(f"| 64 candidates (torch.topk) | {users} | {top / 20:.1f} ({torch_top / 20:.1f}) |")


def product(
    name: str, rows: int, columns: int, is_paired: bool, every: bool, device: torch.device
) -> Iterator[str]:
    size = rows * columns * (1 + is_paired) * 17 // 32
    copies = max(3, 2 * torch.cuda.get_device_properties(device).L2_cache_size // size + 1)
    layers: list[list[nf4.NF4Linear]] = []
    for _ in range(copies):
        layers.append([])
        for _ in range(1 + is_paired):
            # From float32, so that unpacking gives float32: what the weights are exactly.
            weight = torch.randn(rows, columns, device=device) * 0.02
            data, state = quantize_4bit(weight, blocksize=64, quant_type="nf4")
            scales, unit = nf4.pack_scales(nf4.absmax_of(state), rows, columns)
            packed = nf4.pack(data, rows, columns).contiguous()
            layers[-1].append(nf4.NF4Linear(packed, scales, unit, state.code.float(), None))
    exact = dequantize_4bit(data, state).double()
    plain = nf4.NF4Linear.forward
    for count in ROWS:
        x = torch.randn(count, columns, device=device, dtype=torch.bfloat16)
        wanted = x.double() @ exact.t()
        error = difference(plain(layers[-1][-1], x), wanted)
        theirs = difference(x @ exact.to(x.dtype).t(), wanted)
        for label, chosen in tilings(rows, count, is_paired, device, every):
            out = torch.empty(count, rows, dtype=torch.bfloat16, device=device)
            try:
                us = timed(
                    lambda x=x, out=out, chosen=chosen: [
                        nf4.run_product(each, x, out, is_paired, chosen) for each in layers
                    ]
                ) / len(layers)
            except Exception as error_:
                yield f"{label} {error_!r}"
                continue
            yield (
                f"| {name}{label} | {count} | {us:.1f} | {size / us / 1e6:.2f} | {error:.2e} "
                f"| {theirs:.2e} |"
            )


def tilings(
    rows: int, count: int, is_paired: bool, device: torch.device, every: bool
) -> Iterator[tuple[str, Any]]:
    tiles, limit = rows // nf4.TILE, nf4.shared_limit(device)
    if not every:
        yield "", nf4.tiling(tiles, count, is_paired, limit)
        return
    column_tiles = 1 if count <= 8 else 2 if count <= 16 else 4
    choices = itertools.product((1, 2, 4), (2, 4, 8, 16), (1, 2, 4), (2, 3), (1, 2, 3))
    for n, k, r, stages, places in choices:
        chosen = nf4.Tiling(n, k, r, column_tiles, stages, is_paired, places)
        uneven = tiles % (n * (1 if is_paired else r)) or (is_paired and r != 2)
        too_many = places * chosen.shared > limit or places * chosen.warps > 32
        if uneven or not 8 <= chosen.warps <= 16 or too_many or r * column_tiles > 8:
            continue
        yield f" {n},{k},{r},{stages},{places}", chosen


def attention(shape: ModelShape, users: int, keys: int, device: torch.device) -> str:
    heads = step.Heads(shape.kv_heads, shape.heads // shape.kv_heads, shape.head_dim)
    size = (users, heads.kv, keys + 8, heads.dim)
    layers = max(2, int(2e8 // (users * heads.kv * keys * heads.dim * 4)) + 1)
    caches = [
        tuple(torch.randn(size, device=device).bfloat16() for _ in range(2)) for _ in range(layers)
    ]
    tables = tuple(torch.randn(keys + 8, heads.dim, device=device).bfloat16() for _ in range(2))
    width = (heads.kv * (heads.groups + 2)) * heads.dim
    qkv = torch.randn(users, width, device=device).bfloat16()
    positions = torch.full((users,), keys, device=device)
    finished = torch.zeros(users, heads.kv, dtype=torch.int32, device=device)
    splits = step.splits_for(
        512 if keys <= 512 else 2048 if keys <= 2048 else 4096, users, heads, device
    )
    us = timed(
        lambda: [
            step.attention(qkv, positions, tables, cache, None, finished, heads, 0, splits)
            for cache in caches
        ]
    ) / len(caches)
    speed = users * heads.kv * keys * heads.dim * 4 / us / 1e6
    return f"| {heads.kv} heads x {heads.groups} | {users} | {keys:,} | {us:.1f} | {speed:.2f} |"


def timed(work: Callable[[], object], repeats: int = 10) -> float:
    """Microseconds of the work, replayed as a graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    graph.replay()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        graph.replay()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) * 1000 / repeats


def copy_speed(device: torch.device) -> float:
    """TB/s, bytes read and written counted."""
    one = torch.empty(2**30, dtype=torch.uint8, device=device)
    other = torch.empty_like(one)
    return 2 * one.numel() / timed(lambda: other.copy_(one)) / 1e6


def difference(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((got.double() - wanted).norm() / wanted.norm())


if __name__ == "__main__":
    main()
