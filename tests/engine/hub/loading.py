"""Faults of models that are whole: too large, or asked for what they cannot do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.loading.memory import what_fits
from llama_ui.engine.loading.shape import LLAMA_2
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS, ROOT

HEADING = "Memory, adapters, longer contexts"
ADAPTER = "pirate-adapter"
GB = 10**9


def _memory(name: str, gigabytes: int, **wanted: int) -> Callable[[Path], ModelError | None]:
    return lambda folder: what_fits(name, LLAMA_2[name], gigabytes * GB, **wanted)


def _loading(
    change: Callable[[Path], object] = lambda adapter: None, **options: str
) -> Callable[[Path], ModelError | None]:
    """Loads Pocket Llama with a copy of its adapter that was changed, or with other options."""

    def load(folder: Path) -> ModelError | None:
        adapter = shutil.copytree(ROOT / "assets" / ADAPTER, folder / ADAPTER)
        change(adapter)
        try:
            load_model(MODELS["pocket"], **(options or {"adapter": str(adapter)}))
        except ModelError as fault:
            return fault
        finally:
            shutil.rmtree(adapter)
        return None

    return load


def _edit(**changes: str) -> Callable[[Path], object]:
    def edit(adapter: Path) -> None:
        path = adapter / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def _pickle(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")


def _cut(adapter: Path) -> None:
    path = adapter / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def _empty(adapter: Path) -> None:
    (adapter / "adapter_config.json").unlink()


# Title, a part of what must be said, and what makes it happen in an empty folder.
LOADING: list[tuple[str, str, Callable[[Path], ModelError | None]]] = [
    ("13b with 12 GB", "--context 2048 it fits", _memory("13b", 12)),
    ("16 slots of 7b with 16 GB", "It fits with --slots", _memory("7b", 16, slots=16)),
    ("70b with 24 GB", "--model 13b", _memory("70b", 24)),
    ("13b with 4 GB", "--model pocket", _memory("13b", 4)),
    ("--rope without a longer context", "nothing to stretch", _loading(rope="dynamic")),
    (
        "an adapter for another model",
        "was made for meta-llama/Llama-2-7b-hf",
        _loading(_edit(base_model_name_or_path="meta-llama/Llama-2-7b-hf")),
    ),
    ("an adapter that is no LoRA", "runs LoRA", _loading(_edit(peft_type="PREFIX_TUNING"))),
    ("a pickled adapter", "can run any program", _loading(_pickle)),
    ("a damaged adapter", "is damaged", _loading(_cut)),
    ("a folder without an adapter", "no adapter_config.json", _loading(_empty)),
]


def spoken(fault: ModelError | None) -> dict[str, str]:
    """The fault as the tables of the Hub's have it."""
    assert fault is not None
    return {"problem": fault.problem, "next_step": fault.next_step}
