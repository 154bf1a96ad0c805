"""Thinking between tags is told apart from the answer, whichever pieces it comes in."""

import pytest

from llama_ui.chat.thinking import ThoughtSplitter, with_thinking

THOUGHT = "Hm <b> \n\n ok"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("text", "is_open", "thinking", "answer"),
    [
        (with_thinking(THOUGHT, "Yes </think>."), False, THOUGHT, "Yes </think>."),
        (f"{THOUGHT}\n</think>\n\nYes", True, THOUGHT, "Yes"),
        (f"<think>{THOUGHT}</think>Yes", True, THOUGHT, "Yes"),
        ("\n <think>a", False, "a", ""),
        ("<think>a\n</thi", False, "a\n</thi", ""),
        ("<think>\n\n</think>\n\nYes", False, "", "Yes"),
        ("</think>\n\nYes", True, "", "Yes"),
        # A tag in an answer, and what only looks like one, is text.
        (" <thin", False, "", " <thin"),
        ("  So <think>x</think>", False, "", "  So <think>x</think>"),
    ],
)
def test_thinking_is_what_stands_at_the_beginning(size, text, is_open, thinking, answer):
    splitter = ThoughtSplitter(is_open)
    parts = [splitter.add(text[at : at + size], 1) for at in range(0, len(text), size)]
    parts.append(splitter.finish())
    assert tuple(map("".join, zip(*parts, strict=True))) == (thinking, answer)


def test_the_tokens_of_thinking_are_counted():
    splitter = ThoughtSplitter()
    for piece in ("<think>", "\n", "Hm", ".", "</think>", "\n\n", "Yes", "."):
        splitter.add(piece, 1)
    assert splitter.tokens == 5
    assert splitter.seconds > 0


def test_space_without_end_takes_no_time():
    splitter = ThoughtSplitter(True)
    splitter.add("a" + " " * 1_000_000)
    assert splitter.add("b") == (" " * 1_000_000 + "b", "")
