"""What the handlers do with faults and with values that no browser of ours would send."""

import asyncio
import time
from dataclasses import replace

import pytest

from llama_ui.chat.conversation import MAX_MESSAGES, Conversation, Message
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ModelError
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.page.form import Form
from llama_ui.web.page.handlers import Handlers
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.session import Session


def form(**changes) -> Form:
    """What the page sends for greedy, short replies."""
    plain = Form.of(ChatOptions(sampling=Sampling(temperature=0, max_new_tokens=16)))
    return replace(plain, **changes)


def texts(session: Session) -> list[str]:
    conversation = session.conversation
    return [conversation.nodes[number].text for number in conversation.path]


@pytest.fixture
def starter(loaded):
    from llama_ui.engine.local.engine import LocalEngine

    starter = EngineStarter(lambda report: LocalEngine(loaded), "Pocket Llama")
    starter.start()
    yield starter
    starter.wait().close()


def new_handlers(starter: EngineStarter, limits: Limits = Limits()) -> Handlers:  # noqa: B008
    return Handlers(starter, "", FramePacer(), Gate(limits))


def collect(frames) -> list:
    async def read():
        return [frame async for frame in frames]

    return asyncio.run(read())


def test_a_turn_ends_with_the_whole_conversation(starter):
    starter.wait()
    session = Session()
    frames = collect(new_handlers(starter).send(session, session.key, "Hello!", form()))
    assert frames[0].message == ""
    assert frames[0].busy
    assert not frames[-1].busy
    assert texts(session)[1]
    assert not session.busy


def test_a_limit_is_said_and_the_message_stays_in_its_box(starter):
    starter.wait()
    session, handlers = Session(), new_handlers(starter, Limits(requests=1))
    collect(handlers.send(session, session.key, "Hello!", form()))
    frames = collect(handlers.send(session, session.key, "And now?", form()))
    assert "used up your requests for a minute" in frames[-1].notice
    assert "Try again in" in frames[-1].notice
    assert all(frame.message is None for frame in frames)
    assert len(texts(session)) == 2


def test_a_reply_whose_time_is_over_says_so_and_can_go_on(starter):
    starter.wait()
    session, long = Session(), form(temperature=2, top_p=1, top_k=1000, seed=7, max_new_tokens=1500)
    handlers = new_handlers(starter, Limits(reply_s=0.3))
    frames = collect(handlers.send(session, session.key, "Tell me a story.", long))
    assert texts(session)[1]
    assert "Cut: the time that a reply may take here is over." in frames[-1].transcript
    assert 'data-act="continue"' in frames[-1].transcript
    assert "Stopped." not in frames[-1].transcript


@pytest.mark.parametrize(
    "options",
    [
        form(temperature=99),
        form(temperature="hot"),
        form(system=5),
        form(system=["x"]),
        form(system="x" * 200_000),
        form(max_new_tokens=10**9),
        form(seed={"a": 1}),
        form(keep_last="-1"),
        form(keep_last="many"),
        form(keep_last="1001"),
        form(reminder=5),
        form(reminder="x" * 200_000),
        form(stop=["a"]),
        form(stop="x" * 101),
        form(stop="\n".join("abcdefghi")),
        form(seed="-5"),
        form(seed="1.5"),
        form(seed="9" * 5000),
    ],
)
def test_forged_options_are_refused_and_nothing_changes(starter, options):
    starter.wait()
    session = Session()
    frames = collect(new_handlers(starter).send(session, session.key, "Hello!", options))
    assert "fault" in frames[-1].notice
    assert frames[-1].message is None
    assert not session.conversation.nodes


@pytest.mark.parametrize("text", [None, 5, ["x"], "", " \n", "x" * 200_000, "a\ud800b"])
def test_forged_messages_are_refused(starter, text):
    session = Session()
    frames = collect(new_handlers(starter).send(session, session.key, text, form()))
    assert len(frames) == 1
    assert "fault" in frames[0].notice


