"""Every fault that a model's source can have: how it comes about, and what must be said.

`python -m tests.engine.hub.table` runs them and writes docs/faults.md.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from llama_ui.settings import MODELS, ROOT
from tests.engine.hub.server import GRANTED, NEW, PENDING, REFUSED, SCOPED, Hub, Repo, serving

POCKET = {path.name: path.read_bytes() for path in Path(MODELS["pocket"]).iterdir()}
SHARD = "model-00002-of-00002.safetensors"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


def without(*names: str, **added: bytes) -> dict[str, bytes]:
    """Pocket Llama's files, less some; `a__b=` adds the file a.b."""
    kept = {name: content for name, content in POCKET.items() if name not in names}
    return {**kept, **{name.replace("__", "."): content for name, content in added.items()}}


def without_weights(**added: bytes) -> dict[str, bytes]:
    weights = [name for name in POCKET if name.startswith("model")]
    return without(*weights, **added)


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        title: of its row.
        says: a part of what must be said.
        repo: what the Hub has under the name; None when it has nothing.
        folder: the files of a local folder instead.
        token: of the visitor of the Hub.
        revision: asked for.
        source: asked for; by default the name of the repository or folder.
        environment: of the process.
        cached: files that lie in the cache already.
    """

    title: str
    says: str
    repo: Repo | None = None
    folder: dict[str, bytes] | None = None
    token: str = ""
    revision: str | None = None
    source: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    cached: dict[str, bytes] | None = None


GATED = Repo(POCKET, gated=True)
ACCESS = [
    Fault("gated, no token", "is gated", GATED),
    Fault("gated, access never asked for", "has not been granted it", GATED, token=NEW),
    Fault("gated, request pending", "still waits for its authors", GATED, token=PENDING),
    Fault("gated, request refused", "have refused your request", GATED, token=REFUSED),
    Fault("gated, token may not read it", "not allowed to read gated", GATED, token=SCOPED),
    Fault("wrong token", "does not accept your token", Repo(POCKET), token="hf_wrongSecret"),
    Fault(
        "broken token", "characters that no token has", Repo(POCKET), token="hf_S\u00e9cretSecret"
    ),
    Fault("disabled by the Hub", "has been disabled", Repo(POCKET, disabled=True)),
    Fault("no such model", "There is no model", None),
    Fault("no such model, with a token", "There is no model", None, token=GRANTED),
    Fault("no possible name", "no possible name", source="Llama 2, please"),
    Fault("no such folder", "no folder here", source="./models/llama"),
    Fault("no such revision", "has no revision 'v9'", Repo(POCKET), revision="v9"),
    Fault("a revision of a folder", "has no revisions", folder=POCKET, revision="main"),
]
SERVER = [
    Fault("rate limit", "rate limit", Repo({}, status=429, headers={"Retry-After": "300"})),
    Fault("server error", "error 503", Repo({}, status=503)),
    Fault("server error in mid-download", "error 500", Repo(POCKET, file_status=500)),
    Fault("no answer", "does not answer in time", Repo({}, stalls=True)),
    Fault("a listed file is not there", "not there", Repo(POCKET, lost=(SHARD,))),
    Fault("file cut on the way", "arrived damaged", Repo(POCKET, shorter=1000)),
    Fault("file changed on the way", "arrived damaged", Repo(POCKET, flips=True)),
]
OFFLINE = [
    Fault("offline, no copy", "cannot be reached", environment={"HF_ENDPOINT": NOWHERE}),
    Fault(
        "offline, part of a copy",
        "no complete copy",
        environment={"HF_ENDPOINT": NOWHERE},
        cached=without(SHARD),
    ),
    Fault("told to stay offline", "HF_HUB_OFFLINE is set", environment={"HF_HUB_OFFLINE": "1"}),
]
DISK = [
    Fault("disk too small", "are free", Repo(POCKET, claimed=10**15)),
    Fault("cache not writable", "can be written", Repo(POCKET), environment={"HF_HOME": __file__}),
]
FORMATS = [
    Fault("pickled weights only", "any code", Repo(without_weights(pytorch_model__bin=b"x"))),
    Fault("GGUF only", "llama.cpp", Repo(without_weights(llama__Q4_K_M__gguf=b"x"))),
    Fault("GPTQ", "GPTQ", Repo(without(quantize_config__json=b"{}"))),
    Fault("GPTQ, other names", "GPTQ", Repo(without_weights(gptq_model__safetensors=b"x"))),
    Fault(
        "an adapter as a model",
        "is an adapter",
        Repo({"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}),
    ),
    Fault("no weights at all", "holds no weights", Repo(without_weights())),
    Fault(
        "another architecture",
        "Llama architecture",
        Repo(without(config__json=b'{"model_type": "gpt2"}')),
    ),
    Fault("no config", "config.json is missing", Repo(without("config.json"))),
    Fault("no tokenizer", "has no tokenizer", Repo(without("tokenizer.json"))),
    Fault("index without its shard", "00002.safetensors is missing", Repo(without(SHARD))),
]
FOLDERS = [
    Fault("folder: a shard is missing", "lacks model-00002", folder=without(SHARD)),
    Fault(
        "folder: a shard is cut",
        "is damaged",
        folder=without(**{SHARD.replace(".", "__"): POCKET[SHARD][:-1]}),
    ),
    Fault("folder: config is cut", "is damaged", folder=without(config__json=b'{"model')),
    Fault("folder: config is empty", "is empty", folder=without(config__json=b"")),
    Fault(
        "folder: Git LFS was not run",
        "git lfs pull",
        folder=without(**{SHARD.replace(".", "__"): b"version https://git-lfs.github.com/spec/v1"}),
    ),
]
SECTIONS: dict[str, list[Fault]] = {
    "Access and names": ACCESS,
    "The Hub and the way to it": SERVER,
    "Offline": OFFLINE,
    "Disk": DISK,
    "Formats": FORMATS,
    "Folders": FOLDERS,
}


def provoke(faults: Sequence[Fault], folder: Path) -> tuple[list[dict[str, str]], str]:
    """Make the faults happen, one after the other.

    Args:
        folder: an empty one, for caches and models.

    Returns:
        What was said to each, as `problem` and `next_step`, and the log.
    """
    named = [
        replace(fault, source=fault.source or _name(fault, number, folder))
        for number, fault in enumerate(faults)
    ]
    with serving({f.source: f.repo for f in named if f.repo is not None}) as hub:
        groups: dict[str, list[Fault]] = {}
        for fault in named:
            groups.setdefault(json.dumps([fault.environment, bool(fault.cached)]), []).append(fault)
        said, log = {}, ""
        for group in groups.values():
            _fill_cache(group, hub, folder)
            answers, group_log = fetch(group, hub, folder, group[0].environment)
            said.update(zip((fault.source for fault in group), answers, strict=True))
            log += group_log
    return [said[fault.source] for fault in named], log


def fetch(
    faults: Sequence[Fault], hub: Hub, home: Path, environment: dict[str, str]
) -> tuple[list[dict[str, str]], str]:
    """Fetch the sources in a process of their own; returns its answers and its log."""
    wanted = [{"source": f.source, "revision": f.revision, "token": f.token} for f in faults]
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.hub.fetcher"],
        input="".join(json.dumps(line) + "\n" for line in wanted),
        cwd=ROOT,
        env=hub_environment(hub.url, home) | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def hub_environment(url: str, home: Path) -> dict[str, str]:
    """The environment of a process that is to know this Hub and no other, and no token."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return {
        **inherited,
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_ETAG_TIMEOUT": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "0",
        "NO_PROXY": "*",
    }


def _name(fault: Fault, number: int, folder: Path) -> str:
    if fault.folder is None:
        return f"someone/model-{number}"
    place = folder / f"folder-{number}"
    place.mkdir()
    for name, content in fault.folder.items():
        (place / name).write_bytes(content)
    return str(place)


def _fill_cache(faults: Sequence[Fault], hub: Hub, home: Path) -> None:
    """Download the whole model, then take away what the cache is not to have."""
    for fault in faults:
        if fault.cached is not None:
            hub.repos[fault.source] = Repo(POCKET)
            [answer], _ = fetch([fault], hub, home, {})
            for name in set(POCKET) - set(fault.cached):
                (Path(answer["folder"]) / name).unlink(missing_ok=True)
