"""What a turn tells, what becomes of the chat, and what the routes do with anything else."""

import asyncio
import json
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from llama_ui.chat.conversation import MAX_MESSAGES, Conversation, Facts, Message, Step
from llama_ui.chat.export import to_json
from llama_ui.engine.progress import Progress
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ModelError
from llama_ui.tools.agent import REMINDER
from llama_ui.web.access.identity import Caller
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.access.limits import Visitor as VisitorName
from llama_ui.web.page.routes import PageRoutes
from llama_ui.web.page.updates import MAX_RICH, FramePacer, as_json
from llama_ui.web.render.markdown import render_markdown
from tests.conftest import START_LIMIT_S
from tests.sizes import examples
from tests.web.page.visitor import LONG, Visitor, fault_of, kinds, raw_of, serving

STORY = "Tell me a tiny story."
SUM = "what is 4 to the power of 2.1?"


def until(happened) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def facts(visitor: Visitor, number: int | None = None) -> Facts:
    chat = visitor.conversation
    found = chat.nodes[chat.head if number is None else number].facts
    assert found is not None
    return found


# ---- What a turn tells


def test_the_updates_of_a_turn_add_up_to_its_reply(visitor):
    updates = visitor.act("ask", text="What does temperature do?")
    assert kinds(updates) == ["accepted", "text", "done"]
    first, last = updates[0]["chat"], updates[-1]
    assert (first["first"], first["head"]) == (0, 0)
    assert first["nodes"][0]["text"] == "What does temperature do?"
    assert (last["chat"]["first"], last["chat"]["head"], last["replies"]) == (0, 1, [1])
    assert visitor.texts[1]
    assert raw_of(updates) == visitor.texts[1]
    assert last["html"] == {"1": render_markdown(visitor.texts[1])}
    assert last["left_out"] == []
    assert facts(visitor).options.sampling.max_new_tokens == 16
    assert facts(visitor).reply_tokens > 0


def test_only_what_changed_is_told(visitor):
    visitor.ask("Hello!")
    visitor.chat["name"] = "Mine"
    updates = visitor.act("ask", text="And you?")
    assert updates[0]["chat"]["first"] == 2
    # Since before the turn, so that one who missed the first update misses nothing.
    assert updates[-1]["chat"]["first"] == 2
    assert set(updates[-1]["html"]) == {"3"}
    assert "name" not in updates[-1]["chat"]
    assert len(visitor.texts) == 4


def test_the_options_of_a_turn_are_those_of_the_chat_from_then_on(visitor):
    visitor.options |= {"system": "Be brief.", "seed": "5", "keep_last": "3", "stop": "zzz\nq c"}
    visitor.ask("Hello!")
    options = visitor.conversation.options
    assert (options.system, options.keep_last) == ("Be brief.", 3)
    assert (options.sampling.seed, options.sampling.stop) == (5, ("zzz", "q c"))
    assert facts(visitor).options == options


def test_the_seed_that_was_drawn_is_kept_with_the_reply(page):
    visitor = Visitor(page, temperature=1.3)
    visitor.ask(STORY)
    assert facts(visitor).options.sampling.seed is not None
    assert visitor.conversation.options.sampling.seed is None


def test_all_examples_of_the_page_are_answered(page):
    from llama_ui.web.page.presets import EXAMPLES

    for text in {example["text"] for example in EXAMPLES}:
        assert Visitor(page).ask(text)


# ---- What becomes of the chat


def test_a_retry_keeps_the_earlier_reply_and_a_branch_goes_on_from_it(visitor):
    first = visitor.ask("Hello!")
    visitor.act("retry", n=1)
    assert visitor.conversation.versions(1) == (1, 2)
    visitor.act("select", n=1)
    assert visitor.conversation.head == 1
    visitor.ask("And you?")
    assert visitor.texts[1] == first
    assert visitor.conversation.nodes[3].parent == 1


def test_a_message_without_a_reply_can_be_answered(visitor):
    visitor.begin(Conversation().ask("Hello!"))
    visitor.act("retry", n=0)
    assert visitor.texts[1]


def test_an_edited_question_is_answered_and_the_old_one_stays(visitor):
    visitor.ask("Hello!")
    updates = visitor.act("edit", n=0, text="What is top_p?")
    assert kinds(updates) == ["accepted", "text", "done"]
    assert visitor.texts[0] == "What is top_p?"
    assert "top_p" in visitor.texts[1].lower()
    assert visitor.conversation.nodes[0].text == "Hello!"
    assert visitor.conversation.versions(0) == (0, 2)


