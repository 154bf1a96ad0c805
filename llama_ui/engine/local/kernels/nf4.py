"""4-bit linear layers on CUDA by a product of our own (nf4.cu), in place of bitsandbytes' kernels.

The weights are put into the kernel's order where they lie: there is one copy of them. A layer that
the kernel does not take stays as it is.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from bitsandbytes.functional import dequantize_4bit, dequantize_blockwise, quantize_4bit
from bitsandbytes.nn.modules import Linear4bit

from llama_ui.engine.loading.shape import UNPACKED
from llama_ui.engine.local.kernels.compiler import (
    CompileError,
    Defines,
    Kernel,
    Value,
    compile_all,
    load,
)

log = logging.getLogger(__name__)

TILE, BLOCK = 16, 64  # rows, columns
MOST_ROWS = 64  # of activations that the product takes; from there on weights are unpacked
_OLDEST = (8, 0)  # compute capability with bfloat16 tensor cores
_TABLE = 32 * 1024  # bytes of shared memory
# Parameters of the kernels; the first is the structure Matrices.
_PRODUCT, _UNPACK = ("PPPPPPfffiii", *"PPPii"), ("PPPPPPfffiii", *"PPii")
# The table holds the 16 values of NF4 times this, the scales are divided by it: their rounding to
# bfloat16 is then smallest, 0.6e-3 of them instead of 1.1e-3.
_STRETCH = 1.437


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a product is divided among warps; the constants of nf4.cu.

    Args:
        warps_n: warps of a block of threads over tiles of rows.
        warps_k: warps over columns.
        row_tiles: tiles of a warp.
        column_tiles: eights of rows of activations at a time.
        stages: groups of four blocks a warp copies ahead, and the one it works on.
        is_paired: each warp has one tile of each of two matrices (gate and up).
        per_multiprocessor: blocks of threads on each.
    """

    warps_n: int
    warps_k: int
    row_tiles: int
    column_tiles: int
    stages: int
    is_paired: bool
    per_multiprocessor: int = 1

    @property
    def shared(self) -> int:
        """Bytes of shared memory of a block of threads."""
        stage, sums = self.row_tiles * 2176, self.row_tiles * self.column_tiles * 512
        return _TABLE + self.warps * (self.stages * stage + 2 * sums)

    @property
    def warps(self) -> int:
        return self.warps_n * self.warps_k

    @property
    def tiles(self) -> int:
        """Of a block of threads at a time."""
        return self.warps_n * (1 if self.is_paired else self.row_tiles)

    @property
    def defines(self) -> Defines:
        return (
            ("WARPS_N", self.warps_n),
            ("WARPS_K", self.warps_k),
            ("ROW_TILES", self.row_tiles),
            ("COLUMN_TILES", self.column_tiles),
            ("STAGES", self.stages),
            ("PAIRED", int(self.is_paired)),
        )


def tiling(tiles: int, rows: int, is_paired: bool, shared: int) -> Tiling:
    """The tiling for a product; measured on an H100 (benchmarks/README.md).

    Args:
        tiles: of 16 rows, of the weights; of one of the two when paired.
        rows: of the activations.
        shared: bytes of shared memory that a block of threads may have.
    """
    column_tiles = 1 if rows <= 8 else 2 if rows <= 16 else 4
    row_tiles = 2 if is_paired or column_tiles > 1 else 1
    if column_tiles == 1:
        warps_n, warps_k = 2, 8
    elif is_paired or rows > 32:
        warps_n, warps_k = 2, 4
    else:
        warps_n, warps_k = 1, 8
    if not is_paired and tiles % row_tiles:
        row_tiles = 1
    if tiles % (warps_n * (1 if is_paired else row_tiles)):
        warps_n, warps_k = 1, warps_n * warps_k
    while True:
        chosen = Tiling(warps_n, warps_k, row_tiles, column_tiles, 2, is_paired)
        if chosen.shared <= shared or warps_k == 1:
            return chosen
        warps_k //= 2  # older GPUs have less shared memory


