"""The folder of a training: what it is about, its checkpoints, and the adapter it ends in.

    tuning.json               of which model, data and recipe it is: only these are gone on with
    checkpoints/checkpoint-N  as transformers saves them; `whole` stands in one when all of it is
    adapter_*.safetensors …   the adapter, put there in one go at the end

A process can be killed at any moment: what is half-written is known as such, and removed.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ChatError
from llama_ui.tuning.dataset import TrainingData

_ABOUT, _WHOLE = "tuning.json", "whole"
_ADAPTER = (
    "adapter_model.safetensors",
    "README.md",
    "adapter_config.json",
)  # written in this order
_KEPT = 3  # checkpoints: the last, the best, and one while a new one is written


@dataclass(frozen=True, slots=True)
class TuningFolder:
    """The folder of one training; made by open_folder."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def mark(self, checkpoint: Path) -> None:
        """Note that all of a checkpoint is written."""
        (checkpoint / _WHOLE).touch()

    def last_checkpoint(self) -> Path | None:
        """The latest that is whole; those that are not are removed."""
        whole = []
        for path in self.checkpoints.glob("checkpoint-*"):
            if (path / _WHOLE).is_file():
                whole.append(path)
            else:
                shutil.rmtree(path, ignore_errors=True)
        return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def keep_adapter(self, save: Callable[[Path], None], card: str) -> None:
        """Put the adapter where `--adapter` finds it, whole or not at all.

        Args:
            save: writes it into the folder that it is given.
            card: its README.md.
        """
        new = self.path / "adapter.new"
        shutil.rmtree(new, ignore_errors=True)
        save(new)
        (new / "README.md").write_text(card, encoding="utf-8")
        for name in _ADAPTER:
            os.replace(new / name, self.path / name)
        shutil.rmtree(new, ignore_errors=True)

    def finish(self) -> None:
        """The adapter is there: what it would take to go on is not needed any more."""
        about = json.loads((self.path / _ABOUT).read_text(encoding="utf-8"))
        _write(self.path / _ABOUT, {**about, "finished": True})
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def is_full(self, size: int) -> bool:
        """Whether so many bytes cannot be written there."""
        probe = self.path / "probe.new"
        try:
            with probe.open("wb") as file:
                for _ in range(-(-size // 2**20)):
                    file.write(bytes(2**20))
        except OSError:
            return True
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
        return False


def open_folder(path: Path, about: Mapping[str, Any], checkpoint_bytes: int) -> TuningFolder:
    """Make the folder, or go on with the training that is there.

    Args:
        about: what the training is about; the same must stand in a folder that is gone on with.
        checkpoint_bytes: what one checkpoint takes.

    Raises:
        ChatError: it holds something else, is finished, cannot be written, or has no room.
    """
    folder = TuningFolder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not (path / _ABOUT).is_file():
            if any(path.iterdir()):
                raise ChatError(
                    f"{path} holds something else already.", "Name a new folder with --output."
                )
            _write(path / _ABOUT, about)
        found = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
        free = shutil.disk_usage(path).free
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ChatError(
            f"{path} cannot be written ({reason}).", "Name another folder with --output."
        ) from error
    except ValueError as error:
        raise ChatError(
            f"{path / _ABOUT} is damaged.", "Remove the folder, or name another with --output."
        ) from error
    if found.pop("finished", False):
        raise ChatError(
            f"The training in {path} is finished already.",
            "Start the page with --adapter, or name another folder with --output.",
        )
    if found != json.loads(json.dumps(about)):
        raise ChatError(
            f"{path} holds another training: of another model, other data or other settings.",
            "Give it the same again, or name another folder with --output.",
        )
    there = len([*folder.checkpoints.glob("checkpoint-*")])
    needed = max(1, _KEPT + 1 - there) * checkpoint_bytes
    if needed > free:
        raise ChatError(
            f"The disk of {path} has {size_in_words(free)} free; checkpoints take up to "
            f"{size_in_words(needed)}.",
            "Make room, or name a folder on another disk with --output.",
        )
    return folder


def fingerprint(data: TrainingData) -> str:
    """Tells one set of rows from another."""
    return sha256(repr((data.train, data.held_out)).encode()).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a file; readers see the one before or this one. Raises OSError, and leaves nothing."""
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=1))
