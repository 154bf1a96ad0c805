"""Which files make up a model, and whether all of them are there, whole. Imports no torch."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from llama_ui.engine.loading.checkpoint import SERVE_IT, read_adapter, read_checkpoint
from llama_ui.errors import ModelError

Kind = Literal["model", "adapter"]

# Everything that a load reads besides the weights. Never code, never pickled weights.
_SMALL: dict[Kind, frozenset[str]] = {
    "model": frozenset(
        (
            "config.json",
            "generation_config.json",
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer.model",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json",
        )
    ),
    "adapter": frozenset(("adapter_config.json",)),
}
_CONFIG: dict[Kind, str] = {"model": "config.json", "adapter": "adapter_config.json"}
_WEIGHTS: dict[Kind, str] = {"model": "model.safetensors", "adapter": "adapter_model.safetensors"}
_INDEX = "model.safetensors.index.json"
_PICKLED = re.compile(r"\.(bin|pth|pt|ckpt|pkl)$")
_LFS_POINTER = b"version https://git-lfs"

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
    known, single = set(names), _WEIGHTS[kind]
    if single in known:
        return [single]
    try:
        index = json.loads((folder / _INDEX).read_bytes())
        shards = sorted(set(index["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _incomplete(source, f"{_INDEX} cannot be read") from error
    missing = [shard for shard in shards if shard not in known]
    if missing or not shards:
        raise _incomplete(source, f"{missing[0] if missing else 'every weight'} is missing")
    return shards


def check_snapshot(folder: Path, kind: Kind = "model") -> None:
    """Raises ModelError unless the folder holds a model of which nothing is missing or cut."""
    for path in folder.iterdir():
        if path.is_file() and (path.name in _SMALL[kind] or path.suffix == ".safetensors"):
            _check_arrived(path)
    if kind == "model":
        read_checkpoint(folder)
    else:
        read_adapter(folder)


def _check_format(source: str, names: set[str], kind: Kind) -> None:
    weights = {_WEIGHTS[kind], _INDEX} if kind == "model" else {_WEIGHTS[kind]}
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
            f"{source} holds weights for llama.cpp (GGUF), which this page does not read.",
            SERVE_IT,
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


def _check_arrived(path: Path) -> None:
    """A file that is empty, a text that was cut, or what git leaves in its place."""
    with path.open("rb") as file:
        start = file.read(len(_LFS_POINTER))
    if start == _LFS_POINTER:
        raise ModelError(
            f"{path} is only a Git LFS pointer: the file itself was never fetched.",
            "Install git-lfs and run `git lfs pull` in that folder.",
        )
    try:
        if not start:
            raise ValueError("it is empty")
        if path.suffix == ".json":
            json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(
            f"{path} is damaged ({error}).", "Delete this file, and copy or download it again."
        ) from error


def _incomplete(source: str, what: str) -> ModelError:
    return ModelError(
        f"{source} does not hold a complete model ({what}).",
        "It needs config.json, the tokenizer files and *.safetensors; copy or download it again.",
    )
