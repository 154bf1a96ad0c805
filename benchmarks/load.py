"""Many visitors at once: python -m benchmarks.load [--crowd 500] [--users 32] [--minutes 10]

Starts the application with Pocket Llama, opens so many pages over HTTP, as browsers do but without
drawing anything, and counts what comes back. Prints Markdown tables.

First a crowd sends at the same moment to a line of 64. Then users chat for minutes, each in a page
of its own, greedily: every reply must be the one that the same chat gets alone, and every page must
show its own messages, once and in order.
"""

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.visitor import Answer, Visitor
from llama_ui.chat.sampling import Sampling

GREEDY = Sampling(temperature=0, max_new_tokens=48)
LINE, SLOTS = 64, 4
_NAMES = """Ada Ben Cleo Dan Eve Finn Gina Hugo Iris Jack Kira Leo Mia Noah Olga Paul Quinn Rosa Sam
Tina Uma Vera Will Xena Yara Zoe Anton Bella Carl Dora Emil Fay"""
NAMES = tuple(_NAMES.split())
# The first minute fills the cache of keys and values and those of the libraries.
WARM_S, SAMPLE_S = 60, 5


@contextmanager
def application(*more: str) -> Iterator[tuple[str, int]]:
    """Runs the application, with more flags; gives its address and the number of its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--port", str(port), "--max-waiting", str(LINE), "--slots", str(SLOTS), *more]
    process = subprocess.Popen([sys.executable, "app.py", *flags], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                if httpx.get(f"{url}/ready", timeout=60).status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, "the application did not start"
            time.sleep(0.2)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(20)


async def crowd(http: httpx.AsyncClient, count: int) -> None:
    """Everyone sends at once."""
    visitors = [Visitor(http, GREEDY) for _ in range(count)]
    began = time.perf_counter()
    texts = [f"Tell me a tiny story about llama number {n}." for n in range(count)]
    answers = await asyncio.gather(*map(Visitor.send, visitors, texts))
    took = time.perf_counter() - began
    served = [a for a, text in zip(answers, texts, strict=True) if _is_whole(a, [text])]
    told = sorted(a.told for a in answers if "busy" in a.fault)
    print(f"\n| {count} people at once, {SLOTS} slots, a line of {LINE} | |\n|---|---|")
    print(f"| served whole | {len(served)} |\n| told that it is busy | {len(told)} |")
    print(f"| neither | {count - len(served) - len(told)} |")
    if told:
        within = sum(t <= 1 for t in told) / len(told)
        print(f"| told after, median / 95 % / last | {_spread(told)} |")
        print(f"| told within a second | {within:.0%} |")
    print(f"| all done after | {took:.1f} s |", flush=True)


async def chat(visitor: Visitor, name: str) -> list[tuple[str, str]]:
    """A short chat; gives what the page shows at its end."""
    visitor.new_chat()
    texts = _texts(name)
    shown: list[tuple[str, str]] = []
    for at in range(len(texts)):
        answer = await visitor.send(texts[at])
        if not _is_whole(answer, texts[: at + 1]):
            return answer.messages or [("fault", answer.fault)]
        shown = answer.messages
    return shown


async def soak(http: httpx.AsyncClient, users: int, minutes: float, pid: int) -> None:
    """Users chat for a while; their chats are compared with the same chats alone."""
    alone: dict[str, list[tuple[str, str]]] = {}
    single = Visitor(http, GREEDY)
    for name in NAMES[:users]:
        alone[name] = await chat(single, name)
        assert len(alone[name]) == 2 * len(_texts(name)), alone[name]
    others = Counter(reply for shown in alone.values() for _, reply in shown[1::2])
    found, waits, memory = Counter[str](), list[float](), list[tuple[float, float]]()
    began, end = time.perf_counter(), time.perf_counter() + 60 * minutes

    async def use(name: str) -> None:
        visitor = Visitor(http, GREEDY)
        while time.perf_counter() < end:
            clicked = time.perf_counter()
            shown = await chat(visitor, name)
            waits.append((time.perf_counter() - clicked) / len(_texts("")))
            found[_verdict(shown, alone[name], others)] += 1

    async def measure() -> None:
        while time.perf_counter() < end:
            memory.append((time.perf_counter() - began, _memory_mb(pid)))
            await asyncio.sleep(SAMPLE_S)

    await asyncio.gather(measure(), *map(use, NAMES[:users]))
    chats, turns = found.total(), found.total() * len(_texts(""))
    print(f"\n| {users} users for {minutes:g} minutes | |\n|---|---|")
    print(f"| chats, each of 3 turns | {chats:,} ({turns:,} replies) |")
    for what in ("the same as alone", "another reply than alone", "lost or doubled", "crossed"):
        print(f"| {what} | {found[what]:,} |")
    print(f"| a turn, median / 95 % / last | {_spread(sorted(waits))} |")
    warm = [mb for at, mb in memory if at >= min(WARM_S, 30 * minutes)]
    third = max(1, len(warm) // 3)
    parts = [warm[:third], warm[third : 2 * third], warm[2 * third :]]
    means = " / ".join(f"{statistics.mean(part):,.0f}" for part in parts if part)
    print(f"| memory after a minute, mean of its thirds | {means} MB |", flush=True)


def _texts(name: str) -> list[str]:
    return [f"My name is {name}.", "What is my name?", f"Tell {name} a tiny story."]


def _is_whole(answer: Answer, texts: list[str]) -> bool:
    """Whether the page shows these messages, once and in order, each with a reply."""
    shown = answer.messages
    roles = ["user", "assistant"] * len(texts)
    said = [text for role, text in shown if role == "user"]
    return [role for role, _ in shown] == roles and said == texts and all(t for _, t in shown)


def _verdict(
    shown: list[tuple[str, str]], alone: list[tuple[str, str]], others: Counter[str]
) -> str:
    if shown == alone:
        return "the same as alone"
    if shown[::2] != alone[::2] or len(shown) != len(alone):
        return "lost or doubled"
    mine = {reply for _, reply in alone[1::2]}
    crossed = any(reply in others and reply not in mine for _, reply in shown[1::2])
    return "crossed" if crossed else "another reply than alone"


def _memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise LookupError(pid)


def _spread(times: list[float]) -> str:
    late = times[int(0.95 * (len(times) - 1))]
    return f"{statistics.median(times):.2f} / {late:.2f} / {times[-1]:.2f} s"


async def run(url: str, pid: int, count: int, users: int, minutes: float) -> None:
    """Both measurements, on one application."""
    # A connection that lay idle may be closed the moment that it is used again.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as http:
        if count:
            await crowd(http, count)
        if minutes:
            await soak(http, users, minutes, pid)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crowd", type=int, default=500)
    parser.add_argument("--users", type=int, default=32, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    with application() as (url, pid):
        asyncio.run(run(url, pid, asked.crowd, asked.users, asked.minutes))


if __name__ == "__main__":
    main()
