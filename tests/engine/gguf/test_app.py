"""The application over a GGUF, from the command line to the API."""

import json
import subprocess
import sys
import time

import httpx
import psutil

from llama_ui.settings import ROOT
from tests.smollm2 import smollm2

ASKED = {
    "messages": [{"role": "user", "content": "Tell me a story about a llama."}],
    "max_tokens": 40,
    "temperature": 1,
    "seed": 3,
}


def child_of(app) -> psutil.Process:
    processes = psutil.Process(app.process.pid).children(recursive=True)
    [child] = [each for each in processes if "llama_ui.engine.gguf.child" in each.cmdline()]
    return child


def wait_until_ready(app) -> None:
    deadline = time.monotonic() + 100
    while "is ready" not in app.log() and time.monotonic() < deadline:
        time.sleep(0.1)


def test_smollm2_answers_with_probabilities_and_lives_through_a_crash(start_app):
    smollm2()
    app = start_app("--model", "smollm2", "--context", "2048", "--slots", "2")
    wait_until_ready(app)
    url = f"{app.url}/v1/chat/completions"
    asked = {**ASKED, "logprobs": True, "top_logprobs": 3}
    answer = httpx.post(url, json=asked, timeout=100).raise_for_status().json()["choices"][0]
    whole = answer["message"]["content"]
    assert whole
    first = answer["logprobs"]["content"][0]
    assert len(first["top_logprobs"]) == 3
    assert first["logprob"] <= 0
    text, killed = "", False
    with httpx.stream("POST", url, json={**ASKED, "stream": True}, timeout=100) as lines:
        for line in lines.iter_lines():
            if line.startswith("data: {"):
                text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
                if text and not killed:
                    child_of(app).kill()
                    killed = True
    assert text == whole
    assert "it starts again" in app.log()


def test_a_broken_file_is_a_sentence_and_the_page_goes_on(start_app, tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(smollm2().read_bytes()[:5_000_000])
    app = start_app("--model", str(path))
    deadline = time.monotonic() + 60
    while "is damaged" not in app.log() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "cut.gguf is damaged: it has 5,000,000 bytes, not" in app.log()
    assert "Traceback" not in app.log()
    assert httpx.get(app.url).status_code == 200


def test_the_doctor_knows_a_gguf(tmp_path):
    broken = tmp_path / "cut.gguf"
    broken.write_bytes(smollm2().read_bytes()[:1000])
    for model, says in (("smollm2", "4 slots of 2,048 tokens"), (str(broken), "is damaged")):
        told = subprocess.run(
            [sys.executable, "app.py", "--check", "--model", model, "--context", "2048"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert says in told.stdout