class NF4Linear(torch.nn.Module):
    """A 4-bit layer in the kernel's order: a drop-in for bitsandbytes' Linear4bit at inference.

    Args:
        weight: bytes in the order that nf4.cu draws, [tiles, blocks, 32, 16].
        scales: float16, [tiles, blocks, 8, 2].
        unit: what the scales are multiplied with.
        code: the 16 values of NF4, float32.
        bias: [rows], if any.
    """

    weight: torch.Tensor
    scales: torch.Tensor
    code: torch.Tensor
    table: torch.Tensor

    def __init__(
        self,
        weight: torch.Tensor,
        scales: torch.Tensor,
        unit: float,
        code: torch.Tensor,
        bias: torch.Tensor | None,
    ) -> None:
        super().__init__()
        self.out_features, self.in_features = len(weight) * TILE, weight.shape[1] * BLOCK
        self.unit, self.bias = unit, bias
        for name, tensor in (("weight", weight), ("scales", scales), ("code", code)):
            self.register_buffer(name, tensor, persistent=False)
        self.register_buffer("table", _byte_table(code), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product with activations [..., in_features], in their type."""
        return linear([self], x)


def linear(layers: Sequence[NF4Linear], x: torch.Tensor) -> torch.Tensor:
    """The outputs of up to three layers with the same input side by side, [..., their sum]."""
    rows = x.numel() // x.shape[-1]
    inputs = x.reshape(rows, -1).to(torch.bfloat16).contiguous()
    width = sum(layer.out_features for layer in layers)
    out = torch.empty(rows, width, dtype=torch.bfloat16, device=x.device)
    if rows <= MOST_ROWS:
        run_product(layers, inputs, out, is_paired=False)
    else:
        _product_of_many(layers, inputs, out)
    at = 0
    for layer in layers:
        if layer.bias is not None:
            out[:, at : at + layer.out_features] += layer.bias
        at += layer.out_features
    return out.view(*x.shape[:-1], width).to(x.dtype)


def gated(gate: NF4Linear, up: NF4Linear, x: torch.Tensor) -> torch.Tensor:
    """silu(gate(x)) * up(x) for at most MOST_ROWS rows, in one kernel; see can_gate."""
    rows = x.numel() // x.shape[-1]
    out = torch.empty(rows, gate.out_features, dtype=torch.bfloat16, device=x.device)
    run_product([gate, up], x.reshape(rows, -1).contiguous(), out, is_paired=True)
    return out.view(*x.shape[:-1], gate.out_features)


def can_gate(gate: Any, up: Any) -> bool:
    """Whether gated() takes these layers."""
    both = isinstance(gate, NF4Linear) and isinstance(up, NF4Linear)
    return both and gate.bias is None and up.bias is None and gate.weight.shape == up.weight.shape


def run_product(
    layers: Sequence[NF4Linear],
    x: torch.Tensor,
    out: torch.Tensor,
    is_paired: bool,
    chosen: Tiling | None = None,
) -> None:
    """Launch the kernel on contiguous bfloat16 tensors; its tiling is chosen here, or given."""
    sizes = [len(layer.weight) for layer in layers]
    tiles = sizes[0] if is_paired else sum(sizes)
    blocks = layers[0].weight.shape[1]
    chosen = chosen or tiling(tiles, len(x), is_paired, shared_limit(x.device))
    # As many blocks of threads as there are places, not more than there is work for.
    places = chosen.per_multiprocessor * _multiprocessors(x.device)
    across = min(tiles // chosen.tiles, places)
    down = math.ceil(len(x) / (8 * chosen.column_tiles))
    _product_kernel(chosen, x.device)(
        x.device,
        (across, down, 1),
        32 * chosen.warps,
        *_matrices(layers, _STRETCH),
        layers[0].table,
        x,
        out,
        len(x),
        blocks,
    )


@cache
def _product_kernel(chosen: Tiling, device: torch.device) -> Kernel:
    capability = torch.cuda.get_device_capability(device)
    return load("nf4.cu", "nf4_product", _PRODUCT, capability, chosen.defines, chosen.shared)


@cache
def _unpack_kernel(device: torch.device) -> Kernel:
    capability = torch.cuda.get_device_capability(device)
    limit = shared_limit(device)
    return load("nf4.cu", "nf4_unpack", _UNPACK, capability, tiling(256, 1, False, limit).defines)


def _product_of_many(layers: Sequence[NF4Linear], x: torch.Tensor, out: torch.Tensor) -> None:
    """For many rows unpacking once costs less than reading tables for each eight of them."""
    tiles, columns = sum(len(layer.weight) for layer in layers), layers[0].in_features
    step = min(tiles, max(1, UNPACKED // (TILE * columns)))
    weight = torch.empty(TILE * step, columns, dtype=torch.bfloat16, device=x.device)
    kernel, matrices = _unpack_kernel(x.device), _matrices(layers, stretch=1.0)
    for first in range(0, tiles, step):
        count = min(step, tiles - first)
        blocks = columns // BLOCK
        kernel(x.device, (count, 1, 1), 256, *matrices, layers[0].code, weight, first, blocks)
        part = slice(TILE * first, TILE * (first + count))
        torch.mm(x, weight[: TILE * count].t(), out=out[:, part])


def _matrices(layers: Sequence[NF4Linear], stretch: float) -> tuple[Value, ...]:
    """The structure of that name in nf4.cu."""
    three = (*layers, *(layers[-1],) * (3 - len(layers)))
    sizes = [len(layer.weight) for layer in layers]
    ends = (sum(sizes[: count + 1]) for count in range(3))
    return (
        *(layer.weight for layer in three),
        *(layer.scales for layer in three),
        *(layer.unit / stretch for layer in three),
        *ends,
    )


def pack(data: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """bitsandbytes' bytes of a matrix in the order of nf4.cu, [tiles, blocks, 32 lanes, 16].

    Args:
        data: two weights a byte, row by row.
    """
    # [tile, r, g, block, t, s, h] -> [tile, block, g, t, s, h, r]
    parts = data.reshape(rows // TILE, 2, 8, columns // BLOCK, 4, 4, 2)
    order = parts.permute(0, 3, 2, 4, 5, 6, 1)
    return order.reshape(rows // TILE, columns // BLOCK, 32, 16)


def pack_scales(absmax: torch.Tensor, rows: int, columns: int) -> tuple[torch.Tensor, float]:
    """Scales of blocks in the order of nf4.cu, float16 [tiles, blocks, 8, 2], and their unit.

    The largest becomes 1,024 units, so that small ones keep float16's full precision.
    """
    unit = float(absmax.max()) / 1024 or 1.0
    parts = (absmax / unit).reshape(rows // TILE, 2, 8, columns // BLOCK)
    return parts.permute(0, 3, 2, 1).to(torch.float16).contiguous(), unit


def absmax_of(state: Any) -> torch.Tensor:
    """The scale of each block of a bitsandbytes weight in float32, itself quantised no more."""
    if not state.nested:
        absmax: torch.Tensor = state.absmax
        return absmax.float()
    scales: torch.Tensor = dequantize_blockwise(state.absmax, state.state2) + state.offset
    return scales.float()


def _byte_table(code: torch.Tensor) -> torch.Tensor:
    """For every byte its two weights in bfloat16, the high half of the byte first."""
    bits = (code * _STRETCH).to(torch.bfloat16).view(torch.int16).to(torch.int32) & 0xFFFF
    byte = torch.arange(256, device=code.device)
    return bits[byte >> 4] | (bits[byte & 15] << 16)


def refusal(layer: Any) -> str:
    """Why the kernel does not take a 4-bit layer; empty when it does."""
    state = layer.weight.quant_state
    if state is None or state.quant_type != "nf4" or state.blocksize != BLOCK:
        return "not NF4 in blocks of 64"
    if layer.compute_dtype != torch.bfloat16:
        return f"computed in {layer.compute_dtype}"
    rows, columns = state.shape
    if rows % TILE or columns % BLOCK:
        return f"{rows} x {columns} does not divide by {TILE} x {BLOCK}"
    return ""


def pack_layer(layer: Any) -> NF4Linear:
    """A layer that is not refused, repacked in place: the Linear4bit works no more."""
    state = layer.weight.quant_state
    rows, columns = state.shape
    data = layer.weight.data
    data.copy_(pack(data, rows, columns).view(data.shape))
    scales, unit = pack_scales(absmax_of(state), rows, columns)
    weight = data.view(torch.uint8).view(rows // TILE, columns // BLOCK, 32, 16)
    return NF4Linear(weight, scales, unit, state.code.float(), layer.bias).eval()


def pack_model(model: Any) -> str:
    """Repack the 4-bit layers of a model on CUDA; says in a sentence what stays with bitsandbytes.

    Layers inside of adapters are repacked too: what an adapter adds comes beside their product.
    """
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is Linear4bit and child.weight.device.type == "cuda"
    ]
    if not found:
        return ""
    for device in {child.weight.device for _, _, child in found}:
        if problem := unusable(device):
            return f"Its own 4-bit kernels do not run here ({problem}); bitsandbytes' do."
    reasons = set()
    for parent, name, child in found:
        if reason := refusal(child):
            reasons.add(reason)
        else:
            setattr(parent, name, pack_layer(child))
    # The kernel reads weights before it waits for the kernel ahead of it.
    torch.cuda.synchronize()
    if reasons:
        return f"Some layers stay with bitsandbytes' slower kernels: {'; '.join(sorted(reasons))}."
    return ""


@cache
def unusable(device: torch.device) -> str:
    """Why the kernels cannot be used on a GPU; empty when they can. Compiles and checks them."""
    try:
        capability = torch.cuda.get_device_capability(device)
        if capability < _OLDEST:
            return f"compute capability {capability[0]}.{capability[1]}, 8.0 is needed"
        limit = shared_limit(device)
        kinds = {
            tiling(tiles, rows, is_paired, limit)
            for tiles in (256, 1024)
            for rows in (8, 16, 32)
            for is_paired in (False, True)
        }
        compile_all("nf4.cu", capability, [kind.defines for kind in kinds])
        return _self_check(device)
    except (CompileError, RuntimeError) as error:  # of the compiler, or of the first launches
        log.warning("the 4-bit kernels cannot be used: %s", error)
        return str(error).splitlines()[0][:200]


def _self_check(device: torch.device) -> str:
    """Compare with bitsandbytes' weights in float64, random and of an uneven shape."""
    generator = torch.Generator(device).manual_seed(0)
    rows, columns = 3 * 4096 + 48, 704

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=device, dtype=torch.bfloat16)

    layers, exact = [], []
    for _ in range(2):
        data, state = quantize_4bit(random(rows, columns) * 0.02, blocksize=BLOCK, quant_type="nf4")
        exact.append(dequantize_4bit(data, state).double())
        scales, unit = pack_scales(absmax_of(state), rows, columns)
        weight = pack(data, rows, columns).contiguous()
        layers.append(NF4Linear(weight, scales, unit, state.code.float(), None))
    torch.cuda.synchronize(device)
    for count in (1, 8, 13, 32, MOST_ROWS, MOST_ROWS + 1):
        x = random(count, columns)
        both = torch.cat([x.double() @ weight.t() for weight in exact], dim=-1)
        checks = [(linear(layers, x), both)]
        if count <= MOST_ROWS:
            gate, up = both.chunk(2, dim=-1)
            checks.append((gated(layers[0], layers[1], x), F.silu(gate) * up))
        for got, wanted in checks:
            error = float((got.double() - wanted).norm() / wanted.norm())
            if not error < 5e-3:  # also when it is not a number
                return f"the self-check failed with {count} rows: error {error:.1e}"
    return ""


@cache
def _multiprocessors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


@cache
def shared_limit(device: torch.device) -> int:
    """Bytes of shared memory that a block of threads may have."""
    properties: Any = torch.cuda.get_device_properties(device)  # its stubs lack the field
    return int(properties.shared_memory_per_block_optin)
