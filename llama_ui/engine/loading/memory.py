"""How much memory a model will take, from its config.json alone. Pure arithmetic, no torch.

What is counted is what the engine really holds: bitsandbytes' NF4 with double quantisation
(Dettmers et al. 2023, QLoRA), the scales that joining layers unpacks, the preallocated cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from llama_ui.engine.loading.shape import HALF, LLAMA_2, ModelShape
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ModelError
from llama_ui.settings import KVCacheKind

Held = Literal["4bit", "8bit", "none"]

_LARGE = 3_000_000_000  # weights from which 4 bits cost little quality
MOST_SLOTS = 32  # that an engine takes by itself, however much memory there is
SLOTS_ON_CPU = 4
SCRATCH = 8  # positions behind the end of each slot

_BLOCK, _SUPERBLOCK = 64, 256  # weights that share a scale; scales that share a scale

# Measured (benchmarks/README.md), whatever the model:
_CUDA = 950_000_000  # on each GPU: context, kernels, captured graphs, cuBLAS workspaces
_PROCESS = 450_000_000  # of main memory: Python, torch, transformers, Gradio

_USABLE = 0.95  # of free memory; the rest is lost between what is allocated
_HOLES = 0.06  # of weights that are joined: memory left free between them


@dataclass(frozen=True, slots=True)
class Device:
    """The GPUs of this machine, or its CPU.

    Args:
        name: as people say it.
        gpus: how many; 0 on a CPU.
        free: bytes that nobody uses, on all GPUs together, or of main memory.
    """

    name: str
    gpus: int
    free: int


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a model takes while it serves.

    Args:
        weights: of the model, quantised, with their scales.
        cache: keys and values of all slots.
        overhead: activations, captured graphs, libraries.
    """

    weights: int
    cache: int
    overhead: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.overhead


def memory_need(
    config: Mapping[str, Any],
    *,
    quantization: Held = "4bit",
    context: int | None = None,
    slots: int = 1,
    gpus: int = 1,
    kv_cache: KVCacheKind = "16bit",
) -> MemoryNeed:
    """What a model takes with so many slots of so many tokens.

    Args:
        config: its config.json. A checkpoint that is quantised already keeps what it has.
        quantization: of the linear layers otherwise.
        context: tokens a slot; by default what the model was trained for.
        gpus: how many it is spread over; 0 means that it runs on the CPU.
        kv_cache: how keys and values are held.

    Raises:
        ModelError: config.json lacks a size.
    """
    shape = ModelShape.of(config)
    length = (context or shape.context) + SCRATCH
    kind, is_double = _kept_quantization(config) or (quantization, True)
    weights = shape.layers * _layer_bytes(shape, kind, is_double, on_gpu=gpus > 0)
    weights += shape.unquantised_weights * HALF
    if gpus:
        cache = shape.bytes_per_token(HALF, kv_cache == "8bit") * length * slots
        holes = int(_HOLES * weights) if kind == "none" else 0
        return MemoryNeed(weights, cache, gpus * _CUDA + shape.workspace(length) + holes)
    # Keys and values are float32 on a CPU.
    cache = shape.bytes_per_token(2 * HALF, kv_cache == "8bit") * length * slots
    return MemoryNeed(weights, cache, _PROCESS)


def most_slots(
    config: Mapping[str, Any],
    free: int,
    *,
    quantization: Held = "4bit",
    context: int | None = None,
    gpus: int = 1,
    kv_cache: KVCacheKind = "16bit",
) -> int:
    """How many slots fit into so many free bytes, at most as many as an engine takes by itself;
    0 when not even one does."""
    limit = MOST_SLOTS if gpus else SLOTS_ON_CPU

    def fits(slots: int) -> bool:
        need = memory_need(
            config,
            quantization=quantization,
            context=context,
            slots=slots,
            gpus=gpus,
            kv_cache=kv_cache,
        )
        return need.total <= free * _USABLE

    return next((slots for slots in range(limit, 0, -1) if fits(slots)), 0)


