"""A long text in passages: none of it is lost, and those that match a question come first."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.chat.passages import PASSAGE_CHARS, by_match, cut
from tests.sizes import examples

PIECES = st.sampled_from(["\n", "\n\n", " ", "word ", "x" * 90, "日本語", "é.", "\r\n", "\u2028"])


@settings(max_examples=examples(200), deadline=None)
@given(pieces=st.lists(PIECES, max_size=300))
def test_passages_are_short_and_joined_are_the_text(pieces):
    text = "".join(pieces)
    passages = cut(text)
    assert "".join(passages) == text
    assert max(map(len, passages)) <= PASSAGE_CHARS + 1  # a line end may follow


def test_lines_and_words_stay_whole():
    lines = "".join(f"This is line {n} of many.\n" for n in range(200))
    assert all(passage.endswith("\n") for passage in cut(lines))
    assert all(passage.endswith(" ") for passage in cut("several words " * 300))


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What does the WOOL cost?", 2),
        ("羊毛の値段", 3),
        ("nothing like it", 0),
        ("", 0),
    ],
)
def test_what_matches_comes_first_and_else_the_beginning(question, first):
    passages = ["Of llamas.", "Of mountains.", "The wool costs a lot.", "羊毛は高い", "", "..."]
    order = by_match(passages, question)
    assert sorted(order) == [*range(len(passages))]
    assert order[0] == first


def test_where_nothing_matches_the_order_is_that_of_the_text():
    assert by_match(["b", "a", "c"], "zzz") == [0, 1, 2]
    assert by_match(["", "  ", "..."], "a") == [0, 1, 2]
    assert by_match(["b", "a", "a"], "a") == [1, 2, 0]
