"""Fixtures: the bundled model, an engine on it, and the application as a user starts it."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from llama_ui.settings import MODELS, ROOT

START_LIMIT_S = 120
# What ends a reply stands in three files, and all of them are honoured.
_ENDLESS = {
    "tokenizer_config.json": {"eos_token": "<unk>"},
    "generation_config.json": {"eos_token_id": 0},
    "config.json": {"eos_token_id": 0},
}

# The tests run on the CPU, everywhere the same; CUDA_VISIBLE_DEVICES=0 runs them on a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Pocket Llama's tokenizer; LLAMA_UI_TEST_TOKENIZER names the folder of another one."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(
        os.environ.get("LLAMA_UI_TEST_TOKENIZER", MODELS["pocket"])
    )


@pytest.fixture(scope="session")
def loaded() -> Any:
    """Pocket Llama in 4-bit, through the application's own loader."""
    from llama_ui.engine.loading.loader import load_model

    return load_model(MODELS["pocket"])


@pytest.fixture(scope="session")
def exact() -> Any:
    """Pocket Llama with its weights in float32, where equal prompts give equal replies."""
    from dataclasses import replace

    from llama_ui.engine.loading.loader import load_model

    loaded = load_model(MODELS["pocket"])
    return replace(loaded, model=loaded.model.dequantize().float())


@pytest.fixture
def engine(loaded: Any) -> Iterator[Any]:
    from llama_ui.engine.local.engine import LocalEngine

    engine = LocalEngine(loaded)
    yield engine
    engine.close()


@dataclass
class App:
    """The application in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    output: list[str] = field(default_factory=list)

    def log(self) -> str:
        return "".join(self.output)


@contextmanager
def starting() -> Iterator[Callable[..., App]]:
    """Starts `python app.py` with flags, waits until the page is served; stops all at the end."""
    running: list[subprocess.Popen[str]] = []

    def start(*flags: str, port: int | None = None, **environment: str) -> App:
        port = port or unused_port()
        process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), *flags],
            cwd=ROOT,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        app = App(process, f"http://127.0.0.1:{port}")
        # Somebody must read the pipe, or a full one stops the application.
        threading.Thread(target=_collect, args=(process, app.output), daemon=True).start()
        _wait_for(app)
        return app

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=20)


def unused_port() -> int:
    """A port for a server that starts later.

    It lies below those that systems hand out for port 0: such a one may go to somebody else's
    short-lived server before ours listens.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@pytest.fixture
def free_port() -> int:
    return unused_port()


# Not for the session: a server that nobody needs any more takes its part of two cores.
@pytest.fixture(scope="module")
def start_app() -> Iterator[Callable[..., App]]:
    """Starts applications that run until the end of the module."""
    with starting() as start:
        yield start


@pytest.fixture(scope="session")
def start_for_all() -> Iterator[Callable[..., App]]:
    """Starts applications that all tests share."""
    with starting() as start:
        yield start


@pytest.fixture(scope="session")
def app(start_for_all: Callable[..., App]) -> App:
    """The application with the bundled model, shared by the tests that only talk to it."""
    return start_for_all()


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Pocket Llama that does not know when to end: its replies go on to the limit."""
    folder = tmp_path_factory.mktemp("endless") / "pocket-llama-endless"
    shutil.copytree(MODELS["pocket"], folder)
    for name, ends in _ENDLESS.items():
        path = folder / name
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**content, **ends}), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def endless_app(start_for_all: Callable[..., App], endless: Path) -> App:
    """The application with a model that writes until it is stopped."""
    return start_for_all("--model", str(endless))


def _wait_for(app: App) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            break
        try:
            httpx.get(app.url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the application did not start:\n{app.log()}")


def _collect(process: subprocess.Popen[str], output: list[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        output.append(line)
