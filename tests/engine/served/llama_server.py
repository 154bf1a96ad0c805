"""llama.cpp's own server, from xllamacpp's wheel, in a process of its own.

As a program: llama_server.py MODEL PORT
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

WINDOW, SLOTS = 1024, 2


@contextmanager
def llama_server(model: Path, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen]]:
    """Runs the server; gives its address and its process."""
    from tests.conftest import START_LIMIT_S, unused_port

    port = port or unused_port()
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
