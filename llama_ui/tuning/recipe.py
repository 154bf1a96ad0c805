"""How a model is taught: rank, learning rate, batches, and the memory that this takes. Pure.

LoRA on every linear layer (Hu et al. 2021; Dettmers et al. 2023, who found that all of them
matter more than the rank), with the learning rates of QLoRA for models of 7B and more. Smaller
models need larger ones, as they do in pre-training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llama_ui.engine.loading.memory import Device, Held, memory_need
from llama_ui.engine.loading.shape import HALF, ModelShape
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ModelError
from llama_ui.tuning.dataset import Method

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
USUAL_TOKENS = 1_024  # of a row: longer ones take more memory than most chats need
BETA = 0.1  # of DPO: how far a model may go from what it was
# DPO alone (Rafailov et al. 2023) may push both replies down, if only the other one further: on 40
# pairs the preferred ones went from 0.9 to 3.9 nats a token. Their likelihood keeps them up (Pang
# et al. 2024).
LOSSES = ("sigmoid", "sft")

_RANK = 16
_BATCHES = (16, 8, 4, 2, 1)  # rows of a step, the most where there are many
_FEWEST_STEPS = 6  # of an epoch, where there are few rows
_FLOAT = 4
# Of a LoRA weight: itself, its gradient and Adam's two moments, all in float32.
_TRAINED = 4 * _FLOAT
_TRAINERS = 250_000_000  # bytes of main memory: trl, peft and datasets, beside what serving loads
# Values of 32 bits that a layer keeps of a token for the way back, by the width of its parts.
_KEPT_HIDDEN, _KEPT_INTERMEDIATE = 12, 5
_RECOMPUTE_FROM = 1_000_000_000  # weights from which activations are computed twice, not kept


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of one training.

    Args:
        rank: of the LoRA matrices.
        learning_rate: at the start; it falls to zero along a cosine.
        epochs: how often every row is seen.
        batch: rows computed at once.
        accumulate: so many of these make one step.
        recomputes: whether activations are computed a second time instead of being kept.
        most_tokens: of a row.
    """

    rank: int
    learning_rate: float
    epochs: int
    batch: int
    accumulate: int
    recomputes: bool
    most_tokens: int

    @property
    def alpha(self) -> int:
        """The scale of the adapter, as peft has it."""
        return 2 * self.rank

    def steps(self, rows: int) -> int:
        """Of the whole training."""
        return self.epochs * -(-rows // self.rows_a_step)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this training: how its steps are computed depends on free memory."""
        return {
            "rank": self.rank,
            "learning_rate": self.learning_rate,
            "epochs": self.epochs,
            "rows_a_step": self.rows_a_step,
            "most_tokens": self.most_tokens,
        }

    @property
    def rows_a_step(self) -> int:
        return self.batch * self.accumulate


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator has chosen; None leaves it to us."""

    epochs: int | None = None
    learning_rate: float | None = None
    rank: int | None = None


def choose_recipe(
    name: str,
    config: Mapping[str, Any],
    device: Device,
    held: Held,
    method: Method,
    rows: int,
    longest: int,
    most_tokens: int,
    wishes: Wishes,
) -> tuple[Recipe, int]:
    """The recipe for a model on this machine, and how many bytes it will take.

    Args:
        name: of the model, for faults.
        config: its config.json.
        held: how its linear layers are held.
        rows: how many there are to learn.
        longest: tokens of the longest of them.
        most_tokens: that a row may have.

    Raises:
        ModelError: it does not fit into memory, with what would.
    """
    shape = ModelShape.of(config)
    epochs, learning_rate = _usual(shape.parameters, method, rows)
    rank = wishes.rank or _RANK
    step = next((size for size in _BATCHES if size * _FEWEST_STEPS <= rows), 1)
    keeps = shape.parameters < _RECOMPUTE_FROM
    tries = [(batch, not keeps) for batch in _BATCHES if batch <= step]
    for batch, recomputes in (*tries, *([(1, True)] if keeps else [])):
        need = training_need(config, device, held, method, rank, batch * longest, recomputes)
        if need <= device.free:
            recipe = Recipe(
                rank=rank,
                learning_rate=wishes.learning_rate or learning_rate,
                epochs=wishes.epochs or epochs,
                batch=batch,
                accumulate=step // batch,
                recomputes=recomputes,
                most_tokens=most_tokens,
            )
            return recipe, need
    problem = (
        f"Teaching {name} takes {size_in_words(need)} of memory with rows of {longest:,} tokens; "
        f"{size_in_words(device.free)} are free."
    )
    for fewer in (512, 256, 128):
        small = training_need(config, device, held, method, rank, fewer, recomputes=True)
        if fewer < longest and small <= device.free:
            raise ModelError(problem, f"With --context {fewer} it fits; longer chats are cut.")
    raise ModelError(problem, "Choose a smaller model, or a machine with more memory.")


def training_need(
    config: Mapping[str, Any],
    device: Device,
    held: Held,
    method: Method,
    rank: int,
    tokens: int,
    recomputes: bool,
) -> int:
    """Bytes that a training takes at its widest moment.

    Args:
        tokens: computed at once.
        recomputes: whether activations are computed a second time instead of being kept.
    """
    shape = ModelShape.of(config)
    served = memory_need(config, quantization=held, context=64, slots=1, gpus=device.gpus)
    weights = served.weights if device.gpus else shape.parameters * _FLOAT
    if method == "dpo":
        tokens *= 2
    layer = (_KEPT_HIDDEN * shape.hidden + _KEPT_INTERMEDIATE * shape.intermediate) * _FLOAT
    layers = shape.layers * (HALF * shape.hidden if recomputes else layer) + layer * recomputes
    # Logits are computed in pieces, of which a few are there at once.
    logits = 3 * min(tokens, USUAL_TOKENS) * shape.vocabulary * _FLOAT
    return (
        weights
        + adapter_weights(shape, rank) * _TRAINED
        + tokens * layers
        + logits
        + served.overhead
        + (0 if device.gpus else _TRAINERS)
    )


def adapter_weights(shape: ModelShape, rank: int) -> int:
    """How many weights a LoRA of this rank has."""
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    hidden, wide = shape.hidden, shape.intermediate
    sides = (hidden + q) + 2 * (hidden + kv) + (q + hidden) + 3 * (hidden + wide)
    return shape.layers * rank * sides


def _usual(parameters: int, method: Method, rows: int) -> tuple[int, float]:
    """Epochs and learning rate for a model of so many weights."""
    if parameters < 100_000_000:
        epochs, learning_rate = 6, 2e-3
    elif parameters < 3_000_000_000:
        epochs, learning_rate = 4, 5e-4
    else:
        epochs, learning_rate = 3, 2e-4 if parameters < 30_000_000_000 else 1e-4
    if rows > 2_000:
        epochs = max(1, epochs // 3)
    return (epochs, learning_rate / 4) if method == "dpo" else (epochs, learning_rate)
