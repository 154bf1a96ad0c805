"""The models that are on this machine already. Imports no torch."""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from llama_ui.engine.gguf.hub import kind_of
from llama_ui.engine.gguf.source import packed_smollm2
from llama_ui.engine.hub.catalogue import Format
from llama_ui.engine.hub.snapshot import weight_files
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS

log = logging.getLogger(__name__)

_MOST = 200  # models that are listed of one place
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class Found:
    """A model on this machine.

    Args:
        id: by which it is chosen; tells nothing of where its folder lies.
        source: as --model takes it.
        name: as people say it.
        format: of its weights.
        size: bytes of them.
        config: its config.json; empty for a GGUF.
    """

    id: str
    source: str
    name: str
    format: Format
    size: int
    config: dict[str, Any]


def find_models(folder: Path | None = None) -> list[Found]:
    """The bundled model, SmolLM2 if its package is installed, what lies in the folder and in its
    folders, and what is whole in the Hub's cache."""
    pocket = _safetensors("pocket", "pocket", "Pocket Llama", Path(MODELS["pocket"]))
    found = [pocket] if pocket else []
    if packed := packed_smollm2():
        size = packed.stat().st_size
        found.append(Found("smollm2", "smollm2", "SmolLM2 135M Instruct", "gguf", size, {}))
    if folder is not None:
        found += _first(_in_folder(folder))
    return found + _first(_in_cache())


def _first(found: Iterable[Found]) -> list[Found]:
    return [model for model, _ in zip(found, range(_MOST), strict=False)]


def _in_folder(root: Path) -> Iterator[Found]:
    try:
        yield from _in_readable_folder(root)
    except OSError as error:
        # Not there any more: the other models are listed all the same.
        log.warning("%s cannot be read: %s", root, error.strerror)


def _in_readable_folder(root: Path) -> Iterator[Found]:
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        for path, size in _gguf_files(folder):
            name = path.relative_to(root).as_posix()
            yield Found(f"folder/{name}", str(path), _PART.sub("", name), "gguf", size, {})
        name = folder.relative_to(root).as_posix()
        called = folder.resolve().name if folder == root else name
        if model := _safetensors(f"folder/{name}", str(folder), called, folder):
            yield model


def _in_cache() -> Iterator[Found]:
    try:
        repos = scan_cache_dir().repos
    except (CacheNotFound, OSError):
        return
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        revision = next((r for r in repo.revisions if "main" in r.refs), None)
        if repo.repo_type != "model" or revision is None:
            continue
        folder, id = revision.snapshot_path, repo.repo_id
        for path, size in _gguf_files(folder):
            source = f"{id}:{kind_of(_PART.sub('.gguf', path.name))}"
            yield Found(source, source, source, "gguf", size, {})
        if model := _safetensors(id, id, id, folder):
            yield model


def _gguf_files(folder: Path) -> Iterator[tuple[Path, int]]:
    """The models of a folder that are whole, by their first part, and their bytes."""
    for path in sorted(folder.glob("*.gguf")):
        part = _PART.search(path.name)
        if "mmproj" in path.name.lower() or (part and part[1] != "00001"):
            continue
        names = [path.name]
        if part:
            stem, count = path.name[: part.start()], int(part[2])
            names = [f"{stem}-{n:05}-of-{part[2]}.gguf" for n in range(1, count + 1)]
        sizes = [file.stat().st_size for file in map(folder.joinpath, names) if file.is_file()]
        if len(sizes) == len(names):
            yield path, sum(sizes)


def _safetensors(id: str, source: str, name: str, folder: Path) -> Found | None:
    """The Llama model in a folder, if there is a whole one."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        if not isinstance(config, dict) or config.get("model_type") != "llama":
            return None
        names = [path.name for path in folder.iterdir() if path.is_file()]
        weights = weight_files(source, folder, names, "model")
        size = sum((folder / file).stat().st_size for file in weights)
    except (OSError, ValueError, RecursionError, ModelError):
        return None
    return Found(id, source, name, "safetensors", size, config)
