"""What the handlers do with faults and with values that no browser of ours would send."""

import asyncio

import pytest

from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ModelError
from llama_ui.web.handlers import Handlers, Options
from llama_ui.web.pacing import FramePacer
from llama_ui.web.session import Session

OPTIONS = Options("", 0, 0.9, 50, 1, 16, None)


@pytest.fixture
def starter(loaded):
    from llama_ui.engine.local import LocalEngine

    starter = EngineStarter(lambda report: LocalEngine(loaded), "Pocket Llama")
    starter.start()
    yield starter
    starter.wait().close()


def collect(frames) -> list:
    async def read():
        return [frame async for frame in frames]

    return asyncio.run(read())


def test_a_turn_ends_with_the_whole_conversation(starter):
    starter.wait()
    session = Session()
    frames = collect(Handlers(starter, "", FramePacer()).send(session, "Hello!", OPTIONS))
    assert frames[0].message == ""
    assert frames[0].busy
    assert not frames[-1].busy
    assert session.conversation.exchanges[0].assistant
    assert not session.busy


@pytest.mark.parametrize(
    "options",
    [
        Options("", 99, 0.9, 50, 1, 16, None),
        Options("", "hot", 0.9, 50, 1, 16, None),
        Options(None, 0, 0.9, 50, 1, 16, None),
        Options(["x"], 0, 0.9, 50, 1, 16, None),
        Options("x" * 200_000, 0, 0.9, 50, 1, 16, None),
        Options("", 0, 0.9, 50, 1, 10**9, None),
        Options("", 0, 0.9, 50, 1, 16, {"a": 1}),
        Options("", 0, 0.9, 50, 1, 16, "-5"),
        Options("", 0, 0.9, 50, 1, 16, "1.5"),
        Options("", 0, 0.9, 50, 1, 16, "9" * 5000),
    ],
)
def test_forged_options_are_refused_and_nothing_changes(starter, options):
    starter.wait()
    session = Session()
    frames = collect(Handlers(starter, "", FramePacer()).send(session, "Hello!", options))
    assert "fault" in frames[-1].notice
    assert frames[-1].message is None
    assert not session.conversation.exchanges


@pytest.mark.parametrize("text", [None, 5, ["x"], "", " \n", "x" * 200_000, "a\ud800b"])
def test_forged_messages_are_refused(starter, text):
    frames = collect(Handlers(starter, "", FramePacer()).send(Session(), text, OPTIONS))
    assert len(frames) == 1
    assert "fault" in frames[0].notice


@pytest.mark.parametrize("index", [-1, 4, "0", None, 1.5, [0]])
def test_only_real_examples_are_sent(starter, index):
    session = Session()
    frames = collect(Handlers(starter, "", FramePacer()).send_example(session, index, OPTIONS))
    assert "no such example" in frames[-1].notice
    assert not session.conversation.exchanges


def test_a_second_message_is_refused_while_a_reply_is_written(starter):
    starter.wait()
    session, handlers = Session(), Handlers(starter, "", FramePacer())

    async def both():
        first = handlers.send(session, "Hello!", OPTIONS)
        await anext(first)
        second = [frame async for frame in handlers.send(session, "Me too!", OPTIONS)]
        return second, [frame async for frame in first]

    second, first = asyncio.run(both())
    assert "still being written" in second[-1].notice
    assert not first[-1].busy
    assert [exchange.user for exchange in session.conversation.exchanges] == ["Hello!"]
    assert "fault" in handlers.undo(session, "").notice or not session.busy


def test_a_bug_becomes_an_incident_and_the_page_goes_on(starter, loaded, caplog):
    """A forced fault in the model: logged with its traceback, told with a number, retried well."""
    starter.wait()
    session, handlers = Session(), Handlers(starter, "", FramePacer())

    def fail(*_):
        raise RuntimeError("forced")

    hook = loaded.model.lm_head.register_forward_pre_hook(fail)
    frames = collect(handlers.send(session, "Hello!", OPTIONS))
    hook.remove()
    incident = frames[-1].notice.split("incident ")[1][:8]
    assert "The model failed" in frames[-1].notice
    assert incident in caplog.text
    assert "forced" in caplog.text
    assert "forced" not in frames[-1].notice
    assert session.conversation.exchanges[0].user == "Hello!"
    collect(handlers.retry(session, OPTIONS))
    assert session.conversation.exchanges[0].assistant


def test_a_page_closed_in_mid_reply_cancels_it_at_once(starter):
    """When closing returns, not when the garbage is collected."""
    starter.wait()
    session = Session()
    long = Options("", 2, 1, 1000, 1, 1000, None)

    async def leave():
        frames = Handlers(starter, "", FramePacer()).send(session, "A long story", long)
        await anext(frames)
        reply = session.reply
        await anext(frames)
        await frames.aclose()
        assert reply.cancelled
        assert not session.busy
        assert session.conversation.exchanges[0].note == "Stopped."

    asyncio.run(leave())


def test_stop_while_the_model_loads(loaded):
    import threading

    from llama_ui.engine.local import LocalEngine

    gate = threading.Event()

    def slow(report):
        gate.wait(30)
        return LocalEngine(loaded)

    starter = EngineStarter(slow, "Pocket Llama")
    starter.start()
    session = Session()

    async def stop_early():
        frames = []
        async for frame in Handlers(starter, "", FramePacer()).send(session, "Hello!", OPTIONS):
            frames.append(frame)
            session.stop()
        return frames

    frames = asyncio.run(stop_early())
    gate.set()
    starter.wait().close()
    assert "is loading" in frames[0].running
    assert session.conversation.exchanges[0].note == "Stopped."


def test_a_failed_model_is_explained_and_the_text_kept():
    def fail(report):
        raise ModelError("It is broken.", "Mend it.")

    starter = EngineStarter(fail, "x")
    starter.start()
    with pytest.raises(ModelError):
        starter.wait()
    session = Session()
    frames = collect(Handlers(starter, "", FramePacer()).send(session, "Hello!", OPTIONS))
    assert "It is broken." in frames[-1].notice
    assert frames[-1].message is None
    assert not session.conversation.exchanges
