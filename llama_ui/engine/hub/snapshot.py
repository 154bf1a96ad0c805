"""Which files make up a model, and whether all of them are there, whole. Imports no torch."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from llama_ui.engine.loading import checkpoint
from llama_ui.engine.loading.checkpoint import ADAPTER_WEIGHTS, INDEX, WEIGHTS, read_adapter
from llama_ui.engine.loading.config import SERVE_IT, check_supported
from llama_ui.errors import ModelError

Kind = Literal["model", "adapter"]

_SMALL: dict[Kind, frozenset[str]] = {
    "model": checkpoint.SMALL_FILES,
    "adapter": frozenset(("adapter_config.json",)),
}
_CONFIG: dict[Kind, str] = {"model": "config.json", "adapter": "adapter_config.json"}
_WEIGHTS: dict[Kind, str] = {"model": WEIGHTS, "adapter": ADAPTER_WEIGHTS}
_PICKLED = re.compile(r"\.(bin|pth|pt|ckpt|pkl)$")

_MORE = "Choose a repository with safetensors, for example --model 7b."


def small_files(source: str, names: Iterable[str], kind: Kind) -> list[str]:
    """What is needed besides the weights, the config first.

    Args:
        source: the Hub id, for what is said about it.
        names: all files of it, relative to its root.

    Raises:
        ModelError: something else than such a model lies there.
    """
    known = {name for name in names if "/" not in name}
    _check_format(source, known, kind)
    config = _CONFIG[kind]
    return [config, *sorted((_SMALL[kind] & known) - {config})]


def weight_files(source: str, folder: Path, names: Iterable[str], kind: Kind) -> list[str]:
    """The files with weights: one, or those that the index names.

    Args:
        folder: where the small files lie already.

    Raises:
        ModelError: the index is broken, or names files that are not there.
    """
    known = set(names)
    found = checkpoint.weight_files(source, folder, known) if kind == "model" else [ADAPTER_WEIGHTS]
    missing = [name for name in found if name not in known]
    if missing:
        raise _incomplete(source, f"{missing[0]} is missing")
    return found


def check_snapshot(folder: Path, kind: Kind = "model") -> None:
    """Raises ModelError unless the folder holds a model of which nothing is missing or cut, and
    which this page can run."""
    if kind == "model":
        check_supported(str(folder), checkpoint.read_config(folder))
        checkpoint.check_small_files(folder)
        checkpoint.check_weights(folder)
    else:
        read_adapter(folder)


def _check_format(source: str, names: set[str], kind: Kind) -> None:
    weights = {_WEIGHTS[kind], INDEX} if kind == "model" else {_WEIGHTS[kind]}
    if not names & weights:
        raise _without_weights(source, names)
    if names & {"quantize_config.json", "quant_config.json"}:
        raise ModelError(
            f"{source} is quantised by GPTQ or AWQ; this page runs checkpoints of bitsandbytes.",
            SERVE_IT,
        )
    if _CONFIG[kind] not in names:
        raise _incomplete(source, f"{_CONFIG[kind]} is missing")
    if kind == "model" and not names & {"tokenizer.json", "tokenizer.model"}:
        raise ModelError(
            f"{source} has no tokenizer: neither tokenizer.json nor tokenizer.model.",
            "Choose a repository that has one, often that of the original model.",
        )


def _without_weights(source: str, names: set[str]) -> ModelError:
    """Why there are no weights that this application would read."""
    if _WEIGHTS["adapter"] in names:
        return ModelError(
            f"{source} is an adapter, not a whole model.",
            f"Name the model that it was made for, with --adapter {source}.",
        )
    if any(name.endswith(".gguf") for name in names):
        return ModelError(
            f"{source} has its weights as GGUF files, for llama.cpp.",
            f"Name the one that you want by its quantisation: --model {source}:Q4_K_M.",
        )
    if any(name.endswith(".safetensors") and "gptq" in name.lower() for name in names):
        return ModelError(
            f"{source} is quantised by GPTQ; this page runs checkpoints of bitsandbytes.",
            SERVE_IT,
        )
    if any(_PICKLED.search(name) for name in names):
        return ModelError(
            f"{source} has its weights as Python pickles only; loading one can run any code.",
            _MORE,
        )
    return ModelError(f"{source} holds no weights in the safetensors format.", _MORE)


def _incomplete(source: str, what: str) -> ModelError:
    return ModelError(
        f"{source} does not hold a complete model ({what}).",
        "It needs config.json, the tokenizer files and *.safetensors; copy or download it again.",
    )
