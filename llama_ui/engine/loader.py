"""Load a Llama model and its tokenizer, in 4-bit, from a folder or from the Hugging Face Hub."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from llama_ui.engine.base import EngineInfo
from llama_ui.errors import ModelError

# bitsandbytes recommends a package that downloads code; on a CPU it works without.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to generate, its tokenizer, and what a reader may know of it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    info: EngineInfo

    @property
    def window(self) -> int:
        """The context window, in tokens: of a model that is loaded it is known."""
        assert self.info.context_length is not None
        return self.info.context_length


def load_model(
    source: str, context_length: int | None = None, name: str | None = None
) -> LoadedModel:
    """Load a model of the Llama architecture.

    Args:
        source: a local folder or a Hub id such as "meta-llama/Llama-2-7b-chat-hf". Weights
            must be safetensors; code from the repository is never run. A checkpoint that is
            not quantised yet is quantised to 4-bit NF4 while it loads.
        context_length: use a shorter context window than the model was trained for, in tokens.
        name: what to call it; by default the last part of the source.

    Raises:
        ModelError: says what is wrong with the model and what to do.
    """
    if not torch.cuda.is_available():
        _leave_a_core_to_the_page()
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        _check_architecture(source, config)
        window = _context_window(config, context_length)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source,
            device_map="auto",
            dtype=_compute_dtype(),
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **_quantization(config),
        )
        model, report = loaded
        _check_complete(source, report)
    except ModelError:
        raise
    except Exception as error:
        raise _explain(source, error) from error
    model.eval()
    return LoadedModel(model, tokenizer, _describe(name or Path(source).name, model, window))


def _leave_a_core_to_the_page() -> None:
    """A layer waits for the slowest of its threads: one that shares its core with the web server
    makes all of them wait (150 tokens/s became 13 on two busy cores)."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))


def _quantization(config: Any) -> dict[str, BitsAndBytesConfig]:
    """4-bit NormalFloat with double quantisation (Dettmers et al. 2023, QLoRA).

    A checkpoint that is quantised already keeps what it was saved with.
    """
    if getattr(config, "quantization_config", None) is not None:
        return {}
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


def _check_architecture(source: str, config: Any) -> None:
    if config.model_type != "llama":
        raise ModelError(
            f"{source} is a {config.model_type!r} model; this page runs the Llama architecture.",
            "Choose a Llama model, for example --model 7b.",
        )
    quantized = getattr(config, "quantization_config", None) or {}
    method = quantized.get("quant_method", "bitsandbytes")
    if method != "bitsandbytes":
        raise ModelError(
            f"{source} is quantised by {method}; this page runs checkpoints of bitsandbytes.",
            "Choose the original checkpoint: it is quantised to 4-bit while it loads.",
        )


def _check_complete(source: str, report: Any) -> None:
    """transformers fills weights that are missing with random numbers, and only warns."""
    missing = len(report["missing_keys"]) + len(report["mismatched_keys"])
    if missing:
        raise ModelError(
            f"{source} lacks {missing} of its weights, or has them in another shape.",
            "Its weight files do not belong to its config.json; copy or download it again.",
        )


def _context_window(config: Any, wanted: int | None) -> int:
    trained = int(config.max_position_embeddings)
    if wanted is not None and wanted > trained:
        raise ModelError(
            f"The model was trained for a context of {trained:,} tokens, not {wanted:,}.",
            f"Start with --context {trained} or less.",
        )
    return wanted or trained


def _describe(name: str, model: PreTrainedModel, window: int) -> EngineInfo:
    device = model.device
    bits = "4-bit NF4" if getattr(model, "is_loaded_in_4bit", False) else "8-bit"
    return EngineInfo(
        name=name,
        quantization=bits,
        device="CPU" if device.type == "cpu" else torch.cuda.get_device_name(device),
        context_length=window,
    )


def _explain(source: str, error: Exception) -> ModelError:
    """The sentence for each fault that loading is known to have."""
    if isinstance(error, GatedRepoError):
        return ModelError(
            f"{source} is gated: Meta must grant your Hugging Face account access first.",
            f"Accept the licence on https://huggingface.co/{source}, make a read token, "
            "run `hf auth login`, and start again.",
        )
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return ModelError(
            f"There is no model {source!r}, neither a folder here nor on the Hugging Face Hub.",
            "Check the spelling; a private model also needs `hf auth login`.",
        )
    if isinstance(error.__cause__, Exception) and not isinstance(error, LocalEntryNotFoundError):
        cause = error.__cause__
        if isinstance(cause, GatedRepoError | RepositoryNotFoundError | HFValidationError):
            return _explain(source, cause)
    is_offloaded = "dispatched on the CPU" in str(error)
    if isinstance(error, torch.OutOfMemoryError) or is_offloaded:
        return ModelError(
            f"{source} does not fit into the memory of this machine.",
            "Choose a smaller model, or close other programs that use the GPU.",
        )
    if Path(source).is_dir():
        return ModelError(
            f"The folder {source} does not hold a complete model ({_first_line(error)}).",
            "It needs config.json, the tokenizer files and *.safetensors; copy it again.",
        )
    return ModelError(
        f"{source} could not be loaded ({_first_line(error)}).",
        "Check the network and the spelling of the model, and start again.",
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