def test_an_edited_reply_is_a_version_and_is_not_answered(visitor):
    original = visitor.ask("Hello!")
    updates = visitor.act("edit", n=1, text="**Mine.**")
    assert kinds(updates) == ["done"]
    assert updates[0]["html"] == {"2": render_markdown("**Mine.**")}
    assert visitor.texts == ["Hello!", "**Mine.**"]
    assert facts(visitor).ending == "edited"
    assert visitor.conversation.nodes[1].text == original
    assert facts(visitor, 1).ending != "edited"


def test_a_cut_reply_goes_on_to_its_end(page):
    visitor = Visitor(page, max_new_tokens=5)
    cut = visitor.ask("What does temperature do?")
    assert facts(visitor).ending == "length"
    visitor.options["max_new_tokens"] = 64
    updates = visitor.act("continue", n=1)
    whole = visitor.texts[1]
    assert whole.startswith(cut)
    assert len(whole) > len(cut)
    assert len(visitor.conversation.nodes) == 2
    # What was there already is drawn with what is new.
    assert raw_of(updates) == whole
    assert updates[-1]["html"] == {"1": render_markdown(whole)}
    assert updates[-1]["replies"] == [1]


def test_a_replay_is_the_same_reply_whatever_the_page_says_now(page):
    for seed in range(examples(3)):
        options = {"temperature": 1.3, "seed": str(seed), "max_new_tokens": 24, "top_k": 100}
        visitor = Visitor(page, **options)
        visitor.ask(STORY)
        before = visitor.conversation
        visitor.options |= {"temperature": 0, "system": "Be a pirate!"}
        updates = visitor.act("replay", n=1)
        assert updates[-1]["same"] is True
        assert visitor.conversation.nodes == before.nodes
        assert updates[-1]["replies"] == [1]


def test_a_replay_that_came_out_differently_says_so_and_keeps_both(visitor):
    """As after another model, or another version of this one."""
    visitor.ask("Hello!")
    visitor.chat["nodes"][1]["text"] = "Something that it would not say."
    updates = visitor.act("replay", n=1)
    assert updates[-1]["same"] is False
    assert visitor.conversation.versions(1) == (1, 2)


def test_a_reply_that_was_edited_or_came_from_elsewhere_cannot_be_replayed(visitor):
    visitor.ask("Hello!")
    visitor.act("edit", n=1, text="Mine.")
    assert "not known how" in fault_of(visitor.act("replay", n=2))
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    assert "not known how" in fault_of(visitor.act("replay", n=1))


def test_undo_moves_the_head_and_is_undone_by_selecting(visitor):
    visitor.ask("Hello!")
    visitor.ask("And you?")
    before = visitor.conversation
    updates = visitor.act("undo")
    assert kinds(updates) == ["done"]
    assert updates[0]["chat"]["nodes"] == []
    assert visitor.conversation.head == 1
    assert visitor.conversation.nodes == before.nodes
    visitor.act("undo")
    assert visitor.conversation.head is None
    assert "nothing to undo" in fault_of(visitor.act("undo"))
    visitor.act("select", n=before.head)
    assert visitor.conversation == before


def test_a_message_is_pinned_and_let_go(visitor):
    visitor.ask("Hello!")
    visitor.act("pin", n=0)
    assert visitor.conversation.pinned == (0,)
    visitor.act("pin", n=0)
    assert visitor.conversation.pinned == ()
    assert "Only your own messages" in fault_of(visitor.act("pin", n=1))


def test_two_replies_are_versions_that_differ_in_one_thing(page):
    visitor = Visitor(page, temperature=1)
    updates = visitor.act("compare", text=STORY, difference="System prompt", value="Be a pirate.")
    nodes = visitor.conversation.nodes
    assert [node.parent for node in nodes] == [None, 0, 0]
    for place, number in enumerate(updates[-1]["replies"]):
        assert raw_of(updates, place) == nodes[number].text
        assert updates[-1]["html"][str(number)] == render_markdown(nodes[number].text)
    options = [facts(visitor, number).options for number in (1, 2)]
    assert [o.system for o in options] == ["", "Be a pirate."]
    assert options[0].sampling == options[1].sampling
    assert options[0].sampling.seed is not None
    assert updates[-1]["replies"] == [1, 2]
    assert visitor.conversation.head == 1
    visitor.act("select", n=2)
    assert visitor.conversation.head == 2


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
        ("System prompt", "a\ud800b"),
        ("Nothing", "1"),
        (["Temperature"], "1"),
        ({}, {}),
    ],
)
def test_a_comparison_needs_a_difference(visitor, difference, value):
    updates = visitor.act("compare", text="Hi", difference=difference, value=value)
    assert kinds(updates) == ["fault"]
    assert "incident" not in fault_of(updates)
    assert not visitor.conversation.nodes


