"""The table of options: the form of the page, the names on the wire, the words about a reply."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.chat.options import (
    OPTIONS,
    ChatOptions,
    form_of,
    options_from_form,
    options_in_words,
    options_table,
)
from llama_ui.chat.sampling import LIMITS, Sampling, wire_values
from llama_ui.errors import ChatError, OptionError
from llama_ui.settings import ROOT
from tests.sizes import examples

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


def test_every_row_says_all_that_a_panel_needs():
    assert len({option.name for option in OPTIONS}) == len(OPTIONS)
    for option in OPTIONS:
        assert option.label
        assert option.help.endswith(".")
        assert option.check(option.default) == option.default
        if option.neutral is not None:
            assert option.check(option.neutral) == option.neutral
        if option.kind in ("number", "whole"):
            assert option.low < option.high
            assert option.low + option.step <= option.high


def test_an_untouched_form_is_the_defaults():
    assert options_from_form({}) == options_from_form(form_of(ChatOptions())) == ChatOptions()
    nothing = dict.fromkeys(("system", "seed", "keep_last", "reminder", "stop", "tools"))
    assert options_from_form(nothing) == ChatOptions()


def test_a_form_of_options_is_read_back_as_these_options():
    options = ChatOptions(
        system="Be kind.\n",
        sampling=Sampling(temperature=1.5, top_k=7, seed=3, stop=("a b", " c"), top_logprobs=5),
        keep_last=0,
        reminder="Short.",
        tools=True,
    )
    form = form_of(options)
    assert (form["seed"], form["keep_last"], form["stop"]) == ("3", "0", "a b\n c")
    assert (form["top_logprobs"], form["tools"]) == (True, True)
    assert options_from_form(form) == options


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("temperature", "hot", "number from 0 to"),
        ("temperature", None, "number from 0 to"),
        ("top_p", 7, "from 0.05 to 1"),
        ("top_k", 2.5, "whole number from 1 to 1,000"),
        ("seed", "2.5", "whole number from 0 to 2,147,483,647, or leave it empty"),
        ("seed", "9" * 30, "Seed cannot be"),
        ("keep_last", "-1", "Memory cannot be"),
        ("keep_last", "1001", "leave it empty .all that fit"),
        ("stop", ["x"], "stop words are no text"),
        ("stop", "\n".join("abcdefghi"), "stop words are no short list"),
        ("stop", "x" * 101, "stop words is empty or too long"),
        ("system", "x" * 100_001, "100,000"),
        ("reminder", "\ud800", "half a character"),
        ("system", 5, "not text"),
        ("hotness", 1, "not known"),
    ],
)
def test_what_is_typed_is_checked(name, typed, says):
    with pytest.raises(ChatError, match=says):
        options_from_form({name: typed})


@settings(max_examples=examples(300), deadline=None)
@given(st.dictionaries(st.sampled_from([option.name for option in OPTIONS]), ANYTHING))
def test_any_form_is_options_or_a_sentence(values):
    try:
        options = options_from_form(values)
    except ChatError:
        return
    assert options_from_form(form_of(options)) == options


def test_a_number_beyond_all_writing_is_refused_in_words():
    with pytest.raises(OptionError, match="so large a number"):
        Sampling(top_k=10**5000)


def test_openai_s_protocol_leaves_out_what_changes_nothing():
    plain = Sampling(top_p=1, repetition_penalty=1, max_new_tokens=9)
    assert wire_values(plain, "openai") == {"temperature": 0.7, "top_k": 50, "max_tokens": 9}
    said = wire_values(Sampling(seed=5, stop=("x",), repetition_penalty=1.2), "openai")
    assert (said["seed"], said["stop"], said["repetition_penalty"]) == (5, ["x"], 1.2)


def test_llama_cpp_gets_everything_under_its_own_names():
    said = wire_values(Sampling(top_p=1, repetition_penalty=1, max_new_tokens=9), "llama.cpp")
    assert (said["top_p"], said["repeat_penalty"], said["n_predict"]) == (1, 1, 9)
    assert not {"repetition_penalty", "max_tokens", "seed"} & said.keys()


def test_a_reply_s_options_in_words_are_those_that_change_something():
    told = options_in_words(ChatOptions(sampling=Sampling(top_p=1, seed=1234, stop=("END",))))
    assert [(option.label, words) for option, words in told] == [
        ("Temperature", "0.7"),
        ("Top-k", "50"),
        ("Max new tokens", "512"),
        ("Seed", "1,234"),
        ("Stop words", "“END”"),
    ]


def test_numbers_have_limits_and_nothing_else_has():
    assert set(LIMITS) == {o.name for o in OPTIONS if o.kind in ("number", "whole")} - {"keep_last"}


def test_the_documents_show_the_table():
    """After a change: python -c 'from llama_ui.chat.options import *; print(options_table())'."""
    assert options_table() in (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
