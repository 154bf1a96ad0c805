"""Bring a model from the Hugging Face Hub to this disk, whole, or say why not. Imports no torch.

huggingface_hub downloads into its cache, where other programs find the files too. A file gets its
name there only when all of it has arrived, so a killed download keeps the finished files and
begins the others again.
"""

import glob
import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, RevisionResolutionError
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    WeakFileLock,
    tqdm,
    validate_repo_id,
)

from llama_ui.engine.hub.faults import damaged, disk_full, explain, no_such_model
from llama_ui.engine.hub.snapshot import Kind, small_files, weight_files
from llama_ui.engine.loading.checkpoint import gguf
from llama_ui.engine.progress import Progress, Report, ignore, size_in_words
from llama_ui.errors import ModelError

log = logging.getLogger(__name__)

_SPEED_WINDOW_S = 5.0
Inspect = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """One state of a repository.

    Args:
        commit: its full commit hash.
        sizes: in bytes, by the path of a file in it.
        is_gated: whether access must be granted.
    """

    commit: str
    sizes: dict[str, int]
    is_gated: bool


def fetch_model(
    source: str,
    revision: str | None = None,
    report: Report = ignore,
    inspect: Inspect = lambda folder: None,
) -> Path:
    """The folder of a model: the source itself as it is, or a complete one in the cache.

    Args:
        source: a local folder, or a Hub id such as "meta-llama/Llama-2-7b-chat-hf".
        revision: branch, tag or commit on the Hub; by default its main branch.
        report: is told how far the download is.
        inspect: called once with the folder when its config and tokenizer are there but the
            weights may not be yet; what it raises ends the download before it costs anything.

    Raises:
        ModelError: says what is wrong and what to do.
    """
    return _fetch(source, revision, report, inspect, "model")


def fetch_adapter(source: str, revision: str | None = None, report: Report = ignore) -> Path:
    """The folder of a LoRA adapter; as fetch_model."""
    return _fetch(source, revision, report, lambda folder: None, "adapter")


def _fetch(source: str, revision: str | None, report: Report, inspect: Inspect, kind: Kind) -> Path:
    report(Progress("checking"))
    folder = local_folder(source, kind)
    if folder is not None:
        if revision is not None:
            raise ModelError(f"{source} is a folder; it has no revisions.", "Omit --revision.")
        inspect(folder)
        return folder
    try:
        _remove_leftovers(source)
        listing = look_up(source, revision)
    except Exception as error:
        fault = explain(source, revision, error)
        return _cached_copy(source, revision, kind, fault, inspect)
    try:
        folder = fetch_small_files(source, revision, listing, kind)
        inspect(folder)
        names = weight_files(source, folder, listing.sizes, kind)
        check_room(source, sum(listing.sizes[name] for name in missing(source, names, listing)))
        _fetch_files(source, names, listing, listing.commit, report)
    except ModelError:
        raise
    except Exception as error:
        raise explain(source, revision, error) from error
    return folder


def fetch_files(
    source: str,
    revision: str | None,
    report: Report,
    choose: Callable[[Mapping[str, int]], Sequence[str]],
) -> list[Path]:
    """Some files of a repository, whole, in the cache; those there already where the Hub cannot be
    asked.

    Args:
        choose: given the size of each file that there is, in bytes, names those that are wanted.

    Raises:
        ModelError: says what is wrong and what to do, or what choose says.
    """
    report(Progress("checking"))
    try:
        _remove_leftovers(source)
        listing = look_up(source, revision)
    except Exception as error:
        fault = explain(source, revision, error)
        folder = _cached_folder(source, revision)
        files = (path for path in folder.rglob("*") if path.is_file()) if folder else ()
        sizes = {str(path.relative_to(folder or "")): path.stat().st_size for path in files}
        try:
            names = choose(sizes)
        except ModelError:
            raise fault from None
        log.warning("%s The copy of %s on this machine is used.", fault.problem, source)
    else:
        names = choose(listing.sizes)
        try:
            check_room(source, sum(listing.sizes[n] for n in missing(source, names, listing)))
            at = revision or constants.DEFAULT_REVISION
            folder = _fetch_files(source, names, listing, at, report)
        except ModelError:
            raise
        except Exception as error:
            raise explain(source, revision, error) from error
    return [Path(folder or "", name) for name in names]


def _cached_folder(source: str, revision: str | None) -> Path | None:
    """The folder with what is cached of a revision; None when nothing is."""
    try:
        commit = HfApi().resolve_revision(source, revision=revision, local_files_only=True)
    except (RevisionResolutionError, OSError):
        return None
    repository = repo_folder_name(repo_id=source, repo_type="model")
    return Path(constants.HF_HUB_CACHE, repository, "snapshots", commit.resolved)


def local_folder(source: str, kind: Kind = "model") -> Path | None:
    """The folder that a source names; None when it can only be a Hub id; raises ModelError."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise gguf(folder) if folder.suffix == ".gguf" else no_such_model(source, kind)
    try:
        validate_repo_id(source)
    except HFValidationError:
        raise no_such_model(source, kind) from None
    return None


def look_up(source: str, revision: str | None) -> Listing:
    """Ask the Hub for a model's files; raises what huggingface_hub and the network raise."""
    timeout = constants.HF_HUB_ETAG_TIMEOUT
    info = HfApi().model_info(source, revision=revision, files_metadata=True, timeout=timeout)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    return Listing(str(info.sha), sizes, bool(info.gated))