@pytest.mark.parametrize("index", [-1, 4, "0", None, 1.5, [0]])
def test_only_real_examples_are_sent(starter, index):
    session = Session()
    frames = collect(
        new_handlers(starter).act(session, session.key, {"act": "example", "n": index}, form())
    )
    assert "no such example" in frames[-1].notice
    assert not session.conversation.nodes


def test_a_second_message_is_refused_while_a_reply_is_written(starter):
    starter.wait()
    session, handlers = Session(), new_handlers(starter)

    async def both():
        first = handlers.send(session, session.key, "Hello!", form())
        await anext(first)
        second = [frame async for frame in handlers.send(session, session.key, "Me too!", form())]
        return second, [frame async for frame in first]

    second, first = asyncio.run(both())
    assert "still being written" in second[-1].notice
    assert not first[-1].busy
    assert texts(session)[0] == "Hello!"
    assert len(texts(session)) == 2
    assert "fault" in handlers.undo(session, session.key, "").notice or not session.busy


def test_a_bug_becomes_an_incident_and_the_page_goes_on(starter, loaded, caplog):
    """A forced fault in the model: logged with its traceback, told with a number, retried well."""
    starter.wait()
    session, handlers = Session(), new_handlers(starter)

    def fail(*_):
        raise RuntimeError("forced")

    hook = loaded.model.lm_head.register_forward_pre_hook(fail)
    frames = collect(handlers.send(session, session.key, "Hello!", form()))
    hook.remove()
    incident = frames[-1].notice.split("incident ")[1][:8]
    assert "The model failed" in frames[-1].notice
    assert incident in caplog.text
    assert "forced" in caplog.text
    assert "forced" not in frames[-1].notice
    assert texts(session)[0] == "Hello!"
    collect(handlers.act(session, session.key, {"act": "retry", "n": 0}, form()))
    assert texts(session)[1]


def test_a_page_closed_in_mid_reply_cancels_it_at_once(starter):
    """When closing returns, not when the garbage is collected."""
    starter.wait()
    session = Session()
    long = form(temperature=2, top_p=1, top_k=1000, max_new_tokens=1000, seed=10)

    async def leave():
        frames = new_handlers(starter).send(session, session.key, "A long story", long)
        await anext(frames)
        [reply] = session.replies
        await anext(frames)
        await frames.aclose()
        assert reply.cancelled
        assert not session.busy
        assert session.conversation.nodes[1].facts.ending == "cancelled"

    asyncio.run(leave())


def test_stop_while_the_model_loads(loaded):
    import threading

    from llama_ui.engine.local.engine import LocalEngine

    gate = threading.Event()

    def slow(report):
        gate.wait(30)
        return LocalEngine(loaded)

    starter = EngineStarter(slow, "Pocket Llama")
    starter.start()
    session = Session()

    async def stop_early():
        frames = []
        async for frame in new_handlers(starter).send(session, session.key, "Hello!", form()):
            frames.append(frame)
            session.stop()
        return frames

    frames = asyncio.run(stop_early())
    gate.set()
    starter.wait().close()
    assert "is loading" in frames[0].running
    assert session.conversation.nodes[1].facts.ending == "cancelled"


def test_a_failed_model_is_explained_and_the_text_kept():
    def fail(report):
        raise ModelError("It is broken.", "Mend it.")

    starter = EngineStarter(fail, "x")
    starter.start()
    with pytest.raises(ModelError):
        starter.wait()
    session = Session()
    frames = collect(new_handlers(starter).send(session, session.key, "Hello!", form()))
    assert "It is broken." in frames[-1].notice
    assert frames[-1].message is None
    assert not session.conversation.nodes


def turn(handlers: Handlers, session: Session, text: str, **changes) -> str:
    collect(handlers.send(session, session.key, text, form(**changes)))
    return texts(session)[-1]


