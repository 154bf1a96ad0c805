"""Where the model runs, and how much memory is free there."""

from dataclasses import dataclass

import psutil
import torch


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
