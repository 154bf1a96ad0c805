"""The weights of a checkpoint in memory, quantised while they are read."""

import re
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from transformers import BitsAndBytesConfig, LlamaForCausalLM, PreTrainedModel
from transformers.utils.logging import set_tqdm_hook

from llama_ui.engine.loading.memory import Held
from llama_ui.engine.progress import Progress, Report
from llama_ui.errors import ModelError

_LOOP = "Loading weights"  # how transformers 5 describes the bar over all weights of a model
_ROWS = 32  # that bitsandbytes packs together for a CPU
# Old checkpoints hold the frequencies of the rotary positions, which follow from config.json.
_FOLLOWS = re.compile(r"\.rotary_emb\.inv_freq$")
_OF_LAYERS = re.compile(r"^(model\.)?(layers|embed_tokens|norm)\b")


def load_weights(source: str, config: Any, held: Held, report: Report) -> PreTrainedModel:
    """A LlamaForCausalLM with the weights of a folder.

    Args:
        config: of the model (transformers LlamaConfig).
        held: how the linear layers are held, unless the checkpoint is quantised already.
        report: hears how many of the weights are loaded.

    Raises:
        ModelError: weights are missing, of another shape, or left over.
    """
    with _reporting(report):
        loaded: Any = LlamaForCausalLM.from_pretrained(
            source,
            config=config,
            device_map="auto",
            dtype=_compute_dtype(),
            use_safetensors=True,
            output_loading_info=True,
            quantization_config=_quantizer(config, held),
        )
    model, found = loaded
    _check_complete(source, found)
    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            pack_only_what_fits(layer)
    result: PreTrainedModel = model.eval()
    return result


def pack_only_what_fits(layer: Any) -> None:
    """Leave a 4-bit layer unpacked on a CPU where packing would fail.

    With AVX512-BF16 bitsandbytes 0.50 packs whole groups of rows, and takes each row for whole
    blocks; other shapes end in an error at the first call. Unpacked they only take longer.
    """
    state = layer.weight.quant_state
    if state.shape[0] % _ROWS or state.shape[1] % state.blocksize:
        layer.support_avx512bf16_for_cpu = False


def held_as(model: PreTrainedModel) -> str:
    """How the weights are held, for a reader."""
    if getattr(model, "is_loaded_in_4bit", False):
        kind = model.config.quantization_config.bnb_4bit_quant_type
        return f"4-bit {str(kind).upper()}"
    if getattr(model, "is_loaded_in_8bit", False):
        return "8-bit"
    return str(model.dtype).removeprefix("torch.")


def _quantizer(config: Any, held: Held) -> BitsAndBytesConfig | None:
    """4-bit is NormalFloat with double quantisation (Dettmers et al. 2023, QLoRA), 8-bit is
    LLM.int8() (Dettmers et al. 2022).

    A checkpoint that is quantised already keeps what it was saved with.
    """
    if getattr(config, "quantization_config", None) is not None or held == "none":
        return None
    if held == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=_compute_dtype(),
    )


def _compute_dtype() -> torch.dtype:
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def _check_complete(source: str, found: Mapping[str, Any]) -> None:
    """transformers fills weights that are missing with random numbers, leaves out those that it
    has no place for, and only warns."""
    missing = len(found["missing_keys"]) + len(found["mismatched_keys"])
    if missing:
        raise ModelError(
            f"{source} lacks {missing} of its weights, or has them in another shape.",
            "Its weight files do not belong to its config.json; copy or download it again.",
        )
    left = sorted(
        key
        for key in found["unexpected_keys"]
        if _OF_LAYERS.search(key) and not _FOLLOWS.search(key)
    )
    if left:
        raise ModelError(
            f"{source} has {len(left)} weights that its config.json has no place for, such as "
            f"{left[0][:100]}.",
            "Its weight files do not belong to its config.json; copy or download it again.",
        )


@contextmanager
def _reporting(report: Report) -> Iterator[None]:
    """While the block runs, report each weight that has reached its place, quantised.

    transformers wraps that loop in a progress bar, and lets others choose the bar.
    """

    def choose(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("desc") == _LOOP and args and isinstance(args[0], Sized):
            return _counted(args[0], report)
        return factory(*args, **kwargs)

    previous = set_tqdm_hook(choose)
    try:
        yield
    finally:
        set_tqdm_hook(previous)


def _counted(weights: Any, report: Report) -> Iterator[Any]:
    for done, weight in enumerate(weights):
        report(Progress("loading", done, len(weights)))
        yield weight
    report(Progress("loading", len(weights), len(weights)))
