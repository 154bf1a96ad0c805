"""Where the model runs, and how much memory is free there."""

from collections.abc import Mapping
from typing import Any

import psutil
import torch

from llama_ui.engine.loading.memory import Device, Held, quantization_for, what_fits
from llama_ui.settings import KVCacheKind, Quantization


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
