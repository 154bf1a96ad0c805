"""What the doctor asks the Hugging Face Hub. Imports no torch."""

from huggingface_hub import HfApi, constants, get_hf_file_metadata, get_token, hf_hub_url

from llama_ui.doctor.check import Finding
from llama_ui.engine.hub.download import (
    Listing,
    cached_file,
    check_room,
    fetch_small_files,
    look_up,
    missing,
)
from llama_ui.engine.hub.faults import LOG_IN, explain, is_unreachable, place
from llama_ui.engine.hub.snapshot import check_snapshot, small_files, weight_files
from llama_ui.engine.progress import size_in_words
from llama_ui.errors import ModelError

NAMES = ("Network", "Token", "Model", "Access", "Disk")


def check_hub(source: str, revision: str | None) -> list[Finding]:
    """One finding for each of NAMES: whether this model can be downloaded, without doing it.

    Its config and tokenizer are downloaded, and stay in the cache.
    """
    try:
        listing = look_up(source, revision)
    except Exception as error:
        return _without_listing(source, revision, error)
    found = [Finding("Network", "ok", f"{place()} answers"), _token(listing)]
    checks = {"Model": _model, "Access": _access, "Disk": _disk}
    for name, check in checks.items():
        if any(finding.status == "failed" for finding in found):
            found.append(Finding(name, "skipped", "not known until the above is mended"))
            continue
        try:
            found.append(Finding(name, "ok", check(source, revision, listing)))
        except Exception as error:
            fault = error if isinstance(error, ModelError) else explain(source, revision, error)
            found.append(Finding.of(name, fault))
    return found


def _without_listing(source: str, revision: str | None, error: Exception) -> list[Finding]:
    fault = explain(source, revision, error)
    if _has_copy(source, revision):
        return [
            Finding("Network", "warning", fault.problem, "The copy on this machine is used."),
            *(Finding(name, "skipped", "not needed with that copy") for name in NAMES[1:]),
        ]
    network = Finding("Network", "ok", f"{place()} answers")
    if is_unreachable(error):
        network = Finding.of("Network", fault)
        return [network, *(Finding(name, "skipped", "needs the network") for name in NAMES[1:])]
    at = "Token" if "token" in fault.problem else "Model"
    others = (Finding(name, "skipped", "not known until that is mended") for name in NAMES[1:])
    return [network, *(Finding.of(at, fault) if f.name == at else f for f in others)]


def _has_copy(source: str, revision: str | None) -> bool:
    config = cached_file(source, "config.json", revision)
    try:
        if config is not None:
            check_snapshot(config.parent)
        return config is not None
    except ModelError:
        return False


def _token(listing: Listing) -> Finding:
    if get_token() is None:
        if listing.is_gated:
            problem = "there is none, and this model is gated"
            return Finding("Token", "failed", problem, f"{LOG_IN[0].upper()}{LOG_IN[1:]}")
        return Finding("Token", "ok", "none; this model needs none")
    try:
        return Finding("Token", "ok", f"accepted: {HfApi().whoami()['name']}")
    except Exception as error:
        fault = explain("your account", None, error)
        # This question has a strict limit of its own; the model may still be given.
        is_wrong = "accept" in fault.problem
        return Finding("Token", "failed" if is_wrong else "warning", fault.problem, fault.next_step)


def _model(source: str, revision: str | None, listing: Listing) -> str:
    small_files(source, listing.sizes, "model")
    return f"{revision or 'main'}, commit {listing.commit[:8]}, safetensors"


def _access(source: str, revision: str | None, listing: Listing) -> str:
    weights = next(name for name in listing.sizes if name.endswith(".safetensors"))
    url = hf_hub_url(source, weights, revision=listing.commit)
    get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    return "granted" if listing.is_gated else "open to everybody"


def _disk(source: str, revision: str | None, listing: Listing) -> str:
    folder = fetch_small_files(source, revision, listing)
    names = weight_files(source, folder, listing.sizes, "model")
    needed = sum(listing.sizes[name] for name in missing(source, names, listing))
    free = size_in_words(check_room(source, needed))
    if not needed:
        return f"downloaded already; {free} free"
    return f"{size_in_words(needed)} to download; {free} free"
