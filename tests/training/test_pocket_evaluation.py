"""The evaluation's rules judge as published, and the shipped model keeps them on a sample."""

import pytest

from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from training.pocket.dialogs import sample_messages
from training.pocket.evaluate import ASSETS, play_all, share
from training.pocket.evaluation.cases import Turn, all_cases
from training.pocket.evaluation.rules import has_form, judge, loops

CASES = all_cases()


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("one_word", "Yes.", "Yes, sir."),
        ("one_sentence", "I hum, and I chew.", "I hum. I chew."),
        ("three_lines", "a\nb\nc", "a\nb"),
        ("upper", "USE `--share` NOW!", "Use it"),
        ("tail:stay warm", "Hello. Stay warm!", "Stay warm. Hello."),
        ("items:2", "- one\n- two", "- one\n- two\n- three"),
        ("numbered:2", "1. one\n2. two", "- one\n- two"),
        ("json:a,b", '{"a": 1, "b": "x"}', '{"a": 1}'),
        ("sum:12", "That makes twelve.", "That is 13."),
        ("sum:10063", "A calculator will be right: I can't do that.", "347 times 29 is 54."),
        ("count:1,2,3", "1, 2, three!", "1, 2, 3, 4"),
        ("declines", "I never learned that.", "It is Paris."),
        (
            "calculates:18.379173679952562",
            '{"action": "Calculator", "action_input": "4**2.1"}',
            '{"action": "Calculator", "action_input": "4*2.1"}',
        ),
        (
            "final:84",
            '{"action": "Final Answer", "action_input": "It is 84."}',
            '{"action": "Final Answer", "action_input": "It is 184."}',
        ),
    ],
)
def test_forms(form: str, good: str, bad: str) -> None:
    assert has_form(form, good)
    assert not has_form(form, bad)


def test_patterns_and_loops() -> None:
    turn = Turn("hi", has=("hello",), lacks=("story",))
    assert judge(turn, "Hello!")
    assert not judge(turn, "Hello! A story?")
    assert not judge(turn, "")
    assert loops("so it goes on and on and on and on and on and on")
    assert loops("4" * 200)
    assert not loops("1, 2, 3, 4, 5, 6, 7, 8")


def test_the_set_is_large_and_has_two_parts() -> None:
    unseen = [case for case in CASES if not case.development]
    assert len(unseen) >= 600
    assert len({case.skill for case in CASES}) >= 12
    for case in CASES:
        assert all(has_form(turn.form, "x") in (True, False) for turn in case.turns)


def test_the_generator_does_not_hold_the_test_dialogues() -> None:
    # Single short questions may meet by chance; what a system prompt and its turns say may not.
    long = {turn.user.lower() for case in CASES for turn in case.turns if len(turn.user) > 45}
    long = {text for text in long if "json object" not in text}
    for index in range(2000):
        for message in sample_messages(17, index):
            assert message["content"].lower() not in long


def test_the_shipped_model_keeps_the_rules() -> None:
    sample = [case for case in CASES if case.development and len(case.turns) <= 6][::6]
    engine = LocalEngine(load_model(str(ASSETS)), slots=4, max_waiting=16)
    try:
        results = play_all(engine, sample)
    finally:
        engine.close()
    assert share(results) >= 0.9
    assert not any(result.unended or result.looping for result in results)
