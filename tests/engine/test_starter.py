"""The starter holds the engine while it loads, and while another one takes its place."""

import asyncio
import gc
import threading
import weakref
from contextlib import aclosing

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.progress import Progress
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import BusyError, EngineError, ModelError

ASK = [{"role": "user", "content": "Tell me a tiny story."}]
LONG = Sampling(temperature=2, top_p=1, top_k=1000, seed=7, max_new_tokens=1500)


class Gate:
    """A load that goes on when it is told to."""

    def __init__(self, make):
        self._make = make
        self._open = threading.Event()
        self.reported = threading.Event()

    def __call__(self, report):
        report(Progress("loading", 1, 4))
        self.reported.set()
        assert self._open.wait(60)
        return self._make()

    def open(self):
        self._open.set()


def fail():
    raise ModelError("It is broken.", "Mend it.")


def until(starter, is_it, begin=lambda: None):
    """The first state that is so, after `begin` was called."""

    async def wait():
        async with aclosing(starter.states()) as states:
            begin()
            return await anext(state async for state in states if is_it(state))

    return asyncio.run(wait())


@pytest.fixture
def starter(loaded):
    starter = EngineStarter(lambda report: LocalEngine(loaded), "First")
    starter.start()
    starter.wait()
    yield starter
    starter.close()


def test_all_who_wait_get_the_engine_when_it_is_there(loaded):
    load = Gate(lambda: LocalEngine(loaded))
    starter = EngineStarter(load, "Pocket Llama")
    starter.start()
    found = []
    thread = threading.Thread(target=lambda: found.append(starter.wait()))
    thread.start()

    async def wait_here():
        first, second, cut = (asyncio.create_task(starter.engine()) for _ in range(3))
        await asyncio.sleep(0)
        # One that gives up takes nothing from the others.
        cut.cancel()
        assert starter.state == "loading"
        load.open()
        return await asyncio.gather(first, second)

    first, second = asyncio.run(wait_here())
    thread.join()
    assert first is second is found[0]
    assert starter.state == "ready"
    starter.close()


def test_the_fault_is_raised_to_each_who_asks():
    starter = EngineStarter(lambda report: fail(), "x")
    starter.start()
    faults = []
    for ask in (starter.wait, lambda: asyncio.run(starter.engine()), starter.wait):
        with pytest.raises(ModelError, match="It is broken") as raised:
            ask()
        faults.append(raised.value)
    assert len({id(fault) for fault in faults}) == 3
    assert starter.state == "failed"


def test_a_bug_is_an_incident(caplog):
    starter = EngineStarter(lambda report: 1 / 0, "Pocket Llama")
    starter.start()
    with pytest.raises(EngineError, match=r"could not be loaded \(incident "):
        starter.wait()
    assert "ZeroDivisionError" in caplog.text


def test_states_are_told_as_they_change(loaded):
    load = Gate(lambda: LocalEngine(loaded))
    starter = EngineStarter(load, "First")

    async def watch():
        seen = []
        async with aclosing(starter.states()) as states:
            async for state in states:
                seen.append((state.status, str(state.progress)))
                if len(seen) == 1:
                    starter.start()
                elif state.status == "loading":
                    load.open()
                else:
                    break
        return seen

    assert asyncio.run(watch()) == [
        ("loading", "loading…"),
        ("loading", "loading 25 %"),
        ("ready", "None"),
    ]
    starter.close()


def test_a_switch_keeps_the_engine_until_the_other_is_there(starter, loaded):
    first = starter.wait()
    reply = first.submit(first.plan(ASK, LONG), LONG)
    chunks = iter(reply)
    next(chunks)
    load = Gate(lambda: LocalEngine(loaded))
    starter.switch(load, "Second")
    assert load.reported.wait(60)
    now = starter.snapshot
    assert (now.status, now.name, now.next, str(now.progress)) == (
        *("ready", "First", "Second"),
        "loading 25 %",
    )
    assert starter.wait() is first
    with pytest.raises(BusyError, match="Second is being loaded"):
        starter.switch(load, "Third")
    load.open()
    # The running reply ends as stopped, and keeps what it has.
    *_, last = chunks
    assert last.finish_reason == "cancelled"
    assert last.stats.reply_tokens > 0
    second = starter.wait()
    assert second is not first
    assert (starter.name, starter.snapshot.next) == ("Second", "")
    short = Sampling(temperature=0, max_new_tokens=3)
    assert [*second.submit(second.plan(ASK, short), short)][-1].stats.reply_tokens == 3


