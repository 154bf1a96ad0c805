"""Load a Llama model and its tokenizer, quantised, from a folder.

In two steps: `prepare` judges everything that can be told without the weights, once, so that it
may run before they are downloaded; `load_prepared` reads them.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from transformers import LlamaConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.activations import ACT2FN

from llama_ui.engine.base import EngineInfo
from llama_ui.engine.hub.download import fetch_adapter
from llama_ui.engine.licence import licence_of
from llama_ui.engine.loading.adapter import put_adapter
from llama_ui.engine.loading.checkpoint import (
    check_small_files,
    check_weights,
    read_config,
    read_json,
)
from llama_ui.engine.loading.config import SERVE_IT, check_supported, generation_notes
from llama_ui.engine.loading.device import check_fits, choose_quantization
from llama_ui.engine.loading.memory import Held
from llama_ui.engine.loading.rope import Window, choose_window
from llama_ui.engine.loading.tokenizer import check_vocabulary, load_tokenizer
from llama_ui.engine.loading.weights import held_as, load_weights
from llama_ui.engine.local.kv_cache import KVCache
from llama_ui.engine.local.model import LlamaForward, allocate
from llama_ui.engine.progress import Report, ignore
from llama_ui.errors import ModelError
from llama_ui.prompt.formats import choose_format
from llama_ui.prompt.llama2 import PromptFormat
from llama_ui.settings import KVCacheKind, Quantization, Rope

log = logging.getLogger(__name__)

# bitsandbytes recommends a package that downloads code; on a CPU it works without.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to generate, its tokenizer, how it wants its prompts, and what a reader may
    know of it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    format: PromptFormat
    info: EngineInfo
    kv_cache: KVCacheKind = "16bit"  # how keys and values will be held

    @property
    def window(self) -> int:
        """The context window, in tokens: of a model that is loaded it is known."""
        assert self.info.context_length is not None
        return self.info.context_length

    @property
    def end_tokens(self) -> frozenset[int]:
        """Every token that ends a reply: the tokenizer's, the template's, and those the
        checkpoint names."""
        configs = (self.model.config, self.model.generation_config)
        lists = [n if isinstance(n, list) else [n] for n in (c.eos_token_id for c in configs)]
        every = (*chain(*lists), self.tokenizer.eos_token_id, *self.format.end_tokens)
        return frozenset(token for token in every if token is not None)

    def allocate(self, slots: int | None) -> tuple[LlamaForward, KVCache]:
        """The forward pass and the cache; raises ModelError when there is no memory left."""
        return allocate(self.model, self.window, slots, self.kv_cache == "8bit")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that this page can run on this machine, before its weights are read.

    Args:
        folder: where it lies.
        name: what it is called.
        config: how its layers compute (transformers).
        tokenizer: its tokenizer.
        format: how it wants its prompts.
        window: its context window.
        held: how its linear layers will be held.
        origin: what its config.json says that it was made from.
        notes: what a reader should know, one sentence each.
        kv_cache: how keys and values will be held.
    """

    folder: Path
    name: str
    config: LlamaConfig
    tokenizer: PreTrainedTokenizerBase
    format: PromptFormat
    window: Window
    held: Held
    origin: str
    notes: tuple[str, ...]
    kv_cache: KVCacheKind


def prepare(
    folder: Path,
    context_length: int | None = None,
    name: str | None = None,
    quantization: Quantization = "4bit",
    rope: Rope | None = None,
    slots: int | None = None,
    notes: tuple[str, ...] = (),
    kv_cache: KVCacheKind = "16bit",
) -> Prepared:
    """Judge a model by everything but its weights, which need not be there yet.

    Args:
        folder: of the model.
        context_length: tokens; by default what the model was trained for.
        name: what to call it; by default the name of the folder.
        quantization: of a checkpoint that is not quantised yet, while it loads: 4-bit NF4,
            8-bit, none, or (auto) what suits its size and the memory.
        rope: how to stretch a context that is longer than the model was trained for.
        slots: how many conversations are to fit into memory beside it; at least one.
        notes: what a reader should know besides.
        kv_cache: how keys and values will be held.

    Raises:
        ModelError: says what is wrong with the model and what to do.
    """
    name = name or folder.name
    with _explaining(folder):
        raw = read_config(folder)
        found = check_supported(name, raw)
        check_small_files(folder)
        generation = folder / "generation_config.json"
        if generation.is_file():
            found += generation_notes(name, read_json(generation))
        config: LlamaConfig = LlamaConfig.from_dict(dict(raw))
        if config.hidden_act not in ACT2FN:
            raise ModelError(
                f"{name} sets hidden_act to {str(config.hidden_act)[:60]!r}, which no library "
                "here knows.",
                SERVE_IT,
            )
        window = choose_window(config, context_length, rope)
        tokenizer = load_tokenizer(folder)
        check_vocabulary(name, tokenizer, config.vocab_size)
        format = choose_format(tokenizer, name)
        sizes = config.to_dict()
        held = choose_quantization(sizes, quantization, window.length, slots)
        check_fits(name, sizes, window.length, held, slots, kv_cache)
    if raw.get("quantization_config") and quantization in ("8bit", "none"):
        found += (
            "The checkpoint is saved quantised and stays so: "
            f"--quantization {quantization} has no effect.",
        )
    said = (*notes, window.note, *found, *format.notes)
    return Prepared(
        folder=folder,
        name=name,
        config=config,
        tokenizer=tokenizer,
        format=format,
        window=window,
        held=held,
        origin=str(raw.get("_name_or_path", "")),
        notes=tuple(note for note in said if note),
        kv_cache=kv_cache,
    )


