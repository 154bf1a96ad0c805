"""Linear layers as a step runs them: those with the same input joined, 4-bit ones called direct."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from bitsandbytes.functional import QuantState
from bitsandbytes.nn.modules import Linear4bit, Params4bit

from llama_ui.engine.loading.weights import pack_only_what_fits
from llama_ui.engine.local.kernels.nf4 import (
    MOST_ROWS,
    NF4Linear,
    absmax_of,
    can_gate,
    gated,
    linear,
)

Linear = Callable[[torch.Tensor], torch.Tensor]


def direct(layer: Any) -> Linear:
    """A layer as a function; a 4-bit one on a CPU without the checks it makes at every call.

    On a small model these take longer than the product itself. The operator is the one that
    bitsandbytes registers for CPUs with AVX512-BF16; elsewhere the layer stays as it is.
    """
    function: Linear = layer
    packed: Any = layer.weight
    if type(layer) is not Linear4bit or packed.device.type != "cpu":
        return function
    # The first call packs the weight for the CPU, if it is one that the operator runs on.
    layer(torch.zeros(1, layer.in_features, dtype=layer.compute_dtype))
    state, weight = packed.quant_state, packed.data
    if layer.bias is not None or not getattr(state, "packing_format_for_cpu", False):
        return function
    shape, absmax, code, blocksize = list(state.shape), state.absmax, state.code, state.blocksize

    def product(x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = torch.ops.bitsandbytes.gemv_4bit.default(
            x, weight, shape, absmax, code, blocksize
        )
        return output

    return product


class Joined:
    """Query, key and value projections, or gate and up, as one layer.

    Our own 4-bit layers run together as they are. bitsandbytes' and plain layers are joined; their
    own weights become views of the joined ones, so the model stays whole. Only the scales of double
    quantisation are unpacked: 0.4 bit a weight more. Layers of any other kind (8-bit, adapters) run
    one after another.

    Args:
        layers: with the same input size.
    """

    def __init__(self, *layers: Any) -> None:
        kinds = {type(layer) for layer in layers}
        has_bias = any(getattr(layer, "bias", None) is not None for layer in layers)
        self._layers: Sequence[Linear] = layers
        if kinds == {NF4Linear}:
            self._layers = [lambda x: linear(layers, x)]
        elif not has_bias and kinds == {Linear4bit} and all(map(_has_whole_blocks, layers)):
            self._layers = [direct(_join_4bit(layers))]
        elif not has_bias and kinds == {torch.nn.Linear}:
            self._layers = [_join_plain(layers)]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs of the layers side by side, [..., sum of the output sizes]."""
        if len(self._layers) == 1:
            return self._layers[0](x)
        return torch.cat([layer(x) for layer in self._layers], dim=-1)


class GatedUp:
    """The gate and up projections with what stands between them: activation(gate(x)) * up(x)."""

    def __init__(self, gate: Any, up: Any, activation: Linear) -> None:
        self._gate, self._up, self._activation = gate, up, activation
        self._is_one_kernel = can_gate(gate, up) and isinstance(activation, torch.nn.SiLU)
        self._joined = Joined(gate, up)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self._is_one_kernel and x.numel() <= MOST_ROWS * x.shape[-1]:
            return gated(self._gate, self._up, x)
        gate, up = self._joined(x).chunk(2, dim=-1)
        return self._activation(gate) * up


def _join_plain(layers: Sequence[torch.nn.Linear]) -> torch.nn.Linear:
    weight = torch.cat([layer.weight.data for layer in layers])
    for layer, part in zip(layers, weight.split([len(x.weight) for x in layers]), strict=True):
        layer.weight.data = part
    joined = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    joined.weight = torch.nn.Parameter(weight, requires_grad=False)
    return joined


def _has_whole_blocks(layer: Any) -> bool:
    """Whether the last block of weights that share a scale is full."""
    state = layer.weight.quant_state
    return bool(state.shape.numel() % state.blocksize == 0)


def _join_4bit(layers: Sequence[Any]) -> Any:
    """Each weight is whole blocks of weights that share a scale, so blocks can be joined."""
    states = [layer.weight.quant_state for layer in layers]
    data = torch.cat([layer.weight.data.reshape(-1, 1) for layer in layers])
    sizes = [layer.weight.data.numel() for layer in layers]
    for layer, part in zip(layers, data.split(sizes), strict=True):
        layer.weight.data = part
    first = states[0]
    state = QuantState(
        absmax=torch.cat([absmax_of(state) for state in states]),
        shape=torch.Size((sum(state.shape[0] for state in states), first.shape[1])),
        code=first.code,
        blocksize=first.blocksize,
        quant_type=first.quant_type,
        dtype=first.dtype,
    )
    joined: Any = Linear4bit(
        state.shape[1],
        state.shape[0],
        bias=False,
        compute_dtype=layers[0].compute_dtype,
        quant_type=first.quant_type,
        device="meta",
    )
    joined.weight = Params4bit(
        data,
        requires_grad=False,
        quant_state=state,
        quant_type=first.quant_type,
        blocksize=first.blocksize,
        bnb_quantized=True,
        module=joined,
    )
    pack_only_what_fits(joined)
    return joined.eval()
