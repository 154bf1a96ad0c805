"""Whether a model fits into the free memory of this machine, in words. Pure arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_ui.engine.gguf.hub import BESIDE
from llama_ui.engine.gguf.memory import BATCH, LONGEST, choose_size, gguf_need
from llama_ui.engine.gguf.reader import Gguf
from llama_ui.engine.loading.memory import Device, memory_need, most_slots, quantization_for
from llama_ui.engine.loading.shape import ModelShape
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ModelError

_LENGTHS = (32_768, 8_192, 4_096, 2_048)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a model can use here.

    Args:
        device: where a model in safetensors runs.
        memory: bytes of main memory that are free; a GGUF runs there.
        gguf_problem: why no GGUF can run here; empty when one can.
    """

    device: Device
    memory: int
    gguf_problem: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model fits.

    Args:
        is_possible: with some window.
        words: "fits", "fits with 2,048 tokens", or what it takes and what is free.
        context: the window to ask for; None leaves it to the loader.
    """

    is_possible: bool
    words: str
    context: int | None = None


def fit_file(size: int, machine: Machine) -> Fit:
    """For a GGUF file of which only its size is known: as a file of the Hub is chosen."""
    if machine.gguf_problem:
        return Fit(False, machine.gguf_problem)
    if size + BESIDE <= machine.memory:
        return Fit(True, "fits")
    return _too_large(size + BESIDE, machine.memory)


def fit_gguf(shape: Mapping[str, Any], merges: int, size: int, machine: Machine) -> Fit:
    """For a GGUF that is not here yet, by the sizes in its model's config.json."""
    if machine.gguf_problem:
        return Fit(False, machine.gguf_problem)
    header = _header(ModelShape.of(shape), merges, size)
    try:
        length, _ = choose_size(header, None, None, BATCH, machine.memory)
    except ModelError:
        return _too_large(gguf_need(header, _LENGTHS[-1], 1, BATCH).total, machine.memory)
    return _with(length, min(ModelShape.of(shape).context, LONGEST), None)


def fit_safetensors(config: Mapping[str, Any], machine: Machine) -> Fit:
    """For weights that are quantised while they load; raises ModelError when config.json lacks a
    size."""
    device, whole = machine.device, ModelShape.of(config).context
    for length in (whole, *(length for length in _LENGTHS if length < whole)):
        held = quantization_for(config, device, length, None)
        how: dict[str, Any] = {"quantization": held, "context": length, "gpus": device.gpus}
        if most_slots(config, device.free, **how):
            return _with(length, whole, None if length == whole else length)
    return _too_large(memory_need(config, **how).total, device.free)


def _with(length: int, whole: int, context: int | None) -> Fit:
    return Fit(True, "fits" if length == whole else f"fits with {length:,} tokens", context)


def _too_large(need: int, free: int) -> Fit:
    words = f"does not fit: it takes {size_in_words(need)}, {size_in_words(free)} are free"
    return Fit(False, words)


def _header(shape: ModelShape, merges: int, size: int) -> Gguf:
    """What the file will say of its sizes."""
    sizes = {
        "embedding_length": shape.hidden,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head_dim,
        "attention.value_length": shape.head_dim,
        "feed_forward_length": shape.intermediate,
        "block_count": shape.layers,
        "context_length": shape.context,
    }
    metadata: dict[str, Any] = {f"llama.{key}": value for key, value in sizes.items()}
    metadata["tokenizer.ggml.tokens"] = range(shape.vocabulary)
    metadata["tokenizer.ggml.merges"] = range(merges)
    return Gguf(Path("the model.gguf"), metadata, {}, size)