def load_prepared(
    prepared: Prepared, adapter: str | None = None, report: Report = ignore
) -> LoadedModel:
    """Read the weights of a model.

    Args:
        adapter: a LoRA to put on it, a folder or a Hub id.
        report: hears how many of the weights are loaded.

    Raises:
        ModelError: its files are not whole, or not its own; the adapter is for another model.
    """
    if not torch.cuda.is_available():
        leave_a_core_to_the_page()
    source = str(prepared.folder)
    called = (prepared.name, source, prepared.origin)
    with _explaining(prepared.folder):
        check_weights(prepared.folder)
        model = load_weights(source, prepared.config, prepared.held, report)
        if adapter is not None:
            put_adapter(model, fetch_adapter(adapter), called)
            model.eval()
    for note in prepared.notes:
        log.warning("%s", note)
    info = EngineInfo(
        name=prepared.name,
        quantization=held_as(model),
        device="CPU" if model.device.type == "cpu" else torch.cuda.get_device_name(model.device),
        context_length=prepared.window.length,
        mode=prepared.format.mode,
        adapter=Path(adapter).name if adapter else "",
        notes=prepared.notes,
        # Not by the folders above it, which may be called anything.
        licence=licence_of(*(Path(each).name for each in called)),
    )
    return LoadedModel(model, prepared.tokenizer, prepared.format, info, prepared.kv_cache)


def load_model(
    source: str,
    context_length: int | None = None,
    name: str | None = None,
    quantization: Quantization = "4bit",
    rope: Rope | None = None,
    adapter: str | None = None,
    slots: int | None = None,
    report: Report = ignore,
    notes: tuple[str, ...] = (),
    kv_cache: KVCacheKind = "16bit",
) -> LoadedModel:
    """Prepare and load a model of the Llama architecture in one go.

    Args:
        source: its folder. Weights must be safetensors; code from it is never run.
        adapter, report: as for load_prepared.
        others: as for prepare.

    Raises:
        ModelError: says what is wrong with the model and what to do.
    """
    folder = Path(source)
    prepared = prepare(folder, context_length, name, quantization, rope, slots, notes, kv_cache)
    return load_prepared(prepared, adapter, report)


def leave_a_core_to_the_page() -> None:
    """A layer waits for the slowest of its threads: one that shares its core with the web server
    makes all of them wait (150 tokens/s became 13 on two busy cores)."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))


@contextmanager
def _explaining(folder: Path) -> Iterator[None]:
    """Turns what the libraries raise into a sentence."""
    try:
        yield
    except ModelError:
        raise
    except BaseException as error:
        # tokenizers and safetensors are written in Rust, whose panics are no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _explain(folder, error) from error


def _explain(folder: Path, error: BaseException) -> ModelError:
    """The sentence for each fault that loading is known to have."""
    is_offloaded = "dispatched on the CPU" in str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or is_offloaded:
        return ModelError(
            f"{folder} does not fit into the memory of this machine.",
            "Choose a smaller model, or close other programs that use the GPU.",
        )
    lines = str(error).strip().splitlines()
    first = ": ".join((type(error).__name__, *(line[:200] for line in lines[:1])))
    return ModelError(
        f"The folder {folder} does not hold a complete model ({first}).",
        "It needs config.json, the tokenizer files and *.safetensors; copy it again.",
    )
