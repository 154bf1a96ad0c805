"""The Llama forward pass over a KV cache with a row a request.

transformers' own forward spends most of a decode step of a small batch on bookkeeping; this one
runs its layers (quantised or not) with nothing between them but the arithmetic, so that it can be
captured in a CUDA graph and costs little on a CPU. Touvron et al. 2023, Llama 2; rotary positions
by Su et al. 2021, in transformers' layout (the two halves of a head are rotated together).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from llama_ui.engine.loading.shape import CHUNK_ON_GPU
from llama_ui.engine.local.kernels import step
from llama_ui.engine.local.kernels.nf4 import pack_model
from llama_ui.engine.local.kv_cache import KVCache, cache_dtype, slots_that_fit
from llama_ui.engine.local.linear import GatedUp, Joined, direct
from llama_ui.errors import ModelError

_CHUNK_ON_CPU = 128


class LlamaForward:
    """Runs tokens through the layers of a LlamaForCausalLM.

    Args:
        model: the loaded model; its layers may lie on several devices.
        layers: of the model, joined.
        cache: where keys and values go.
        notes: what a reader should know of how it computes.
    """

    def __init__(
        self,
        model: Any,
        layers: Sequence["Layer"],
        cache: KVCache,
        notes: tuple[str, ...] = (),
    ) -> None:
        config = model.config
        self._embed = model.model.embed_tokens
        self._layers = layers
        self._norm = model.model.norm
        self._head = model.lm_head
        self._eps = config.rms_norm_eps
        self.notes = notes
        self._cache = cache
        self._kv_heads = config.num_key_value_heads
        self._groups = config.num_attention_heads // config.num_key_value_heads
        self._head_dim = config.head_dim or config.hidden_size // config.num_attention_heads
        self.device: torch.device = self._embed.weight.device
        self.vocabulary: int = config.vocab_size
        self.chunk = CHUNK_ON_GPU if self.device.type == "cuda" else _CHUNK_ON_CPU
        ends = (self._embed.weight, self._norm.weight, self._head.weight)
        self.devices = {tensor.device for tensor in (*ends, *cache.keys)}
        # LLM.int8() looks for outliers at every call, and waits for the GPU to tell.
        self.can_be_captured = not getattr(model, "is_loaded_in_8bit", False)
        self._rotary = self._rotary_tables(model)
        self._heads = step.Heads(self._kv_heads, self._groups, self._head_dim)
        self.has_step_kernels = self._can_use_step_kernels(config.hidden_size)
        # How many parts of each row and head are done, for the kernel of attention.
        slots = cache.slots if self.has_step_kernels else 0
        self._finished = torch.zeros(slots, self._kv_heads, dtype=torch.int32, device=self.device)

    def __call__(
        self, tokens: torch.Tensor, positions: torch.Tensor, first_row: int, length: int
    ) -> torch.Tensor:
        """Hidden states of the last layer; writes the keys and values of the tokens.

        Args:
            tokens: ids, [rows, n]; row i belongs to row first_row + i of the cache.
            positions: where in its context each token stands, [rows, n].
            first_row: of the cache.
            length: how many positions to attend to; at least the largest position + 1.
        """
        if self.has_step_kernels and tokens.shape[1] == 1:
            return self._step(tokens[:, 0], positions[:, 0].contiguous(), first_row, length)
        place = self._place(positions, first_row, length)
        x: torch.Tensor = self._embed(tokens)
        for number, layer in enumerate(self._layers):
            place = place.on(self._cache.keys[number].device)
            x = x.to(place.rows.device)
            x = x + self._attention(layer, number, x, place)
            x = x + self._feed_forward(layer, x)
        return x

    def _step(
        self, tokens: torch.Tensor, positions: torch.Tensor, first_row: int, length: int
    ) -> torch.Tensor:
        """The same for one token a row, by our own kernels; length decides on their grid only."""
        x: torch.Tensor = self._embed(tokens)
        splits = step.splits_for(length, len(x), self._heads, x.device)
        cache, added = self._cache, None
        scales = [*zip(cache.key_scales, cache.value_scales, strict=True)] if cache.is_8bit else []
        for number, layer in enumerate(self._layers):
            h = step.add_norm(x, added, layer.attention_norm, self._eps)
            out = step.attention(
                layer.qkv(h),
                positions,
                self._rotary,
                (self._cache.keys[number], self._cache.values[number]),
                scales[number] if scales else None,
                self._finished,
                self._heads,
                first_row,
                splits,
            )
            h = step.add_norm(x, layer.attention_out(out), layer.feed_forward_norm, self._eps)
            added = layer.down(layer.gated_up(h))
        return (x + added)[:, None] if added is not None else x[:, None]

    def _can_use_step_kernels(self, hidden: int) -> bool:
        dtype = self._cache.dtype
        is_one_gpu = self.device.type == "cuda" and len(self.devices) == 1
        fits = step.fits(self._heads, hidden, dtype) and self._embed.weight.dtype == dtype
        return is_one_gpu and fits and not step.unusable(self.device)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Scores of every token of the vocabulary, float32, for hidden states [rows, hidden]."""
        hidden = hidden.to(self._norm.weight.device)
        hidden = F.rms_norm(hidden, hidden.shape[-1:], self._norm.weight, self._eps)
        scores: torch.Tensor = self._head(hidden)
        return scores.float().to(self.device)

    def close(self) -> None:
        """Nothing of it lies outside of this process."""

    def _attention(
        self, layer: "Layer", number: int, x: torch.Tensor, at: "_Place"
    ) -> torch.Tensor:
        rows, n, _ = x.shape
        h = F.rms_norm(x, x.shape[-1:], layer.attention_norm, self._eps)
        heads = layer.qkv(h).view(rows, n, -1, self._head_dim).to(at.cos.dtype)
        q_heads = self._kv_heads * self._groups
        rotated = _rotate(heads[:, :, : q_heads + self._kv_heads], at.cos, at.sin)
        new_values = heads[:, :, q_heads + self._kv_heads :]
        self._cache.write(number, at.rows, at.positions, rotated[:, :, q_heads:], new_values)

        # Query heads that share a key head become queries of that head: [rows, kv_heads, g·n, d].
        q = rotated[:, :, :q_heads].view(rows, n, self._kv_heads, self._groups, self._head_dim)
        q = q.permute(0, 2, 3, 1, 4).reshape(rows, self._kv_heads, -1, self._head_dim)
        window = slice(at.first_row, at.first_row + rows)
        keys, values = self._cache.read(number, window, at.length)
        out = F.scaled_dot_product_attention(q, keys, values, attn_mask=at.mask)
        out = out.view(rows, self._kv_heads, self._groups, n, self._head_dim)
        out = out.permute(0, 3, 1, 2, 4).reshape(rows, n, -1).to(x.dtype)
        return layer.attention_out(out)

    def _feed_forward(self, layer: "Layer", x: torch.Tensor) -> torch.Tensor:
        h = F.rms_norm(x, x.shape[-1:], layer.feed_forward_norm, self._eps)
        return layer.down(layer.gated_up(h))

    def _place(self, positions: torch.Tensor, first_row: int, length: int) -> "_Place":
        cos, sin = self._rotary
        device = positions.device
        rows = torch.arange(first_row, first_row + len(positions), device=device)[:, None]
        ahead = torch.arange(length, device=device) > positions[:, None, :, None]
        mask = torch.zeros(ahead.shape, device=device, dtype=cos.dtype)
        mask.masked_fill_(ahead, -torch.inf)
        if self._groups > 1 and positions.shape[1] > 1:
            mask = mask.repeat(1, 1, self._groups, 1)
        tables = (table[positions].unsqueeze(2) for table in (cos, sin))
        return _Place(first_row, length, rows, positions, mask, *tables)

    def _rotary_tables(self, model: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """cos and signed sin for every position.

        Scaled rotary embeddings (linear, llama3, yarn) are the model's own; the dynamic kind,
        which depends on the length, is computed once, for the whole context.
        """
        rotary = model.model.rotary_emb
        device = rotary.inv_freq.device
        like = torch.empty(0, device=device, dtype=self._cache.dtype)
        cos, sin = rotary(like, torch.arange(self._cache.length, device=device)[None])
        half = sin.shape[-1] // 2
        signed = torch.cat((-sin[0, :, :half], sin[0, :, half:]), dim=-1)
        unused = self._cache.capacity - self._cache.length
        padded = (F.pad(table, (0, 0, 0, unused)) for table in (cos[0], signed))
        cos_table, sin_table = (table.to(self.device).contiguous() for table in padded)
        return cos_table, sin_table


class Layer:
    """The parts of a transformers LlamaDecoderLayer that compute."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.attention_norm: torch.Tensor = layer.input_layernorm.weight
        self.feed_forward_norm: torch.Tensor = layer.post_attention_layernorm.weight
        self.qkv = Joined(attention.q_proj, attention.k_proj, attention.v_proj)
        self.attention_out = direct(attention.o_proj)
        self.gated_up = GatedUp(mlp.gate_proj, mlp.up_proj, mlp.act_fn)
        self.down = direct(mlp.down_proj)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the tokens of a batch stand, on one device; the same for every layer."""

    first_row: int
    length: int
    rows: torch.Tensor  # [rows, 1]
    positions: torch.Tensor  # [rows, n]
    mask: torch.Tensor  # [rows, 1, queries, length], added to the attention scores
    cos: torch.Tensor  # [rows, n, 1, head_dim]
    sin: torch.Tensor

    def on(self, device: torch.device) -> "_Place":
        if device == self.rows.device:
            return self
        tensors = (self.rows, self.positions, self.mask, self.cos, self.sin)
        return _Place(self.first_row, self.length, *(tensor.to(device) for tensor in tensors))


def allocate(
    model: Any, length: int, slots: int | None, is_8bit: bool = False
) -> tuple[LlamaForward, KVCache]:
    """Everything that holds memory, in the order in which it must be taken.

    Args:
        model: a LlamaForCausalLM.
        length: positions a slot, in tokens.
        slots: by default what suits the device.
        is_8bit: whether to hold keys and values in 8 bits.

    Raises:
        ModelError: there is no memory left.
    """
    try:
        note = pack_model(model)
        layers = [Layer(layer) for layer in model.model.layers]
        # What loading and joining used in between is free for conversations.
        torch.cuda.empty_cache()
        devices = [layer.attention_norm.device for layer in layers]
        dtype = cache_dtype(devices, model.dtype)
        slots = slots or slots_that_fit(model.config, length, devices, dtype, is_8bit)
        cache = KVCache(model.config, slots, length, devices, dtype, is_8bit)
    except torch.OutOfMemoryError:
        raise ModelError(
            "The model is loaded, but there is no memory left to hold conversations.",
            "Start with a smaller --context or fewer --slots.",
        ) from None
    return LlamaForward(model, layers, cache, (note,) if note else ()), cache


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions; sin carries the sign of the half that is rotated in."""
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sin
