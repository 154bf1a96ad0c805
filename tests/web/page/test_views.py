"""What the page says about a prompt is what the engine then does."""

import asyncio
import json
import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.page.form import Form
from llama_ui.web.page.handlers import Handlers
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.session import Session
from llama_ui.web.page.views import Views
from tests.sizes import examples


@pytest.fixture(scope="module")
def starter(exact):
    from llama_ui.engine.local.engine import LocalEngine

    starter = EngineStarter(lambda _: LocalEngine(exact), "Pocket Llama")
    starter.start()
    starter.wait()
    yield starter
    starter.close()


@pytest.fixture(scope="module")
def views(starter) -> Views:
    return Views(starter)


@pytest.fixture(scope="module")
def handlers(starter) -> Handlers:
    return Handlers(starter, "", FramePacer(), Gate(Limits()))


def form(**changes) -> Form:
    plain = Form.of(ChatOptions(sampling=Sampling(temperature=0, max_new_tokens=8)))
    return replace(plain, **changes)


def run(frames) -> list:
    async def read():
        return [frame async for frame in frames]

    return asyncio.run(read())


def act(handlers, session, options, name, **data):
    return run(handlers.act(session, session.key, {"act": name, **data}, options))[-1]


def meter(views, session, draft, options) -> tuple[int, list[int], str]:
    html = asyncio.run(views.meter(session, draft, options)).meter
    taken = int(re.search(r'aria-valuenow="(\d+)"', html)[1])
    gone = json.loads(unescape(re.search(r'data-gone="(.*?)"', html)[1]))
    return taken, gone, html


TEXT = st.text("ab [INST]é\n🦙", min_size=1, max_size=60).filter(str.strip)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    turns=st.lists(st.tuples(TEXT, TEXT), max_size=25),
    draft=TEXT,
    system=st.just("") | TEXT,
    reminder=st.just("") | TEXT,
    keep_last=st.sampled_from(["", "", "0", "2"]),
    pin=st.booleans(),
    long=st.booleans(),
)
def test_the_meter_counts_what_the_engine_then_reads(
    views, handlers, turns, draft, system, reminder, keep_last, pin, long
):
    chat = Conversation()
    for asked, answered in turns:
        chat = chat.ask(asked).answer(answered * (6 if long else 1))
    if pin and turns:
        chat = chat.pin(0)
    session = Session()
    session.conversation = chat
    reserved = 1500 if long else 2
    options = form(system=system, reminder=reminder, keep_last=keep_last, max_new_tokens=reserved)
    taken, gone, _ = meter(views, session, draft, options)
    reply = handlers.send(session, session.key, draft, options)

    async def first_words():
        async for frame in reply:
            if 'class="md"' in (frame.running or ""):
                session.stop()

    asyncio.run(first_words())
    facts = session.conversation.nodes[-1].facts
    assert taken - reserved == facts.prompt_tokens
    exchanges = chat.exchanges()
    assert gone == [number for e in session.dropped for number in exchanges[e]]


def test_an_empty_box_shows_the_history_without_a_draft(views):
    session = Session()
    session.conversation = Conversation().ask("Hello!").answer("Hi!")
    _, _, html = meter(views, session, "  ", form())
    assert "history" in html
    assert "draft" not in html


def test_the_meter_says_what_will_be_left_out_and_what_cannot_be_sent(views):
    session = Session()
    for number in range(30):
        session.conversation = session.conversation.ask(f"question {number} " * 9).answer(
            "yes " * 30
        )
    _, gone, html = meter(views, session, "now", form())
    assert gone[:2] == [0, 1]
    assert f"{len(gone) // 2} exchanges will not be sent" in html
    session.conversation = session.conversation.pin(0)
    assert 0 not in meter(views, session, "now", form())[1]
    fault = asyncio.run(views.meter(session, "llama " * 3000, form())).meter
    assert "the context window holds 2,048" in fault


@pytest.mark.parametrize("draft", [None, 5, ["x"], "a\ud800b", "x" * 200_000])
def test_forged_drafts_are_harmless(views, draft):
    assert asyncio.run(views.meter(Session(), draft, form())).meter
    asyncio.run(views.next_prompt(Session(), draft, form()))


def content_of(frame) -> dict:
    return json.loads(unescape(re.search(r'data-content="(.*?)"', frame.prompt, re.S)[1]))


