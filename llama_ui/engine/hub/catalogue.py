"""The models that the page proposes, from catalogue.json. Pure."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from llama_ui.engine.loading.memory import Device

Format = Literal["gguf", "safetensors"]

_FILE = Path(__file__).with_suffix(".json")
# Weights beyond which a CPU writes slower than people read.
_MOST_ON_CPU = 4_000_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """One of the forms that a model can be had in.

    Args:
        model: as --model takes it.
        format: of its weights.
        bytes: of them.
        gated: whether its authors must grant access.
        tried: whether this very file has answered on our machines.
    """

    model: str
    format: Format
    bytes: int
    gated: bool
    tried: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """A model of the catalogue.

    Args:
        name: as people say it.
        parameters: how many weights it has.
        licence: its name, and where it stands.
        good_at: what to use it for, and what not.
        shape: the sizes of its config.json.
        merges: of its tokenizer; they take memory.
        sources: the quantised one first.
    """

    name: str
    parameters: int
    licence: dict[str, str]
    good_at: str
    shape: dict[str, Any]
    merges: int
    sources: tuple[Source, ...]

    def source_for(self, device: Device, has_llama_cpp: bool) -> Source | None:
        """What suits a machine: safetensors for a GPU, a GGUF for a CPU with llama.cpp."""
        wanted: Format = "safetensors" if device.gpus else "gguf"
        usable = [s for s in self.sources if s.format != "gguf" or has_llama_cpp]
        first = [source for source in usable if source.format == wanted]
        return next(iter(first or usable), None)

    def is_quick_on(self, device: Device) -> bool:
        """Whether it writes about as fast as people read, or faster."""
        return device.gpus > 0 or self.parameters <= _MOST_ON_CPU


@cache
def catalogue() -> tuple[Proposal, ...]:
    """All of it, the smallest first."""
    models = json.loads(_FILE.read_text(encoding="utf-8"))["models"]
    return tuple(
        Proposal(**{**model, "sources": tuple(Source(**source) for source in model["sources"])})
        for model in models
    )


def proposal_of(source: str) -> Proposal | None:
    """The model of the catalogue that has this source."""
    wanted = source.lower()
    return next((p for p in catalogue() for s in p.sources if s.model.lower() == wanted), None)
