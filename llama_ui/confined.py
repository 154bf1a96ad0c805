"""Work on what may be hostile, in a process of its own: what ends it ends nothing else."""

import json
import os
import subprocess
import sys

# Where the packages are that this process has found, wherever they are. Nothing is written to a
# disk. Windows has no such limits; there the waiting time remains.
_CHILD = """
import contextlib, json, runpy, sys
sys.path[:] = json.loads(sys.argv[1])
with contextlib.suppress(ImportError, ValueError, OSError):
    import resource
    for name, most in zip(("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE"), map(int, sys.argv[3:])):
        resource.setrlimit(getattr(resource, name), (most, most))
runpy.run_path(sys.argv[2], run_name="__main__")
"""
# All that it is told of this process's environment, which has keys and passwords in it.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


def run_confined(script: str, given: bytes, cpu_s: int, memory: int, wait_s: float) -> bytes:
    """What a script of ours writes.

    Args:
        script: its file; it imports nothing of the application.
        given: what it reads.
        cpu_s: seconds of work that it may take, its start included.
        memory: bytes that it may take.
        wait_s: seconds until it is given up; longer than its work, on a busy machine.

    Raises:
        subprocess.CalledProcessError: it ended without an answer; at a limit of its work by a
            signal, which is a negative returncode.
        subprocess.TimeoutExpired, OSError: this machine has too much to do.
    """
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    limits = [str(cpu_s), str(memory), "0"]
    return subprocess.run(
        [sys.executable, "-I", "-c", _CHILD, json.dumps(sys.path), script, *limits],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        timeout=wait_s,
        check=True,
    ).stdout
