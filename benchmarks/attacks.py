"""The health check while the application is attacked: python -m benchmarks.attacks

Starts the application with Pocket Llama, once open and once with a log-in, and does to it what
SECURITY.md says must not matter. Beside each attack another process asks `/health` without pause.
Prints a Markdown table: what was sent, how it was answered, and the slowest `/health`.
"""

import asyncio
import multiprocessing
import secrets
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing.synchronize import Event

import httpx

from benchmarks.load import application
from benchmarks.visitor import Visitor
from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.options import ChatOptions, form_of
from llama_ui.chat.sampling import Sampling
from llama_ui.web.page.updates import as_json

LISTS = b"[" + b"[]," * 10_000_000 + b"[]]"
SLOW = "**a*" * 12_500  # 50,000 characters that are slow to render
AT_ONCE = 30
Attack = Callable[[httpx.AsyncClient], Awaitable[Counter[str]]]


async def _all(asked: list[Awaitable[httpx.Response]]) -> Counter[str]:
    """How these were answered, at most so many at once."""
    places, found = asyncio.Semaphore(AT_ONCE), Counter[str]()

    async def one(request: Awaitable[httpx.Response]) -> None:
        async with places:
            try:
                found[str((await request).status_code)] += 1
            except httpx.TransportError:
                found["closed"] += 1

    await asyncio.gather(*map(one, asked))
    return found


async def proxy(http: httpx.AsyncClient) -> Counter[str]:
    """The server is asked to fetch other sites"""
    return await _all([http.get(f"/gradio_api/file=http://127.0.0.1:9/{n}") for n in range(300)])


async def heartbeats(http: httpx.AsyncClient) -> Counter[str]:
    """Heartbeats of pages that do not exist"""

    async def beat(number: int) -> httpx.Response:
        # One that is let in goes on for as long as somebody reads.
        async with http.stream("GET", f"/gradio_api/heartbeat/{number}") as answer:
            return answer

    return await _all([beat(number) for number in range(2_300)])


async def lists(http: httpx.AsyncClient) -> Counter[str]:
    """30 MB of empty lists"""
    paths = [f"/gradio_api/{name}" for name in ("queue/join", "cancel", "reset", "call/chat")]
    paths += ["/page/turn", "/page/meter", "/page/import", "/v1/chat/completions", "/login"]
    found = Counter[str]()
    for path in paths:
        found += await _all([http.post(path, content=LISTS)])
    return found


async def connections(http: httpx.AsyncClient) -> Counter[str]:
    """Connections that never finish their head or body"""
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
    body = b"POST /page/turn HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{"
    address = (http.base_url.host, http.base_url.port)
    lines = [socket.create_connection(address, 30) for _ in range(1_000)]
    for n, line in enumerate(lines):
        with suppress(OSError):  # the server may have closed it
            line.sendall((head, body)[n % 2])
    await asyncio.sleep(5)
    for line in lines:
        line.close()
    return Counter(opened=len(lines))


def _turn(chat: Conversation, action: dict[str, object]) -> dict[str, object]:
    return {
        "turn": secrets.token_hex(16),
        "owner": secrets.token_hex(16),
        "chat": as_json(chat),
        "options": form_of(ChatOptions()),
        "action": action,
    }


async def drawing(http: httpx.AsyncClient) -> Counter[str]:
    """Chats of 2,000 messages, and replies that are slow to render, opened at once"""
    long, slow = Conversation(), Conversation()
    for n in range(1_000):
        long = long.ask(f"Question {n}").answer("An *answer*.", Facts(reply_tokens=3))
    for _ in range(3):
        slow = slow.ask("Hi").answer(SLOW, Facts(reply_tokens=3))
    bodies = [_turn(chat, {"do": "open", "whole": True}) for chat in (long, slow) * AT_ONCE]
    return await _all([http.post("/page/turn", json=body) for body in bodies])


async def prompts(http: httpx.AsyncClient) -> Counter[str]:
    """The exact prompt of a long chat, again and again"""
    long = Conversation()
    for n in range(999):
        long = long.ask(f"Question {n}").answer("An answer.", Facts(reply_tokens=3))
    body = {**_turn(long, {}), "draft": "Hi"}
    return await _all([http.post("/page/prompt", json=body) for _ in range(10 * AT_ONCE)])


async def guesses(http: httpx.AsyncClient) -> Counter[str]:
    """Guessed passwords"""
    form = {"username": "ann", "password": "guess"}
    return await _all([http.post("/login", data=form) for _ in range(600)])


async def noise(http: httpx.AsyncClient) -> Counter[str]:
    """Paths and bodies that fill a log"""
    paths = ["/pwa_icon/64", "/gradio_api/custom_component/%0AERROR/client/%1b/x", "/config?page=x"]
    wrong = b'{"data":[NaN,"' + b"x" * 90_000 + b'"]}'
    asked = [http.get(path) for path in paths for _ in range(200)]
    asked += [http.post("/gradio_api/queue/join", content=wrong) for _ in range(200)]
    return await _all(asked)


async def replies(http: httpx.AsyncClient) -> Counter[str]:
    """More visitors than there are places"""
    visitors = [Visitor(http, Sampling(max_new_tokens=64)) for _ in range(200)]
    answers = await asyncio.gather(*(visitor.send("Hi") for visitor in visitors))
    return Counter("told that it is busy" if answer.fault else "answered" for answer in answers)


ATTACKS: dict[str, tuple[Attack, ...]] = {
    "open": (proxy, heartbeats, lists, connections, drawing, prompts, noise, replies),
    "with a log-in": (proxy, heartbeats, lists, connections, guesses, noise),
}


def watch(url: str, is_over: Event, told: "multiprocessing.Queue[float]") -> None:
    """Ask `/health` until the attack is over; tells the longest, in seconds."""
    longest = 0.0
    while not is_over.is_set():
        began = time.perf_counter()
        while True:
            # A connection that gives way to others is asked for again, on the same clock.
            with suppress(httpx.TransportError):
                httpx.get(f"{url}/health", timeout=60).raise_for_status()
                break
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.02)
    told.put(longest)


def measure(url: str, attack: Attack) -> tuple[Counter[str], float, float]:
    """How an attack was answered, its seconds, and those of the slowest `/health`."""
    is_over = multiprocessing.Event()
    told: multiprocessing.Queue[float] = multiprocessing.Queue()
    watching = multiprocessing.Process(target=watch, args=(url, is_over, told))
    watching.start()

    async def run() -> Counter[str]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
            return await attack(http)

    began = time.perf_counter()
    try:
        found = asyncio.run(run())
    finally:
        is_over.set()
    took = time.perf_counter() - began
    longest = told.get(timeout=70)
    watching.join()
    return found, took, longest


def main() -> None:
    print("| application | attack | answered | took | slowest `/health` |\n|---|---|---|---|---|")
    for kind, attacks in ATTACKS.items():
        flags = ["--auth", "ann:right-password"] if kind == "with a log-in" else []
        with application(*flags) as (url, _):
            for attack in attacks:
                found, took, longest = measure(url, attack)
                said = ", ".join(f"{count:,} of {what}" for what, count in found.most_common())
                words = (attack.__doc__ or "").strip()
                print(f"| {kind} | {words} | {said} | {took:.1f} s | {longest:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