def test_another_word_branches_the_reply_there(page, starter):
    visitor = Visitor(page, top_logprobs=True, max_new_tokens=30)
    tokens = visitor.act("ask", text="Hello!")[-1]["tokens"]["1"]
    engine = starter.wait()
    assert all(len(token["top"]) == 5 for token in tokens)
    assert engine.text_of([t["id"] for t in tokens]) == visitor.texts[1]
    pieces = [token["piece"] for token in tokens if not token["ends"]]
    assert "".join(pieces).strip() == visitor.texts[1]
    other = [tokens[0]["id"], tokens[1]["id"], tokens[2]["top"][1][0]]
    last = visitor.act("branch", n=1, ids=other)[-1]
    begun = engine.text_of(other)
    assert visitor.conversation.versions(1) == (1, 2)
    assert visitor.texts[1].startswith(begun)
    assert len(visitor.texts[1]) > len(begun)
    # Those that it began with the browser has already.
    drawn = engine.text_of([*other, *(token["id"] for token in last["tokens"]["2"])])
    assert drawn == visitor.texts[1]
    # Choosing the word that stood there gives the reply that stood there.
    visitor.act("branch", n=1, ids=[token["id"] for token in tokens[:3]])
    assert visitor.texts[1] == visitor.conversation.nodes[1].text


@pytest.mark.parametrize(
    "ids",
    [
        None,
        [],
        {},
        "1",
        [1],
        [2],
        [-1],
        [10**9],
        [10**30],
        [True],
        ["a"],
        [None],
        [[300]],
        [300.0],
        [300, 2],
        [300] * 8_193,
        [300] * 200_000,
    ],
)
def test_only_ordinary_tokens_begin_a_reply(visitor, ids):
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    updates = visitor.act("branch", n=1, ids=ids)
    assert kinds(updates) == ["fault"]
    assert "incident" not in fault_of(updates)
    assert len(visitor.conversation.nodes) == 2


def test_a_beginning_that_does_not_fit_is_refused(visitor):
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    assert "context window" in fault_of(visitor.act("branch", n=1, ids=[300] * 8_000))
    assert len(visitor.conversation.nodes) == 2


def test_without_probabilities_no_tokens_are_told(visitor):
    assert visitor.act("ask", text="Hello!")[-1]["tokens"] == {}


def test_what_is_not_remembered_is_told(visitor):
    visitor.ask("My name is Ada.")
    visitor.options["keep_last"] = "0"
    assert visitor.act("ask", text="What is my name?")[-1]["left_out"] == [0, 1]


# ---- A chat is opened


def test_a_chat_is_opened_newest_first_and_far_back_it_stays_as_written(visitor):
    chat, long = Conversation(), "**bold** " * 4_500
    for _ in range(5):
        chat = chat.ask("more").answer(long)
    visitor.begin(chat)
    updates = visitor.act("open")
    shown = [[*map(int, update["html"])] for update in updates[:-1]]
    assert kinds(updates) == ["html", "done"]
    assert shown == [[9], [7], [5]]
    assert 3 * len(long) <= MAX_RICH < 4 * len(long)
    assert updates[0]["html"]["9"] == render_markdown(long)
    assert visitor.conversation == chat
    assert updates[-1]["chat"]["nodes"] == []


def test_drawing_a_chat_counts_for_what_it_costs(starter):
    with serving(starter, Limits(work=2)) as url:
        visitor, chat = Visitor(url), Conversation()
        for _ in range(3):
            chat = chat.ask("more").answer("a" * 30_000)
        visitor.begin(chat)
        assert "reached the per-minute limit of requests" in fault_of(visitor.act("open"))
        assert visitor.conversation == chat


def test_short_replies_come_together_and_only_those_that_are_shown(visitor):
    chat = Conversation().ask("a").answer("one").retry(1).answer("two").ask("b").answer("*three*")
    visitor.begin(chat)
    [html, done] = visitor.act("open")
    assert html["html"] == {"4": render_markdown("*three*"), "2": render_markdown("two")}
    assert done["html"] == {}
    visitor.begin(Conversation())
    assert kinds(visitor.act("open")) == ["done"]


