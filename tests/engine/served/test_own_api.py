"""This application behind another one: the engine on a server, against our own API."""

import asyncio
import time

import httpx
import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.engine import RemoteEngine
from llama_ui.engine.served.server import RemoteServer, find_server
from llama_ui.errors import ContextWindowError
from tests.engine.served.reading import ASK, read

GREEDY = Sampling(temperature=0, max_new_tokens=20)


@pytest.fixture(scope="module")
def away(app):
    while httpx.get(f"{app.url}/ready", timeout=60).status_code != 200:
        time.sleep(0.1)
    engine = RemoteEngine(find_server(f"{app.url}/v1"))
    yield engine
    engine.close()


def test_it_says_what_it_is_and_takes_every_option(away):
    assert away.info.name == "Pocket Llama"
    assert away.info.context_length == 2048
    sampling = Sampling(
        temperature=0.9, top_p=0.8, top_k=40, repetition_penalty=1.1, seed=5, max_new_tokens=20
    )
    first = read(away, sampling=sampling)
    assert first.fault is None
    assert read(away, sampling=sampling).text == first.text
    assert first.last.stats.seed == 5
    assert first.last.stats.reply_tokens == 20
    assert away.info.supports >= {"seed", "top_p", "top_k", "repetition_penalty"}


def test_a_conversation_that_is_too_long_is_told_in_a_sentence(away):
    heard = read(away, [{"role": "user", "content": "llama " * 5000}], GREEDY)
    assert not heard.text
    assert isinstance(heard.fault, ContextWindowError)
    assert "remember fewer exchanges" in str(heard.fault)
    assert read(away).fault is None


def test_stop_frees_the_slot_over_there(app, away):
    wild = Sampling(temperature=2, top_p=1, top_k=1000, seed=7, max_new_tokens=1500)

    async def stop_at_the_first_word():
        reply = away.submit(away.plan(ASK, wild), wild)
        async for chunk in reply:
            if chunk.text:
                reply.cancel()
        return chunk.finish_reason

    assert asyncio.run(stop_at_the_first_word()) == "cancelled"
    deadline = time.monotonic() + 30
    while "llama_ui_running 0.0" not in httpx.get(f"{app.url}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_key_that_is_wrong(start_app):
    app = start_app(LLAMA_UI_API_KEY="the-right-key-0123456")
    engine = RemoteEngine(RemoteServer(f"{app.url}/v1", "x", key="the-wrong-key"))
    assert "refuses the key" in str(read(engine, sampling=GREEDY).fault)
    engine.close()
