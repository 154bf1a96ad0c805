"""python app.py --merge DIR --model NAME --adapter NAME: a whole checkpoint with the adapter in it.

In bfloat16, in shards of safetensors, with the tokenizer's files and a card. This application,
transformers and vLLM load it like any other model.
"""

import json
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

import psutil
import torch
from peft import PeftModel

from llama_ui.engine.hub.download import fetch_adapter
from llama_ui.engine.loading.adapter import put_adapter
from llama_ui.engine.loading.checkpoint import INDEX, SMALL_FILES
from llama_ui.engine.loading.shape import HALF, ModelShape
from llama_ui.engine.progress import ProgressLine, size_in_words
from llama_ui.errors import ChatError, ModelError
from llama_ui.settings import Settings
from llama_ui.tuning.base import Base, find_base, quiet_libraries
from llama_ui.tuning.card import merged_card

_SHARD = "4GB"
_TERMS = ("LICENSE*", "USE_POLICY*", "NOTICE*")
_CONTEXT = 64  # nothing is served, so hardly any window is needed


def merge(settings: Settings) -> int:
    """Write the merged checkpoint; returns the exit code.

    Raises:
        ChatError: says what is wrong with the model, the adapter, or the room for them.
    """
    assert settings.merge is not None
    assert settings.adapter is not None
    out = Path(settings.merge).expanduser()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ChatError(f"{out} is there already.", "Name a new folder with --merge.")
    quiet_libraries()
    line = ProgressLine(sys.stderr)
    base = find_base(settings, "none", _CONTEXT, lambda moment: line(settings.model_label, moment))
    adapter = fetch_adapter(settings.adapter)
    _check_room(base, out)
    model: Any = base.load(lambda moment: line(base.prepared.name, moment))
    adapted = put_adapter(model, adapter, base.called)
    new = out.with_name(f"{out.name}-{secrets.token_hex(4)}")
    try:
        _write(adapted, base, adapter, new)
        os.replace(new, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    print(
        f"{base.name} with {adapter.name} is in {out}. Start it with: python app.py --model {out}"
    )
    return 0


def _unwritable(out: Path, error: OSError) -> ChatError:
    reason = error.strerror or str(error)
    return ChatError(
        f"{out} cannot be written ({reason[:200]}).", "Make room, or name another folder."
    )


def _write(adapted: PeftModel, base: Base, adapter: Path, folder: Path) -> None:
    """Merge, and write everything that a checkpoint needs."""
    source = base.prepared.folder
    try:
        merged: Any = adapted.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise ModelError(
            f"The adapter {adapter.name} is broken: merged, it gives no numbers.", "Train it again."
        ) from error
    merged.to(torch.bfloat16).save_pretrained(str(folder), max_shard_size=_SHARD)
    for path in sorted(source.iterdir()):
        is_text = path.name in SMALL_FILES - {"config.json", INDEX}
        if is_text or any(path.match(pattern) for pattern in _TERMS):
            shutil.copyfile(path, folder / path.name)
    # The terms of a model are known by its name.
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["_name_or_path"] = base.prepared.origin or base.name
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    card = merged_card(base.name, adapter.name, base.called)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _check_room(base: Base, out: Path) -> None:
    """Raises ModelError where memory or disk cannot hold the model in bfloat16."""
    size = ModelShape.of(base.prepared.config.to_dict()).parameters * HALF
    memory = psutil.virtual_memory().available
    disk = shutil.disk_usage(next(p for p in out.absolute().parents if p.exists())).free
    for place, free in (("memory", memory), ("disk space", disk)):
        if size > free:
            raise ModelError(
                f"{base.prepared.name} takes {size_in_words(size)} of {place} in bfloat16; "
                f"{size_in_words(free)} are free.",
                "Merge it on a larger machine, or start the page with --adapter instead.",
            )
