"""python app.py --check, run as a person runs it."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llama_ui.doctor.check import Finding, examine, table
from llama_ui.doctor.hub import NAMES as HUB_NAMES
from llama_ui.settings import ROOT
from tests.engine.hub.faults import NOWHERE, POCKET, hub_environment, without_weights
from tests.engine.hub.server import GRANTED, NEW, PENDING, REFUSED, Repo, serving

NAMES = [
    *("Python", "Packages", "GPU", "bitsandbytes", "Kernels"),
    *("Network", "Token", "Model", "Access", "Disk", "Memory", "Port"),
]
REPOS = {
    "someone/open": Repo(POCKET),
    "someone/gated": Repo(POCKET, gated=True),
    "someone/pickled": Repo(without_weights(pytorch_model__bin=b"x")),
    "someone/huge": Repo(POCKET, claimed=10**15),
    "someone/silent": Repo({}, stalls=True),
}


QUESTIONS = [
    ("someone/open", "", None, ""),
    ("someone/gated", "", "Token", "there is none"),
    ("someone/gated", "hf_wrongSecret", "Token", "does not accept"),
    ("someone/gated", NEW, "Access", "has not been granted"),
    ("someone/gated", PENDING, "Access", "still waits"),
    ("someone/gated", REFUSED, "Access", "have refused"),
    ("someone/gated", GRANTED, None, ""),
    ("someone/pickled", "", "Model", "any code"),
    ("someone/huge", "", "Disk", "are free"),
    ("someone/silent", "", "Network", "does not answer in time"),
    ("someone/nobody", "", "Model", "There is no model"),
]
ASK = """
import json, os, sys
from dataclasses import asdict
from llama_ui.doctor.hub import check_hub
for line in sys.stdin:
    source, os.environ["HF_TOKEN"] = json.loads(line)
    print(json.dumps([asdict(finding) for finding in check_hub(source, None)]))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> tuple[list[list[dict[str, str]]], str]:
    """What is found out about each model, by one process; and all that it wrote."""
    with serving(REPOS) as hub:
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            cwd=ROOT,
            env=hub_environment(hub.url, tmp_path_factory.mktemp("home")),
            input="".join(json.dumps(question[:2]) + "\n" for question in QUESTIONS),
            capture_output=True,
            text=True,
            check=True,
        )
    return [json.loads(line) for line in done.stdout.splitlines()], done.stdout + done.stderr


@pytest.mark.parametrize("number", range(len(QUESTIONS)), ids=lambda n: str(QUESTIONS[n][2]))
def test_what_is_wrong_is_said_at_its_place(asked, number):
    _, _, failed, said = QUESTIONS[number]
    findings = {finding["name"]: finding for finding in asked[0][number]}
    assert tuple(findings) == HUB_NAMES
    assert [f["name"] for f in findings.values() if f["status"] == "failed"] == [failed] * bool(
        failed
    )
    if failed:
        assert said in findings[failed]["found"]
        assert findings[failed]["next_step"].endswith(".")
    else:
        assert {finding["status"] for finding in findings.values()} == {"ok"}


def test_the_token_is_never_told(asked):
    assert "accepted: ann" in asked[1]
    assert "Secret" not in asked[1]


def check(*flags: str, python: tuple[str, ...] = (), **environment: str):
    """Runs the doctor: (exit code, finding by name)."""
    done = subprocess.run(
        [sys.executable, *python, "app.py", "--check", "--json", *flags],
        cwd=ROOT,
        env={**hub_environment(NOWHERE, Path("/nonexistent")), **environment},
        capture_output=True,
        text=True,
    )
    answer = json.loads(done.stdout)
    assert answer["ok"] is (done.returncode == 0)
    return done.returncode, {finding["name"]: finding for finding in answer["checks"]}


def test_pocket_llama_needs_no_network_token_or_disk():
    code, said = check()
    assert code == 0
    assert list(said) == NAMES
    for name in ("Kernels", "Network", "Token", "Access", "Disk"):
        assert said[name]["status"] == "skipped"
    assert said["bitsandbytes"]["found"] == "a 4-bit product on cpu is right"
    assert said["GPU"]["found"] == "none: Pocket Llama runs on the CPU"


def test_everything_that_is_wrong_is_said_at_once():
    """No network, more slots than fit into any memory, and a port that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = check("--model", "70b", "--slots", "250", "--port", port)
    assert code == 1
    assert list(said) == NAMES
    failed = [name for name in NAMES if said[name]["status"] == "failed"]
    assert failed == ["Network", "Memory", "Port"]
    assert said["GPU"]["status"] == "warning"


def test_missing_packages_are_named_not_tripped_over():
    code, said = check(python=("-S",))
    assert code == 1
    assert "torch" in said["Packages"]["found"]
    assert said["GPU"]["found"] == "torch cannot be imported"


def test_a_check_that_never_ends_is_given_up():
    found = examine("Slow", lambda: time.sleep(60) or [], limit_s=0.05)
    assert found == [
        Finding(
            "Slow",
            "failed",
            "no answer within 0 seconds",
            "Check the network and what else this machine does, and start again.",
        )
    ]


def test_the_table_is_aligned():
    findings = [
        Finding("Python", "ok", "3.11"),
        Finding("bitsandbytes", "failed", "a 4-bit product is wrong", "Install it again."),
    ]
    assert table("Pocket Llama", findings, width=50).splitlines() == [
        "What Pocket Llama needs:",
        "",
        "  ok       Python        3.11",
        "  FAILED   bitsandbytes  a 4-bit product is wrong",
        "                         Install it again.",
        "",
        "1 thing is to be mended first.",
    ]