def test_a_version_that_was_not_shown_can_be_selected_and_rendered(visitor):
    chat = Conversation().ask("a").answer("one").retry(1).answer("two")
    visitor.begin(chat)
    visitor.act("select", n=1)
    assert visitor.act("open")[0]["html"] == {"1": render_markdown("one")}


# ---- Stop, leave, and time


def test_stop_keeps_what_was_written(page):
    visitor = Visitor(page, **LONG)
    updates = []
    for update in visitor.stream("ask", text=STORY):
        updates.append(update)
        if update["type"] == "text":
            visitor.stop()
    assert kinds(updates) == ["accepted", "text", "done"]
    assert facts(visitor).ending == "cancelled"
    assert visitor.texts[1]
    assert raw_of(updates) == visitor.texts[1]
    visitor.stop()  # harmless when late
    visitor.options |= {"max_new_tokens": 8}
    visitor.act("continue")
    assert len(visitor.texts[1]) > len(raw_of(updates))


def test_stop_ends_both_of_two_replies(page):
    visitor = Visitor(page, **LONG)
    for update in visitor.stream("compare", text=STORY, difference="Temperature", value="1.9"):
        if update["type"] == "text":
            visitor.stop()
    assert {node.facts.ending for node in visitor.conversation.nodes[1:]} == {"cancelled"}


@contextmanager
def one_slot(model: str, limits: Limits = Limits()):  # noqa: B008
    """A page whose model answers one at a time, and does not end by itself where it is endless."""
    from llama_ui.engine.loading.loader import load_model
    from llama_ui.engine.local.engine import LocalEngine

    loaded = load_model(model)
    starter = EngineStarter(lambda _: LocalEngine(loaded, slots=1), "Pocket Llama")
    starter.start()
    engine = starter.wait()
    try:
        with serving(starter, limits) as url:
            yield url, engine
    finally:
        starter.close()


@pytest.mark.parametrize("after", ["accepted", "text"])
def test_who_leaves_frees_the_slot_for_the_next(endless, after):
    """Otherwise the next would wait for a reply of 1,500 tokens that nobody reads."""
    with one_slot(str(endless)) as (url, engine):
        leaver, next_one = Visitor(url, **LONG), Visitor(url, max_new_tokens=4)
        updates = leaver.stream("ask", text=STORY)
        while next(updates)["type"] != after:
            pass
        updates.close()
        answered = next_one.act("ask", text="Hello!")
        assert answered[-1]["type"] == "done"
        assert facts(next_one).reply_tokens == 4
        assert engine.load.running == 0


def test_who_reads_too_slowly_and_leaves_frees_the_slot(endless):
    """The server is about to send then, not waiting for the model."""
    with one_slot(str(endless)) as (_, engine):
        starter = new_starter(lambda _: engine)
        starter.wait()
        app = Starlette(routes=PageRoutes(starter, Gate(Limits()), FramePacer()).routes())
        visitor = Visitor("http://unused", **LONG)
        body = visitor.body(turn="t" * 32, action={"do": "ask", "text": STORY})

        async def leave_while_it_is_sent() -> None:
            is_full, sent = asyncio.Event(), []

            async def receive():
                await is_full.wait()
                return {"type": "http.disconnect"}

            async def send(message):
                sent.append(message)
                if len(sent) > 3:
                    is_full.set()
                    await asyncio.sleep(START_LIMIT_S)

            scope = {"type": "http", "method": "POST", "path": "/page/turn", "headers": []}
            scope |= {"query_string": b"", "root_path": "", "client": ("127.0.0.1", 1)}
            Caller(VisitorName("address:"), body=body).attach(scope)
            await app(scope, receive, send)

        asyncio.run(leave_while_it_is_sent())
        until(lambda: engine.load.running == 0)


def test_who_leaves_the_line_gives_the_place_back(endless):
    with one_slot(str(endless)) as (url, engine):
        first, second = Visitor(url, **LONG), Visitor(url, max_new_tokens=4)
        running = first.stream("ask", text=STORY)
        while next(running)["type"] != "text":
            pass
        waiting = second.stream("ask", text="Hello!")
        assert next(waiting)["type"] == "accepted"
        status = next(waiting)
        assert status["type"] == "status"
        assert "Waiting: you're first in line. 1 reply is being written" in status["text"]
        assert engine.load.waiting == 1
        waiting.close()
        until(lambda: engine.load.waiting == 0)
        running.close()
        until(lambda: engine.load.running == 0)


