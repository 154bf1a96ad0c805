"""What the scheduler needs of a model, whoever computes it: torch here, or llama.cpp in a child."""

from typing import Any, Protocol

import torch

from llama_ui.engine.base import EngineInfo
from llama_ui.prompt.llama2 import PromptFormat


class ForwardLost(Exception):
    """The forward pass has lost all keys and values; it starts again at its next call."""


class Cache(Protocol):
    """Keys and values: one row a slot.

    slots is how many rows it has, length how many positions a row; tokens at the position scratch
    belong to nobody.
    """

    @property
    def slots(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def scratch(self) -> int: ...

    def copy(self, source: int, target: int, positions: int) -> None:
        """Copy the first positions of one row to another."""

    def swap(self, one: int, other: int, positions: int) -> None:
        """Exchange the first positions of two rows."""


class Forward(Protocol):
    """Runs tokens through a model.

    vocabulary is how many tokens it knows; chunk how many prompt tokens to compute between two
    decode steps; can_be_captured says whether a CUDA graph can hold it; has_step_kernels whether a
    step reads no more of the cache than a row holds; notes is what a reader should know of it.
    """

    device: torch.device
    devices: set[torch.device]
    can_be_captured: bool
    has_step_kernels: bool
    notes: tuple[str, ...]
    vocabulary: int
    chunk: int

    def __call__(
        self, tokens: torch.Tensor, positions: torch.Tensor, first_row: int, length: int
    ) -> torch.Tensor:
        """Hidden states [rows, n, hidden]; writes the keys and values of the tokens [rows, n].

        Raises:
            ForwardLost: what the cache held is gone.
        """

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Scores of every token of the vocabulary, float32, for hidden states [rows, hidden]."""

    def close(self) -> None:
        """Free what it holds outside of this process."""


class Loaded(Protocol):
    """A model ready to generate, its tokenizer, how it wants its prompts, and what a reader may
    know of it."""

    @property
    def tokenizer(self) -> Any:
        """A prompt.llama2.Tokenizer; transformers makes some of its attributes as it goes."""

    @property
    def format(self) -> PromptFormat: ...
    @property
    def info(self) -> EngineInfo: ...
    @property
    def window(self) -> int:
        """The context window, in tokens."""

    @property
    def end_tokens(self) -> frozenset[int]:
        """Every token that ends a reply."""

    def allocate(self, slots: int | None) -> tuple[Forward, Cache]:
        """Take the memory of so many slots, by default of what suits the device; raises
        ModelError when there is not enough."""
