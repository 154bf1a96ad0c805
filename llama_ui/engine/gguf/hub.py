"""A GGUF file from the Hub: which of a repository's files, and bringing it here."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil

from llama_ui.engine.hub.download import fetch_files
from llama_ui.engine.progress import Report, ignore, size_in_words
from llama_ui.errors import ModelError

# owner/name:Q4_K_M; without the quantisation only where the name says what the repository holds.
_SOURCE = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+?)(?::([\w.-]+))?", re.ASCII)
_PART = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)")
# Best first: what loses little at the least size, then less, then what is larger than needed.
_ORDER = ["Q4_K_M", "Q4_K_S", "IQ4_XS", "Q4_1", "Q4_0", "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K"]
_ORDER += ["Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q6_K", "Q8_0", "BF16", "F16", "F32"]
BESIDE = 600_000_000  # bytes that the page and a short context take besides the weights


def repository_of(source: str) -> tuple[str, str | None] | None:
    """The repository and the quantisation that a name stands for; None for anything else."""
    found = _SOURCE.fullmatch(source)
    if found is None or not (found[2] or "gguf" in found[1].lower()):
        return None
    return found[1], found[2]


def fetch_gguf(
    source: str, wanted: str | None, revision: str | None, report: Report = ignore
) -> Path:
    """The file, or the first part, of a model on the Hub, in the cache of huggingface_hub.

    Args:
        source: the repository.
        wanted: the quantisation, for example Q4_K_M; None chooses the best that fits.
        revision: branch, tag or commit; by default the main branch.

    Raises:
        ModelError: says what is wrong and what to do.
    """

    free = psutil.virtual_memory().available
    choose = partial(choose_files, source, wanted=wanted, free=free)
    return fetch_files(source, revision, report, choose)[0]


def choose_files(source: str, sizes: Mapping[str, int], wanted: str | None, free: int) -> list[str]:
    """The files of one model, its first part first.

    Args:
        sizes: bytes of each file in the repository.
        wanted: a quantisation, or None.
        free: bytes of main memory.

    Raises:
        ModelError: there is none, or none that fits.
    """
    models: dict[str, list[str]] = {}
    for name in sorted(sizes):
        # Beside models lie projectors of pictures, which are none.
        if name.endswith(".gguf") and "mmproj" not in name.lower():
            models.setdefault(_PART.sub("", name), []).append(name)
    if not models:
        raise ModelError(f"{source} holds no GGUF file.", "Check its name, or choose another.")
    by_kind = {kind_of(name): parts for name, parts in reversed(models.items())}
    kinds = sorted(by_kind, key=lambda kind: (_rank(kind), kind))
    if wanted is not None:
        kinds = [kind for kind in kinds if kind.upper() == wanted.upper()]
        if not kinds:
            there = ", ".join(sorted(by_kind)[:20])
            raise ModelError(f"{source} has no {wanted}; it has {there}.", "Choose one of these.")
        return by_kind[kinds[0]]
    total = {kind: sum(sizes[name] for name in by_kind[kind]) for kind in kinds}
    fitting = [kind for kind in kinds if total[kind] + BESIDE <= free]
    if not fitting:
        least = size_in_words(min(total.values()) + BESIDE)
        raise ModelError(
            f"No file of {source} fits in {size_in_words(free)} of memory: the smallest takes "
            f"{least}.",
            "Choose a smaller model; --model pocket fits.",
        )
    return by_kind[fitting[0]]


def kind_of(name: str) -> str:
    """The quantisation in a file's name; the name itself where none is known."""
    stem = Path(name).stem
    kinds = (kind for kind in _ORDER if re.search(rf"(?<![A-Za-z0-9]){kind}$", stem, re.IGNORECASE))
    return next(kinds, stem)


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