def test_two_replies_of_which_one_is_refused_leave_nothing_behind(endless):
    """The first would have gone on, unseen and paid for."""
    with one_slot(str(endless), Limits(requests=1)) as (url, engine):
        visitor = Visitor(url, **LONG)
        updates = visitor.act("compare", text=STORY, difference="Temperature", value="1.9")
        assert "reached the per-minute limit" in fault_of(updates)
        assert kinds(updates) == ["fault"]
        until(lambda: engine.load.running == engine.load.waiting == 0)


# ---- Faults


def new_starter(load) -> EngineStarter:
    starter = EngineStarter(load, "Pocket Llama")
    starter.start()
    return starter


def test_a_limit_is_said_and_changes_nothing(starter):
    with serving(starter, Limits(requests=1)) as url:
        visitor = Visitor(url)
        visitor.ask("Hello!")
        before = visitor.chat
        updates = visitor.act("ask", text="And now?")
        assert kinds(updates) == ["fault"]
        assert "reached the per-minute limit of requests" in fault_of(updates)
        assert "Try again in" in fault_of(updates)
        assert visitor.chat == before


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(message_chars=20), "here 20 are allowed"),
        (Limits(new_tokens=8), "here 8 are allowed"),
    ],
)
def test_what_is_too_long_here_is_refused(starter, limits, said):
    with serving(starter, limits) as url:
        visitor = Visitor(url)
        assert said in fault_of(visitor.act("ask", text="x" * 21))
        assert not visitor.chat["nodes"]


def test_the_tokens_of_a_day_are_counted(starter):
    with serving(starter, Limits(tokens=10)) as url:
        visitor = Visitor(url)
        visitor.ask("Hello!")
        assert "reached the daily limit of tokens" in fault_of(visitor.act("ask", text="And now?"))


def test_a_reply_whose_time_is_over_says_so_and_can_go_on(starter):
    with serving(starter, Limits(reply_s=0.3)) as url:
        visitor = Visitor(url, **LONG)
        visitor.ask(STORY)
        assert facts(visitor).ending == "time"
        assert visitor.texts[1]
        visitor.options["max_new_tokens"] = 4
        assert visitor.act("continue")[-1]["type"] == "done"
        assert facts(visitor).ending == "length"


@pytest.fixture
def failing(exact):
    """Makes the model fail at its Nth forward pass."""
    hooks = []

    def fail_at(number: int) -> None:
        calls = iter(range(1, number + 1))

        def fail(*_):
            if next(calls, number) == number:
                raise RuntimeError("forced")

        hooks.append(exact.model.lm_head.register_forward_pre_hook(fail))

    yield fail_at
    for hook in hooks:
        hook.remove()


def test_a_bug_becomes_an_incident_and_what_was_written_stays(visitor, failing, caplog):
    visitor.options["max_new_tokens"] = 64
    failing(24)
    updates = visitor.act("ask", text="What does temperature do?")
    assert kinds(updates) == ["accepted", "text", "fault", "done"]
    said = fault_of(updates)
    assert "The model failed" in said
    assert said.split("incident ")[1][:8] in caplog.text
    assert "forced" in caplog.text
    assert "forced" not in said
    assert "temperature" not in caplog.text
    assert facts(visitor).ending == "error"
    assert visitor.texts[1]
    assert raw_of(updates) == visitor.texts[1]


def test_after_a_bug_the_page_goes_on(visitor, exact, caplog):
    hook = exact.model.lm_head.register_forward_pre_hook(lambda *_: 1 / 0)
    updates = visitor.act("ask", text="Hello!")
    hook.remove()
    assert kinds(updates) == ["accepted", "fault", "done"]
    assert visitor.texts == ["Hello!", ""]
    visitor.act("retry", n=0)
    assert visitor.texts[1]


def test_a_failed_model_is_explained_and_nothing_changes():
    def fail(report):
        raise ModelError("It is broken.", "Mend it.")

    starter = new_starter(fail)
    with pytest.raises(ModelError):
        starter.wait()
    with serving(starter) as url:
        visitor = Visitor(url)
        updates = visitor.act("ask", text="Hello!")
        assert kinds(updates) == ["fault"]
        assert fault_of(updates) == "It is broken. Mend it."
        assert visitor.post("meter", draft="x")["problem"] == "It is broken."
        [state] = visitor.http.get("/page/engine").text.split("\n\n")[:-1]
        fault = json.loads(state.removeprefix("data: "))["fault"]
        assert fault == {"problem": "It is broken.", "next_step": "Mend it."}


