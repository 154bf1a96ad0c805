"""The agent with the real Pocket Llama, and what it makes of replies that no model should give."""

import json
import time
from random import Random

import jsonschema
import pytest

from benchmarks.tools import answer_with_tools, dialogues, first_reply, is_action
from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.gguf.loader import load_gguf
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.prompt.plan import PlanOptions
from llama_ui.tools.actions import Action, read_action, spoken
from llama_ui.tools.agent import (
    KEEP_LAST,
    MAX_ACTIONS,
    REMINDER,
    Agent,
    offers_of,
    system_prompt,
    with_action_form,
    with_tools,
)
from tests.sizes import examples
from tests.smollm2 import smollm2
from training.pocket import tool_prompt

GREEDY = Sampling(temperature=0, max_new_tokens=200)
CALCULATE = '{"action": "Calculator", "action_input": "12*7"}'
FINAL = '{"action": "Final Answer", "action_input": "It is 84."}'


def test_the_words_are_those_of_the_training():
    assert system_prompt(offers_of()) == tool_prompt.system()
    assert tool_prompt.REMINDER == REMINDER


def test_the_exchanges_of_the_handbooks(engine):
    messages = []
    for question, said, steps in (
        ("hey how are you today?", "", 0),
        ("what is 4 to the power of 2.1?", "18.379", 1),
        ("can you multiply that by 3?", "55.137", 1),
    ):
        messages.append({"role": "user", "content": question})
        answered = answer_with_tools(engine, messages, GREEDY)
        assert said in answered.text
        assert len(answered.steps) == steps
        assert len(answered.stats) == steps + 1
        messages.append({"role": "assistant", "content": answered.text})


def test_a_model_that_never_saw_our_format_writes_nothing_but_actions():
    """All 200: python -m benchmarks.tools --actions smollm2."""
    engine = LocalEngine(load_gguf(smollm2(), context_length=1024))
    try:
        for [(question, _), *_] in dialogues(examples(5)):
            text, is_whole, _ = first_reply(engine, True, question)
            assert is_action(text) or not is_whole, text
    finally:
        engine.close()


def test_the_answer_to_the_user_has_the_form_that_was_asked_for(engine):
    number = {
        "type": "object",
        "properties": {"result": {"type": "integer", "minimum": 0, "maximum": 9999}},
        "required": ["result"],
        "additionalProperties": False,
    }
    asked = GREEDY.with_form(AnswerForm.of_schema(number))
    answered = answer_with_tools(engine, [{"role": "user", "content": "what is 12 * 7?"}], asked)
    jsonschema.validate(json.loads(answered.text), number)


def test_several_typed_arguments_are_part_of_the_form(engine):
    def forecast(city: str, days: int, at_night: bool = False) -> str:
        """Tells the weather of a city for some days."""
        return f"{days} {'clear nights' if at_night else 'sunny days'} in {city}"

    messages = [{"role": "user", "content": "Tell me the weather in Rome for 3 days."}]
    sent, how = with_tools(messages, PlanOptions(reminder=REMINDER), tools=[forecast])
    sampling = with_action_form(GREEDY, tools=[forecast])
    chunks = list(engine.submit(engine.plan(sent, sampling, how), sampling))
    action = json.loads("".join(chunk.text for chunk in chunks))
    agent = Agent([forecast])
    agent.take(json.dumps(action), True, 1.0)
    if action["action"] == "Forecast":
        assert isinstance(action["action_input"]["days"], int)
        assert not agent.steps[0].observation.startswith("Error")
    else:
        assert agent.answer == action["action_input"]


def test_a_fault_of_a_tool_is_passed_on_in_words(engine):
    answered = answer_with_tools(
        engine, [{"role": "user", "content": "what is 5 divided by 0?"}], GREEDY
    )
    assert answered.steps[0].observation == "Error: division by zero"
    assert "zero" in answered.text


@pytest.mark.parametrize(
    ("text", "action"),
    [
        (CALCULATE, Action("Calculator", "12*7")),
        (f"```json\n{CALCULATE}\n```", Action("Calculator", "12*7")),
        (f"Let me see.\n{CALCULATE}\nDone!", Action("Calculator", "12*7", "Let me see.")),
        ("{'action': 'Calculator', 'action_input': '12*7',}", Action("Calculator", "12*7")),
        ("{action: Calculator, action_input: sqrt(2)*3}", Action("Calculator", "sqrt(2)*3")),
        ('{"action": "Calculator", "action_input": 12*7}', Action("Calculator", "12*7")),
        ('{"action": "Calculator", "action_input": 84}', Action("Calculator", "84")),
        ('{"Action": "Calculator", "Action Input": "1"}', Action("Calculator", "1")),
        ('{"action": "Date and time"}', Action("Date and time", "")),
        ('{"action": "Calculator", "action_input": {"x": "1"}}', Action("Calculator", "1")),
        ('{"action": "Final Answer", "action_input": "a\nb"}', Action("Final Answer", "a\nb")),
        ('{"action": "Final Answer", "action_input": "A "b"."}', Action("Final Answer", 'A "b".')),
        (f"{CALCULATE}\nObservation: 5\n{FINAL}", Action("Calculator", "12*7")),
        ("{'action': 'Calculator', 'action_input': '1'}\n" + FINAL, Action("Calculator", "1")),
        ("12 times 7 is 84.", None),
        ("{}", None),
        ('{"action": 5, "action_input": "1"}', None),
        ('{"action": "Final Answer", "action_input": " "}', None),
        ("", None),
    ],
)  # fmt: skip
def test_actions_are_read_with_the_slips_of_models(text, action):
    assert read_action(text) == action


