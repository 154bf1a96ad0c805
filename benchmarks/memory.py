"""The memory that a model takes on a GPU, as estimated from its config and as measured.

    python -m benchmarks.memory 7b 13b 70b

Each shape runs in a process of its own: every slot answers at once, after a long prompt, so that
all that is allocated on demand (activations, CUDA graphs, workspaces) is there. Measured is what
the GPU itself has less of than before the process, so what nvidia-smi shows; prints a table.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace

SLOTS = {"7b": (1, 4, 16), "13b": (1, 4), "70b": (1, 4)}


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=["7b", "13b", "70b"])
    parser.add_argument("--measure", type=int, metavar="SLOTS", help="one row, in this process")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.shapes[0], given.measure)))
        return
    print(
        "| shape | slots of 4,096 | weights | cache | overhead | estimate | measured | error "
        "| seconds to load |\n|---|---|---|---|---|---|---|---|---|"
    )
    for shape in given.shapes:
        for slots in SLOTS[shape]:
            print(row(shape, slots), flush=True)


def row(shape: str, slots: int) -> str:
    """Measure in a fresh process; what another one holds on the GPU does not count."""
    from llama_ui.engine.memory import LLAMA_2, memory_need

    command = [sys.executable, "-m", "benchmarks.memory", shape, "--measure", str(slots)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return f"{shape} {slots}: {done.stderr[-800:]}"
    seen = json.loads(done.stdout.splitlines()[-1])
    need = memory_need(LLAMA_2[shape], slots=slots)
    gb = [f"{part / 1e9:.2f} GB" for part in (need.weights, need.cache, need.overhead, need.total)]
    error = need.total / seen["used"] - 1
    detail = " ".join(f"{key} {value / 1e9:.2f}" for key, value in seen["parts"].items())
    print(f"<!-- {detail} -->")
    return (
        f"| {shape} | {slots} | {' | '.join(gb)} | {seen['used'] / 1e9:.2f} GB | {error:+.1%} "
        f"| {seen['seconds']:.0f} |"
    )


def measure(shape: str, slots: int) -> dict[str, object]:
    """Load, serve every slot, and read what the GPU says."""
    before = _used_by_others()
    import torch

    from benchmarks.engine import SAMPLING, load_endless, plan_of, prompt
    from llama_ui.engine.local import LocalEngine

    started = time.perf_counter()
    loaded = load_endless(shape, 1)
    seconds = time.perf_counter() - started
    used = lambda: torch.cuda.mem_get_info()[1] - torch.cuda.mem_get_info()[0] - before  # noqa: E731
    parts = {"loaded": used(), "weights": torch.cuda.memory_allocated()}
    engine = LocalEngine(loaded, slots=slots)
    parts["engine"], parts["held"] = used(), torch.cuda.memory_allocated()
    for length in (200, 1_000, 3_500):
        sampling = replace(SAMPLING, max_new_tokens=40)
        plans = [plan_of(prompt(loaded, length, seed)) for seed in range(slots)]
        for reply in [engine.submit(plan, sampling) for plan in plans]:
            list(reply)
        parts[f"after {length}"] = used()
    parts["peak"] = torch.cuda.max_memory_allocated()
    parts["reserved"] = torch.cuda.memory_reserved()
    result = {"used": used(), "seconds": seconds, "parts": parts}
    engine.close()
    return result


def _used_by_others() -> int:
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(shown) * 2**20


if __name__ == "__main__":
    main()
