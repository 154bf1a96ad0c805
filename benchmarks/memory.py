"""The memory that a model takes on a GPU: as estimated from its config, and as measured.

    python -m benchmarks.memory 7b 13b 70b

Writes a checkpoint of each shape (random weights; it needs 40 GB of disk), and loads it as the
application does, in a process of its own for each row. Every slot answers at once, after long
prompts, so that all that is allocated on demand (activations, CUDA graphs, workspaces) is there.
Measured is what the GPU itself has less of than before: what nvidia-smi shows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

# As app.py does.
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")

ROWS = {
    "7b": [
        ("4bit", 1, "16bit"),
        ("4bit", 1, "8bit"),
        ("4bit", 16, "16bit"),
        ("8bit", 4, "16bit"),
        ("none", 4, "16bit"),
    ],
    "13b": [("4bit", 1, "16bit"), ("4bit", 4, "16bit")],
    "70b": [("4bit", 1, "16bit"), ("4bit", 4, "16bit")],
}


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=[*ROWS])
    parser.add_argument("--measure", nargs=4, metavar=("FOLDER", "KIND", "SLOTS", "CACHE"))
    given = parser.parse_args()
    if given.measure:
        folder, kind, slots, cache = given.measure
        print(json.dumps(measure(folder, kind, int(slots), cache)))
        return
    print(
        "| shape | weights held in | slots of 4,096 | cache held in | weights | cache | overhead "
        "| estimate | measured | error | loaded in |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for shape in given.shapes:
        with tempfile.TemporaryDirectory() as folder:
            code = f"from benchmarks.models import *; write({shape!r}, Path({folder!r}))"
            subprocess.run([sys.executable, "-c", code], check=True)
            for kind, slots, cache in ROWS[shape]:
                print(row(shape, folder, kind, slots, cache), flush=True)


def row(shape: str, folder: str, kind: str, slots: int, cache: str) -> str:
    """Measure in a fresh process: what another one has left on the GPU would not count."""
    from llama_ui.engine.loading.memory import memory_need

    command = [sys.executable, "-m", "benchmarks.memory", "--measure", folder, kind]
    command += [str(slots), cache]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return f"{shape} {kind} {slots}: {done.stderr[-1500:]}"
    seen = json.loads(done.stdout.splitlines()[-1])
    config = json.loads((Path(folder) / "config.json").read_text())
    need = memory_need(config, quantization=kind, slots=slots, kv_cache=cache)
    gb = [f"{part / 1e9:.2f} GB" for part in (need.weights, need.cache, need.overhead, need.total)]
    return (
        f"| {shape} | {kind} | {slots} | {cache} | {' | '.join(gb)} | {seen['used'] / 1e9:.2f} GB "
        f"| {need.total / seen['used'] - 1:+.1%} | {seen['seconds']:.0f} s | <!-- "
        f"{ {name: round(size / 1e9, 2) for name, size in seen['parts'].items()} } -->"
    )


def measure(folder: str, kind: str, slots: int, cache: str) -> dict[str, object]:
    """Load, let every slot answer, and ask the GPU what is left."""
    before = _used()
    import torch

    from benchmarks.engine import SAMPLING, plan_of, prompt
    from llama_ui.engine.loading.loader import load_model
    from llama_ui.engine.local.engine import LocalEngine

    started = time.perf_counter()
    loaded = load_model(folder, quantization=kind, kv_cache=cache)
    seconds = time.perf_counter() - started
    parts = {"loaded": _used() - before}
    loaded.tokenizer.eos_token = None
    loaded.model.generation_config.eos_token_id = None
    engine = LocalEngine(loaded, slots=slots)
    parts |= {"engine": _used() - before, "allocated": torch.cuda.memory_allocated()}
    for length in (200, 1_000, 3_500):
        sampling = replace(SAMPLING, max_new_tokens=40)
        plans = [plan_of(prompt(loaded, length, seed)) for seed in range(slots)]
        for reply in [engine.submit(plan, sampling) for plan in plans]:
            list(reply)
    parts |= {"peak": torch.cuda.max_memory_allocated(), "kept": torch.cuda.memory_reserved()}
    used = _used() - before
    engine.close()
    return {"used": used, "seconds": seconds, "parts": parts}


def _used() -> int:
    """Bytes in use on the first GPU, by all programs."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(shown) * 2**20


if __name__ == "__main__":
    main()
