"""The model that is taught: found, judged before its weights are read, and loaded."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from llama_ui.engine.gguf.source import local_gguf, repository_on_hub
from llama_ui.engine.hub.download import fetch_model
from llama_ui.engine.loading.checkpoint import check_weights, read_config
from llama_ui.engine.loading.loader import Prepared, prepare
from llama_ui.engine.loading.memory import Held
from llama_ui.engine.loading.shape import ModelShape
from llama_ui.engine.loading.weights import load_weights
from llama_ui.engine.progress import Report
from llama_ui.errors import ModelError
from llama_ui.settings import Settings


@dataclass(frozen=True, slots=True)
class Base:
    """A model, before its weights are read.

    Args:
        prepared: what is known of it.
        name: what an adapter calls it: its name on the Hub, or its folder's.
        option: what --model names it by; of a folder only its own name, not those above it.
        held: how its weights are to be held; "none" unpacks those of a quantised checkpoint.
    """

    prepared: Prepared
    name: str
    option: str
    held: Held

    @property
    def called(self) -> tuple[str, str, str]:
        """Every name that an adapter may know it by."""
        return self.prepared.name, str(self.prepared.folder), self.prepared.origin

    def load(self, report: Report) -> PreTrainedModel:
        """Read the weights; raises ModelError when they are not whole, or not its own."""
        check_weights(self.prepared.folder)
        model = load_weights(str(self.prepared.folder), self.prepared.config, self.held, report)
        if self.held == "none" and getattr(model, "is_loaded_in_4bit", False):
            return _unpacked(model)
        return model


def _unpacked(model: Any) -> PreTrainedModel:
    """The model with plain weights: on the 16 values of NF4 no step, and no merged weight, lands.

    One that was quantised once cannot be saved, so the weights move to a new one.
    """
    config = model.config.to_dict()
    del config["quantization_config"]
    plain: PreTrainedModel = AutoModelForCausalLM.from_config(
        LlamaConfig.from_dict(config), dtype=torch.bfloat16
    )
    plain.load_state_dict(model.dequantize().state_dict())
    plain.eval()
    return plain


def find_base(settings: Settings, held: Held, context: int, report: Report) -> Base:
    """The model that the settings name, downloaded if it is on the Hub.

    Args:
        held: how its weights are to be held.
        context: tokens that are needed of its window, where it has so many.

    Raises:
        ModelError: it cannot be had, or is none that can be taught.
    """
    source = settings.model_source
    if settings.server is not None:
        raise ModelError("A model on another server cannot be taught here.", "Leave out --server.")
    if local_gguf(source) is not None or repository_on_hub(source) is not None:
        raise ModelError(
            f"{settings.model} is a GGUF file, which only runs and cannot be taught.",
            "Choose the same model in safetensors.",
        )
    prepared: list[Prepared] = []

    def inspect(folder: Path) -> None:
        window = ModelShape.of(read_config(folder)).context
        length = min(settings.context or context, window)
        prepared.append(prepare(folder, length, settings.model_label, held))

    folder = fetch_model(source, settings.revision, report, inspect)
    name = folder.name if Path(source).expanduser().is_dir() else source
    option = settings.model if settings.model != source else name
    return Base(prepared[-1], name, option, held)


def on_gpu() -> bool:
    """Whether there is a GPU to train on."""
    return torch.cuda.is_available()


def quiet_libraries() -> None:
    """What the libraries say of themselves is for those who call them."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module="trl|peft|torch|transformers")
    for name in ("accelerate", "trl"):
        logging.getLogger(name).setLevel(logging.ERROR)
