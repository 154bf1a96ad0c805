"""What the Hugging Face Hub and its cache on this disk hold. Imports no torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the Hub lists it.

    Args:
        size: in bytes.
        sha256: of a large file (Git LFS); None for a small one.
        git_id: SHA-1 of a small file in git's manner.
    """

    size: int
    sha256: str | None
    git_id: str | None

    def matches(self, path: Path) -> bool:
        """Whether the file on disk is this one, by its bytes."""
        if path.stat().st_size != self.size:
            return False
        if self.sha256 is not None:
            return _digest(path, hashlib.sha256()) == self.sha256
        framed = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        return self.git_id in (None, _digest(path, framed))


@dataclass(frozen=True, slots=True)
class Listing:
    """One state of a repository.

    Args:
        commit: its full commit hash.
        files: by their path in it.
        is_gated: whether access must be granted.
    """

    commit: str
    files: dict[str, HubFile]
    is_gated: bool


def look_up(source: str, revision: str | None) -> Listing:
    """Ask the Hub for a model's files; raises what huggingface_hub and the network raise."""
    timeout = constants.HF_HUB_ETAG_TIMEOUT
    info = HfApi().model_info(source, revision=revision, files_metadata=True, timeout=timeout)
    files = {
        file.rfilename: HubFile(file.size or 0, file.lfs.sha256 if file.lfs else None, file.blob_id)
        for file in info.siblings or ()
    }
    return Listing(str(info.sha), files, bool(info.gated))


def cached_file(source: str, name: str, revision: str | None) -> Path | None:
    """Where a file lies in the cache; None when it is not there."""
    path = try_to_load_from_cache(source, name, revision=revision)
    return Path(path) if isinstance(path, str) else None


def cached_folder(source: str, revision: str | None) -> Path | None:
    """The folder with what is cached of a revision; None when nothing is."""
    try:
        return Path(snapshot_download(source, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def discard(path: Path) -> None:
    """Remove a damaged file from the cache: its name in the snapshot, and its bytes."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


def remove_leftovers(source: str) -> None:
    """Remove what downloads of a model left when they were killed.

    huggingface_hub writes each download under a new name, so that it can never be resumed. One
    that another program is writing at this moment is locked, and left alone.
    """
    folder = repo_folder_name(repo_id=source, repo_type="model")
    for path in [*(Path(constants.HF_HUB_CACHE) / folder / "blobs").glob("*.incomplete")]:
        lock = Path(constants.HF_HUB_CACHE) / ".locks" / folder / f"{path.name.split('.')[0]}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with WeakFileLock(lock, timeout=0.1):
                path.unlink(missing_ok=True)
        except TimeoutError:
            continue


def _digest(path: Path, hasher: "hashlib._Hash") -> str:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()
