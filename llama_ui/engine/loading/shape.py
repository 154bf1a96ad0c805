"""The sizes of a model that decide on memory, from its config.json alone. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llama_ui.errors import ModelError

HALF = 2  # bytes of a bfloat16 or float16
UNPACKED = 1 << 27  # weights of 4 bits that are unpacked at a time
CHUNK_ON_GPU = 1024  # prompt tokens computed between two decode steps


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes in a config.json that decide on memory."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    is_tied: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ModelShape:
        """Read a config.json of the Llama architecture; raises ModelError when one is missing."""
        try:
            heads = int(config["num_attention_heads"])
            return cls(
                hidden=int(config["hidden_size"]),
                intermediate=int(config["intermediate_size"]),
                layers=int(config["num_hidden_layers"]),
                heads=heads,
                kv_heads=int(config.get("num_key_value_heads") or heads),
                head_dim=int(config.get("head_dim") or config["hidden_size"] // heads),
                vocabulary=int(config["vocab_size"]),
                context=int(config["max_position_embeddings"]),
                is_tied=bool(config.get("tie_word_embeddings", False)),
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ModelError(
                f"The config.json of the model does not say how large it is ({error}).",
                "Download it again, or choose another model.",
            ) from error

    @property
    def joined_weights(self) -> int:
        """Of one layer: query, key, value, gate and up projections."""
        qkv = self.hidden * (self.heads + 2 * self.kv_heads) * self.head_dim
        return qkv + 2 * self.hidden * self.intermediate

    @property
    def other_weights(self) -> int:
        """Of one layer: attention output and down projections."""
        return self.hidden * (self.heads * self.head_dim + self.intermediate)

    @property
    def output_rows(self) -> int:
        """Of all linear layers of one layer."""
        projections = (self.heads + 2 * self.kv_heads) * self.head_dim + 2 * self.intermediate
        return projections + 2 * self.hidden

    @property
    def unquantised_weights(self) -> int:
        """Embedding, head and norms: always held in 16 bits."""
        tables = 1 if self.is_tied else 2
        return tables * self.vocabulary * self.hidden + (2 * self.layers + 1) * self.hidden

    @property
    def parameters(self) -> int:
        """Of the whole model, biases left out."""
        return self.layers * (self.joined_weights + self.other_weights) + self.unquantised_weights

    def bytes_per_token(self, itemsize: int, is_8bit: bool = False) -> int:
        """Keys and values of one position of one slot, over all layers; in 8 bits with a 16-bit
        scale for each vector."""
        vector = self.head_dim + HALF if is_8bit else self.head_dim * itemsize
        return 2 * self.layers * self.kv_heads * vector

    def workspace(self, length: int) -> int:
        """On a GPU, while a chunk of a prompt is fed: weights unpacked, activations, the attention
        mask."""
        unpacked = min(2 * self.hidden * self.intermediate, UNPACKED) * HALF
        activations = CHUNK_ON_GPU * (4 * self.intermediate + 6 * self.hidden) * HALF
        mask = CHUNK_ON_GPU * length * (self.heads // self.kv_heads) * HALF
        return unpacked + activations + mask


def _llama_2(
    hidden: int, intermediate: int, layers: int, heads: int, kv_heads: int
) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": 32_000,
        "max_position_embeddings": 4_096,
    }


# From the published config.json files; largest first.
LLAMA_2 = {
    "70b": _llama_2(8192, 28672, 80, 64, 8),
    "13b": _llama_2(5120, 13824, 40, 40, 40),
    "7b": _llama_2(4096, 11008, 32, 32, 32),
}