@pytest.fixture
def loading(loaded):
    """A model that loads until it is let go."""
    from llama_ui.engine.local.engine import LocalEngine

    let_go = threading.Event()

    def slow(report):
        report(Progress("loading"))
        let_go.wait(START_LIMIT_S)
        return LocalEngine(loaded)

    starter = new_starter(slow)
    with serving(starter) as url:
        yield url, let_go
    let_go.set()
    starter.wait().close()


def test_a_message_is_taken_while_the_model_loads(loading):
    url, let_go = loading
    visitor, updates = Visitor(url), []
    for update in visitor.stream("ask", text="Hello!"):
        updates.append(update)
        if update["type"] == "status":
            let_go.set()
    assert kinds(updates) == ["accepted", "text", "done"]
    assert updates[1]["type"] == "status"
    assert "Pocket Llama is loading" in updates[1]["text"]
    assert visitor.texts[1]


def test_stop_while_the_model_loads(loading):
    url, _ = loading
    visitor, updates = Visitor(url), []
    for update in visitor.stream("ask", text="Hello!"):
        updates.append(update)
        if update["type"] == "status":
            visitor.stop()
    assert kinds(updates) == ["accepted", "done"]
    assert facts(visitor).ending == "cancelled"


def test_nobody_waits_for_one_who_asks_for_a_word_before_there_is_a_model(loading):
    """Waiting for the engine on the event loop would stop everybody with it."""
    url, _ = loading
    visitor, other = Visitor(url), Visitor(url)
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    assert "loading" in fault_of(visitor.act("branch", n=1, ids=[300]))
    assert "loading" in other.post("meter", draft="x")["problem"]
    assert "loading" in other.post("prompt", draft="x")["problem"]
    assert other.http.post("/page/markdown", json=other.body()).status_code == 200


def test_the_state_of_the_model_is_told_until_it_is_there(loading):
    url, let_go = loading
    states = []
    with httpx.stream("GET", f"{url}/page/engine", timeout=START_LIMIT_S) as answer:
        for line in answer.iter_lines():
            if line:
                states.append(json.loads(line.removeprefix("data: ")))
                let_go.set()
    assert [state["state"] for state in states] == ["loading", "ready"]
    assert states[0]["info"] is None
    assert states[1]["info"]["context_length"] == 2048
    assert states[1]["longest"] == 2048 - 64


# ---- Tools


def with_tools(url: str, **options) -> Visitor:
    more = {"tools": True, "keep_last": "5", "reminder": REMINDER, "max_new_tokens": 100}
    return Visitor(url, **more, **options)


def test_steps_are_told_as_they_happen_and_kept(page):
    visitor = with_tools(page)
    updates = visitor.act("ask", text=SUM)
    [steps] = [update["steps"] for update in updates if update["type"] == "steps"]
    assert steps[0]["tool"] == "Calculator"
    assert "action" not in raw_of(updates)
    assert raw_of(updates) == visitor.texts[1]
    assert "18.379" in visitor.texts[1]
    (step,) = facts(visitor).steps
    assert as_json(step) == steps[0]
    assert (step.tool, step.given) == ("Calculator", "4**2.1")
    assert step.ms > 0
    assert "55.137" in visitor.ask("can you multiply that by 3?")
    assert "action" not in visitor.ask("thanks!")
    assert facts(visitor).steps == ()


def test_a_replay_draws_every_step_again(page):
    visitor = with_tools(page, temperature=1)
    visitor.ask(SUM)
    visitor.options["tools"] = False
    assert visitor.act("replay", n=1)[-1]["same"] is True


@pytest.mark.parametrize("at", ["accepted", "steps"])
def test_stop_ends_it_inside_a_step_and_between_steps(page, at):
    visitor = with_tools(page)
    for update in visitor.stream("ask", text=SUM):
        if update["type"] == at:
            visitor.stop()
    assert facts(visitor).ending == "cancelled"
    assert len(facts(visitor).steps) == (at == "steps")
    assert "{" not in visitor.texts[1]


def test_two_replies_have_their_own_steps(page):
    visitor = with_tools(page)
    last = visitor.act("compare", text=SUM, difference="Temperature", value="1")[-1]
    assert all(facts(visitor, number).steps for number in last["replies"])


# ---- What no browser of ours would send


