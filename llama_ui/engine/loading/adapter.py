"""A LoRA adapter on a loaded model, unmerged (Hu et al. 2021; Dettmers et al. 2023 on 4-bit)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llama_ui.engine.loading.checkpoint import read_adapter
from llama_ui.errors import ModelError
from llama_ui.installation import how_to_install

_WEIGHT = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")


def put_adapter(model: Any, folder: Path, base_names: tuple[str, ...]) -> Any:
    """Put the adapter on the layers of the model, in place; they are not merged.

    Args:
        model: a LlamaForCausalLM, quantised or not.
        folder: with adapter_config.json and adapter_model.safetensors, as peft saves them.
        base_names: what the model is called.

    Returns:
        The same model as peft holds it.

    Raises:
        ModelError: peft is not installed, or the adapter is broken or for another model.
    """
    try:
        from peft import PeftModel
    except ImportError as error:
        raise ModelError("--adapter needs the package peft.", how_to_install("adapters")) from error
    config, shapes = read_adapter(folder)
    _check_base(folder, config, base_names)
    _check_shapes(folder, shapes, model)
    try:
        return PeftModel.from_pretrained(model, str(folder), is_trainable=False).eval()
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The adapter {folder.name} could not be put on the model ({first[:200]}).",
            "Make it again for this model, or start without --adapter.",
        ) from error


def _check_base(folder: Path, config: Mapping[str, Any], base_names: tuple[str, ...]) -> None:
    made_for = str(config.get("base_model_name_or_path") or "")
    known = {_last(name) for name in base_names if name}
    if made_for and _last(made_for) not in known:
        raise ModelError(
            f"The adapter {folder.name} was made for {made_for}, not for {base_names[0]}.",
            f"Start with --model {made_for}, or choose another adapter.",
        )


def _last(name: str) -> str:
    return name.rstrip("/\\").replace("\\", "/").rpartition("/")[2].lower()


def _check_shapes(folder: Path, shapes: Mapping[str, list[int]], model: Any) -> None:
    """Each pair of matrices must fit the layer that it names."""
    for key, shape in shapes.items():
        found = _WEIGHT.fullmatch(key)
        if found is None or len(shape) != 2:
            continue
        try:
            layer = model.get_submodule(found[1])
        except AttributeError:
            layer = None
        has, wanted = (shape[1], "in_features") if found[2] == "A" else (shape[0], "out_features")
        if layer is None or getattr(layer, wanted, has) != has:
            raise ModelError(
                f"The adapter {folder.name} does not fit this model: {found[1]} has another shape "
                "there, or is not there at all.",
                "Choose the model that it was made for.",
            )