def test_a_switch_that_fails_keeps_the_engine(starter):
    first = starter.wait()

    state = until(
        starter,
        lambda state: state.fault is not None,
        lambda: starter.switch(lambda report: fail(), "Second"),
    )
    assert (state.status, state.name, state.next) == ("ready", "First", "")
    assert state.fault.problem == "It is broken."
    assert starter.fault is None
    assert starter.wait() is first
    short = Sampling(temperature=0, max_new_tokens=3)
    assert [*first.submit(first.plan(ASK, short), short)]


def test_after_a_failure_another_model_can_be_loaded(loaded):
    starter = EngineStarter(lambda report: fail(), "x")
    starter.start()
    with pytest.raises(ModelError):
        starter.wait()
    starter.switch(lambda report: LocalEngine(loaded), "Second")
    assert starter.wait().info.name == loaded.info.name
    assert (starter.state, starter.name) == ("ready", "Second")
    starter.close()


def test_who_does_not_wait_is_told_how_far_it_is(loaded):
    gate = Gate(lambda: LocalEngine(loaded))
    starter = EngineStarter(lambda report: fail(), "First")
    starter.start()
    with pytest.raises(ModelError):
        starter.wait()
    with pytest.raises(ModelError):
        starter.present()
    starter.switch(gate, "Second")
    assert gate.reported.wait(60)
    with pytest.raises(EngineError, match="Second is loading"):
        starter.present()
    gate.open()
    assert starter.wait() is starter.present()
    starter.close()


def test_a_switch_that_is_cancelled_keeps_the_engine_and_drops_the_other(starter, loaded):
    first, closed = starter.wait(), threading.Event()

    class Late(LocalEngine):
        def close(self):
            super().close()
            closed.set()

    load = Gate(lambda: Late(loaded))
    starter.switch(load, "Second")
    assert load.reported.wait(60)
    starter.cancel()
    now = starter.snapshot
    assert (now.status, now.name, now.next, now.fault) == ("ready", "First", "", None)
    # Another one can be chosen at once; what arrives late takes nobody's place.
    third = Gate(lambda: LocalEngine(loaded))
    starter.switch(third, "Third")
    load.open()
    assert closed.wait(60)
    assert starter.wait() is first
    third.open()
    until(starter, lambda state: state.name == "Third")


def test_the_report_of_a_load_that_was_cancelled_ends_it(loaded):
    going_on, ended = threading.Event(), threading.Event()

    def load(report):
        report(Progress("downloading", 1, 10))
        assert going_on.wait(60)
        try:
            report(Progress("downloading", 2, 10))
        finally:
            ended.set()
        pytest.fail("it went on")

    starter = EngineStarter(load, "First")
    starter.start()
    starter.cancel()
    going_on.set()
    assert ended.wait(60)
    with pytest.raises(ModelError, match="was cancelled"):
        starter.wait()
    starter.switch(lambda report: LocalEngine(loaded), "Second")
    assert starter.wait().info.name == loaded.info.name
    starter.close()


def test_the_engine_that_was_replaced_is_freed(loaded):
    starter = EngineStarter(lambda report: LocalEngine(loaded), "First")
    starter.start()
    gone = weakref.ref(starter.wait())
    load = Gate(lambda: LocalEngine(loaded))
    starter.switch(load, "Second")
    load.open()

    until(starter, lambda state: state.name == "Second")
    starter.close()
    gc.unfreeze()
    gc.collect()
    assert gone() is None


def test_every_end_is_seen_once_by_all_who_watch(loaded):
    first, second = [], []
    starter = EngineStarter(lambda report: LocalEngine(loaded), "x", observe=first.append)
    starter.start()
    engine = starter.wait()
    sampling = Sampling(temperature=2, top_p=1, top_k=1000, seed=7, max_new_tokens=3)
    reply = engine.submit(engine.plan(ASK, sampling), sampling)
    reply.on_end(second.append)
    list(reply)
    # Also by those who come when it is over.
    late = []
    reply.on_end(late.append)
    assert [chunk.finish_reason for chunk in first] == ["length"]
    assert first == second == late
    starter.close()
    with pytest.raises(EngineError):
        engine.submit(engine.plan(ASK, sampling), sampling)
    assert isinstance(first[-1], EngineError)
