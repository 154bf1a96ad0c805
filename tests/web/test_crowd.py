"""More visitors than Gradio would serve at once."""

import asyncio
import time

import httpx

from tests.conftest import START_LIMIT_S

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


async def _burst(url: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        return await asyncio.gather(*(client.post(CHAT, json=HI) for _ in range(LINE)))


def _until(happened) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)
