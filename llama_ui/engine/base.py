"""What every engine offers. Imports neither torch nor gradio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from llama_ui.chat.sampling import SAMPLING, Sampling
from llama_ui.engine.licence import Licence
from llama_ui.engine.reply import Reply
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions, PromptPlan

# What the page offers that an engine may not be able to do: those of the engine in this process.
FEATURES = frozenset({"exact_prompt", "continue", *(o.feature for o in SAMPLING if o.feature)})


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a reader may know about the model behind the page.

    Args:
        name: the model, as people say it.
        quantization: how the weights are held, for example "4-bit NF4".
        device: where it runs, for example "CPU" or "NVIDIA H200".
        context_length: the context window, in tokens; None where that is not known.
        mode: whether it answers, or (a base model) goes on with the text as it stands.
        adapter: what was put on the model, by name; empty without.
        notes: what a reader should know besides, one sentence each.
        licence: whose terms the model is used under, if they ask to be shown.
        missing: of FEATURES, what this engine cannot do, and why, one sentence each.
    """

    name: str
    quantization: str
    device: str
    context_length: int | None
    mode: Literal["chat", "completion"] = "chat"
    adapter: str = ""
    notes: tuple[str, ...] = ()
    licence: Licence | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def supports(self) -> frozenset[str]:
        """Of FEATURES, what this engine can do."""
        return FEATURES - self.missing.keys()


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy an engine is.

    Args:
        running: requests that have a slot.
        waiting: requests in line.
        tokens_per_s: of all replies together, over the last seconds.
        slots: how many can run at once; None where that is not known.
    """

    running: int
    waiting: int
    tokens_per_s: float = 0.0
    slots: int | None = None


class Engine(Protocol):
    """A model that answers, here or on another machine."""

    @property
    def info(self) -> EngineInfo: ...

    @property
    def load(self) -> EngineLoad: ...

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """The tokens of a reply, to have it continued."""

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of a reply made of these tokens, control tokens left out."""

    def is_text(self, token: int) -> bool:
        """Whether a token stands for text: it exists, and is no control token."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each token looks like by itself, spaces and control tokens included."""

    def plan(
        self, messages: Sequence[Message], sampling: Sampling, options: PlanOptions = ...
    ) -> PromptPlan:
        """What would be sent for these messages; raises ChatError when it cannot be."""

    def encode(self, text: str, with_start: bool = True) -> list[int]:
        """The tokens of a text as the tokenizer makes them, control tokens in it included;
        `with_start` has it put in front what it puts in front of every text."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these tokens, control tokens spelled out; raises OptionError when one of
        them does not exist."""

    def plan_ids(self, ids: Sequence[int], sampling: Sampling) -> PromptPlan:
        """A prompt that is given token by token, to be gone on with; raises OptionError when a
        token does not exist, ContextWindowError when there are too many."""

    def submit(self, plan: PromptPlan, sampling: Sampling) -> Reply:
        """Start a reply; returns at once; raises BusyError when too many are waiting."""

    def forget(self, owner: str) -> None:
        """Drop what is kept of an owner's conversations."""

    def close(self) -> None:
        """Stop all replies and free the model."""
