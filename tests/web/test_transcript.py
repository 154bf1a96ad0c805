"""The chat pane as HTML."""

from html.parser import HTMLParser

from llama_ui.conversation import Conversation
from llama_ui.engine.base import Stats
from llama_ui.errors import ChatError
from llama_ui.web.transcript import caption_for, render_conversation, render_fault, render_running

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


def test_hostile_text_is_text_everywhere():
    chat = Conversation().ask(HOSTILE).answer(HOSTILE, note=HOSTILE, caption=HOSTILE)
    for html in (
        render_conversation(chat),
        render_running(HOSTILE),
        render_running("", HOSTILE),
        render_fault(ChatError(HOSTILE, HOSTILE)),
    ):
        text, tags = texts_and_tags(html)
        assert "<script>alert(1)</script>" in text
        assert not {"script", "img"} & set(tags)


def test_the_border_stands_behind_what_is_no_longer_seen():
    """A message that never got a reply does not count, and does not shift it."""
    chat = Conversation().ask("lost").answer("")
    for text in ("first", "second"):
        chat = chat.ask(text).answer(f"reply to {text}")
    html = render_conversation(chat.ask("now"), dropped=1)
    places = [html.index(x) for x in ("lost", "reply to first", 'class="divider"', "second")]
    assert places == sorted(places)
    assert html.count("forgotten") == 1


def test_a_reply_stopped_before_its_first_token_has_no_facts():
    assert caption_for(Stats(9, 0, 0, 0.0, 0.0, 1)) == ""
    assert caption_for(Stats(9, 4, 3, 0.5, 20.0, 1)).startswith("3 tokens · 20 tokens/s")