def cached_file(source: str, name: str, revision: str | None) -> Path | None:
    """Where a file lies in the cache; None when it is not there."""
    path = try_to_load_from_cache(source, name, revision=revision)
    return Path(path) if isinstance(path, str) else None


def fetch_small_files(
    source: str, revision: str | None, listing: Listing, kind: Kind = "model"
) -> Path:
    """The folder of a model in the cache, with everything but the weights."""
    names = small_files(source, listing.sizes, kind)
    # By the name of the revision: this notes in the cache which commit that name stands for.
    return _fetch_files(source, names, listing, revision or constants.DEFAULT_REVISION, ignore)


def missing(source: str, names: Iterable[str], listing: Listing) -> list[str]:
    """Those of the files that are not in the cache; one of another size is removed from there."""
    absent = []
    for name in names:
        path = cached_file(source, name, listing.commit)
        if path is not None and path.stat().st_size != listing.sizes[name]:
            log.warning("%s of %s is damaged on this disk; it is downloaded again.", name, source)
            _discard(path)
            path = None
        if path is None:
            absent.append(name)
    return absent


def check_room(source: str, needed: int) -> int:
    """Free bytes on the disk of the cache; raises ModelError when they are fewer than needed."""
    cache = Path(constants.HF_HUB_CACHE)
    free = shutil.disk_usage(next(p for p in (cache, *cache.parents) if p.exists())).free
    if needed > free:
        raise disk_full(source, size_in_words(needed), size_in_words(free))
    return free


def _fetch_files(
    source: str, names: Sequence[str], listing: Listing, revision: str, report: Report
) -> Path:
    """The folder in the cache, with these files; those that arrive are compared with the Hub's
    checksums."""
    to_come = missing(source, names, listing)
    total, needed = (sum(listing.sizes[n] for n in group) for group in (names, to_come))
    meter = _Meter(total - needed, total, report)
    meter.add(0)
    patterns = [glob.escape(name) for name in names]
    bar = _bar_for(meter)
    folder = snapshot_download(source, revision=revision, allow_patterns=patterns, tqdm_class=bar)
    if to_come:
        report(Progress("checking"))
        found = HfApi().verify_repo_checksums(source, revision=listing.commit)
        wrong = [mismatch["path"] for mismatch in found.mismatches if mismatch["path"] in names]
        for name in wrong:
            _discard(Path(folder, name))
        if wrong:
            raise damaged(source, wrong[0])
    return Path(folder)


def _cached_copy(
    source: str, revision: str | None, kind: Kind, fault: ModelError, inspect: Inspect
) -> Path:
    """What was downloaded earlier, if it is whole; raises the fault otherwise."""
    config = cached_file(source, f"{'adapter_' * (kind == 'adapter')}config.json", revision)
    if config is None:
        raise fault
    try:
        names = {path.name for path in config.parent.iterdir() if path.is_file()}
        weight_files(source, config.parent, names, kind)
    except ModelError:
        raise fault from None
    log.warning("%s The copy of %s on this machine is used.", fault.problem, source)
    inspect(config.parent)
    return config.parent


def _discard(path: Path) -> None:
    """Remove a damaged file from the cache: its name in the snapshot, and its bytes."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)


def _remove_leftovers(source: str) -> None:
    """Remove what downloads of a model left when they were killed.

    huggingface_hub writes each download under a new name, so that it can never be resumed. One
    that another program is writing at this moment is locked, and left alone.
    """
    cache = Path(constants.HF_HUB_CACHE)
    folder = repo_folder_name(repo_id=source, repo_type="model")
    for path in [*(cache / folder / "blobs").glob("*.incomplete")]:
        lock = cache / ".locks" / folder / f"{path.name.split('.')[0]}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with WeakFileLock(lock, timeout=0.1):
                path.unlink(missing_ok=True)
        except TimeoutError:
            continue


class _Meter:
    """Adds up what the threads of a download write, and reports it.

    Args:
        done: bytes that were there before.
        total: bytes of all files together.
    """

    def __init__(self, done: int, total: int, report: Report) -> None:
        self._done, self._total, self._report = done, total, report
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), done)])

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            now = time.monotonic()
            while len(self._recent) > 1 and now - self._recent[0][0] > _SPEED_WINDOW_S:
                self._recent.popleft()
            then, before = self._recent[0]
            self._recent.append((now, self._done))
            speed = (self._done - before) / (now - then) if now > then else 0.0
            self._report(Progress("downloading", self._done, self._total, max(0.0, speed)))


def _bar_for(meter: _Meter) -> type[Any]:
    """A progress bar that shows nothing, and counts in the meter what is written to the disk.

    snapshot_download makes three bars: of the files, of the bytes from the network, and of the
    bytes on the disk, which bears its own name.
    """

    class Bar(tqdm):
        def __init__(self, *args: Any, name: str | None = None, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})  # type: ignore[no-untyped-call]
            self._counts = name == "huggingface_hub.snapshot_download"

        def update(self, count: float | None = 1) -> None:
            if self._counts:
                meter.add(int(count or 0))

    return Bar
