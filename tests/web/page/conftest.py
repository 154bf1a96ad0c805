"""The page's routes over a real engine, on a real socket."""

from collections.abc import Iterator

import pytest

from llama_ui.engine.starter import EngineStarter
from tests.web.page.visitor import Visitor, serving


@pytest.fixture(scope="module")
def starter(exact) -> Iterator[EngineStarter]:
    """Pocket Llama in float32, where equal prompts give equal replies."""
    from llama_ui.engine.local.engine import LocalEngine

    starter = EngineStarter(lambda _: LocalEngine(exact), "Pocket Llama")
    starter.start()
    starter.wait()
    yield starter
    starter.close()


@pytest.fixture(scope="module")
def page(starter: EngineStarter) -> Iterator[str]:
    """The address of the page."""
    with serving(starter) as url:
        yield url


@pytest.fixture
def visitor(page: str) -> Visitor:
    """One who has just opened it; greedy, short replies."""
    return Visitor(page)