def refused(answer: httpx.Response) -> None:
    """By the page with a fault, or by the door; in either case in a sentence."""
    assert answer.status_code in (400, 413)
    said = answer.json()
    assert said["detail"] if "detail" in said else said["type"] == "fault" and said["next_step"]
    assert "incident" not in answer.text


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 99},
        {"temperature": "hot"},
        {"temperature": float("nan")},
        {"system": 5},
        {"system": ["x"]},
        {"system": "x" * 200_000},
        {"max_new_tokens": 10**9},
        {"seed": {"a": 1}},
        {"keep_last": "-1"},
        {"keep_last": "many"},
        {"keep_last": "1001"},
        {"reminder": 5},
        {"reminder": "x" * 200_000},
        {"stop": [5]},
        {"stop": {"a": "b"}},
        {"stop": "x" * 101},
        {"stop": "\n".join("abcdefghi")},
        {"seed": "-5"},
        {"seed": "1.5"},
        {"seed": "9" * 5000},
        {"seed": "--5"},
        {"seed": "5-"},
        {"seed": "0x5"},
        {"seed": "\u0665"},
        {"no_such_option": 1},
    ],
)
def test_forged_options_are_refused_and_nothing_changes(visitor, options):
    body = visitor.body(options={**visitor.options, **options}, turn="t" * 32)
    body["action"] = {"do": "ask", "text": "Hello!"}
    refused(visitor.http.post("/page/turn", content=json.dumps(body)))


@pytest.mark.parametrize("text", [None, 5, ["x"], "", " \n", "x" * 200_000, "a\ud800b"])
@pytest.mark.parametrize("do", ["ask", "edit", "compare"])
def test_forged_messages_are_refused(visitor, do, text):
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    for number in (0, 1):
        updates = visitor.act(do, n=number, text=text, difference="Temperature", value="1")
        assert kinds(updates) == ["fault"]
        assert "incident" not in fault_of(updates)
    assert len(visitor.conversation.nodes) == 2


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"do": None},
        {"do": ["retry"]},
        {"do": {}},
        {"do": "drop"},
        {"do": "__class__"},
        {"do": "retry", "n": 99},
        {"do": "retry", "n": "0"},
        {"do": "retry", "n": True},
        {"do": "retry", "n": 10**30},
        {"do": "select"},
        {"do": "select", "n": -1},
        {"do": "edit", "n": 0},
        {"do": "edit", "n": 0, "text": ["x"]},
        {"do": "edit", "n": 1, "text": " "},
        {"do": "edit", "n": [1], "text": "x"},
        {"do": "pin", "n": 1},
        {"do": "pin", "n": 1.0},
        {"do": "replay", "n": {"a": 1}},
        {"do": "branch", "n": [1], "ids": [300]},
        {"do": "branch", "n": 99, "ids": [300]},
    ],
)
def test_forged_actions_are_refused_and_nothing_changes(visitor, action):
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    before = visitor.chat
    updates = visitor.act(action.pop("do", None), **action)
    assert kinds(updates) == ["fault"]
    assert "incident" not in fault_of(updates)
    assert visitor.chat == before


@pytest.mark.parametrize(
    "chat",
    [
        5,
        "{}",
        [],
        {"nodes": 5},
        {"nodes": [{"role": "system", "text": "x"}]},
        {"nodes": [{"role": "user", "text": "x", "parent": 0}], "head": 0},
        {"nodes": [], "head": 3},
        {"nodes": [], "pinned": [7]},
        {"nodes": [], "pinned": "all"},
        {"nodes": [{"role": "assistant", "text": "x", "parent": None}]},
        {"nodes": [{"role": "user", "text": "a\ud800b"}]},
        {"nodes": [{"role": "user", "text": "x" * 100_001}]},
        {"nodes": [], "options": {"of_a_later_version": 1}},
        {"nodes": [], "options": {"system": 5}},
    ],
)
def test_a_damaged_chat_is_refused(visitor, chat):
    body = visitor.body(chat=chat, turn="t" * 32, action={"do": "open"})
    for route in ("turn", "meter", "prompt", "markdown"):
        refused(visitor.http.post(f"/page/{route}", content=json.dumps(body)))