def test_an_answer_is_spoken_while_it_is_written():
    whole = '{"action": "Final Answer", "action_input": "It\\u00e4 is \\"84\\".\\nYes"}'
    for end in range(len(whole)):
        assert 'Itä is "84".\nYes'.startswith(spoken(whole[:end]))
    assert spoken(whole) == 'Itä is "84".\nYes'
    assert spoken(CALCULATE) == ""
    assert spoken(f"{CALCULATE}\nObservation: 5\n{FINAL}") == ""


def test_half_a_character_is_not_spoken():
    begun = '```json\n{"action": "Final Answer", "action_input": "Hi '
    assert spoken(begun + r"\ud83d") == "Hi"
    assert spoken(begun + r"\ud83d\ude00!") == "Hi \N{GRINNING FACE}!"
    assert spoken(begun + r"\\") == "Hi \\"
    written = begun + r'\ud83d","x":1}' + "\n```"
    assert "\ud83d" not in read_action(written).given


def test_after_five_steps_it_answers_in_plain_words():
    agent = Agent()
    for number in range(MAX_ACTIONS):
        assert agent.answer is None
        agent.take(CALCULATE, True, 1.0)
        assert agent.steps[number].observation == "84"
    messages = [{"role": "user", "content": "Hi"}]
    sent, options = with_tools(messages, PlanOptions(reminder=REMINDER), agent.steps)
    assert len(sent) == 2 + 2 * MAX_ACTIONS
    assert "no more tools" in options.reminder
    agent.take("It is 84, I think.", True, 1.0)
    assert agent.answer == "It is 84, I think."


def test_a_step_with_several_inputs_is_shown_to_the_model_as_it_was_written():
    def weather(city: str, days: int = 1) -> str:
        """Tells the weather."""
        return f"{days} sunny days in {city}"

    agent = Agent([weather])
    said = '{"action": "Weather", "action_input": {"city": "Rome", "days": "3"}}'
    agent.take(said, True, 1.0)
    assert agent.steps[0].observation == "3 sunny days in Rome"
    messages = [{"role": "user", "content": "Hi"}]
    sent, _ = with_tools(messages, PlanOptions(), agent.steps, [weather])
    assert sent[2] == {"role": "assistant", "content": said}


def test_what_is_no_action_is_asked_for_once_more_and_then_shown():
    agent = Agent()
    agent.take("It is 84.", True, 1.0)
    assert agent.answer is None
    assert agent.steps[0].given == "It is 84."
    agent.take("It really is 84.", True, 1.0)
    assert agent.answer == "It really is 84."


def test_an_unknown_tool_is_an_observation():
    agent = Agent()
    agent.take('{"action": "Rocket", "action_input": "go"}', True, 1.0)
    assert agent.steps[0].observation == "Error: there is no tool 'Rocket'."


def test_half_an_action_is_no_answer_and_half_an_answer_is():
    for text, answer in ((CALCULATE[:30], ""), (FINAL[:-6], "It is"), ("Well, it", "Well, it")):
        agent = Agent()
        agent.take(text, False, 1.0)
        assert agent.answer == answer


def test_steps_are_remembered_whatever_the_memory(engine):
    """Memory counts what was said, not the steps; the question stays with its steps."""
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "old"},
        {"role": "assistant", "content": "older"},
        {"role": "user", "content": "What is 12 times 7?"},
    ]
    agent = Agent()
    agent.take(CALCULATE, True, 1.0)
    sent, options = with_tools(messages, PlanOptions(keep_last=0, reminder=REMINDER), agent.steps)
    assert options.keep_last == 1
    assert options.pinned == {1}
    text = engine.plan(sent, GREEDY, options).text
    assert "Be kind.\n\nYou can use tools." in text
    assert "old" not in text.split("Be kind.")[1]
    assert f"What is 12 times 7?\n\n{REMINDER}" in text
    assert f"Observation: 84\n\n{REMINDER}" in text
    assert with_tools(messages, PlanOptions(keep_last=KEEP_LAST))[0][2]["content"] == (
        '{"action": "Final Answer", "action_input": "older"}'
    )


PIECES = [
    *'{}[]"\\,:\n\0',
    "'",
    "```json",
    "```",
    '{"action": "',
    '"action_input": "',
    "Calculator",
    "Final Answer",
    '", ',
    "12*7",
    "9**9**9",
    "é🦙",
    "\ud800",
    "null",
    "{" * 300,
    '{"a":' * 300,
    "{'action" * 40,
    '{"action": [' * 60,
    "\\u12",
    CALCULATE,
    FINAL,
]


def test_no_reply_crashes_the_agent_or_makes_it_hang():
    rng = Random(7)
    for _ in range(examples(250)):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 14)))
        if rng.random() < 0.3:
            text = text[: rng.randint(0, len(text))]
        agent = Agent()
        for _ in range(MAX_ACTIONS + 1):
            began = time.perf_counter()
            agent.take(text, rng.random() < 0.9, 1.0)
            spoken(text)
            assert time.perf_counter() - began < 1, text
            if agent.answer is not None:
                break
        assert agent.answer is not None
