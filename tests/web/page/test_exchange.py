"""What the page asks while chats move between the browser and files."""

import asyncio
import json
from typing import Any

import pytest

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.export import all_to_json, to_json
from llama_ui.web.page.exchange import markdown_of, read_chats, rename_chat

ONE, TWO = Conversation().ask("Hello!").answer("Hi."), Conversation().ask("Bye.")


def test_a_file_is_taken_apart_into_its_chats():
    answer = asyncio.run(read_chats(all_to_json([ONE, TWO])))
    assert answer == {
        "chats": [
            {"title": "Hello!", "chat": to_json(ONE)},
            {"title": "Bye.", "chat": to_json(TWO)},
        ]
    }


def test_a_chat_is_renamed_and_named_by_its_first_words_again():
    renamed = asyncio.run(rename_chat({"chat": to_json(ONE), "name": "  Greetings "}))
    assert renamed["title"] == "Greetings"
    assert json.loads(renamed["chat"])["chat"]["name"] == "Greetings"
    assert asyncio.run(rename_chat({"chat": renamed["chat"], "name": " "})) == {
        "title": "Hello!",
        "chat": to_json(ONE),
    }


def test_a_chat_is_written_to_be_read():
    text = asyncio.run(markdown_of(to_json(ONE)))["markdown"]
    assert text == "# Hello!\n\n**You**\n\nHello!\n\n**Reply**\n\nHi.\n"


@pytest.mark.parametrize("asked", [None, 7, [], {}, "x", "[]", '{"format":1}', {"name": 3}])
def test_anything_else_is_a_fault_in_a_sentence(asked: Any):
    for answer in (read_chats(asked), rename_chat(asked), markdown_of(asked)):
        assert asyncio.run(answer)["fault"].endswith(".")


def test_an_empty_list_of_chats_has_nothing_to_rename_or_read():
    for answer in (
        rename_chat({"chat": all_to_json([]), "name": "x"}),
        rename_chat({"chat": to_json(ONE), "name": None}),
        markdown_of(all_to_json([])),
    ):
        assert "fault" in asyncio.run(answer)