def test_a_full_chat_is_refused_before_a_reply_is_written(visitor):
    nodes = tuple(
        Message("assistant" if n % 2 else "user", "x", n - 1 if n else None)
        for n in range(MAX_MESSAGES)
    )
    visitor.begin(Conversation(nodes=nodes, head=MAX_MESSAGES - 1))
    updates = visitor.act("retry", n=MAX_MESSAGES - 1)
    assert kinds(updates) == ["fault"]
    assert "more than 2,000 messages" in fault_of(updates)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["ask", "open", "branch", "select", "edit", "compare", "undo", "x" * 32]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["do", "n", "text", "ids", "nodes", "head"]), inner)
    ),
    max_leaves=8,
)
FIELDS = ["action", "chat", "options", "turn", "owner", "draft", "n"]
ROUTES = ["turn", "stop", "leave", "meter", "prompt", "import", "markdown"]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    route=st.sampled_from(ROUTES),
    change=st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=3),
    other=st.none() | st.binary(max_size=40) | ANY.map(lambda value: json.dumps(value).encode()),
)
def test_no_body_is_a_bug(page, route, change, other):
    visitor = Visitor(page, max_new_tokens=2)
    visitor.begin(Conversation().ask("Hello!").answer("Hi."))
    plain = visitor.body(turn="t" * 32, action={"do": "retry", "n": 0})
    body = json.dumps({**plain, **change}).encode() if other is None else other
    answer = visitor.http.post(f"/page/{route}", content=body)
    assert answer.status_code in (200, 400, 413), body
    assert "incident" not in answer.text, body


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"9" * 9_000])
def test_what_cannot_be_read_is_refused(visitor, route, body):
    refused(visitor.http.post(f"/page/{route}", content=body))


# ---- Chats in files


def test_a_file_is_checked_and_taken_apart_into_its_chats(visitor):
    facts = Facts(steps=(Step("<b>x", "<i>Calculator", "<script>", "<img src=x>", 1.0),))
    chats = [Conversation().ask("Hello!").answer("Hi.", facts), Conversation().ask("Bye.")]
    several = {"format": "llama-ui-chats", "version": 1, "chats": [*map(as_json, chats)]}
    for text, expected in ((json.dumps(several), chats), (to_json(chats[0]), chats[:1])):
        answer = visitor.http.post("/page/import", content=text.encode()).json()
        assert answer == {"chats": [*map(as_json, expected)], "damaged": 0}
    text = visitor.http.post("/page/markdown", json={"chat": as_json(Conversation().ask("Hello!"))})
    assert text.json()["markdown"] == "# Hello!\n\n**You**\n\nHello!\n"


@pytest.mark.parametrize("text", ["7", "[]", "{}", '{"format":1}', '{"format":"llama-ui-chat"}'])
def test_another_file_is_refused(visitor, text):
    refused(visitor.http.post("/page/import", content=text.encode()))


# ---- The application


def test_the_log_of_the_application_holds_nothing_that_was_written(app):
    visitor, secret = Visitor(app.url), "quincunx-7731"
    visitor.options |= {"system": secret, "reminder": secret}
    assert visitor.ask(f"Say {secret}.")
    visitor.act("edit", n=1, text=secret)
    visitor.post("meter", draft=secret)
    visitor.post("prompt", draft=secret)
    visitor.act("branch", n=1, ids=[secret])
    visitor.act(secret)
    visitor.http.post("/page/import", content=secret.encode())
    visitor.http.post("/page/turn", content=json.dumps({secret: secret}).encode())
    assert secret not in app.log()


def test_a_page_that_is_left_gives_its_keys_and_values_back(app):
    """Nobody else's: they belong to a secret of the page, and to this visitor."""
    visitor = Visitor(app.url, max_new_tokens=4)
    text = "llamas like the green grass of the hills, " * 8
    visitor.ask(text)
    visitor.act("retry", n=0)
    assert facts(visitor).reused_tokens > 50
    visitor.post("leave")
    visitor.act("retry", n=0)
    assert facts(visitor).reused_tokens < 50


def test_many_read_their_replies_at_once(page):
    """Each its own, none of another's."""

    async def read(http: httpx.AsyncClient, name: str) -> list[str]:
        visitor = Visitor(page)
        body = visitor.body(turn=name * 16, action={"do": "ask", "text": f"My name is {name}."})
        lines = (await http.post("/page/turn", json=body)).text.split("\n\n")
        updates = [json.loads(line.removeprefix("data: ")) for line in lines if line]
        return [
            raw_of(updates),
            updates[-1]["chat"]["nodes"][-1]["text"],
            visitor.ask(body["action"]["text"]),
        ]

    async def all_at_once() -> list[list[str]]:
        async with httpx.AsyncClient(base_url=page, timeout=120) as http:
            return await asyncio.gather(*(read(http, name) for name in ("Ada", "Ben", "Cleo")))

    for raw, kept, alone in asyncio.run(all_at_once()):
        assert raw == kept == alone
