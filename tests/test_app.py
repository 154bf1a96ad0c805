"""The application as it is started, and ended, in particular places."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import httpx
import pytest
from gradio_client import Client

from llama_ui.settings import ROOT
from tests.sizes import examples

LIMIT_S = 60  # for what takes a moment on an idle machine


def test_on_zero_gpu_it_says_so_and_pocket_llama_answers(start_app):
    app = start_app("--model", "7b", SPACES_ZERO_GPU="true")
    client = Client(app.url, verbose=False)
    assert client.predict("Hello!", api_name="/chat")
    assert "This Space runs on ZeroGPU" in app.log()
    assert "Pocket Llama is ready" in app.log()


CODES = [(signal.SIGTERM, 0), (signal.SIGINT, 130)]


def run(*flags: str, shell: str = "", **environment: str) -> subprocess.Popen[str]:
    """Starts the application; `shell` says what becomes of its output."""
    command = [sys.executable, "app.py", *flags]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def wait_until_ready(process: subprocess.Popen[str], url: str) -> None:
    for _ in range(20 * LIMIT_S):
        assert process.poll() is None
        try:
            if httpx.get(f"{url}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    pytest.fail("it has not become ready")


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_at_any_moment_ends_it_without_a_traceback(number, code):
    """From the first import to the first seconds of the page."""
    dice = random.Random(int(number))
    for _ in range(examples(6)):
        process = run("--no-browser", "--port", "7999")
        # Python itself needs a moment until it runs our first line.
        time.sleep(0.3 + 8 * dice.random() ** 2)
        process.send_signal(number)
        output, _ = process.communicate(timeout=LIMIT_S)
        assert "Traceback" not in output
        assert process.returncode == code


@pytest.mark.parametrize(("number", "code"), CODES)
def test_running_replies_end_as_stopped(start_app, endless, number, code):
    app = start_app("--model", str(endless))
    wait_until_ready(app.process, app.url)
    asked = {"model": "any", "stream": True, "max_tokens": 1500, "temperature": 2, "messages": []}
    asked["messages"] = [{"role": "user", "content": "Tell me a story."}]
    with httpx.stream("POST", f"{app.url}/v1/chat/completions", json=asked, timeout=60) as answer:
        lines = (line for line in answer.iter_lines() if line)
        for _ in range(5):
            next(lines)
        app.process.send_signal(number)
        rest = [*lines]
    assert rest[-1] == "data: [DONE]"
    assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"]
    assert app.process.wait(timeout=LIMIT_S) == code
    assert "Traceback" not in app.log()


@pytest.mark.parametrize("shell", ["2>/dev/full", ">/dev/full 2>&1", ">&- 2>&-", "<&- >&- 2>&-"])
def test_output_that_nobody_takes_does_not_matter(shell, free_port):
    """A full disk, and closed streams."""
    process = run("--no-browser", "--port", str(free_port), shell=shell)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{free_port}")
    finally:
        process.terminate()
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


def test_a_pipe_whose_reader_has_gone_does_not_matter(free_port):
    process = run("--no-browser", "--port", str(free_port))
    process.stdout.close()
    try:
        wait_until_ready(process, f"http://127.0.0.1:{free_port}")
    finally:
        process.terminate()
    assert process.wait(timeout=LIMIT_S) == 0


def test_an_ascii_locale_takes_any_prompt_and_any_folder(endless, start_app, tmp_path):
    folder = tmp_path / "m\u00f6del-\u6a21\u578b"
    folder.symlink_to(endless)
    app = start_app(
        *("--model", str(folder), "--system-prompt", "Gr\u00fc\u00dfe, \u4f60\u597d"),
        LC_ALL="POSIX",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING="ascii",
    )
    wait_until_ready(app.process, app.url)
    assert "m\\xf6del-\\u6a21\\u578b is ready" in app.log()
    assert "Traceback" not in app.log()


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTP_PROXY": "http://127.0.0.1:9"},
        {"http_proxy": "127.0.0.1:9", "NO_PROXY": "[fe80::1],fe80::/10,example.org"},
        {"all_proxy": "socks://127.0.0.1:9/", "HTTPS_PROXY": "socks4://ann:secret@127.0.0.1:9"},
    ],
)
def test_it_starts_behind_any_proxy(environment, start_app):
    quiet = dict.fromkeys(("NO_PROXY", "no_proxy", "ALL_PROXY", "HTTPS_PROXY"), "")
    app = start_app(**{**quiet, **environment})
    wait_until_ready(app.process, app.url)
    assert "secret" not in app.log()
    assert ("HTTPS_PROXY names no proxy" in app.log()) is ("HTTPS_PROXY" in environment)


def test_a_temporary_folder_that_cannot_be_written_is_not_needed(start_app, tmp_path):
    taken = tmp_path / "gradio"
    taken.write_text("a file where a folder should be")
    own = tmp_path / "own"
    own.mkdir()
    app = start_app(GRADIO_TEMP_DIR=str(taken), TMPDIR=str(own))
    assert [path.name.partition("-")[0] for path in own.iterdir()] == ["llama"]
    app.process.terminate()
    assert app.process.wait(timeout=LIMIT_S) == 0
    assert not [*own.iterdir()]


def test_without_its_packages_it_says_what_to_do():
    done = subprocess.run(
        [sys.executable, "-S", "app.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Run `pip install -r requirements.txt`" in done.stderr
