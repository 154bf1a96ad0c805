"""The files of a model: which ones they are, and whether each is whole. No torch.

One rule for folders and for the Hub, the one by which transformers finds the weights.
"""

import json
import struct
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from llama_ui.engine.loading.config import SERVE_IT
from llama_ui.errors import ModelError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
# Everything that a load reads besides the weights. Never code, never pickled weights.
SMALL_FILES = frozenset(
    (
        *("config.json", "generation_config.json", INDEX),
        *("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"),
        *("added_tokens.json", "vocab.json", "merges.txt"),
        *("chat_template.jinja", "chat_template.json"),
    )
)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_LFS_POINTER = b"version https://git-lfs"
_MOST_HEADER = 100_000_000  # bytes, as safetensors itself allows
_AGAIN = "Copy or download it again."


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a folder with a model; raises ModelError without one, or a whole one."""
    if folder.suffix == ".gguf" or (
        next(folder.glob("*.gguf"), None) and not next(folder.glob("*.safetensors"), None)
    ):
        raise gguf(folder)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"The folder {folder} holds no model: it has no config.json.",
            "Choose the folder that holds config.json, the tokenizer and *.safetensors.",
        )
    return read_json(folder / "config.json")


def check_small_files(folder: Path) -> None:
    """Look at every file of a model that a load reads besides config.json and the weights.

    Raises:
        ModelError: says what is missing or damaged.
    """
    names = {path.name for path in folder.iterdir() if path.is_file()} & SMALL_FILES
    if not names & {"tokenizer.json", "tokenizer.model"}:
        raise ModelError(
            f"The folder {folder} has no tokenizer (tokenizer.json or tokenizer.model).",
            "Copy it from where the weights come from.",
        )
    for name in sorted(names - {"config.json", INDEX}):
        if name.endswith(".json"):
            read_json(folder / name)
        else:
            _check_start(folder / name)


def check_weights(folder: Path) -> None:
    """Raises ModelError unless all weights of a model are there, whole and safe."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    for name in weight_files(f"The folder {folder}", folder, names):
        read_weight_shapes(folder / name)


def weight_files(source: str, folder: Path, names: Collection[str]) -> list[str]:
    """The files with the weights of a model: model.safetensors, or else those of its index.

    Args:
        source: what the model is called, for faults.
        folder: where its index lies.
        names: of all its files, relative to that folder.

    Raises:
        ModelError: there are none in this format, or the index is broken or unsafe.
    """
    if WEIGHTS in names:
        return [WEIGHTS]
    if INDEX in names:
        return _shards(source, folder / INDEX)
    if ADAPTER_WEIGHTS in names:
        raise ModelError(
            f"{source} is an adapter, not a whole model.",
            "Name the model that it was made for with --model, and this one with --adapter.",
        )
    pickles = [n for n in sorted(names) for p in _PICKLES if PurePosixPath(n).match(p)]
    if pickles:
        raise ModelError(
            f"{source} has its weights only as {pickles[0]}: a pickle, which can run any program "
            "when it is opened, so it is not.",
            "Get the model as *.safetensors, or convert it where you trust it.",
        )
    raise ModelError(
        f"{source} has no weights: neither {WEIGHTS} nor {INDEX}.", "Copy or download it again."
    )


def _shards(source: str, path: Path) -> list[str]:
    weights = read_json(path).get("weight_map")
    if not isinstance(weights, Mapping) or not weights:
        raise ModelError(f"{path} is damaged (it names no files).", _AGAIN)
    for name in weights.values():
        # What it names is read as weights: nothing else, and nothing from outside the folder.
        place = PurePosixPath(str(name))
        is_inside = not place.is_absolute() and ".." not in place.parts and "\\" not in str(name)
        if not isinstance(name, str) or not is_inside or place.suffix != ".safetensors":
            raise ModelError(
                f"{source} cannot be trusted: its index {INDEX} names {str(name)[:100]!r} as a "
                "file with weights.",
                "Get the model from the place where its authors publish it.",
            )
    return sorted(set(weights.values()))


def read_adapter(folder: Path) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The adapter_config.json of a complete, safe LoRA adapter as peft saves it, and the shapes of
    its weights by their names.

    Raises:
        ModelError: says what is missing, damaged, unsafe or not supported.
    """
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"There is no adapter in {folder}: it has no adapter_config.json.",
            "Choose the folder that peft saved it in.",
        )
    config = read_json(folder / "adapter_config.json")
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(
            f"The adapter {folder.name} is of the kind {kind!r}; this page runs LoRA.",
            "Choose a LoRA adapter, or start without --adapter.",
        )
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise ModelError(
            f"The adapter {folder.name} has no {ADAPTER_WEIGHTS}; a pickle (*.bin) can run any "
            "program when it is opened, so it is not.",
            "Save it again with a newer peft.",
        )
    return config, read_weight_shapes(folder / ADAPTER_WEIGHTS)


def gguf(path: Path) -> ModelError:
    """The refusal of llama.cpp's format."""
    return ModelError(f"{path} is in the GGUF format of llama.cpp, not in safetensors.", SERVE_IT)


def read_weight_shapes(path: Path) -> dict[str, list[int]]:
    """The shape of each tensor in a file of safetensors, which must be as long as its header says
    (github.com/huggingface/safetensors, Format); raises ModelError."""
    if not path.is_file():
        raise ModelError(
            f"The folder {path.parent} lacks {path.name}.", "Copy or download it again."
        )
    _check_start(path)
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _MOST_HEADER):
                raise ValueError("its header is cut off")
            header = json.loads(file.read(length))
        tensors = {name: item for name, item in header.items() if name != "__metadata__"}
        ends = [item["data_offsets"][1] for item in tensors.values()]
        wanted = 8 + length + max(ends, default=0)
        if wanted != size:
            raise ValueError(f"it has {size:,} bytes, not {wanted:,}")
        return {name: [*item["shape"]] for name, item in tensors.items()}
    except ValueError as error:
        raise _damaged(path, error) from error
    except (struct.error, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise _damaged(path, "its header cannot be read") from error


def read_json(path: Path) -> dict[str, Any]:
    """A file with a JSON object; raises ModelError when it is none."""
    _check_start(path)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("not an object")
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    return value


def _check_start(path: Path) -> None:
    """Raises ModelError for a file that is empty, or what git leaves in its place."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}).", "Give yourself the right to read it."
        ) from error
    if start == _LFS_POINTER:
        raise ModelError(
            f"{path} is only a Git LFS pointer: the file itself was never fetched.",
            "Install git-lfs and run `git lfs pull` in that folder.",
        )
    if not start:
        raise _damaged(path, "it is empty")


def _damaged(path: Path, error: Exception | str) -> ModelError:
    return ModelError(
        f"{path} is damaged ({str(error)[:200]}).",
        "Delete this file, and copy or download it again.",
    )
