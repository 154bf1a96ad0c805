"""The calculator habit's training dialogues: valid actions, right numbers, the documented words."""

import json
import math
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from training.pocket import tool_prompt
from training.pocket.chat import Chat
from training.pocket.dialogs import _plain_turn
from training.pocket.encode import Message
from training.pocket.skills.tools import dialog

README = Path(__file__).resolve().parents[2] / "training" / "pocket" / "README.md"
DIALOGS = [dialog(Chat(Random(seed)), _plain_turn) for seed in range(400)]


def actions(messages: list[Message]) -> list[tuple[dict[str, str], str]]:
    """(action, the user turn after it) of each reply that is learned."""
    replies = []
    for number, message in enumerate(messages):
        if message["role"] == "assistant" and message.get("learned", "yes"):
            after = messages[number + 1]["content"] if number + 1 < len(messages) else ""
            replies.append((json.loads(message["content"]), after))
    return replies


def test_every_learned_reply_is_one_action() -> None:
    found = [action for messages in DIALOGS for action, _ in actions(messages)]
    assert all(set(action) == {"action", "action_input"} for action in found)
    assert all(isinstance(value, str) for action in found for value in action.values())
    names = [action["action"] for action in found]
    assert names.count("Calculator") > 300
    assert names.count("Final Answer") > 300


def test_observations_hold_what_the_expression_gives() -> None:
    checked = 0
    for messages in DIALOGS:
        for action, observation in actions(messages):
            if action["action"] != "Calculator" or "Error" in observation:
                continue
            value = eval(action["action_input"], {"__builtins__": {}, "sqrt": math.sqrt})
            shown = [word.strip(".") for word in observation.replace("\n", " ").split(" ")]
            assert any(
                math.isclose(float(word), value, rel_tol=1e-5)
                for word in shown
                if word.replace(".", "").replace("-", "").replace("e+", "").isdigit()
            ), (action, observation)
            checked += 1
    assert checked > 300


def test_the_final_answer_copies_the_number() -> None:
    for messages in DIALOGS:
        found = actions(messages)
        for (action, observation), (answer, _) in pairwise(found):
            if action["action"] == "Calculator" and observation.startswith("Observation: "):
                number = observation.split("\n")[0].removeprefix("Observation: ")
                assert number.removeprefix("Error: ") in answer["action_input"]


def test_kept_answers_are_context_only() -> None:
    plain = [m for messages in DIALOGS for m in messages if not m.get("learned", "yes")]
    assert plain
    assert all(m["role"] == "assistant" for m in plain)


@pytest.mark.parametrize(
    "text", [tool_prompt.system(), tool_prompt.REMINDER, tool_prompt.observed("18.379173679952562")]
)
def test_the_readme_shows_the_prompt_as_it_is(text: str) -> None:
    assert text in README.read_text(encoding="utf-8")
