"""A stop word ends the text, however it arrives."""

from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.engine.stopwords import StopWords
from tests.sizes import examples

TEXTS = st.text("ab\n", max_size=30)
WORDS = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3)


@settings(max_examples=examples(300), deadline=None)
@given(pieces=st.lists(TEXTS, max_size=8), words=WORDS)
def test_the_text_is_cut_before_the_first_word_in_whatever_pieces(pieces, words):
    stop, text = StopWords(words), "".join(pieces)
    passed = "".join(map(stop.add, pieces))
    first = [text.find(word) for word in words if word in text]
    assert stop.found == bool(first)
    # Nothing that may belong to a stop word has been shown too early.
    assert text[: min(first)] == passed if first else text.startswith(passed)
    if not first:
        assert passed + stop.finish() == text


def test_text_that_cannot_begin_a_word_is_not_held_back():
    stop = StopWords(["END"])
    assert stop.add("the ") == "the "
    assert stop.add("E") == ""
    assert stop.add("ast") == "East"