def test_the_exact_prompt_of_the_next_and_of_an_earlier_reply(views, handlers, starter):
    session = Session()
    options = form(system="Be brief.")
    planned = content_of(asyncio.run(views.next_prompt(session, "Hello </s>!", options)))
    assert planned["text"] == "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello </s>! [/INST]"
    run(handlers.send(session, session.key, "Hello </s>!", options))
    run(handlers.send(session, session.key, "And you?", form(system="Something else.")))
    earlier = content_of(asyncio.run(views.earlier_prompt(session, 1)))
    assert earlier == planned
    assert session.conversation.nodes[1].facts.prompt_tokens == len(earlier["ids"])
    pieces = starter.wait().pieces(earlier["ids"])
    assert pieces[0] == "<s>"
    assert "</s>" not in pieces


@pytest.mark.parametrize("number", [None, -1, 9, "1", [0]])
def test_only_the_prompt_of_a_real_message_is_shown(views, number):
    assert "fault" in asyncio.run(views.earlier_prompt(Session(), number)).notice


def test_a_replay_is_the_same_reply(handlers):
    """In float32; with the seed and the options of then, whatever the page says now."""
    for seed in range(examples(5)):
        session = Session()
        options = form(temperature=1.3, seed=str(seed), max_new_tokens=24, top_k=100)
        run(handlers.send(session, session.key, "Tell me a tiny story.", options))
        before = session.conversation
        frame = act(handlers, session, form(temperature=0, system="Pirate!"), "replay", n=1)
        assert "the same reply" in frame.notice
        assert session.conversation.nodes == before.nodes


def test_a_reply_that_was_edited_cannot_be_replayed(handlers):
    session = Session()
    run(handlers.send(session, session.key, "Hello!", form()))
    act(handlers, session, form(), "edit", n=1, text="Mine.")
    assert "not known how" in act(handlers, session, form(), "replay", n=1).notice


def test_two_replies_side_by_side_are_versions_of_one(handlers):
    session = Session()
    frames = run(
        handlers.compare(
            session, session.key, "What is top_p?", "System prompt", "Be a pirate.", form()
        )
    )
    assert sum("column-of-two" in (frame.running or "") for frame in frames) >= 1
    assert frames[-1].transcript.count("Keep this one") == 2
    nodes = session.conversation.nodes
    assert [node.parent for node in nodes] == [None, 0, 0]
    assert [node.facts.options.system for node in nodes[1:]] == ["", "Be a pirate."]
    kept = act(handlers, session, form(), "select", n=2)
    assert "column-of-two" not in kept.transcript
    assert session.conversation.head == 2


@pytest.mark.parametrize(
    ("difference", "value"),
    [
        ("Temperature", "hot"),
        ("Temperature", "99"),
        ("Temperature", "nan"),
        ("Temperature", "0"),
        ("Temperature", None),
        ("No system prompt", ""),
        ("System prompt", ""),
        ("Nothing", "1"),
        (["Temperature"], "1"),
    ],
)
def test_a_comparison_needs_a_difference(handlers, difference, value):
    session = Session()
    frames = run(handlers.compare(session, session.key, "Hi", difference, value, form()))
    assert "fault" in frames[-1].notice
    assert not session.conversation.nodes


def test_another_word_branches_the_reply_there(handlers, starter):
    session = Session()
    options = form(probabilities=True, max_new_tokens=30)
    run(handlers.send(session, session.key, "Hello!", options))
    tokens = session.tokens[1]
    assert all(len(token.top) == 5 for token in tokens)
    shown = act(handlers, session, options, "why", n=1)
    assert shown.transcript.count("data-top=") == len(tokens)
    act(handlers, session, options, "branch", n=1, i=2, choice=1)
    engine = starter.wait()
    other = [*(token.id for token in tokens[:2]), tokens[2].top[1][0]]
    text = session.conversation.nodes[2].text
    assert session.conversation.versions(1) == (1, 2)
    assert text.startswith(engine.text_of(other))
    assert len(text) > len(engine.text_of(other))
    # Choosing the word that stood there gives the reply that stood there.
    act(handlers, session, options, "branch", n=1, i=2, choice=0)
    assert session.conversation.nodes[3].text == session.conversation.nodes[1].text
    assert [token.id for token in session.tokens[3]] == [token.id for token in tokens]


@pytest.mark.parametrize(
    "data", [{}, {"i": 0}, {"i": -1, "choice": 0}, {"i": 999, "choice": 0}, {"i": 0, "choice": 5}]
)
def test_only_known_words_can_be_chosen(handlers, data):
    session = Session()
    run(handlers.send(session, session.key, "Hello!", form(probabilities=True)))
    count = len(session.conversation.nodes)
    assert "fault" in act(handlers, session, form(), "branch", n=1, **data).notice
    assert len(session.conversation.nodes) == count


def test_without_probabilities_none_are_kept(handlers):
    session = Session()
    run(handlers.send(session, session.key, "Hello!", form()))
    assert not session.tokens
    assert "not known" in act(handlers, session, form(), "why", n=1).notice
