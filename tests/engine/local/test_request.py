"""What a request does with a token, before anybody is told of it."""

from dataclasses import replace

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.local.request import Request
from llama_ui.engine.reply import Token
from llama_ui.prompt.llama2 import Segment
from llama_ui.prompt.plan import PromptPlan


@pytest.fixture
def request_of_three(tokenizer):
    plan = PromptPlan((Segment("user", 0, "", (1, 300, 301)),), (), "")
    return Request.create(plan, Sampling(max_new_tokens=2), tokenizer)


def test_it_goes_on_until_its_limit(request_of_three):
    request_of_three.take(Token(400), frozenset({2}), 100)
    assert not request_of_three.has_ended
    request_of_three.take(Token(401), frozenset({2}), 100)
    assert request_of_three.ending == "length"
    assert request_of_three.ids == [1, 300, 301, 400, 401]


def test_it_ends_with_an_end_token_and_where_the_window_is_full(request_of_three):
    full = replace(request_of_three, ids=[*request_of_three.ids])
    request_of_three.take(Token(2), frozenset({2}), 100)
    assert request_of_three.ending == "stop"
    full.take(Token(400), frozenset({2}), 4)
    assert full.ending == "length"


def test_what_is_no_token_is_never_fed_to_the_model(request_of_three):
    request_of_three.take(Token(-1), frozenset({2}), 100)
    assert request_of_three.has_ended
    assert request_of_three.ids == [1, 300, 301]
