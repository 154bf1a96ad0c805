"""More visitors than Gradio would serve at once."""

import time

import httpx

from tests.conftest import START_LIMIT_S

SLOTS, LINE, VISITORS = 4, 60, 70


def test_all_stand_in_the_line_of_the_engine_and_the_rest_are_told(start_app, endless):
    """Gradio's own line, in which forty events run at once, tells nobody anything."""
    app = start_app("--model", str(endless), "--max-waiting", str(LINE), "--slots", str(SLOTS))
    with httpx.Client(base_url=app.url, timeout=60) as client:
        _until(lambda: client.get("/ready").status_code == 200)
        path = "/gradio_api/call/chat"
        joined = [client.post(path, json={"data": ["Hi", None, None]}) for _ in range(VISITORS)]
        _until(lambda: f"llama_ui_waiting {LINE}.0" in client.get("/metrics").text)
        last = client.get(f"{path}/{joined[-1].json()['event_id']}")
        assert "The model is busy" in last.text
    app.process.terminate()  # the others would be written to their end


def _until(happened) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)
