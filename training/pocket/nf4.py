"""bitsandbytes' NF4 grid in a few lines of PyTorch, for training on rounded weights.

Blocks of 64 values are scaled by their largest absolute value and each is moved to the nearest of
sixteen levels, the quantiles of a normal distribution (Dettmers et al., QLoRA, 2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

LEVELS = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
]  # fmt: skip
BLOCK = 64


@torch.no_grad()
def to_grid(weight: torch.Tensor) -> torch.Tensor:
    """The weight as it comes back from NF4."""
    levels = torch.tensor(LEVELS, device=weight.device)
    blocks = weight.float().reshape(-1, BLOCK)
    scale = blocks.abs().amax(dim=1, keepdim=True).clamp_min(1e-12)
    nearest = torch.bucketize(blocks / scale, (levels[1:] + levels[:-1]) / 2)
    return (levels[nearest] * scale).reshape(weight.shape).to(weight.dtype)


@contextmanager
def rounded_weights(model: nn.Module | None) -> Iterator[None]:
    """Round the linear layers' weights inside the block, then put the exact ones back.

    Gradients computed inside are those at the rounded weights (a straight-through estimate).
    The embedding and the head that shares it stay as they are: NF4 does not pack them.
    """
    if model is None:
        yield
        return
    layers = [
        m for name, m in model.named_modules() if isinstance(m, nn.Linear) and "lm_head" not in name
    ]
    exact = [layer.weight.data for layer in layers]
    for layer in layers:
        layer.weight.data = to_grid(layer.weight.data)
    try:
        yield
    finally:
        for layer, weight in zip(layers, exact, strict=True):
            layer.weight.data = weight
