"""Bring a model from the Hugging Face Hub to this disk, whole, or say why not. Imports no torch.

Files go into the cache of huggingface_hub, where other programs find them too. A file gets its
name there only when all of it has arrived, so a killed download keeps the finished files and
begins the others again.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from llama_ui.engine.hub.faults import damaged, disk_full, explain, no_such_model
from llama_ui.engine.hub.repository import (
    HubFile,
    Listing,
    cached_file,
    cached_folder,
    discard,
    look_up,
    remove_leftovers,
)
from llama_ui.engine.hub.snapshot import Kind, small_files, weight_files
from llama_ui.engine.hub.transfer import TransferMeter, bar_for
from llama_ui.engine.loading.checkpoint import gguf
from llama_ui.engine.progress import Progress, Report, ignore, size_in_words
from llama_ui.errors import ModelError

log = logging.getLogger(__name__)

_AT_ONCE = 8


def fetch_model(
    source: str,
    revision: str | None = None,
    report: Report = ignore,
    inspect: Callable[[Path], None] = lambda folder: None,
) -> Path:
    """The folder of a model: the source itself as it is, or a complete one in the cache.

    Args:
        source: a local folder, or a Hub id such as "meta-llama/Llama-2-7b-chat-hf".
        revision: branch, tag or commit on the Hub; by default its main branch.
        report: hears how far the download is.
        inspect: called once with the folder when its config and tokenizer are there but the
            weights may not be yet; what it raises ends the download before it costs anything.

    Raises:
        ModelError: says what is wrong and what to do.
    """
    return _fetch(source, revision, report, inspect, "model")


def fetch_adapter(source: str, revision: str | None = None, report: Report = ignore) -> Path:
    """The folder of a LoRA adapter; as fetch_model."""
    return _fetch(source, revision, report, lambda folder: None, "adapter")


def _fetch(
    source: str,
    revision: str | None,
    report: Report,
    inspect: Callable[[Path], None],
    kind: Kind,
) -> Path:
    report(Progress("checking"))
    folder = local_folder(source)
    if folder is not None:
        if revision is not None:
            raise ModelError(f"{source} is a folder; it has no revisions.", "Omit --revision.")
        inspect(folder)
        return folder
    try:
        remove_leftovers(source)
        listing = look_up(source, revision)
    except Exception as error:
        fault = explain(source, revision, error)
        return _cached_copy(source, revision, kind, fault, inspect)
    try:
        return _download(source, revision, listing, report, inspect, kind)
    except ModelError:
        raise
    except Exception as error:
        raise explain(source, revision, error) from error


def fetch_files(
    source: str,
    revision: str | None,
    report: Report,
    choose: Callable[[Mapping[str, HubFile]], Sequence[str]],
) -> list[Path]:
    """Some files of a repository, whole, in the cache; those there already where the Hub cannot be
    asked.

    Args:
        choose: given the files that there are, names those that are wanted.

    Raises:
        ModelError: says what is wrong and what to do, or what choose says.
    """
    report(Progress("checking"))
    try:
        remove_leftovers(source)
        listing = look_up(source, revision)
    except Exception as error:
        return _cached_files(source, revision, explain(source, revision, error), choose)
    names = choose(listing.files)
    try:
        room = sum(listing.files[name].size for name in missing(source, names, listing))
        check_room(source, room)
        # The first by the name of the revision, which is noted so for a time without the Hub.
        meter = TransferMeter(0, listing.files[names[0]].size, report)
        first = _fetch_one(source, names[0], listing, meter, revision or "main")
        _fetch_all(source, names[1:], listing, report)
    except ModelError:
        raise
    except Exception as error:
        raise explain(source, revision, error) from error
    return [first, *(first.with_name(Path(name).name) for name in names[1:])]


def _cached_files(
    source: str,
    revision: str | None,
    fault: ModelError,
    choose: Callable[[Mapping[str, HubFile]], Sequence[str]],
) -> list[Path]:
    folder = cached_folder(source, revision)
    if folder is None:
        raise fault
    paths = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    try:
        names = choose({n: HubFile(p.stat().st_size, None, None) for n, p in paths.items()})
    except ModelError:
        raise fault from None
    log.warning("%s The copy of %s on this machine is used.", fault.problem, source)
    return [paths[name] for name in names]


def local_folder(source: str) -> Path | None:
    """The folder that a source names; None when it can only be a Hub id; raises ModelError."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise gguf(folder) if folder.suffix == ".gguf" else no_such_model(source)
    try:
        validate_repo_id(source)
    except HFValidationError:
        raise no_such_model(source) from None
    return None


def _cached_copy(
    source: str,
    revision: str | None,
    kind: Kind,
    fault: ModelError,
    inspect: Callable[[Path], None],
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


def _download(
    source: str,
    revision: str | None,
    listing: Listing,
    report: Report,
    inspect: Callable[[Path], None],
    kind: Kind,
) -> Path:
    folder = fetch_small_files(source, revision, listing, kind)
    inspect(folder)
    names = weight_files(source, folder, listing.files, kind)
    check_room(source, sum(listing.files[name].size for name in missing(source, names, listing)))
    _fetch_all(source, names, listing, report)
    return folder


def fetch_small_files(
    source: str, revision: str | None, listing: Listing, kind: Kind = "model"
) -> Path:
    """The folder of a model in the cache, with everything but the weights."""
    first, *others = small_files(source, listing.files, kind)
    # By the name of the revision: this notes in the cache which commit that name stands for.
    config = _fetch_one(source, first, listing, TransferMeter(0, 0, ignore), revision or "main")
    _fetch_all(source, others, listing, ignore)
    return config.parent


def _fetch_all(source: str, names: Sequence[str], listing: Listing, report: Report) -> None:
    """Bring the files that are not in the cache yet, several at a time."""
    to_come = missing(source, names, listing)
    total, needed = (sum(listing.files[n].size for n in group) for group in (names, to_come))
    meter = TransferMeter(total - needed, total, report)
    meter.add(0)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [pool.submit(_fetch_one, source, name, listing, meter) for name in to_come]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            # Others may be in the midst of gigabytes that nobody waits for any more.
            meter.abandoned = True
            pool.shutdown(cancel_futures=True)
            raise


def missing(source: str, names: Iterable[str], listing: Listing) -> list[str]:
    """Those of the files that are not in the cache, or not whole."""
    return [name for name in names if not _is_cached(source, name, listing)]


def _is_cached(source: str, name: str, listing: Listing) -> bool:
    path = cached_file(source, name, listing.commit)
    if path is None:
        return False
    if path.stat().st_size == listing.files[name].size:
        return True
    log.warning("%s of %s is damaged on this disk; it is downloaded again.", name, source)
    discard(path)
    return False


def _fetch_one(
    source: str, name: str, listing: Listing, meter: TransferMeter, revision: str | None = None
) -> Path:
    was_cached = _is_cached(source, name, listing)
    path = Path(
        hf_hub_download(
            source, name, revision=revision or listing.commit, tqdm_class=bar_for(meter)
        )
    )
    if not was_cached and not listing.files[name].matches(path):
        discard(path)
        raise damaged(source, name)
    return path


def check_room(source: str, needed: int) -> int:
    """Free bytes on the disk of the cache; raises ModelError when they are fewer than needed."""
    cache = Path(constants.HF_HUB_CACHE)
    free = shutil.disk_usage(next(p for p in (cache, *cache.parents) if p.exists())).free
    if needed > free:
        raise disk_full(source, size_in_words(needed), size_in_words(free))
    return free
