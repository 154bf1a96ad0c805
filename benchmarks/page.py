"""How the page keeps up: python -m benchmarks.page [--users 60]

A real Chromium reads a reply that arrives at an even 400 tokens a second, after no messages and
after a hundred; then many visitors wait while one more clicks. The engine is a clock: what is
measured is the page and its server, in a process of its own. Prints Markdown tables.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.visitor import Visitor
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import EngineInfo, EngineLoad
from llama_ui.engine.reply import Chunk, Reply, Stats, Token
from llama_ui.prompt.plan import PromptPlan
from tests.browser.conftest import FLAGS, chromium_path

TOKENS_PER_S, TOKENS = 400, 2_000
WORDS = ["llamas", "hum", "softly", "over", "the", "**green**", "hills", "of", "`home`,", "and"]
PORT = 7899
LONG = ("--context", "8192", "--rope", "dynamic")  # room for a prompt of 4,000 tokens
URL = f"http://127.0.0.1:{PORT}"


class Clock:
    """An engine whose replies come at an even pace; what the page needs of one, no more.

    A message that is a number gets a reply of so many tokens; any other waits until it is stopped.
    """

    info = EngineInfo("Clock", "none", "no device", 100_000)
    load = EngineLoad(running=1, waiting=1)

    def plan(self, messages, sampling, options=None) -> PromptPlan:
        self._asked = messages[-1]["content"]
        return PromptPlan(())

    def submit(self, plan, sampling) -> Reply:
        reply = Reply()
        if self._asked.isdigit():
            threading.Thread(target=self._tick, args=(reply, int(self._asked)), daemon=True).start()
        else:
            reply.put(Chunk(queue_position=1))
        return reply

    def _tick(self, reply: Reply, tokens: int) -> None:
        started = time.perf_counter()
        for number in range(tokens):
            due = started + (number + 1) / TOKENS_PER_S
            time.sleep(max(0.0, due - time.perf_counter()))
            end = "\n\n" if number % 60 == 59 else " "
            reply.put(Chunk(WORDS[number % len(WORDS)] + end, (Token(number),)))
        took = time.perf_counter() - started
        stats = Stats(1, 0, tokens, 1 / TOKENS_PER_S, tokens / took, 1)
        reply.put(Chunk(finish_reason="stop", stats=stats))

    def reply_ids(self, text: str) -> tuple[int, ...]:
        return ()

    def text_of(self, ids) -> str:
        return ""

    def pieces(self, ids) -> list[str]:
        return []

    def forget(self, owner: str) -> None:
        return

    def close(self) -> None:
        return


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--serve", action="store_true", help="be the server (used by itself)")
    given = parser.parse_args()
    if given.serve:
        serve_clock()
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        with server("-m", "benchmarks.page", "--serve") as clock:
            first_paint(browser)
            streaming(browser, clock.pid)
        with server("app.py", "--port", str(PORT), *LONG, "--no-browser"):
            inspecting(browser)
        browser.close()
    with server("-m", "benchmarks.page", "--serve"):
        waiting(given.users)


@contextmanager
def server(*arguments: str) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    try:
        wait_for_server()
        yield process
    finally:
        process.terminate()
        process.wait()


def serve_clock() -> None:
    """The page over the clock."""
    from llama_ui.engine.starter import EngineStarter
    from llama_ui.settings import Settings
    from llama_ui.web.api.health import Metrics
    from llama_ui.web.server import serve

    starter = EngineStarter(lambda report: Clock(), "Clock")
    starter.start()
    forever = threading.Event().wait
    serve(starter, Settings(port=PORT), open_browser=False, metrics=Metrics(), wait=forever)


def wait_for_server() -> None:
    while True:
        try:
            httpx.get(URL, timeout=2)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return


def first_paint(browser) -> None:
    """When a browser with an empty cache shows the page."""
    paints, ready = [], []
    for _ in range(5):
        page = browser.new_context().new_page()
        started = time.perf_counter()
        page.goto(URL, wait_until="commit")
        page.wait_for_selector(".example")
        ready.append(time.perf_counter() - started)
        script = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        paints.append(page.evaluate(script) / 1000)
        page.context.close()
    print("| opening the page, empty cache | median of 5 |\n|---|---|")
    print(f"| first paint | {statistics.median(paints):.2f} s |")
    print(f"| ready to type | {statistics.median(ready):.2f} s |\n")


def streaming(browser, pid: int) -> None:
    """2,000 tokens at 400 a second, after no messages and after a hundred."""
    page: Page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(URL)
    page.wait_for_selector(".badge.ready")
    ideal = TOKENS / TOKENS_PER_S
    print("| a reply of 2,000 tokens at 400 tokens/s | ideal | in the page | ratio | server CPU |")
    print("|---|---|---|---|---|")
    for earlier in (0, 100):
        while page.locator("#transcript .turn").count() < earlier:
            ask(page, 40)
        before = cpu_seconds(pid)
        took = ask(page, TOKENS)
        used = cpu_seconds(pid) - before
        times = f"{ideal:.2f} s | {took:.2f} s | {took / ideal:.3f} | {used:.2f} s"
        print(f"| after {earlier} messages | {times} |")
        page.reload()
        page.wait_for_selector(".badge.ready")
    print()


def inspecting(browser) -> None:
    """The meter and the exact prompt over a chat of 4,000 tokens, with Pocket Llama."""
    page: Page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(URL)
    page.wait_for_selector(".badge.ready", timeout=60_000)
    page.click("#keys .options-button")
    page.locator("#option-max_new_tokens input[type=number]").fill("8")
    page.locator("#option-max_new_tokens input[type=number]").press("Tab")
    while taken(page) < 4_000:
        page.fill("#message textarea", "llamas like the green grass of the hills, " * 40)
        count = page.locator("#transcript .turn.assistant").count()
        page.press("#message textarea", "Enter")
        answers = page.locator("#transcript .turn.assistant")
        expect(answers).to_have_count(count + 1, timeout=60_000)
        page.wait_for_timeout(500)  # for the meter
    keys = [page.evaluate(_KEY) for _ in range(30)]
    opened = []
    for _ in range(7):
        opened.append(page.evaluate(_OPEN))
        page.keyboard.press("Escape")
        page.wait_for_selector("#inspector.open", state="detached")
    print(f"| over a chat of {taken(page):,} tokens | median | slowest |\n|---|---|---|")
    for name, times in (("a key typed, meter on", keys), ("the exact prompt opens", opened)):
        print(f"| {name} | {statistics.median(times):.0f} ms | {max(times):.0f} ms |")
    print()


def taken(page: Page) -> int:
    return int(page.locator(".meter").get_attribute("aria-valuenow") or 0)


# Milliseconds from a key to the next picture that the browser draws.
_KEY = """() => new Promise((done) => {
    const box = document.querySelector('#message textarea');
    box.focus();
    const started = performance.now();
    document.execCommand('insertText', false, 'a');
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - started), 0));
})"""
# Milliseconds from the click to the panel with its tokens.
_OPEN = """() => new Promise((done) => {
    const started = performance.now();
    const look = () => document.querySelector('#inspector.open .ids')
        ? done(performance.now() - started) : requestAnimationFrame(look);
    document.querySelector('#show-prompt').click();
    look();
})"""


def ask(page: Page, tokens: int) -> float:
    """Seconds from the first word on the page to the last, by the browser's own clock."""
    count = page.locator("#transcript .turn.assistant").count()
    page.evaluate(_WATCH, count)
    page.fill("#message textarea", str(tokens))
    page.press("#message textarea", "Enter")
    page.wait_for_function("window.seen.done", polling=100)
    expect(page.locator("#send")).to_be_visible()
    return page.evaluate("(window.seen.done - window.seen.first) / 1000")


