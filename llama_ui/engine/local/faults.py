"""What can go wrong while the model runs, and what is said about it."""

import logging

import torch

from llama_ui.errors import EngineError, incident

log = logging.getLogger(__name__)

MEMORY_FULL = EngineError(
    "The memory of the GPU is full.",
    "Shorten the conversation or lower the max new tokens, and retry.",
)

CRASHED = EngineError(
    "llama.cpp has crashed again and again while it wrote this reply.",
    "Change the message and retry; should it happen with every message, choose another model.",
)


NOT_FINITE = EngineError(
    "The model computes no numbers (NaN or infinite): its weights are damaged, or too large for "
    "the way they are held.",
    "Copy or download the model again, or start with another --quantization.",
)


def bug(fault: Exception) -> EngineError:
    """Log a fault that nobody expected; returns what the reader is told."""
    return incident(log, fault, "The model failed while it wrote this reply", "Retry.")


def is_out_of_memory(fault: Exception) -> bool:
    """Whether a GPU or the machine had no memory left; the process can go on."""
    # What torch does not allocate itself (graphs, cuBLAS) fails with a plain RuntimeError.
    is_like_it = "out of memory" in str(fault) or "ALLOC_FAILED" in str(fault)
    return isinstance(fault, torch.OutOfMemoryError) or (
        isinstance(fault, RuntimeError) and is_like_it
    )


def has_lost_the_gpu(fault: Exception) -> bool:
    """After a CUDA error other than full memory a process can compute no more."""
    is_cuda = isinstance(fault, RuntimeError) and "CUDA error" in str(fault)
    return is_cuda and not is_out_of_memory(fault)
