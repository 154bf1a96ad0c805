"""A GGUF under our scheduler against llama.cpp's own server, in one run, interleaved.

    python -m benchmarks.gguf                      SmolLM2, as requirements-models.txt installs it
    python -m benchmarks.gguf --model FILE.gguf --rounds 5

Prompts of 512 tokens, sampling on. Both get the same number of threads, four slots of 2,048 tokens,
and ids as prompts; the time of the prompt is taken off. On a busy machine look at the time of a
core: with one thread that computes it is what a token takes where nothing else runs. Prints
Markdown tables.
"""

import argparse
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import httpx
import psutil

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.gguf.forward import GgufForward
from llama_ui.engine.gguf.loader import LoadedGguf, load_gguf, threads_to_use
from llama_ui.engine.gguf.memory import gguf_need
from llama_ui.engine.gguf.source import packed_smollm2
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.prompt.llama2 import Segment
from llama_ui.prompt.plan import PromptPlan

PROMPT, REPLY, LATE, NEW = 512, 60, 1_500, 60
SLOTS, LENGTH = 4, 2_048
SAMPLING = Sampling(temperature=0.7, top_p=0.9, top_k=50)

SERVER = """
import os, sys, xllamacpp
told = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the library prints
p = xllamacpp.CommonParams()
p.model.path, p.n_parallel, p.n_ctx = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = int(sys.argv[4])
p.kv_unified, p.port, p.hostnames = False, 0, ["127.0.0.1"]
server = xllamacpp.Server(p)
print(server.listening_address, file=told, flush=True)
sys.stdin.read()
"""

# Tokens to feed and to draw, and whose they are: seconds until all have been drawn.
Ask = Callable[[list[list[int]], int], float]


class Endless(LoadedGguf):
    """Its replies go on to their limit, so that every user draws the same number of tokens."""

    __slots__ = ()

    @property
    def end_tokens(self) -> frozenset[int]:
        return frozenset()


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=packed_smollm2())
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.model is None:
        parser.error("SmolLM2 is not installed (requirements-models.txt); name a --model")

    started = time.perf_counter()
    loaded = load_gguf(given.model, context_length=LENGTH, slots=SLOTS)
    endless = Endless(*(getattr(loaded, field.name) for field in fields(loaded)))
    engine = LocalEngine(endless, slots=SLOTS)
    seconds = time.perf_counter() - started
    server, url = start_server(given.model)
    ours, theirs = engine_asker(engine), server_asker(url)
    ours([prompt(0, 64)], 4), theirs([prompt(0, 64)], 4)

    print(f"{loaded.info.name}, {threads_to_use()} thread(s), {given.rounds} rounds\n")
    print("| | here | llama.cpp's server | ratio |\n|---|---|---|---|")
    for users in (1, SLOTS):
        row(f"tokens/s in all, {users} user(s)", given.rounds, speed, ours, theirs, users)
    child = psutil.Process(engine._scheduler._forward._process.pid)
    here, there = [psutil.Process(), child], [psutil.Process(server.pid)]
    for users in (1, SLOTS):
        name = f"ms of a core a token, {users} user(s)"
        row(name, given.rounds, core_ms, (ours, here), (theirs, there), users)
    row("seconds to the first token, 512 new", given.rounds, first_token, ours, theirs, PROMPT)
    row(f"the same, {NEW} of {LATE} new", given.rounds, late_turn, ours, theirs, LATE)

    held = child.memory_info().rss
    need = gguf_need(loaded.file, LENGTH, SLOTS, GgufForward.chunk)
    print("\n| loaded in | memory, estimated | measured | error |\n|---|---|---|---|")
    error = need.total / held - 1
    print(f"| {seconds:.1f} s | {need.total / 1e6:.0f} MB | {held / 1e6:.0f} MB | {error:+.1%} |")
    engine.close()
    server.communicate()


def row(name: str, rounds: int, measure: Callable, ours: Any, theirs: Any, size: int) -> None:
    """One line of the table: medians, and the median of the ratios within a round."""
    pairs = [(measure(ours, size, n), measure(theirs, size, n)) for n in range(rounds)]
    here, there = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"| {name} | {here:.2f} | {there:.2f} | {ratio:.2f} |", flush=True)


def speed(ask: Ask, users: int, number: int) -> float:
    """Tokens a second over all users, the prompts' time taken off."""

    def seconds(tokens: int) -> float:
        salt = random.randrange(10**9)
        return ask([prompt(salt + user, PROMPT) for user in range(users)], tokens)

    return users * (REPLY - 1) / (seconds(REPLY) - seconds(1))


def core_ms(side: tuple[Ask, list[psutil.Process]], users: int, number: int) -> float:
    """The same in computing time, which other programs on the machine hardly change."""
    ask, processes = side

    def seconds(tokens: int) -> float:
        before = sum(sum(process.cpu_times()[:2]) for process in processes)
        salt = random.randrange(10**9)
        ask([prompt(salt + user, 64) for user in range(users)], tokens)
        return sum(sum(process.cpu_times()[:2]) for process in processes) - before

    return 1000 * (seconds(REPLY) - seconds(1)) / (users * (REPLY - 1))


def first_token(ask: Ask, size: int, number: int) -> float:
    return ask([prompt(random.randrange(10**9), size)], 1)


def late_turn(ask: Ask, size: int, number: int) -> float:
    history = prompt(random.randrange(10**9), size - NEW)
    ask([history], 1)
    return ask([history + prompt(number, NEW)[1:]], 1)


def prompt(seed: int, length: int) -> list[int]:
    chance = random.Random(seed)
    return [1, *(chance.randrange(300, 4_000) for _ in range(length - 1))]


def engine_asker(engine: LocalEngine) -> Ask:
    def ask(prompts: list[list[int]], tokens: int) -> float:
        sampling = replace(SAMPLING, max_new_tokens=tokens)
        started = time.perf_counter()
        plans = [
            PromptPlan((Segment("user", 0, "", tuple(ids)),), (), f"user {number}")
            for number, ids in enumerate(prompts)
        ]
        for reply in [engine.submit(plan, sampling) for plan in plans]:
            assert list(reply)[-1].stats.reply_tokens == tokens
        return time.perf_counter() - started

    return ask


def server_asker(url: str) -> Ask:
    client = httpx.Client(base_url=url, timeout=600)

    def one(job: tuple[int, list[int], int]) -> None:
        slot, ids, tokens = job
        options = {"temperature": 0.7, "top_p": 0.9, "top_k": 50, "ignore_eos": True}
        body = {"prompt": ids, "n_predict": tokens, "id_slot": slot, "cache_prompt": True}
        answer = client.post("/completion", json={**options, **body}).raise_for_status().json()
        assert answer["tokens_predicted"] == tokens

    def ask(prompts: list[list[int]], tokens: int) -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(len(prompts)) as pool:
            list(pool.map(one, [(slot, ids, tokens) for slot, ids in enumerate(prompts)]))
        return time.perf_counter() - started

    return ask


def start_server(model: Path) -> tuple[subprocess.Popen[str], str]:
    sizes = [str(n) for n in (SLOTS, SLOTS * LENGTH, threads_to_use())]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(model), *sizes],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


if __name__ == "__main__":
    main()
