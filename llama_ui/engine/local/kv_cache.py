"""The preallocated KV cache: keys and values of every layer, one row a slot."""

from collections.abc import Sequence
from typing import Any

import torch

from llama_ui.engine.loading.memory import SCRATCH, SLOTS_ON_CPU, slots_in
from llama_ui.engine.loading.shape import ModelShape


class KVCache:
    """Keys and values, preallocated once: [slots, kv_heads, positions, head_dim] a layer.

    Args:
        config: of the model (transformers LlamaConfig).
        slots: how many requests it holds.
        length: positions a slot, in tokens.
        devices: the device of each layer.
        dtype: of keys and values.
    """

    def __init__(
        self,
        config: Any,
        slots: int,
        length: int,
        devices: Sequence[torch.device],
        dtype: torch.dtype,
    ) -> None:
        head_dim = config.head_dim or config.hidden_size // config.num_attention_heads
        shape = (slots, config.num_key_value_heads, length + SCRATCH, head_dim)
        self.slots = slots
        self.length = length
        self.scratch = length
        self.keys = [torch.zeros(shape, device=device, dtype=dtype) for device in devices]
        self.values = [torch.zeros(shape, device=device, dtype=dtype) for device in devices]

    def copy(self, source: int, target: int, positions: int) -> None:
        """Copy the first positions of one row to another."""
        for tensor in (*self.keys, *self.values):
            tensor[target, :, :positions] = tensor[source, :, :positions]

    def swap(self, one: int, other: int, positions: int) -> None:
        """Exchange the first positions of two rows."""
        for tensor in (*self.keys, *self.values):
            kept = tensor[one, :, :positions].clone()
            tensor[one, :, :positions] = tensor[other, :, :positions]
            tensor[other, :, :positions] = kept


def cache_dtype(devices: Sequence[torch.device], dtype: torch.dtype) -> torch.dtype:
    """The type to hold keys and values in: the model's, but float32 on a CPU, where attention in
    bfloat16 takes seven times as long."""
    return torch.float32 if all(device.type == "cpu" for device in devices) else dtype


def slots_that_fit(
    config: Any, length: int, devices: Sequence[torch.device], dtype: torch.dtype
) -> int:
    """How many slots to preallocate by default: on a GPU what free memory allows, up to 32."""
    if all(device.type == "cpu" for device in devices):
        return SLOTS_ON_CPU
    shape = ModelShape.of(config.to_dict())
    layer = shape.bytes_per_token(dtype.itemsize) // shape.layers * length
    return min(
        slots_in(torch.cuda.mem_get_info(device)[0], shape, length, layer * devices.count(device))
        for device in set(devices)
    )


def bytes_per_token(config: Any, dtype: torch.dtype) -> int:
    """Memory that one position of one slot takes, over all layers: keys and values."""
    return ModelShape.of(config.to_dict()).bytes_per_token(dtype.itemsize)
