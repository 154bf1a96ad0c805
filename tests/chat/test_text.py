"""Text from people is checked, text from models is cleaned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.text import check_text, clean_reply
from llama_ui.errors import DialogError


@given(st.text(st.characters(categories=["Cs", "Ll", "So"])))
def test_any_reply_becomes_text_that_a_chat_holds(text):
    cleaned = clean_reply(text, 1000)
    assert check_text(cleaned) == cleaned
    chat = Conversation().ask("Hi").answer(cleaned)
    assert chat.nodes[1].text == cleaned


def test_halves_are_joined_and_a_lone_one_is_replaced():
    assert clean_reply("a\ud83d\ude00b", 100) == "a😀b"
    assert clean_reply("\ud83da\ude00", 100) == "\ufffda\ufffd"
    assert clean_reply("plain 🦙\ufeff\x00", 100) == "plain 🦙\ufeff\x00"


def test_a_reply_is_cut_to_what_there_is_room_for():
    assert clean_reply("abc", 2) == "ab"
    assert clean_reply("abc", -2) == ""
    assert clean_reply("😀" * 5, 4) == "😀" * 4


def test_what_a_person_sends_is_refused_instead():
    for text, says in ((None, "not text"), ("x" * 100_001, "100,001"), ("\ud83d", "half")):
        with pytest.raises(DialogError, match=says):
            check_text(text)