def act(handlers: Handlers, session: Session, name: str, **data):
    frames = handlers.act(session, session.key, {"act": name, **data}, form())
    return collect(frames)[-1]


@pytest.fixture
def handlers(starter) -> Handlers:
    starter.wait()
    return new_handlers(starter)


def test_retry_keeps_the_earlier_reply_and_a_branch_goes_on_from_it(handlers):
    session = Session()
    first = turn(handlers, session, "Hello!")
    act(handlers, session, "retry", n=1)
    assert len(session.conversation.versions(1)) == 2
    frame = act(handlers, session, "select", n=1)
    assert "1/2" in frame.transcript
    turn(handlers, session, "And you?")
    assert texts(session)[1] == first
    assert session.conversation.nodes[3].parent == 1


def test_an_edited_question_is_answered_and_an_edited_reply_is_not(handlers):
    session = Session()
    turn(handlers, session, "Hello!")
    act(handlers, session, "edit", n=0, text="What is top_p?")
    assert texts(session)[0] == "What is top_p?"
    assert "top_p" in texts(session)[1].lower()
    count = len(session.conversation.nodes)
    act(handlers, session, "edit", n=3, text="Something else.")
    assert texts(session)[1] == "Something else."
    assert len(session.conversation.nodes) == count


def test_a_cut_reply_goes_on_to_its_end(handlers):
    session = Session()
    cut = turn(handlers, session, "What does temperature do?", max_new_tokens=5)
    assert session.conversation.nodes[1].facts.ending == "length"
    act(handlers, session, "continue", n=1)
    whole = texts(session)[1]
    assert whole.startswith(cut)
    assert len(whole) > len(cut)
    assert len(session.conversation.nodes) == 2


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"act": None},
        {"act": ["retry"]},
        {"act": "drop"},
        {"act": "retry", "n": 99},
        {"act": "retry", "n": "0"},
        {"act": "select"},
        {"act": "select", "n": -1},
        {"act": "edit", "n": 0},
        {"act": "edit", "n": 0, "text": ["x"]},
        {"act": "edit", "n": 1, "text": " "},
        {"act": "why", "n": [1]},
        {"act": "why", "n": 1},
        {"act": "pin", "n": 1},
        {"act": "replay", "n": {"a": 1}},
        {"act": "branch", "n": [1], "i": 0, "choice": 0},
        {"act": "retry", "n": True},
    ],
)
def test_forged_acts_are_refused_and_nothing_changes(handlers, data):
    session = Session()
    turn(handlers, session, "Hello!")
    before = session.conversation
    frame = collect(handlers.act(session, session.key, data, form()))[-1]
    assert "fault" in frame.notice
    assert session.conversation == before


def test_the_options_of_a_chat_come_back_with_it(handlers):
    session = Session()
    turn(handlers, session, "Hello!", system="Be brief.", seed="5", keep_last="3", stop="a\nb c")
    [kept] = handlers.opened(session).chats
    frame = asyncio.run(handlers.open(session, {}))
    assert (frame.form.system, frame.form.seed, frame.form.stop) == ("", "", "")
    frame = asyncio.run(handlers.open(session, kept))
    assert frame.form == form(system="Be brief.", seed="5", keep_last="3", stop="a\nb c")
    assert texts(session)[0] == "Hello!"
    assert session.key == kept["key"]


def test_opening_another_chat_stops_the_reply_and_keeps_its_text(handlers):
    session = Session()
    long = form(temperature=2, top_p=1, top_k=1000, max_new_tokens=1000, seed=10)

    async def switch():
        first = handlers.send(session, session.key, "A long story", long)

        async def read():
            return [frame async for frame in first]

        running = asyncio.create_task(read())
        while not (session.replies and session.busy):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        left = session.key
        frame = await handlers.open(session, {})
        await running
        return left, frame

    left, frame = asyncio.run(switch())
    kept, opened = frame.chats
    assert kept["key"] == left
    assert '"ending":"cancelled"' in kept["chat"]
    assert opened == {"key": session.key, "title": "New chat", "chat": ""}
    assert not session.conversation.nodes


