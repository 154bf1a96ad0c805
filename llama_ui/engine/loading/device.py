"""Where the model runs, and how much memory is free there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from llama_ui.engine.loading.memory import Held, memory_need, what_fits
from llama_ui.engine.loading.shape import ModelShape
from llama_ui.settings import KVCacheKind, Quantization

_LARGE = 3_000_000_000
_SLOTS = 4  # conversations that are to fit beside a small model


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


def this_device() -> Device:
    """What is there now. What this process holds of a GPU counts as used."""
    if not torch.cuda.is_available():
        return Device("CPU", 0, psutil.virtual_memory().available)
    gpus = range(torch.cuda.device_count())
    free = sum(torch.cuda.mem_get_info(gpu)[0] for gpu in gpus)
    return Device(torch.cuda.get_device_name(), len(gpus), free)


def choose_quantization(
    config: Mapping[str, Any], asked: Quantization, context: int | None, slots: int | None
) -> Held:
    """How to hold the linear layers of a model here: as asked, or for "auto" what suits it."""
    return quantization_for(config, this_device(), context, slots) if asked == "auto" else asked


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
            config, quantization=kind, context=context, slots=slots or _SLOTS, gpus=device.gpus
        )
        if need.total <= device.free:
            return kind
    return "4bit"


def check_fits(
    name: str,
    config: Mapping[str, Any],
    context: int | None,
    quantization: Held,
    slots: int | None,
    kv_cache: KVCacheKind = "16bit",
) -> None:
    """Raises ModelError when a model does not fit into what is free here; arguments as for
    what_fits."""
    device = this_device()
    fault = what_fits(
        name,
        config,
        device.free,
        quantization=quantization,
        context=context,
        slots=slots,
        gpus=device.gpus,
        kv_cache=kv_cache,
    )
    if fault is not None:
        raise fault
