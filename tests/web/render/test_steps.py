"""Tools on the page: steps as they happen, Stop between and inside them, the exact prompt."""

import asyncio

import pytest

from llama_ui.chat.conversation import Conversation, Facts, Step
from llama_ui.chat.export import one_from_json, to_json
from llama_ui.tools.agent import REMINDER
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.page.handlers import Handlers
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.session import Session
from llama_ui.web.page.views import Views
from llama_ui.web.render.transcript import render_conversation
from tests.web.page.test_handlers import collect, form, starter, texts

__all__ = ["starter"]

QUESTION = "what is 4 to the power of 2.1?"


def tools(**changes):
    """What the page sends with Tools on."""
    return form(tools=True, keep_last="5", reminder=REMINDER, max_new_tokens=100, **changes)


@pytest.fixture
def handlers(starter):
    starter.wait()
    return Handlers(starter, "", FramePacer(), Gate(Limits()))


def facts(session: Session) -> Facts:
    return session.conversation.nodes[session.conversation.head].facts


def test_steps_are_shown_as_they_happen_and_kept(handlers):
    session = Session()
    frames = collect(handlers.send(session, session.key, QUESTION, tools()))
    assert any("Calculator" in frame.running for frame in frames[:-1] if frame.running)
    assert not any("action" in frame.running for frame in frames[1:-1] if frame.running)
    assert "18.379" in texts(session)[1]
    (step,) = facts(session).steps
    assert (step.tool, step.given) == ("Calculator", "4**2.1")
    assert step.ms > 0
    assert "<details" in frames[-1].transcript
    assert "18.37917" in frames[-1].transcript
    assert one_from_json(to_json(session.conversation)) == session.conversation
    collect(handlers.send(session, session.key, "can you multiply that by 3?", tools()))
    assert "55.137" in texts(session)[3]
    collect(handlers.send(session, session.key, "thanks!", tools()))
    assert facts(session).steps == ()
    assert "action" not in texts(session)[5]


def test_a_replay_draws_every_step_again(handlers):
    session = Session()
    collect(handlers.send(session, session.key, QUESTION, tools(temperature=1)))
    frames = collect(handlers.act(session, session.key, {"act": "replay", "n": 1}, form()))
    assert "the same reply" in frames[-1].notice


@pytest.mark.parametrize("steps", [0, 1])
def test_stop_ends_it_inside_a_step_and_between_steps(handlers, steps):
    """Stopped at the first frame that shows so many steps."""
    session = Session()

    async def stopped() -> None:
        async for frame in handlers.send(session, session.key, QUESTION, tools()):
            if frame.running and frame.busy is None and frame.running.count("<details") == steps:
                session.stop()

    asyncio.run(stopped())
    assert not session.busy
    assert facts(session).ending == "cancelled"
    assert len(facts(session).steps) == steps
    assert "{" not in texts(session)[1]


def test_two_replies_side_by_side_have_their_own_steps(handlers):
    session = Session()
    collect(handlers.compare(session, session.key, QUESTION, "Temperature", "1", tools()))
    assert all(session.conversation.nodes[n].facts.steps for n in session.compared)


def test_the_exact_prompt_holds_every_step(handlers, starter):
    session = Session()
    collect(handlers.send(session, session.key, QUESTION, tools()))
    frame = asyncio.run(Views(starter).earlier_prompt(session, 1))
    assert "after 1 step with tools" in frame.prompt
    assert "Observation: 18.379" in frame.prompt


def test_what_a_step_says_is_only_text():
    step = Step("<b>x", "<i>Calculator", "<script>", "<img src=x>", 1.0)
    chat = Conversation().ask("Hi").answer("Ho", Facts(steps=(step,)))
    shown = render_conversation(chat)
    assert "&lt;script&gt;" in shown
    for tag in ("<b>x", "<i>C", "<script", "<img"):
        assert tag not in shown