@pytest.mark.parametrize(
    "data",
    [
        {"key": "k", "chat": 5},
        {"key": 5, "chat": "{}"},
        {"key": "", "chat": "{}"},
        {"key": "k" * 41, "chat": "{}"},
        {"key": "k", "chat": "{}"},
        {"key": "k", "chat": "["},
    ],
)
def test_a_damaged_chat_is_refused_and_the_open_one_stays(handlers, data):
    session = Session()
    turn(handlers, session, "Hello!")
    frame = asyncio.run(handlers.open(session, data))
    assert "fault" in frame.notice
    assert texts(session)[0] == "Hello!"


def test_a_page_that_shows_a_chat_unknown_here_is_told_so(handlers):
    """As after a restart of the server: the page is asked to bring its copy."""
    frames = collect(handlers.send(Session(), "kept-elsewhere", "Hello!", form()))
    assert frames[-1].chats == [{"lost": "kept-elsewhere"}]
    assert frames[-1].message is None
    assert "started again" in frames[-1].notice


def test_what_is_not_remembered_is_greyed(handlers):
    session = Session()
    turn(handlers, session, "My name is Ada.")
    turn(handlers, session, "What is my name?", keep_last="0")
    assert session.dropped == (0,)
    frame = act(handlers, session, "pin", n=0)
    assert frame.transcript.count(' forgotten"') == 2


def test_a_chat_is_renamed_also_while_a_reply_runs(handlers):
    session = Session()

    async def rename_early():
        frames = handlers.send(session, session.key, "Hello!", form())
        await anext(frames)
        renamed = handlers.rename(session, session.key, {"name": " Mine ", "key": "other"})
        return renamed, [frame async for frame in frames]

    renamed, rest = asyncio.run(rename_early())
    assert renamed.key == session.key == "other"
    assert rest[-1].chats[0]["title"] == "Mine"
    assert session.conversation.name == "Mine"


@pytest.mark.parametrize("data", [{"name": 5, "key": "k"}, {"name": "x", "key": ""}, {"name": "x"}])
def test_a_forged_name_is_refused(handlers, data):
    session = Session()
    assert "fault" in handlers.rename(session, session.key, data).notice
    assert session.conversation.name == ""


def test_a_word_cannot_be_chosen_before_there_is_a_model():
    """Asking for the engine would stop the event loop, and everybody with it."""
    never = EngineStarter(lambda report: time.sleep(60), "Never")
    never.start()
    session = Session()
    asked = {"act": "branch", "n": 0, "i": 0, "choice": 0}
    began = time.monotonic()
    frames = collect(new_handlers(never).act(session, session.key, asked, form()))
    assert time.monotonic() - began < 30
    assert "no longer known" in frames[-1].notice or "no such message" in frames[-1].notice


def test_a_full_chat_is_refused_before_a_reply_is_written(starter):
    starter.wait()
    session = Session()
    nodes = tuple(
        Message("assistant" if n % 2 else "user", "x", n - 1 if n else None)
        for n in range(MAX_MESSAGES)
    )
    session.conversation = Conversation(nodes=nodes, head=MAX_MESSAGES - 1)
    retry = {"act": "retry", "n": MAX_MESSAGES - 1}
    frames = collect(new_handlers(starter).act(session, session.key, retry, form()))
    assert "more than 2,000 messages" in frames[-1].notice
    assert len(frames) == 1


@pytest.mark.parametrize("typed", ["--5", "5-", "0x5", "\u0665"])
def test_a_number_that_is_none_is_refused(starter, typed):
    starter.wait()
    session = Session()
    frames = collect(new_handlers(starter).send(session, session.key, "Hi", form(seed=typed)))
    assert "seed" in frames[-1].notice.lower()
    assert "incident" not in frames[-1].notice
