"""What runs confined ends at its limits, and says nothing to a disk."""

import subprocess

import pytest

from llama_ui.confined import run_confined


def run(folder, script: str, given: bytes = b"", wait_s: float = 30) -> bytes:
    file = folder / "script.py"
    file.write_text(script)
    return run_confined(str(file), given, cpu_s=1, memory=500_000_000, wait_s=wait_s)


def test_it_reads_and_answers_and_knows_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    script = "import os, sys, numpy; print(sys.stdin.read(), os.environ.get('HF_TOKEN'))"
    assert run(tmp_path, script, b"hello").split() == [b"hello", b"None"]


@pytest.mark.parametrize(
    ("script", "is_signal"),
    [
        ("while True: pass", True),
        ("b = bytearray(600_000_000)", False),
        ("open(__file__ + '.txt', 'w').write('x' * 100_000)", False),
    ],
)
def test_work_memory_and_files_are_limited(tmp_path, script, is_signal):
    with pytest.raises(subprocess.CalledProcessError) as fault:
        run(tmp_path, script)
    assert (fault.value.returncode < 0) == is_signal


def test_waiting_is_limited(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        run(tmp_path, "import time; time.sleep(60)", wait_s=1)
