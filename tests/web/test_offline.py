"""From the start to a reply, nothing is looked for outside this machine."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from llama_ui.settings import ROOT

# Whatever runs in it ends with its first process.
NAMESPACE = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"]
# With the loopback alone, in a network namespace of its own: whoever tries to get out is seen.
INSIDE = r"""
ip link set lo up
strace -f --seccomp-bpf -qq -e trace=connect,sendto,sendmsg -o "$1" \
    "$2" app.py --port 7999 >/dev/null 2>&1 &
"$2" - <<'END'
import time
import httpx
from gradio_client import Client

while True:
    try:
        httpx.get("http://127.0.0.1:7999/ready", timeout=60).raise_for_status()
        break
    except httpx.HTTPError:
        time.sleep(0.1)
client = Client("http://127.0.0.1:7999", verbose=False)
print(client.predict("What is your name?", None, {"temperature": 0}, api_name="/chat"))
END
"""
ADDRESS = re.compile(r'sin6?_addr=inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')


def can_be_shut_in() -> bool:
    """Whether this machine has the tools, and lets us make a namespace and trace in it."""
    if not all(map(which, ("unshare", "strace", "ip"))):
        return False
    trial = [*NAMESPACE, "strace", "--seccomp-bpf", "-f", "-o", "/dev/null", "true"]
    return subprocess.run(trial, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_be_shut_in(), reason="no network namespaces, or no strace, here")
def test_nothing_but_this_machine_is_called(tmp_path: Path):
    calls = tmp_path / "calls"
    command = [*NAMESPACE, "bash", "-c", INSIDE, "inside", str(calls), sys.executable]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert "Pocket Llama" in said.stdout, said.stderr
    asked = {a for line in calls.open(errors="replace") for a in ADDRESS.findall(line)}
    assert "127.0.0.1" in asked  # the page looks whether it is there
    assert asked <= {"127.0.0.1", "::1", "0.0.0.0"}
