"""The chat pane as HTML."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from llama_ui.chat.conversation import Conversation, Facts
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import EngineInfo, EngineLoad
from llama_ui.engine.licence import licence_of
from llama_ui.errors import ChatError
from llama_ui.web.page.running import Running
from llama_ui.web.page.turn import Turn
from llama_ui.web.render.captions import (
    caption_for,
    note_for,
    queue_status,
    render_about,
    render_badge,
)
from llama_ui.web.render.markdown import render_markdown
from llama_ui.web.render.transcript import render_conversation, render_fault, render_running

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>" onload="x'


def texts_and_tags(html: str) -> tuple[str, list[str]]:
    class Reader(HTMLParser):
        text, tags = "", []

        def handle_data(self, data):
            self.text += data

        def handle_starttag(self, tag, attrs):
            self.tags = [*self.tags, tag]
            assert not any(name.startswith("on") for name, _ in attrs)

    reader = Reader()
    reader.feed(html)
    return reader.text, reader.tags


def said(text: str, status: str = "") -> Running:
    running = Running(Turn.answer(Conversation().ask("a")), text)
    running.status = status
    return running


def buttons(html: str) -> list[tuple[str, int]]:
    return [(act, int(n)) for act, n in re.findall(r'data-act="(\w+)" data-n="(\d+)"', html)]


def test_hostile_text_is_text_everywhere():
    chat = Conversation().ask(HOSTILE).answer(HOSTILE, Facts(model=HOSTILE, reply_tokens=1))
    for html in (
        render_conversation(chat),
        render_running([said(HOSTILE)]),
        render_running([said("a"), said("", HOSTILE)]),
        render_fault(ChatError(HOSTILE, HOSTILE)),
    ):
        text, tags = texts_and_tags(html)
        assert "<script>alert(1)</script>" in text
        assert not {"script", "img"} & set(tags)


def test_what_the_model_no_longer_sees_is_grey_and_the_border_behind_it():
    """A message that never got a reply does not count, and does not shift it."""
    chat = Conversation().ask("lost").answer("")
    for text in ("first", "second"):
        chat = chat.ask(text).answer(f"reply to {text}")
    html = render_conversation(chat.ask("now"), dropped=(0,))
    places = [html.index(x) for x in ("lost", "reply to first", 'class="divider"', ">second<")]
    assert places == sorted(places)
    assert html.count(" forgotten") == 2


def test_versions_have_arrows_to_their_neighbours():
    chat = Conversation().ask("a").answer("b").retry(1).answer("c").retry(1).answer("d")
    assert ("select", 2) in buttons(render_conversation(chat))
    middle = render_conversation(chat.select(2))
    assert "2/3" in middle
    assert {("select", 1), ("select", 3)} <= set(buttons(middle))
    assert "/" not in "".join(
        re.findall(r'versions">.*?</span>', render_conversation(Conversation().ask("a")))
    )


@pytest.mark.parametrize(
    ("ending", "can_go_on"),
    [("length", True), ("cancelled", True), ("error", True), ("stop", False), ("edited", False)],
)
def test_only_a_reply_that_was_cut_offers_to_go_on(ending, can_go_on):
    chat = Conversation().ask("a").answer("b", Facts(ending))
    assert (("continue", 1) in buttons(render_conversation(chat))) is can_go_on
    assert ("continue", 1) not in buttons(render_conversation(chat, missing={"continue"}))
    assert ("continue", 1) not in buttons(render_conversation(chat.ask("more").answer("c")))
    empty = Conversation().ask("a").answer("", Facts(ending))
    assert ("continue", 1) not in buttons(render_conversation(empty))


def test_every_message_can_be_copied_and_edited():
    chat = Conversation().ask("a").answer("b").ask("c")
    acts = buttons(render_conversation(chat))
    for number in range(3):
        assert {("copy", number), ("edit", number)} <= set(acts)
    # The last message has no reply: it can be asked for.
    assert ("retry", 2) in acts
    assert ("retry", 0) not in acts


def test_a_reply_that_goes_on_stands_in_the_running_pane_only():
    chat = Conversation().ask("a").answer("half a", Facts("length"))
    assert "half a" not in render_conversation(chat, running=1)


def test_the_facts_of_a_reply():
    options = ChatOptions(sampling=Sampling(seed=7, max_new_tokens=3))
    facts = Facts("length", "P", "4-bit", 9, 4, 3, 0.5, 20.0, options)
    assert caption_for(facts) == "3 tokens · 20 tokens/s · first after 0.50 s · seed 7"
    assert note_for(facts) == "Cut at the limit of 3 new tokens."
    assert caption_for(Facts()) == note_for(Facts()) == ""


def test_a_visitor_in_the_line_hears_how_busy_it_is():
    status = queue_status(2, EngineLoad(running=4, waiting=3, tokens_per_s=411.7))
    assert status == "You are number 2 in the line: 4 replies are being written at 412 tokens/s…"
    assert "1 reply is being written…" in queue_status(1, EngineLoad(1, 1))


INFO = EngineInfo("it", "4-bit NF4", "CPU", 2048)


def test_the_badge_names_adapter_and_mode():
    badge = render_badge("it", "ready", replace(INFO, adapter="pirate<", mode="completion"))
    assert "it · adapter pirate&lt; · 4-bit NF4 · CPU · 2,048 tokens · completion" in badge
    assert "adapter" not in render_badge("it", "ready", INFO)


def test_notes_and_licence_are_shown_only_where_there_are_some():
    assert render_about(None) == render_about(INFO) == ""
    licence = licence_of("meta-llama/Llama-2-7b-chat-hf")
    shown = render_about(replace(INFO, notes=("Beyond <2,048>.",), licence=licence))
    assert "Beyond &lt;2,048&gt;." in shown
    assert "Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta" in shown
    assert f'href="{licence.url}"' in shown
    assert f'href="{licence.policy_url}"' in shown


def test_a_huge_chat_is_formatted_where_it_is_newest():
    chat, long = Conversation(), "**bold** " * 4_500
    for _ in range(5):
        chat = chat.ask("more").answer(long)
    assert render_conversation(chat).count("<strong>") == 3 * 4_500


def test_few_characters_do_not_make_many_cells():
    table = "|" * 60 + "\n" + "|-" * 60 + "\n" + "x\n" * 60
    assert render_markdown(table).count("<td") <= len(table)
