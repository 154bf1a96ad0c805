"""Thinking between tags is folded above the answer, while it streams and afterwards."""

import json
import threading

import pytest
from playwright.sync_api import expect

from tests.engine.served.scripted import DONE, event, scripted_server


@pytest.fixture
def server():
    with scripted_server() as script:
        listed = {"data": [{"id": "r1", "max_model_len": 4096}]}
        script.gets["/v1/models"] = (200, json.dumps(listed).encode(), {})
        yield script


def test_thinking_is_folded_and_stays_unfolded_while_it_grows(server, start_app, open_page):
    goes_on = threading.Event()

    def think_then_answer(write):
        write(event("<think>\nThe user asks for a sum. "))
        goes_on.wait(60)
        write(event("It is small."))
        write(event("\n</think>\n\n1 + 1 = **2**."))
        usage = {"prompt_tokens": 5, "completion_tokens": 21}
        usage["completion_tokens_details"] = {"reasoning_tokens": 12}
        counted = {"choices": [], "usage": usage}
        write(event(finish="stop") + b"data: " + json.dumps(counted).encode() + b"\n\n" + DONE)

    app = start_app("--server", server.url)
    page = open_page(app.url)
    page.wait_for_selector(".badge.ready")
    server.body = think_then_answer  # the page has asked it what it is by now
    page.fill("#message textarea", "1 + 1?")
    page.press("#message textarea", "Enter")
    thinking = page.locator("details.thinking")  # while it runs it is no part of the log
    expect(thinking.locator("summary")).to_contain_text("Thinking…", timeout=60_000)
    thinking.locator("summary").click()
    goes_on.set()
    thought = "The user asks for a sum. It is small."
    expect(thinking.locator("p")).to_have_text(thought, timeout=60_000)
    expect(page.locator(".assistant strong")).to_have_text("2", timeout=60_000)
    expect(thinking.locator("summary")).to_contain_text("· 12 tokens")
    page.reload()
    expect(thinking.locator("summary")).to_contain_text("12 tokens")
    expect(thinking.locator("p")).to_be_hidden()
