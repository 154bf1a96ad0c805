"""Fitting a conversation into the window: the edges."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_ui.errors import ContextWindowError
from llama_ui.prompt.plan import exchanges_to_drop


def prompt_of(fixed: int, exchanges: list[int]):
    return lambda dropped: fixed + sum(exchanges[dropped:])


def drop(fixed: int, exchanges: list[int], window: int, reply: int) -> int:
    return exchanges_to_drop(prompt_of(fixed, exchanges), len(exchanges), window, reply)


def test_what_fits_exactly_is_kept():
    assert drop(10, [20, 30], window=100, reply=40) == 0


def test_one_token_too_many_drops_the_oldest():
    assert drop(11, [20, 30], window=100, reply=40) >= 1


def test_a_lone_message_that_fits_exactly():
    assert drop(60, [], window=100, reply=40) == 0


@pytest.mark.parametrize("exchanges", [[], [5], [5, 5]])
def test_what_can_never_fit_is_refused_with_the_counts(exchanges):
    with pytest.raises(ContextWindowError, match=r"take 61 tokens .* may take 40.* holds 100"):
        drop(61, exchanges, window=100, reply=40)


def test_the_turns_after_a_drop_keep_the_same_prefix():
    """Dropping goes in quarter-window steps, so the first kept exchange stays the same a while."""
    exchanges, dropped = [], []
    for _ in range(60):
        dropped.append(drop(20, exchanges, window=1000, reply=100))
        exchanges.append(50)
    changes = sum(a != b for a, b in itertools.pairwise(dropped))
    assert dropped[-1] > 30
    assert changes <= 10


@given(
    fixed=st.integers(1, 120),
    exchanges=st.lists(st.integers(1, 60), max_size=30),
    window=st.integers(50, 300),
    reply=st.integers(1, 100),
)
def test_whatever_is_kept_fits_and_no_drop_is_for_nothing(fixed, exchanges, window, reply):
    try:
        dropped = drop(fixed, exchanges, window, reply)
    except ContextWindowError:
        assert fixed + reply > window
        return
    assert prompt_of(fixed, exchanges)(dropped) + reply <= window
    if dropped:
        assert prompt_of(fixed, exchanges)(0) + reply > window
