"""Load a Llama model and its tokenizer, quantised, from a folder."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from llama_ui.engine.base import EngineInfo
from llama_ui.engine.hub.download import fetch_adapter
from llama_ui.engine.licence import licence_of
from llama_ui.engine.loading.adapter import put_adapter
from llama_ui.engine.loading.checkpoint import check_supported, gguf, read_checkpoint
from llama_ui.engine.loading.device import check_fits
from llama_ui.engine.loading.reading import reporting
from llama_ui.engine.loading.rope import choose_window
from llama_ui.engine.loading.tokenizer import load_tokenizer
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

    @property
    def window(self) -> int:
        """The context window, in tokens: of a model that is loaded it is known."""
        assert self.info.context_length is not None
        return self.info.context_length


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
    """Load a model of the Llama architecture.

    Args:
        source: its folder. Weights must be safetensors; code from it is never run.
        context_length: tokens; by default what the model was trained for.
        name: what to call it; by default the last part of the source.
        quantization: of a checkpoint that is not quantised yet, while it loads: 4-bit NF4,
            8-bit, or none.
        rope: how to stretch a context that is longer than the model was trained for.
        adapter: a LoRA to put on it, a folder or a Hub id.
        slots: how many conversations are to fit into memory beside it; at least one.
        report: hears how many of the weights are loaded.
        notes: what a reader should know besides.
        kv_cache: how keys and values will be held.

    Raises:
        ModelError: says what is wrong with the model and what to do.
    """
    if not torch.cuda.is_available():
        _leave_a_core_to_the_page()
    name = name or Path(source).name
    try:
        config = _config(source)
        window = choose_window(config, context_length, rope)
        tokenizer = load_tokenizer(Path(source))
        format = choose_format(tokenizer, name)
        check_fits(name, config.to_dict(), window.length, quantization, slots, kv_cache)
        with reporting(report):
            model = _model(source, config, quantization)
        called = (name, source, str(getattr(config, "_name_or_path", "")))
        if adapter is not None:
            put_adapter(model, fetch_adapter(adapter), called)
    except ModelError:
        raise
    except Exception as error:
        raise _explain(source, error) from error
    model.eval()
    asked = _note_on_quantization(config, quantization)
    notes = tuple(note for note in (*notes, window.note, asked, *format.notes) if note)
    for note in notes:
        log.warning("%s", note)
    info = EngineInfo(
        name=name,
        quantization=_held_as(model),
        device="CPU" if model.device.type == "cpu" else torch.cuda.get_device_name(model.device),
        context_length=window.length,
        mode=format.mode,
        adapter=Path(adapter).name if adapter else "",
        notes=notes,
        # Not by the folders above it, which may be called anything.
        licence=licence_of(*(Path(each).name for each in called)),
    )
    return LoadedModel(model, tokenizer, format, info)


def _leave_a_core_to_the_page() -> None:
    """A layer waits for the slowest of its threads: one that shares its core with the web server
    makes all of them wait (150 tokens/s became 13 on two busy cores)."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))


def _config(source: str) -> Any:
    path = Path(source)
    if path.suffix == ".gguf":
        raise gguf(path)
    read_checkpoint(path)
    config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    check_supported(source, config.to_dict())
    return config


def _model(source: str, config: Any, quantization: Quantization) -> PreTrainedModel:
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        source,
        config=config,
        device_map="auto",
        dtype=_compute_dtype(),
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **_quantizer(config, quantization),
    )
    model, report = loaded
    _check_complete(source, report)
    result: PreTrainedModel = model
    return result


def _quantizer(config: Any, quantization: Quantization) -> dict[str, BitsAndBytesConfig]:
    """4-bit is NormalFloat with double quantisation (Dettmers et al. 2023, QLoRA), 8-bit is
    LLM.int8() (Dettmers et al. 2022).

    A checkpoint that is quantised already keeps what it was saved with.
    """
    if getattr(config, "quantization_config", None) is not None or quantization == "none":
        return {}
    if quantization == "8bit":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=_compute_dtype(),
    )
    return {"quantization_config": nf4}


def _compute_dtype() -> torch.dtype:
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def _note_on_quantization(config: Any, asked: Quantization) -> str:
    """Only what differs from the default can have been asked for."""
    if asked == "4bit" or getattr(config, "quantization_config", None) is None:
        return ""
    return f"The checkpoint is saved quantised and stays so: --quantization {asked} has no effect."


def _held_as(model: PreTrainedModel) -> str:
    """How the weights are held, for a reader."""
    if getattr(model, "is_loaded_in_4bit", False):
        kind = model.config.quantization_config.bnb_4bit_quant_type
        return f"4-bit {str(kind).upper()}"
    if getattr(model, "is_loaded_in_8bit", False):
        return "8-bit"
    return str(model.dtype).removeprefix("torch.")


def _check_complete(source: str, report: Any) -> None:
    """transformers fills weights that are missing with random numbers, and only warns."""
    missing = len(report["missing_keys"]) + len(report["mismatched_keys"])
    if missing:
        raise ModelError(
            f"{source} lacks {missing} of its weights, or has them in another shape.",
            "Its weight files do not belong to its config.json; copy or download it again.",
        )


def _explain(source: str, error: Exception) -> ModelError:
    """The sentence for each fault that loading is known to have."""
    is_offloaded = "dispatched on the CPU" in str(error)
    if isinstance(error, torch.OutOfMemoryError) or is_offloaded:
        return ModelError(
            f"{source} does not fit into the memory of this machine.",
            "Choose a smaller model, or close other programs that use the GPU.",
        )
    return ModelError(
        f"The folder {source} does not hold a complete model ({_first_line(error)}).",
        "It needs config.json, the tokenizer files and *.safetensors; copy it again.",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
