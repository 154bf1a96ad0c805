"""A download ends with a whole model, whatever happens on the way."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from llama_ui.engine.hub.download import fetch_adapter, fetch_model
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS, ROOT
from tests.engine.hub.conftest import NAME
from tests.engine.hub.faults import NOWHERE, POCKET, SHARD, hub_environment
from tests.engine.hub.server import GRANTED, Repo
from tests.sizes import examples

SHARDS = sorted(name for name in POCKET if name.endswith(".safetensors"))
NEEDED = set(POCKET) - {"MODEL_CARD.md"}


def shard(seed: int) -> bytes:
    """A safetensors file of 25 MB."""
    weight = random.Random(seed).randbytes(25_000_000)
    tensor = {"dtype": "U8", "shape": [len(weight)], "data_offsets": [0, len(weight)]}
    header = json.dumps({"weight": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + weight


def check_whole(folder: str, files: Mapping[str, bytes] = POCKET) -> None:
    """Every needed file, byte for byte, nothing else, and no half file in the cache."""
    snapshot = Path(folder)
    found = {path.name: path.read_bytes() for path in snapshot.iterdir()}
    assert found == {name: files[name] for name in NEEDED}
    blobs = snapshot.parent.parent / "blobs"
    assert {path.name for path in blobs.iterdir()} == {
        path.resolve().name for path in snapshot.iterdir()
    }


def test_only_what_a_load_needs_is_fetched(hub, fetch_pocket):
    extra = {"pytorch_model.bin": b"x", "modeling.py": b"x", "original/params.json": b"x"}
    hub.repos[NAME] = Repo({**POCKET, **extra})
    answer, _ = fetch_pocket()
    check_whole(answer["folder"])


def test_a_gated_model_with_access_is_fetched(hub, fetch_pocket):
    hub.repos[NAME] = Repo(POCKET, gated=True)
    answer, log = fetch_pocket(GRANTED)
    # The other host, to which large files are redirected, refuses whoever sends a token.
    check_whole(answer["folder"])
    assert GRANTED not in log


def test_the_second_time_nothing_is_fetched(hub, fetch_pocket):
    fetch_pocket()
    hub.requests.clear()
    answer, _ = fetch_pocket()
    check_whole(answer["folder"])
    assert not [request for request in hub.requests if request.startswith("GET cdn")]


@pytest.mark.parametrize("environment", [{"HF_ENDPOINT": NOWHERE}, {"HF_HUB_OFFLINE": "1"}])
def test_offline_the_copy_on_this_machine_is_used_and_the_log_says_so(fetch_pocket, environment):
    first, _ = fetch_pocket()
    answer, log = fetch_pocket(**environment)
    assert answer["folder"] == first["folder"]
    assert f"The copy of {NAME} on this machine is used." in log


def test_a_broken_connection_goes_on_where_it_broke(hub, fetch_pocket):
    hub.repos[NAME] = Repo(POCKET, cuts=2)
    answer, _ = fetch_pocket()
    check_whole(answer["folder"])
    assert hub.sent < 1.1 * sum(map(len, POCKET.values()))


def test_a_damaged_file_in_the_cache_is_fetched_again(fetch_pocket):
    answer, _ = fetch_pocket()
    with (Path(answer["folder"]) / SHARD).open("r+b") as file:
        file.truncate(1000)
    answer, log = fetch_pocket()
    check_whole(answer["folder"])
    assert "is damaged on this disk" in log


def test_what_was_damaged_on_the_way_is_not_kept(hub, fetch_pocket):
    hub.repos[NAME] = Repo(POCKET, flips=True)
    assert "damaged" in fetch_pocket()[0]["problem"]
    hub.repos[NAME] = Repo(POCKET)
    check_whole(fetch_pocket()[0]["folder"])


def test_a_file_that_another_program_is_writing_is_left_alone(fetch_pocket):
    from filelock import FileLock

    answer, _ = fetch_pocket()
    repo = Path(answer["folder"]).parent.parent
    partial = repo / "blobs" / "abc.12345678.incomplete"
    partial.write_bytes(b"half")
    with FileLock(repo.parent / ".locks" / repo.name / "abc.lock"):
        fetch_pocket()
        assert partial.exists()
    fetch_pocket()
    assert not partial.exists()


def test_kill_9_in_mid_download_then_a_clean_start(hub, fetch_pocket, start_fetching):
    """At random moments between the first request and the last byte."""
    files = {**POCKET, **{name: shard(seed) for seed, name in enumerate(SHARDS)}}
    dice = random.Random(7)
    for _ in range(examples(3)):
        moment = dice.uniform(0.0, 1.1) * sum(map(len, files.values()))
        hub.repos[NAME], hub.sent = Repo(files, rate=40_000_000), 0
        process = start_fetching()
        while hub.sent < moment and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait()
        hub.repos[NAME] = Repo(files)
        answer, _ = fetch_pocket()
        check_whole(answer["folder"], files)
        shutil.rmtree(Path(answer["folder"]).parent.parent)


def test_progress_counts_every_byte_once(fetch_pocket):
    reports = fetch_pocket()[0]["reports"]
    total = sum(len(content) for name, content in POCKET.items() if name in SHARDS)
    assert reports == sorted(reports)
    assert reports[-1] == [total, total]


def test_a_download_that_goes_on_counts_what_is_there(fetch_pocket):
    answer, _ = fetch_pocket()
    (Path(answer["folder"]) / SHARD).resolve().unlink()
    first, *_ = fetch_pocket()[0]["reports"]
    assert first[0] >= len(POCKET[SHARDS[0]])


def test_a_disk_that_fills_up_in_mid_download(hub, tmp_path):
    """On a disk of 20 MB, which something else fills up while the download runs."""
    hub.repos[NAME] = Repo(POCKET, rate=4_000_000)
    fetcher = f"{sys.executable} -m tests.engine.hub.fetcher"
    filler = f"sleep 1.5; cat /dev/zero > {tmp_path}/else 2> /dev/null"
    command = f"mount -t tmpfs -o size=20m none {tmp_path} && ({filler} & exec {fetcher})"
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", command],
        cwd=ROOT,
        env=hub_environment(hub.url, tmp_path),
        input=json.dumps({"source": NAME, "revision": None, "token": ""}),
        capture_output=True,
        text=True,
    )
    if done.returncode == 1 and "unshare" in done.stderr:
        pytest.skip("this machine lets nobody mount a small disk")
    assert "The disk became full" in json.loads(done.stdout)["problem"]


def test_an_adapter_from_a_folder(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    shard = Path(MODELS["pocket"]) / SHARD
    os.link(shard, tmp_path / "adapter_model.safetensors")
    assert fetch_adapter(str(tmp_path)) == tmp_path


def test_an_adapter_that_is_not_there_is_called_an_adapter():
    with pytest.raises(ModelError, match="There is no adapter '/nope'") as said:
        fetch_adapter("/nope")
    assert "model" not in str(said.value)


def test_a_folder_is_used_where_it_lies():
    assert fetch_model(MODELS["pocket"]) == Path(MODELS["pocket"])
