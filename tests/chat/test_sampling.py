"""Options are checked once, and say their range."""

import math

import pytest

from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.errors import ChatError, OptionError


def test_a_slider_may_deliver_ints_and_floats():
    sampling = Sampling(temperature=1, top_k=40.0, max_new_tokens=10.0)
    assert isinstance(sampling.temperature, float)
    assert isinstance(sampling.top_k, int)
    assert isinstance(sampling.max_new_tokens, int)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("wrong", ["x", math.nan, math.inf, -3, 1e12, 10**400, [1], True, {}])
def test_wrong_values_are_refused_with_the_range(name, wrong):
    with pytest.raises(OptionError, match=r"from .* to"):
        Sampling(**{name: wrong})


@pytest.mark.parametrize("wrong", ["word", ["x"] * 9, [""], ["x" * 101], [5], ["\ud800"]])
def test_stop_words_are_a_short_list_of_words(wrong):
    with pytest.raises(ChatError):
        Sampling(stop=wrong)
    assert Sampling(stop=["a", "b"]).stop == ("a", "b")


def test_only_the_seed_may_be_missing():
    assert Sampling(seed=None).seed is None
    with pytest.raises(OptionError):
        Sampling(temperature=None)


@pytest.mark.parametrize("name", ["top_k", "max_new_tokens", "seed"])
def test_counts_are_whole(name):
    with pytest.raises(OptionError, match="whole number"):
        Sampling(**{name: 2.5})


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
def test_the_ends_of_the_range_are_allowed(name, limits):
    for value in limits:
        assert getattr(Sampling(**{name: value}), name) == value


def test_a_temperature_too_small_to_divide_by_is_greedy():
    assert Sampling(temperature=2e-38).temperature == 0
    assert Sampling(temperature=0.05).temperature == 0.05