def quantization_for(
    config: Mapping[str, Any], device: Device, context: int | None, slots: int | None
) -> Held:
    """4-bit for three thousand million weights and more, where it costs little quality; below
    that the best that fits into memory.

    Args:
        context: tokens a slot.
        slots: how many conversations are to fit beside it.
    """
    if config.get("quantization_config") or ModelShape.of(config).parameters >= _LARGE:
        return "4bit"
    kinds: tuple[Held, ...] = ("none", "8bit")
    for kind in kinds:
        need = memory_need(
            config,
            quantization=kind,
            context=context,
            slots=slots or SLOTS_ON_CPU,
            gpus=device.gpus,
        )
        if need.total <= device.free:
            return kind
    return "4bit"


def slots_in(free: int, shape: ModelShape, length: int, row: int) -> int:
    """How many slots to take of a GPU whose weights are loaded; at least one.

    Args:
        free: bytes, of that GPU.
        row: bytes a slot takes of it.
    """
    room = int(free * _USABLE) - shape.workspace(length)
    return max(1, min(MOST_SLOTS, room // row))


def what_fits(
    name: str,
    config: Mapping[str, Any],
    free: int,
    *,
    quantization: Held = "4bit",
    context: int | None = None,
    slots: int | None = None,
    gpus: int = 1,
    kv_cache: KVCacheKind = "16bit",
) -> ModelError | None:
    """None when the model fits; else what does not fit and what does instead.

    Args:
        name: of the model, as people say it.
        free: bytes, on all GPUs together, or of main memory.
        slots: None asks for at least one.
    """
    wanted = memory_need(
        config,
        quantization=quantization,
        context=context,
        slots=slots or 1,
        gpus=gpus,
        kv_cache=kv_cache,
    )
    if wanted.total <= free:
        return None
    fits = partial(most_slots, free=free, gpus=gpus, kv_cache=kv_cache)
    length = context or ModelShape.of(config).context
    problem = (
        f"{name} does not fit in {size_in_words(free)} of memory: with {_slots(slots or 1)} of "
        f"{length:,} tokens it takes {size_in_words(wanted.total)}."
    )
    if fewer := fits(config, quantization=quantization, context=context):
        return ModelError(problem, f"It fits with --slots {fewer}.")
    if quantization != "4bit" and (count := fits(config, context=context)):
        return ModelError(problem, f"With --quantization 4bit it fits, with {_slots(count)}.")
    for size in (32_768, 16_384, 8_192, 4_096, 2_048):
        if size < length and (count := fits(config, quantization=quantization, context=size)):
            return ModelError(problem, f"With --context {size} it fits, with {_slots(count)}.")
    for smaller, its_config in LLAMA_2.items():
        if memory_need(its_config, gpus=gpus).weights < wanted.weights and (
            count := fits(its_config)
        ):
            return ModelError(problem, f"{smaller} fits, with {_slots(count)}: --model {smaller}.")
    return ModelError(problem, "Pocket Llama fits everywhere: --model pocket.")


def _slots(count: int) -> str:
    return "1 slot" if count == 1 else f"{count} slots"


def _kept_quantization(config: Mapping[str, Any]) -> tuple[Held, bool] | None:
    """How a checkpoint of bitsandbytes is quantised, and whether its scales are too."""
    saved = config.get("quantization_config")
    if not saved:
        return None
    if saved.get("load_in_8bit"):
        return "8bit", False
    return "4bit", bool(saved.get("bnb_4bit_use_double_quant", False))


def _layer_bytes(shape: ModelShape, kind: Held, is_double: bool, on_gpu: bool) -> int:
    every = shape.joined_weights + shape.other_weights
    if kind == "none":
        return every * HALF
    if kind == "8bit":
        return every + shape.output_rows * 4  # one float32 scale a row
    if on_gpu:  # in our kernels' order, with scales in float16
        return int(every * (1 / 2 + HALF / _BLOCK))
    scales = 1 / _BLOCK + 4 / (_BLOCK * _SUPERBLOCK) if is_double else 4 / _BLOCK
    # A CPU with AVX512-BF16 keeps the joined weights once more, in the order that it reads.
    joined = 1 / 2 + 2 / _BLOCK
    return int(every * (1 / 2 + scales) + shape.joined_weights * joined)
