"""Functions that a program declares, with OpenAI's own client and the bundled model."""

import json

import openai
import pytest

from llama_ui.tools import calculator
from llama_ui.web.openai_tools import Function, Tool, read_answer, tools_prompt
from tests.web.test_openai_api import connect, wait_until_ready

CALCULATOR = {
    "type": "function",
    "function": {
        "name": "calculator",
        "description": "Works out an arithmetic expression, for example 4**2.1 or sqrt(2)*3.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    },
}


@pytest.fixture(scope="module")
def client(app) -> openai.OpenAI:
    wait_until_ready(app)
    return connect(app)


def ask(client, messages, **options):
    choice = client.chat.completions.create(
        model="any", messages=messages, temperature=0, tools=[CALCULATOR], **options
    ).choices[0]
    return choice.message, choice.finish_reason


def answer(client, messages, question) -> str:
    """Ask; do what is called for; returns the answer. The messages grow as in a real program."""
    messages.append({"role": "user", "content": question})
    said, reason = ask(client, messages)
    if reason == "tool_calls":
        assert said.content is None
        messages.append(said)
        for call in said.tool_calls:
            result = calculator(json.loads(call.function.arguments)["expression"])
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        said, reason = ask(client, messages)
    assert reason == "stop"
    messages.append(said)
    return said.content


def test_the_exchanges_of_the_handbooks(client):
    messages = []
    assert answer(client, messages, "hey how are you today?")
    assert len(messages) == 2
    assert "18.379" in answer(client, messages, "what is 4 to the power of 2.1?")
    assert "55.137" in answer(client, messages, "can you multiply that by 3?")
    assert [message["role"] for message in messages if isinstance(message, dict)].count("tool") == 2


def test_a_stream_tells_the_call_at_once_and_an_answer_word_by_word(client):
    def stream(question):
        messages = [{"role": "user", "content": question}]
        events = client.chat.completions.create(
            model="any", messages=messages, temperature=0, tools=[CALCULATOR], stream=True
        )
        choices = [event.choices[0] for event in events]
        return [choice.delta for choice in choices], choices[-1].finish_reason

    deltas, reason = stream("what is 4 to the power of 2.1?")
    assert reason == "tool_calls"
    assert not any(delta.content for delta in deltas)
    [call] = [call for delta in deltas for call in delta.tool_calls or []]
    assert (call.index, call.function.name) == (0, "calculator")
    assert json.loads(call.function.arguments) == {"expression": "4**2.1"}

    question = "hey how are you today?"
    deltas, reason = stream(question)
    words = [delta.content for delta in deltas if delta.content]
    whole, _ = ask(client, [{"role": "user", "content": question}])
    assert reason == "stop"
    assert len(words) > 1
    assert "".join(words) == whole.content
    assert "{" not in whole.content


def test_no_tool_is_offered_where_none_is_to_be_called(client):
    messages = [{"role": "user", "content": "what is 4 to the power of 2.1?"}]
    said, reason = ask(client, messages, tool_choice="none")
    assert reason == "stop"
    assert not said.tool_calls


CALL = {"id": "a", "type": "function", "function": {"name": "calculator", "arguments": "{}"}}
USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [CALCULATOR] * 2}, "is taken"),
        ({"tools": [CALCULATOR] * 33}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "final_answer"}}]}, "is taken"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": [USER, {"role": "tool", "tool_call_id": "a", "content": "4"}]}, "no call"),
        ({"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]}, "no tool message"),
        ({"messages": [{"role": "user"}]}, "no content"),
    ],
)
def test_what_makes_no_sense_is_refused(client, change, says):
    asked = {"model": "any", "messages": [USER], "tools": [CALCULATOR], **change}
    with pytest.raises(openai.BadRequestError, match=says):
        client.chat.completions.create(**asked)


def function(**properties) -> Function:
    return Function(name="book", parameters={"properties": properties})


@pytest.mark.parametrize(
    ("declared", "given", "arguments"),
    [
        (function(), "anything", {}),
        (function(city={"type": "string"}), "Rome", {"city": "Rome"}),
        (function(city={"type": "string"}), "7", {"city": "7"}),
        (function(nights={"type": "integer"}), "7", {"nights": 7}),
        (function(a={}, b={}), '{"a": 1, "b": 2}', {"a": 1, "b": 2}),
    ],
)
def test_an_input_becomes_arguments(declared, given, arguments):
    assert json.loads(declared.arguments(given)) == arguments


def test_an_object_keeps_the_name_of_its_only_field():
    tools = [Tool(type="function", function=function(city={}, days={"type": "integer"}))]
    said = '{"action": "Book", "action_input": {"days": 3}}'
    _, call = read_answer(said, True, tools)
    assert json.loads(call.function.arguments) == {"days": 3}


def test_what_is_no_call_is_an_answer():
    tools = [Tool(type="function", function=Function(name="get_weather"))]
    assert '- "Get weather": ' in tools_prompt(tools)
    assert "Calculator" not in tools_prompt(tools)
    for text in ("Just words.", '{"action": "Unknown", "action_input": ""}'):
        assert read_answer(text, True, tools) == (text, None)
    assert read_answer('{"action": "Get weather", "acti', False, tools) == ("", None)
    _, call = read_answer('{"action": "Get weather", "action_input": ""}', True, tools)
    assert call.function.name == "get_weather"
