"""Real servers for the engine to talk to."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from llama_ui.settings import MODELS
from tests.conftest import START_LIMIT_S, unused_port


class Server:
    """A server, and the model to ask it for."""

    def __init__(self, port: int, model: str) -> None:
        self.port, self.model = port, model
        self.url = f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="session")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`transformers serve` with Pocket Llama, in a process of its own."""
    port, log = unused_port(), tmp_path_factory.mktemp("serve") / "log"
    command = [str(Path(sys.executable).parent / "transformers"), "serve", MODELS["pocket"]]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(log.parent)},
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + START_LIMIT_S
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=2)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"transformers serve did not start:\n{log.read_text()}")
                time.sleep(0.2)
        yield Server(port, MODELS["pocket"])
    finally:
        process.terminate()
        process.wait(timeout=20)