# Notes, at every frame that the browser draws, whether the reply has begun and whether it is whole.
_WATCH = """(count) => {
    const seen = window.seen = {};
    const look = () => {
        const whole = document.querySelectorAll('#transcript .turn.assistant').length > count;
        if (whole || document.querySelector('#running .md')) seen.first ??= performance.now();
        if (whole) seen.done = performance.now();
        else requestAnimationFrame(look);
    };
    look();
}"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def waiting(users: int) -> None:
    """How long a click takes while so many visitors wait for a reply."""
    alone, among = asyncio.run(click_among(users))
    print("| a click on Undo | median of 15 | slowest |\n|---|---|---|")
    for name, times in (("alone", alone), (f"while {users} visitors wait", among)):
        print(f"| {name} | {statistics.median(times) * 1e3:.0f} ms | {max(times) * 1e3:.0f} ms |")


async def click_among(users: int) -> tuple[list[float], list[float]]:
    async with httpx.AsyncClient(base_url=URL, timeout=60, limits=httpx.Limits()) as client:
        clicker = Visitor(client, Sampling())
        await clicker.send("10")
        alone = [await click(clicker) for _ in range(15)]
        waiting = [Visitor(client, Sampling()).send("wait") for _ in range(users)]
        readers = [asyncio.create_task(one) for one in waiting]
        await asyncio.sleep(5)
        assert not any(reader.done() for reader in readers)
        among = [await click(clicker) for _ in range(15)]
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    return alone, among


async def click(visitor: Visitor) -> float:
    started = time.perf_counter()
    async for _ in visitor.updates({"do": "undo"}):
        pass
    took = time.perf_counter() - started
    async for _ in visitor.updates({"do": "select", "n": 1}):
        pass
    return took


if __name__ == "__main__":
    main()
