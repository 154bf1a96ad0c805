"""Where the data of a training lies: in files here, or in a dataset of the Hugging Face Hub.

Of a dataset the files of its training split are taken, as they are: JSON, JSON Lines or Parquet.
Code that lies beside them is never run.
"""

import glob
import re
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from llama_ui.engine.hub.download import check_room
from llama_ui.engine.hub.faults import explain, is_unknown
from llama_ui.errors import ChatError
from llama_ui.tuning.packages import check_packages
from llama_ui.tuning.readers import TOO_LARGE, Dialog, Skipped, read_file, read_rows

_KINDS = (".jsonl", ".json", ".parquet")
_OTHER_SPLIT = re.compile(r"(^|[/_.-])(test|valid|validation|eval|dev)([/_.-]|$)", re.IGNORECASE)


def read_files(names: Iterable[str]) -> tuple[list[Dialog], list[Skipped]]:
    """The dialogs of some files or datasets, in their order, and what had to be left out.

    Raises:
        ChatError: something cannot be found or read, or nothing in it can be learned.
    """
    dialogs: list[Dialog] = []
    skipped: list[Skipped] = []
    for name in names:
        found: list[Dialog] = []
        left_out: list[Skipped] = []
        for path in _files_of(name):
            more, others = _read_parquet(path) if path.suffix == ".parquet" else read_file(path)
            found += more
            left_out += others
        if not found:
            first = f" ({left_out[0].place}: {left_out[0].reason})" if left_out else ""
            raise ChatError(
                f"There is nothing to learn from in {name}{first}.",
                "Make a file with chats: docs/tuning.md names the formats.",
            )
        dialogs += found
        skipped += left_out
    return dialogs, skipped


def _files_of(name: str) -> list[Path]:
    path = Path(name).expanduser()
    # Where the folder is here, the file was meant to be, too.
    is_here = path.exists() or path.parent.is_dir()
    return [path] if is_here or not _is_id(name) else _fetched(name)


def _is_id(name: str) -> bool:
    """Whether it can name a dataset of the Hub: someone/dataset."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return "/" in name and not name.endswith(_KINDS)


def _fetched(name: str) -> list[Path]:
    """The files of a dataset's training split, downloaded into the Hub's cache."""
    try:
        info = HfApi().dataset_info(
            name, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        files = _training_files(sizes)
        if not files:
            raise ChatError(
                f"The dataset {name} has no JSON and no Parquet files.", "Choose another one."
            )
        size = sum(sizes[file] for file in files)
        if size > TOO_LARGE:
            raise ChatError(f"{name} is too large to be read at once.", "Choose a smaller one.")
        check_room(name, size)
        folder = snapshot_download(
            name,
            repo_type="dataset",
            revision=info.sha,
            allow_patterns=[glob.escape(file) for file in files],
        )
    except ChatError:
        raise
    except Exception as error:
        fault: ChatError = explain(name, None, error)
        if is_unknown(error):
            fault = ChatError(
                f"There is no file {name} here, and no such dataset on the Hugging Face Hub.",
                "Check its name, capitals included; a private dataset needs `hf auth login`.",
            )
        raise fault from error
    return [Path(folder, file) for file in files]


def _training_files(names: Iterable[str]) -> list[str]:
    data = [
        name
        for name in sorted(names)
        if name.endswith(_KINDS) and not Path(name).name.startswith("dataset_info")
    ]
    named = [name for name in data if "train" in name.lower()]
    return named or [name for name in data if not _OTHER_SPLIT.search(name)]


def _read_parquet(path: Path) -> tuple[list[Dialog], list[Skipped]]:
    check_packages()
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            rows = [row for batch in file.iter_batches() for row in batch.to_pylist()]
    except (ArrowException, OSError, ValueError) as error:
        raise ChatError(
            f"{path.name} is no Parquet file that can be read.", "Make it again."
        ) from error
    return read_rows((f"{path.name}, row {number}", row) for number, row in enumerate(rows, 1))
