"""A Hub on this machine, and processes that know no other."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llama_ui.settings import ROOT
from tests.engine.hub.faults import POCKET, Fault, fetch, hub_environment
from tests.engine.hub.server import Hub, Repo, serving

NAME = "someone/pocket"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Serves Pocket Llama as someone/pocket."""
    with serving({NAME: Repo(POCKET)}) as hub:
        yield hub


@pytest.fixture
def fetch_pocket(hub: Hub, tmp_path: Path) -> Callable[..., tuple[dict[str, str], str]]:
    """Fetches someone/pocket in a fresh process: (its answer, its log)."""

    def fetch_pocket(token: str = "", **environment: str) -> tuple[dict[str, str], str]:
        wanted = Fault("", "", source=NAME, token=token)
        [answer], log = fetch([wanted], hub, tmp_path, environment)
        return answer, log

    return fetch_pocket


@pytest.fixture
def start_fetching(hub: Hub, tmp_path: Path) -> Callable[[], subprocess.Popen[bytes]]:
    """Starts to fetch someone/pocket in a process that can be killed."""

    def start_fetching() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.hub.fetcher"],
            cwd=ROOT,
            env=hub_environment(hub.url, tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        process.stdin.write(b'{"source": "someone/pocket", "revision": null, "token": ""}\n')
        process.stdin.close()
        return process

    return start_fetching
