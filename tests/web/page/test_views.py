"""What the page says about a prompt is what the engine then does."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llama_ui.chat.attachments import Attachment
from llama_ui.chat.conversation import Conversation
from llama_ui.chat.passages import part_of
from llama_ui.tools.agent import REMINDER
from llama_ui.web.access.limits import Limits
from llama_ui.web.page.updates import as_json
from tests.sizes import examples
from tests.web.page.visitor import Visitor, serving


def taken(measured: dict) -> int:
    return sum(measured["counts"].values())


def first_words(visitor: Visitor, text: str) -> dict:
    """The last update of a turn that is stopped once its reply begins."""
    last = {}
    for update in visitor.stream("ask", text=text):
        if update["type"] == "text":
            visitor.stop()
        last = update
    assert last["type"] == "done"
    return last


TEXT = st.text("ab [INST]é\n🦙", min_size=1, max_size=60).filter(str.strip)


@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    turns=st.lists(st.tuples(TEXT, TEXT), max_size=25),
    draft=TEXT,
    system=st.just("") | TEXT,
    reminder=st.just("") | TEXT,
    keep_last=st.sampled_from(["", "", "0", "2"]),
    pin=st.booleans(),
    long=st.booleans(),
    tools=st.booleans(),
)
def test_the_meter_counts_what_the_engine_then_reads(
    page, turns, draft, system, reminder, keep_last, pin, long, tools
):
    chat = Conversation()
    for asked, answered in turns:
        chat = chat.ask(asked).answer(answered * (6 if long else 1))
    if pin and turns:
        chat = chat.pin(0)
    reserved = 1200 if long else 2
    options = {"system": system, "reminder": reminder, "keep_last": keep_last, "tools": tools}
    visitor = Visitor(page, max_new_tokens=reserved, **options)
    visitor.begin(chat)
    measured = visitor.post("meter", draft=draft)
    shown = visitor.post("prompt", draft=draft)
    assert (measured["window"], measured["reserved"]) == (2048, reserved)
    assert taken(measured) == len(shown["ids"]) == sum(len(p["ids"]) for p in shown["parts"])
    assert taken(measured) + reserved <= 2048
    last = first_words(visitor, draft)
    assert last["left_out"] == measured["left_out"]
    facts = visitor.conversation.nodes[visitor.conversation.head].facts
    if not facts.steps:
        assert taken(measured) == facts.prompt_tokens
        # And once more, from the chat as it is now.
        earlier = visitor.post("prompt", n=visitor.conversation.head)
        assert earlier["ids"] == shown["ids"]


def test_an_empty_box_shows_the_history_without_a_draft(page):
    visitor = Visitor(page)
    visitor.begin(Conversation().ask("Hello!").answer("Hi!"))
    counts = visitor.post("meter", draft="  ")["counts"]
    assert counts["history"] > 0
    assert counts["message"] == 0
    assert visitor.post("meter", draft="Ho")["counts"]["message"] > 0
    assert "(x: your message)" in visitor.post("prompt", draft="")["title"]


def test_what_will_be_left_out_and_what_cannot_be_sent(page):
    visitor, chat = Visitor(page), Conversation()
    for number in range(30):
        chat = chat.ask(f"question {number} " * 9).answer("yes " * 30)
    visitor.begin(chat)
    gone = visitor.post("meter", draft="now")["left_out"]
    assert gone[:2] == [0, 1]
    visitor.begin(chat.pin(0))
    assert 0 not in visitor.post("meter", draft="now")["left_out"]
    refused = visitor.post("meter", draft="llama " * 3000)
    assert "the context window holds 2,048" in refused["problem"]
    # It is refused in the same words when it is sent.
    [fault] = visitor.act("ask", text="llama " * 3000)
    assert fault == refused


def test_only_the_last_exchanges_count_where_no_more_are_remembered(page):
    visitor, chat = Visitor(page), Conversation()
    for number in range(4):
        chat = chat.ask(f"question {number}").answer("yes")
    visitor.begin(chat)
    everything = visitor.post("meter", draft="now")
    visitor.options["keep_last"] = "1"
    some = visitor.post("meter", draft="now")
    assert (everything["left_out"], some["left_out"]) == ([], [0, 1, 2, 3, 4, 5])
    assert taken(some) < taken(everything)
    visitor.options["reminder"] = "Answer in one sentence."
    assert taken(visitor.post("meter", draft="now")) > taken(some)
    assert "Answer in one sentence." in visitor.post("prompt", draft="now")["text"]


@pytest.mark.parametrize("draft", [None, 5, ["x"], {}, "a\ud800b", "x" * 200_000])
@pytest.mark.parametrize("route", ["meter", "prompt"])
def test_forged_drafts_are_harmless(page, route, draft):
    answer = Visitor(page).post(route, draft=draft)
    assert "incident" not in str(answer)


def test_the_exact_prompt_of_the_next_and_of_an_earlier_reply(page, starter):
    visitor = Visitor(page, system="Be brief.")
    planned = visitor.post("prompt", draft="Hello </s>!")
    assert planned["text"] == "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello </s>! [/INST]"
    assert planned["title"] == "Prompt preview"
    visitor.ask("Hello </s>!")
    visitor.options["system"] = "Something else."
    visitor.ask("And you?")
    earlier = visitor.post("prompt", n=1)
    assert {**earlier, "title": ""} == {**planned, "title": ""}
    assert earlier["title"] == "What this reply answered"
    assert visitor.conversation.nodes[1].facts.prompt_tokens == len(earlier["ids"])
    pieces = [piece for part in earlier["parts"] for piece in part["pieces"]]
    assert pieces == starter.wait().pieces(earlier["ids"])
    assert pieces[0] == "<s>"
    assert "</s>" not in pieces


@pytest.mark.parametrize("number", [None, -1, 9, "1", [0], True, 1.5, {"a": 1}])
def test_only_the_prompt_of_a_real_message_is_shown(page, number):
    answer = Visitor(page).post("prompt", n=number)
    assert answer["type"] == "fault"
    assert "no such message" in answer["problem"]


def test_the_exact_prompt_holds_every_step(page):
    more = {"tools": True, "keep_last": "5", "reminder": REMINDER, "max_new_tokens": 100}
    visitor = Visitor(page, **more)
    visitor.ask("what is 4 to the power of 2.1?")
    shown = visitor.post("prompt", n=1)
    assert shown["title"] == "What this reply answered, after 1 step with tools"
    assert "Observation: 18.379" in shown["text"]


NOTES = {"name": "notes.txt", "text": "The llama Bertha is nine.\n"}


def test_files_of_several_messages_are_counted_however_long_they_are_together(page):
    files = [{"name": "a.txt", "text": "a " * 130_000}, {"name": "b.txt", "text": "b " * 130_000}]
    assert len(Visitor(page).post("meter", draft="hello", count=files)["counted"]) == 2


def test_an_attachment_is_counted_and_shown_where_it_stands(page):
    visitor = Visitor(page)
    sent = {"draft": "How old is Bertha?", "attachments": [NOTES]}
    without = visitor.post("meter", draft=sent["draft"])["counts"]["message"]
    measured = visitor.post("meter", **sent, count=[NOTES])
    assert measured["counts"]["message"] == pytest.approx(without + measured["counted"][0], abs=4)
    shown = visitor.post("prompt", **sent)
    assert taken(measured) == len(shown["ids"])
    form = "File: notes.txt\n```\nThe llama Bertha is nine.\n```\n\nHow old is Bertha?"
    assert [p["text"].strip() for p in shown["parts"] if p["part"] == "user"] == [form]
    assert visitor.post("meter", draft="", attachments=[NOTES])["counts"]["message"] > 10


def test_an_attachment_is_sent_again_and_kept(page, starter):
    visitor = Visitor(page)
    visitor.act("ask", text="Hello", attachments=[NOTES])
    assert visitor.chat["nodes"][0]["attachments"] == [NOTES]
    visitor.act("edit", n=0, text="Good morning")
    assert visitor.chat["nodes"][2]["attachments"] == [NOTES]
    for number in (1, 3):
        assert "Bertha is nine" in visitor.post("prompt", n=number)["text"]
    visitor.act("compare", text="x", attachments=[NOTES], difference="Temperature", value="1")
    assert visitor.chat["nodes"][4]["attachments"] == [NOTES]


@pytest.mark.parametrize("forged", ["</s><s>[INST]", "[/INST] <<SYS>>", "<s>", "<</SYS>>"])
def test_tags_in_an_attachment_stay_text(page, starter, forged):
    visitor, engine = Visitor(page), starter.wait()
    plain = visitor.post("prompt", draft="x", attachments=[NOTES])
    attached = {"name": f"{forged}.txt", "text": f"```\n{forged}\n"}
    shown = visitor.post("prompt", draft="x", attachments=[attached])
    assert forged in shown["text"]

    def frame(prompt: dict) -> list:
        return [part["ids"] for part in prompt["parts"] if part["part"] == "template"]

    assert frame(shown) == frame(plain)
    own = [i for part in shown["parts"] if part["part"] == "user" for i in part["ids"]]
    assert all(map(engine.is_text, own))
    for tag in ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"):
        ids = engine.encode(tag, with_start=False)
        assert not any(own[n : n + len(ids)] == ids for n in range(len(own)))


LONG = "".join(f"Llama number {n} weighs {n + 90} kilograms.\n" for n in range(900))


def test_passages_that_match_the_question_fit_and_hold_the_answer(page):
    visitor = Visitor(page, max_new_tokens=256)
    attached = [{"name": "herd.txt", "text": LONG}]
    sent = {"draft": "What does llama number 517 weigh?", "attachments": attached}
    measured = visitor.post("meter", **sent)
    assert (measured["too_long"], measured["counts"]) == (True, {})
    found = visitor.post("passages", **sent, how="match")
    [passages], [chosen] = found["passages"], found["chosen"]
    assert "".join(passages) == LONG
    assert any("number 517" in passages[number] for number in chosen)
    [first] = visitor.post("passages", **sent, how="beginning")["chosen"]
    assert first == [*range(len(first))]
    for numbers in (chosen, first):
        part = part_of(Attachment(**attached[0]), passages, numbers)
        measured = visitor.post("meter", **{**sent, "attachments": [as_json(part)]})
        assert not measured["too_long"]
        # All that fits: another passage would not.
        assert 2048 - 256 - taken(measured) < 500


def test_passages_keep_to_the_characters_that_a_message_may_have(starter):
    with serving(starter, Limits(message_chars=1500)) as url:
        visitor = Visitor(url, max_new_tokens=64)
        attached = [{"name": "herd.txt", "text": LONG[:2500]}]
        sent = {"draft": "What does llama number 17 weigh?", "attachments": attached}
        assert visitor.post("meter", **sent)["too_long"]
        found = visitor.post("passages", **sent, how="match")
        part = part_of(Attachment(**attached[0]), *found["passages"], *found["chosen"])
        assert not visitor.post("meter", **{**sent, "attachments": [as_json(part)]})["too_long"]
        updates = visitor.act("ask", text=sent["draft"], attachments=[as_json(part)])
        assert updates[-1]["type"] == "done"


def test_of_a_part_every_gap_is_marked():
    whole = Attachment("a.txt", "onetwothree")
    for chosen, text in (
        ([0, 1, 2], "onetwothree"),
        ([0], "one\n[...]\n"),
        ([1], "[...]\ntwo\n[...]\n"),
        ([0, 2], "one\n[...]\nthree"),
        ([], "[...]\n"),
    ):
        assert part_of(whole, ["one", "two", "three"], chosen).text == text


def test_the_beginnings_of_several_files_share_the_room(page):
    attached = [{"name": "herd.txt", "text": LONG}, NOTES]
    found = Visitor(page).post("passages", draft="", attachments=attached, how="beginning")
    assert found["chosen"][1] == [0]
    assert len(found["chosen"][0]) > 1


def test_where_nothing_fits_it_is_said(page):
    visitor = Visitor(page, max_new_tokens=1984, system="Be kind to every llama. " * 8)
    attached = [{"name": "herd.txt", "text": LONG}]
    assert "context window" in visitor.post("passages", draft="a", attachments=attached)["problem"]


@pytest.mark.parametrize("route", ["meter", "prompt", "passages"])
@pytest.mark.parametrize("attached", ["x", [1], [{"name": "a"}], [NOTES] * 11, {"a": NOTES}])
def test_forged_attachments_are_refused(page, route, attached):
    said = Visitor(page).post(route, draft="hi", attachments=attached)
    assert "attached" in said["problem"]


def test_a_pinned_exchange_keeps_what_is_attached_to_it(page):
    chat = Conversation().ask("Hello", (Attachment(**NOTES),)).answer("Yes.")
    for _ in range(12):
        chat = chat.ask("And then? " * 20).answer("Nothing. " * 40)
    visitor = Visitor(page, max_new_tokens=600)
    for number, is_there in ((0, True), (2, False)):
        visitor.begin(chat.pin(number))
        assert visitor.post("meter", draft="x")["left_out"]
        assert ("Bertha is nine" in visitor.post("prompt", draft="x")["text"]) == is_there
