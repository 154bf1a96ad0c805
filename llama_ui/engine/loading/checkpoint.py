"""What a folder with a model holds, looked at before anything of it is loaded. No torch."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llama_ui.errors import ModelError

SERVE_IT = "Serve it with vLLM or llama.cpp, and start this page with --server URL."
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_MOST_HEADER = 100_000_000  # bytes, as safetensors itself allows


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """The config.json of a complete, safe checkpoint of the Llama architecture.

    Raises:
        ModelError: says what is missing, damaged, unsafe or not supported.
    """
    if next(folder.glob("*.gguf"), None) and not next(folder.glob("*.safetensors"), None):
        raise gguf(folder)
    config = _read_json(folder, "config.json")
    check_supported(str(folder), config)
    _check_weights(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        raise ModelError(
            f"The folder {folder} has no tokenizer (tokenizer.json or tokenizer.model).",
            "Copy it from where the weights come from.",
        )
    return config


def read_adapter(folder: Path) -> dict[str, Any]:
    """The adapter_config.json of a complete, safe LoRA adapter, as peft saves it.

    Raises:
        ModelError: says what is missing, damaged, unsafe or not supported.
    """
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"There is no adapter in {folder}: it has no adapter_config.json.",
            "Choose the folder that peft saved it in.",
        )
    config = _read_json(folder, "adapter_config.json")
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
    check_weight_file(folder / ADAPTER_WEIGHTS)
    return config


def check_supported(name: str, config: Mapping[str, Any]) -> None:
    """Refuse, by its config.json, what this page cannot run; raises ModelError."""
    kind = config.get("model_type")
    if kind != "llama":
        raise ModelError(
            f"{name} is a {kind!r} model; this page runs the Llama architecture.", SERVE_IT
        )
    saved = config.get("quantization_config") or {}
    method = str(saved.get("quant_method", "bitsandbytes"))
    if method != "bitsandbytes":
        raise ModelError(
            f"{name} is quantised by {method.upper()}; this page runs plain checkpoints and those "
            "of bitsandbytes.",
            SERVE_IT,
        )


def gguf(path: Path) -> ModelError:
    """The refusal of llama.cpp's format."""
    return ModelError(f"{path} is in the GGUF format of llama.cpp, not in safetensors.", SERVE_IT)


def _check_weights(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        files = sorted(set(_read_json(folder, index.name).get("weight_map", {}).values()))
    else:
        files = sorted(path.name for path in folder.glob("*.safetensors"))
    if not files:
        pickles = [path.name for pattern in _PICKLES for path in folder.glob(pattern)]
        if pickles:
            raise ModelError(
                f"The folder {folder} has its weights only as {pickles[0]}: a pickle, which can "
                "run any program when it is opened, so it is not.",
                "Get the model as *.safetensors, or convert it where you trust it.",
            )
        raise ModelError(
            f"The folder {folder} has no weights (*.safetensors).", "Copy or download it again."
        )
    for name in files:
        check_weight_file(folder / name)


def check_weight_file(path: Path) -> None:
    """A file of safetensors says in its first bytes how long it is (safetensors' format)."""
    if not path.is_file():
        raise ModelError(
            f"The folder {path.parent} lacks {path.name}.", "Copy or download it again."
        )
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, _MOST_HEADER):
                raise ValueError("its header is cut off")
            header = json.loads(file.read(length))
        ends = [item["data_offsets"][1] for name, item in header.items() if name != "__metadata__"]
        wanted = 8 + length + max(ends, default=0)
        if wanted != size:
            raise ValueError(f"it has {size:,} bytes, not {wanted:,}")
    except (struct.error, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ModelError(
            f"{path} is damaged ({error}).", "Delete this file, and copy or download it again."
        ) from error


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise ModelError(
            f"The folder {folder} holds no model: it has no {name}.",
            "Choose the folder that holds config.json, the tokenizer and *.safetensors.",
        )
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is damaged ({error}).", "Delete this file, and copy or download it again."
        ) from error
    return value
