"""The draw has the distribution of transformers' own processors."""

from collections import Counter
from dataclasses import fields

import pytest
import torch
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from llama_ui.chat.sampling import SAMPLING
from llama_ui.engine.local.sampler import RowOptions, penalize, sample

VOCABULARY = 200
DRAWS = 4000


def options(rows: int, uniform, **values) -> RowOptions:
    """Options of as many rows; those that are not named change nothing."""
    neutral = {option.name: 0 if option.neutral is None else option.neutral for option in SAMPLING}
    chosen = {**neutral, "temperature": 1, "top_k": 1000, **values}
    names = [column.name for column in fields(RowOptions)][1:]
    columns = {name: torch.full((rows,), float(chosen[name])) for name in names}
    return RowOptions(uniform, **columns)


def drawn_shares(logits, seen, **values) -> torch.Tensor:
    """How often each token is drawn, over uniform numbers spread evenly."""
    uniform = (torch.arange(DRAWS) + 0.5) / DRAWS
    chosen = options(DRAWS, uniform, **values)
    none = torch.zeros(DRAWS, VOCABULARY)
    penalized = penalize(logits.expand(DRAWS, -1), seen, none, chosen)
    return torch.bincount(sample(penalized, chosen, 1000), minlength=VOCABULARY) / DRAWS


@pytest.mark.parametrize("temperature", [0.2, 1.0, 1.9])
@pytest.mark.parametrize("top_p", [0.1, 0.9, 1.0])
@pytest.mark.parametrize("top_k", [1, 20, 500])
@pytest.mark.parametrize("min_p", [0.0, 0.2])
@pytest.mark.parametrize("penalty", [1.0, 1.7])
def test_shares_are_the_probabilities(temperature, top_p, top_k, min_p, penalty):
    torch.manual_seed(int(temperature * 100 + top_p * 10 + top_k + penalty))
    logits = torch.randn(1, VOCABULARY) * 3
    ids = torch.randint(0, VOCABULARY, (1, 30))
    seen = torch.zeros(1, VOCABULARY, dtype=torch.bool).scatter(1, ids, True)
    expected = RepetitionPenaltyLogitsProcessor(penalty)(ids, logits.clone())
    for step in (
        TemperatureLogitsWarper(temperature),
        TopKLogitsWarper(min(top_k, VOCABULARY)),
        TopPLogitsWarper(top_p),
        MinPLogitsWarper(min_p),
    ):
        expected = step(None, expected)
    probabilities = expected.softmax(-1)[0]
    chosen = {"temperature": temperature, "top_p": top_p, "top_k": top_k, "min_p": min_p}
    shares = drawn_shares(logits, seen, **chosen, repetition_penalty=penalty)
    assert (shares - probabilities).abs().max() < 1.5e-3
    assert not shares[probabilities == 0].any()


@pytest.mark.parametrize("presence", [-2.0, 0.0, 0.7])
@pytest.mark.parametrize("frequency", [-0.3, 0.0, 2.0])
def test_presence_and_frequency_are_those_of_openai(presence, frequency):
    """mu[j] - c[j] * frequency - (c[j] > 0) * presence, where c counts the reply alone."""
    logits = torch.randn(1, VOCABULARY)
    said = Counter(torch.randint(0, 30, (80,)).tolist())
    drawn = torch.zeros(1, VOCABULARY)
    for token, times in said.items():
        drawn[0, token] = times
    seen = torch.rand(1, VOCABULARY) < 0.5  # a prompt does not matter
    chosen = options(1, torch.zeros(1), presence_penalty=presence, frequency_penalty=frequency)
    penalized = penalize(logits, seen, drawn, chosen)
    for token in range(VOCABULARY):
        times = said[token]
        expected = logits[0, token] - times * frequency - (times > 0) * presence
        assert penalized[0, token] == pytest.approx(expected.item(), abs=1e-5)


def test_temperature_zero_is_the_most_probable_token_whatever_the_number():
    logits = torch.randn(50, VOCABULARY)
    chosen = options(50, torch.rand(50), temperature=0)
    assert torch.equal(sample(logits, chosen, 64), logits.argmax(-1))


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-24])
def test_the_ends_of_the_unit_interval_give_possible_tokens(uniform):
    logits = torch.full((1, VOCABULARY), -torch.inf)
    logits[0, [3, 7]] = 0.0
    token = sample(logits, options(1, torch.tensor([uniform])), 64)
    assert token.item() in (3, 7)


def test_a_row_that_is_not_a_number_leaves_the_others_alone():
    logits = torch.randn(3, VOCABULARY)
    logits[1] = torch.nan
    tokens = sample(logits, options(3, torch.full((3,), 0.5), top_k=1), 64)
    assert tokens[[0, 2]].tolist() == logits[[0, 2]].argmax(-1).tolist()
    assert tokens[1] == -1
