"""The package as `pip install .` makes it, in an environment and a folder of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import httpx
import pytest

from llama_ui.settings import ROOT
from tests.conftest import unused_port
from tests.test_app import wait_until_ready


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """The installed command. What it needs is there already, so only the wheel is installed."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True
    )
    [wheel] = folder.glob("llama_ui-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    return folder / "venv" / "bin" / "llama-ui"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}


def test_it_answers_with_the_model_that_it_brings(program, tmp_path):
    port = unused_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--no-browser"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(process, url)
        body = {"messages": [{"role": "user", "content": "What is 2 + 3?"}], "temperature": 0}
        answer = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=120).json()
        assert "5" in answer["choices"][0]["message"]["content"]
        for path in ("/scripts/app.js", "/fonts/inter.woff2"):
            assert httpx.get(url + path).status_code == 200
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_the_doctor_finds_all_that_it_needs(program, tmp_path):
    command = [program, "--check"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=150
    )
    assert "as required" in done.stdout
    assert "FAILED" not in done.stdout


def test_it_says_what_is_missing_in_its_own_name(program):
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("llama-ui: The package ")
    assert "Install llama-ui in the environment" in done.stderr
