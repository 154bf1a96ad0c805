"""Functions of a program, called by Pocket Llama through OpenAI's own client."""

import json

import openai
import pytest

from llama_ui.web.api.tool_calls import Call, Function, Functions
from tests.web.api.test_chat_completions import connect, wait_until_ready


def declared(name="calculator", **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    about = "Works out an arithmetic expression, for example 4**2.1 or sqrt(2)*3."
    function = {"name": name, "description": about, "parameters": parameters}
    return {"type": "function", "function": function}


def strict(name="f", **properties):
    tool = declared(name, **properties)
    tool["function"]["strict"] = True
    return tool


TOOL = declared(expression={"type": "string"})
QUESTION = {"role": "user", "content": "what is 4 to the power of 2.1?"}


@pytest.fixture(scope="module")
def client(app) -> openai.OpenAI:
    wait_until_ready(app)
    return connect(app)


def ask(client, messages, stream=False, **options):
    """The message and the reason of a reply, the same for both ways of asking."""
    asked = {"model": "any", "messages": messages, "tools": [TOOL], "temperature": 0, **options}
    if not stream:
        [choice] = client.chat.completions.create(**asked).choices
        return choice.message.content, choice.message.tool_calls, choice.finish_reason
    events = list(client.chat.completions.create(**asked, stream=True))
    deltas = [event.choices[0].delta for event in events]
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert [call.index for call in calls] == [0] * len(calls)
    text = "".join(delta.content or "" for delta in deltas)
    if text:
        assert sum(bool(delta.content) for delta in deltas) > 2
    return text or None, calls or None, events[-1].choices[0].finish_reason


@pytest.mark.parametrize("stream", [False, True])
def test_the_caller_works_it_out(client, stream):
    messages = []
    for question, said, value in (
        (QUESTION["content"], "18.379", 4**2.1),
        ("can you multiply that by 3?", "55.137", 3 * 4**2.1),
    ):
        messages.append({"role": "user", "content": question})
        content, calls, reason = ask(client, messages, stream)
        assert (content, reason) == (None, "tool_calls")
        [call] = calls
        assert call.function.name == "calculator"
        [(name, expression)] = json.loads(call.function.arguments).items()
        assert name == "expression"
        assert eval(expression, {"__builtins__": {}}) == pytest.approx(value)
        call = {"id": call.id, "type": "function", "function": call.function.model_dump()}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": repr(value)},
        ]
        content, calls, reason = ask(client, messages, stream)
        assert (calls, reason) == (None, "stop")
        assert said in content
        assert "action" not in content
        messages.append({"role": "assistant", "content": content})


def test_small_talk_is_an_answer_and_none_changes_nothing(client):
    content, calls, reason = ask(client, [{"role": "user", "content": "hey how are you today?"}])
    assert (calls, reason) == (None, "stop")
    assert content
    assert "action" not in content
    plain = client.chat.completions.create(model="any", messages=[QUESTION], temperature=0)
    assert ask(client, [QUESTION], tool_choice="none")[0] == plain.choices[0].message.content


CALL = {"id": "c1", "type": "function", "function": {"name": "calculator", "arguments": "{}"}}
CALLED = {"role": "assistant", "tool_calls": [CALL]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "no function 'x'"),
        ({"tools": [strict(x={"type": "array", "uniqueItems": True})]}, "uniqueItems"),
        ({"tools": [{"type": "web_search"}]}, "tools.0"),
        ({"tools": [declared("a b")]}, "name"),
        ({"tools": [declared("a\n")]}, "name"),
        ({"tools": [declared("Final_Answer")]}, "is taken"),
        ({"tools": [declared("f"), declared("F")]}, "is taken"),
        ({"tools": [declared(f"f{n}") for n in range(33)]}, "more than 32 tools"),
        ({"tools": [declared("f", x={"description": "x" * 4000})]}, "longer than 4,000"),
        ({"logprobs": True}, "do not go with tools"),
        ({"messages": [QUESTION, {"role": "tool", "tool_call_id": "c1", "content": "1"}]},
         "answers no call"),
        ({"messages": [QUESTION, CALLED, {"role": "tool", "tool_call_id": "c2", "content": "1"}]},
         "answers no call"),
        ({"messages": [QUESTION, CALLED]}, "has no answer"),
        ({"messages": [QUESTION, CALLED, QUESTION]}, "has no answer"),
        ({"messages": [{"role": "user", "content": None}]}, "no content"),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_refused(client, body, says):
    asked = {"model": "any", "messages": [QUESTION], "tools": [TOOL], **body}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**asked)
    assert says in refused.value.message
    assert refused.value.type == "invalid_request_error"


TWO = {"city": {"type": "string"}, "days": {"type": "integer"}}


@pytest.mark.parametrize(
    ("properties", "required", "given", "arguments"),
    [
        ({"x": {"type": "string"}}, ["x"], '"5"', {"x": "5"}),
        ({"x": {"type": "integer"}}, ["x"], '"5"', {"x": 5}),
        ({"x": {"type": "integer"}}, [], '"five"', {"x": "five"}),
        (TWO, ["city"], '"Paris"', {"city": "Paris"}),
        (TWO, ["city", "days"], '"Paris"', {"input": "Paris"}),
        (TWO, [], '{"days": 3}', {"days": 3}),
        (TWO, [], '"{\\"city\\": \\"Rome\\"}"', {"city": "Rome"}),
        ({}, [], '""', {}),
    ],
)
def test_the_input_becomes_arguments(properties, required, given, arguments):
    function = Function(name="f", parameters={"properties": properties, "required": required})
    said = Functions([function]).read(f'{{"action": "F", "action_input": {given}}}', True)
    assert said.content is None
    assert json.loads(said.calls[0]["function"]["arguments"]) == arguments


def test_a_call_is_read_back_as_the_action_that_it_was():
    for arguments in ('{"city": "Rome", "days": 3}', '{"days": 3}', '{"city": "Rome"}'):
        call = Call.model_validate({**CALL, "function": {"name": "f", "arguments": arguments}})
        function = Function(name="f", parameters={"properties": {"city": {}}})
        said = Functions([function]).read(call.as_json(), True)
        assert json.loads(said.calls[0]["function"]["arguments"]) == json.loads(arguments)


def test_what_is_no_call_of_an_offered_function_is_text():
    functions = Functions([Function(name="f")])
    other = '{"action": "g", "action_input": "1"}'
    assert functions.read(other, True).content == other
    assert functions.read('{"action": "f", "act', False).content == ""


@pytest.mark.parametrize(
    "reply",
    ["5", "{}", "[[]]", '"f"', '{"action": "g", "action_input": 1}', '{"action": 1}', "[" * 9000],
)
def test_what_a_server_makes_of_a_form_is_text(reply):
    functions = Functions([Function(name="f")])
    functions.form(None)
    said = functions.read(reply, True)
    assert said.calls == ()
