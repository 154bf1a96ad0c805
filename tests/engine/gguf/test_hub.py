"""A GGUF from the Hub: the file that is meant, whole, and a sentence where there is none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llama_ui.engine.gguf.hub import choose_files, repository_of
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS, ROOT
from tests.engine.hub.faults import hub_environment
from tests.engine.hub.server import Repo, serving
from tests.smollm2 import smollm2

FETCH = """
import json, sys
from llama_ui.engine.gguf.source import find_gguf
from llama_ui.errors import ModelError
reports = []
try:
    found = str(find_gguf(sys.argv[1], None, reports.append))
except ModelError as fault:
    found = str(fault)
print(json.dumps([found, max((r.done for r in reports), default=0)]))
"""


def fetch(source: str, url: str, home: Path) -> tuple[str, int]:
    told = subprocess.run(
        [sys.executable, "-c", FETCH, source],
        cwd=ROOT,
        env=hub_environment(url, home),
        capture_output=True,
        check=True,
    )
    found, done = json.loads(told.stdout)
    return found, done


@pytest.fixture(scope="module")
def hub():
    name = "SmolLM2-135M-Instruct"
    files = {
        f"{name}.Q4_1.gguf": smollm2().read_bytes(),
        f"{name}.Q8_0-00001-of-00002.gguf": b"GGUF one",
        f"{name}.Q8_0-00002-of-00002.gguf": b"GGUF two",
        "README.md": b"text",
    }
    plain = Repo({"config.json": b"{}", "model.safetensors": b"x" * 20})
    with serving({"someone/SmolLM2-GGUF": Repo(files), "someone/plain-gguf": plain}) as hub:
        yield hub


def test_the_real_file_comes_whole_and_is_there_without_the_hub(hub, tmp_path):
    path, done = fetch("someone/SmolLM2-GGUF", hub.url, tmp_path)
    assert Path(path).read_bytes() == smollm2().read_bytes()
    assert done == smollm2().stat().st_size
    hub.requests.clear()
    again, _ = fetch("someone/SmolLM2-GGUF:q4_1", hub.url, tmp_path)
    assert again == path
    assert not any("resolve" in line and line.startswith("GET") for line in hub.requests)
    without, _ = fetch("someone/SmolLM2-GGUF", "http://127.0.0.1:9", tmp_path)
    assert without == path


def test_parts_come_together(hub, tmp_path):
    path, _ = fetch("someone/SmolLM2-GGUF:Q8_0", hub.url, tmp_path)
    assert path.endswith("Q8_0-00001-of-00002.gguf")
    assert Path(path.replace("-00001-", "-00002-")).read_bytes() == b"GGUF two"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("someone/SmolLM2-GGUF:Q6_K", "has no Q6_K; it has Q4_1, Q8_0"),
        ("someone/plain-gguf", "holds no GGUF file"),
        ("someone/absent-GGUF", "no model"),
    ],
)
def test_what_is_not_there_is_told(hub, tmp_path, source, said):
    assert said in fetch(source, hub.url, tmp_path)[0]


def test_a_name_says_whether_it_means_a_gguf():
    assert repository_of("a/b-GGUF") == ("a/b-GGUF", None)
    assert repository_of("a/b:Q5_K_M") == ("a/b", "Q5_K_M")
    assert repository_of(MODELS["smollm2"])[1] == "Q4_1"
    for other in ("a/b", MODELS["7b"], "C:/models/b", "/models/b:c", "../b:c"):
        assert repository_of(other) is None


GB = 10**9
SIZES = {
    "b.Q2_K.gguf": 3 * GB,
    "b.Q4_K_M.gguf": 5 * GB,
    "b-Q8_0-00001-of-00002.gguf": 5 * GB,
    "b-Q8_0-00002-of-00002.gguf": 4 * GB,
    "mmproj-b-f16.gguf": GB,
    "b.imatrix": GB,
}


def test_the_quantisation_that_fits_is_chosen():
    assert choose_files("a/b", SIZES, None, 16 * GB) == ["b.Q4_K_M.gguf"]
    assert choose_files("a/b", SIZES, None, 4 * GB) == ["b.Q2_K.gguf"]
    assert choose_files("a/b", SIZES, "q8_0", GB) == sorted(SIZES)[:2]
    with pytest.raises(ModelError, match=r"smallest takes 3\.6 GB"):
        choose_files("a/b", SIZES, None, 2 * GB)
