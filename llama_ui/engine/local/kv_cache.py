"""The preallocated KV cache: keys and values of every layer, one row a slot."""

from collections.abc import Sequence
from typing import Any

import torch

from llama_ui.engine.loading.memory import SCRATCH, SLOTS_ON_CPU, slots_in
from llama_ui.engine.loading.shape import ModelShape


class KVCache:
    """Keys and values, preallocated once: [slots, kv_heads, positions, head_dim] a layer.

    In 8 bits each vector is signed bytes with a float16 scale, its largest element over 127:
    [slots, kv_heads, positions] a layer.

    Args:
        config: of the model (transformers LlamaConfig).
        slots: how many requests it holds.
        length: positions a slot, in tokens.
        devices: the device of each layer.
        dtype: of keys and values.
        is_8bit: whether to hold them in 8 bits.
    """

    def __init__(
        self,
        config: Any,
        slots: int,
        length: int,
        devices: Sequence[torch.device],
        dtype: torch.dtype,
        is_8bit: bool = False,
    ) -> None:
        head_dim = config.head_dim or config.hidden_size // config.num_attention_heads
        shape = (slots, config.num_key_value_heads, length + SCRATCH, head_dim)
        self.slots = slots
        self.length = length
        self.scratch = length
        self.capacity = length + SCRATCH
        self.dtype = dtype
        self.is_8bit = is_8bit
        held = torch.int8 if is_8bit else dtype
        self.keys = [torch.zeros(shape, device=device, dtype=held) for device in devices]
        self.values = [torch.zeros(shape, device=device, dtype=held) for device in devices]
        lines = shape[:3] if is_8bit else (0,)
        self.key_scales = [torch.zeros(lines, device=d, dtype=torch.float16) for d in devices]
        self.value_scales = [torch.zeros(lines, device=d, dtype=torch.float16) for d in devices]

    def write(
        self,
        layer: int,
        rows: torch.Tensor,
        positions: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
    ) -> None:
        """Put keys and values [rows, n, kv_heads, head_dim] where they stand.

        Args:
            rows: slots, [rows, 1].
            positions: [rows, n].
        """
        for new, held, scales in (
            (keys, self.keys[layer], self.key_scales[layer]),
            (values, self.values[layer], self.value_scales[layer]),
        ):
            if self.is_8bit:
                scale = (new.float().abs().amax(-1) / 127).half()
                scales[rows, :, positions] = scale
                unit = scale.float().masked_fill(scale == 0, 1.0)  # of a vector of zeros
                whole = (new.float() / unit[..., None]).round()
                held[rows, :, positions] = whole.clamp(-127, 127).to(torch.int8)
            else:
                held[rows, :, positions] = new

    def read(self, layer: int, window: slice, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The first keys and values of some slots, [slots, kv_heads, length, head_dim] each."""
        keys = self.keys[layer][window, :, :length]
        values = self.values[layer][window, :, :length]
        if not self.is_8bit:
            return keys, values
        key_scales = self.key_scales[layer][window, :, :length, None]
        value_scales = self.value_scales[layer][window, :, :length, None]
        return (keys * key_scales).to(self.dtype), (values * value_scales).to(self.dtype)

    def copy(self, source: int, target: int, positions: int) -> None:
        """Copy the first positions of one row to another."""
        for tensor in self._tensors():
            tensor[target, :, :positions] = tensor[source, :, :positions]

    def swap(self, one: int, other: int, positions: int) -> None:
        """Exchange the first positions of two rows."""
        for tensor in self._tensors():
            kept = tensor[one, :, :positions].clone()
            tensor[one, :, :positions] = tensor[other, :, :positions]
            tensor[other, :, :positions] = kept

    def _tensors(self) -> list[torch.Tensor]:
        scales = [*self.key_scales, *self.value_scales] if self.is_8bit else []
        return [*self.keys, *self.values, *scales]


def cache_dtype(devices: Sequence[torch.device], dtype: torch.dtype) -> torch.dtype:
    """The type to hold keys and values in: the model's, but float32 on a CPU, where attention in
    bfloat16 takes seven times as long."""
    return torch.float32 if all(device.type == "cpu" for device in devices) else dtype


def slots_that_fit(
    config: Any,
    length: int,
    devices: Sequence[torch.device],
    dtype: torch.dtype,
    is_8bit: bool = False,
) -> int:
    """How many slots to preallocate by default: on a GPU what free memory allows, up to 32."""
    if all(device.type == "cpu" for device in devices):
        return SLOTS_ON_CPU
    shape = ModelShape.of(config.to_dict())
    layer = shape.bytes_per_token(dtype.itemsize, is_8bit) // shape.layers * length
    return min(
        slots_in(torch.cuda.mem_get_info(device)[0], shape, length, layer * devices.count(device))
        for device in set(devices)
    )


def bytes_per_token(config: Any, dtype: torch.dtype) -> int:
    """Memory that one position of one slot takes, over all layers: keys and values."""
    return ModelShape.of(config.to_dict()).bytes_per_token(dtype.itemsize)
