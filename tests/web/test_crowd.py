"""More visitors than there are places: on the page, and through Gradio's API."""

import asyncio
import time

import httpx

from benchmarks.visitor import Visitor
from llama_ui.chat.sampling import Sampling
from tests.conftest import START_LIMIT_S
from tests.web.page import visitor as page

SLOTS, LINE = 4, 60
CHAT, HI = "/gradio_api/call/chat", {"data": ["Hi", None, None]}


def test_all_stand_in_the_line_of_the_engine_and_the_rest_are_told(start_app, endless):
    """Gradio's own line, in which forty events run at once, tells nobody anything."""
    app = start_app("--model", str(endless), "--max-waiting", str(LINE), "--slots", str(SLOTS))
    with httpx.Client(base_url=app.url, timeout=60) as client:
        _until(lambda: client.get("/ready").status_code == 200)

        def are_waiting(count: int) -> bool:
            return f"llama_ui_waiting {count}.0" in client.get("/metrics").text

        # As many as have a place, all at the same moment: none is turned away at the door.
        assert {answer.status_code for answer in asyncio.run(_burst(app.url))} == {200}
        _until(lambda: are_waiting(LINE - SLOTS))
        for _ in range(SLOTS):
            client.post(CHAT, json=HI)
        _until(lambda: are_waiting(LINE))
        last = client.post(CHAT, json=HI).json()["event_id"]
        assert "The model is busy" in client.get(f"{CHAT}/{last}").text
    app.process.terminate()  # the others would be written to their end


def test_all_on_the_page_stand_in_one_line_and_who_leaves_it_gives_the_place_back(
    start_app, endless
):
    app = start_app("--model", str(endless), "--max-waiting", str(LINE), "--slots", str(SLOTS))
    with httpx.Client(base_url=app.url, timeout=60) as client:
        _until(lambda: client.get("/ready").status_code == 200)

        def are_waiting(count: int) -> bool:
            return f"llama_ui_waiting {count}.0" in client.get("/metrics").text

        asyncio.run(_crowd(app.url, are_waiting))
        _until(lambda: are_waiting(0))
        # All slots are free again: this one is answered.
        assert page.Visitor(app.url, max_new_tokens=2).ask("Hi")
    app.process.terminate()


async def _crowd(url: str, are_waiting) -> None:
    """Fill every place; then one more is told, and nothing of its chat has changed."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        readers: list[asyncio.Task] = []
        # The line has no room for all at once: the slots are taken first.
        for count in (LINE, SLOTS):
            crowd = [Visitor(http, Sampling()) for _ in range(count)]
            readers += [asyncio.create_task(visitor.send("Hi")) for visitor in crowd]
            waiting = len(readers) - SLOTS
            await asyncio.to_thread(_until, lambda waiting=waiting: are_waiting(waiting))
        assert not any(reader.done() for reader in readers)
        late = Visitor(http, Sampling())
        answer = await late.send("Hi")
        assert "The model is busy" in answer.fault
        assert late.messages == []
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _burst(url: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        return await asyncio.gather(*(client.post(CHAT, json=HI) for _ in range(LINE)))


def _until(happened) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)
