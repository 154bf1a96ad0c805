"""The text that grows, and what stays behind once it is whole."""

import asyncio

import httpx
import pytest

from benchmarks.visitor import Visitor, Wiring
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.page.page import build_page
from llama_ui.web.page.writing import Writing


async def read(writing: Writing, into: list[str]) -> None:
    async for text in writing:
        into.append(text)


def test_a_reader_sees_the_latest_state_and_the_end():
    async def run() -> list[str]:
        writing, seen = Writing(), []
        writing.put("a")
        reader = asyncio.create_task(read(writing, seen))
        await asyncio.sleep(0)
        writing.put("a b")
        writing.put("a b c")
        await asyncio.sleep(0)
        writing.end("whole")
        await reader
        return seen

    assert asyncio.run(run()) == ["a", "a b c", "whole"]


def test_who_comes_late_sees_how_it_ended():
    async def run() -> list[str]:
        writing, seen = Writing(), []
        writing.end("whole")
        await asyncio.wait_for(read(writing, seen), 5)
        await asyncio.wait_for(read(writing, seen), 5)
        return seen

    assert asyncio.run(run()) == ["whole", "whole"]


def test_a_second_reader_ends_the_first():
    async def run() -> list[str]:
        writing, first, second = Writing(), [], []
        readers = [asyncio.create_task(read(writing, seen)) for seen in (first, second)]
        await asyncio.wait_for(readers[0], 5)
        writing.end("whole")
        await asyncio.wait_for(readers[1], 5)
        return second[-1:]

    assert asyncio.run(run()) == ["whole"]


@pytest.fixture
def page(loaded):
    from llama_ui.engine.local.engine import LocalEngine

    starter = EngineStarter(lambda report: LocalEngine(loaded), "Pocket Llama")
    starter.start()
    page = build_page(starter, ChatOptions(), Gate(Limits()))
    page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield page
    page.close()
    starter.wait().close()


def test_a_long_chat_holds_no_more_components_than_a_short_one(page):
    """Gradio keeps a copy of a component for every event that leaves it as it is."""

    async def run() -> list[int]:
        held = []
        async with httpx.AsyncClient(base_url=page.local_url, timeout=60) as http:
            greedy = Sampling(temperature=0, max_new_tokens=4)
            visitor = Visitor(http, await Wiring.of(http), greedy)
            await visitor.open()
            for number in range(1, 7):
                answer = await visitor.send("Hello!")
                assert len(answer.messages) == 2 * number, answer.fault
                session = page.app.state_holder[visitor.session]
                held += [len(session.blocks_config.blocks), len(session.config_values)]
        return held

    held = asyncio.run(run())
    assert held[4:6] == held[-2:]
