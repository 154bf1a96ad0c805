"""Answers in the form that was asked for, through OpenAI's own client and Pocket Llama."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import jsonschema
import openai
import pytest
from pydantic import BaseModel, Field

from tests.schemas import schemas
from tests.sizes import examples
from tests.web.api.test_chat_completions import connect, wait_until_ready

ASK = [{"role": "user", "content": "Tell me about a llama."}]
AT_ONCE = 4


@pytest.fixture(scope="module")
def client(app) -> openai.OpenAI:
    wait_until_ready(app)
    return connect(app).with_options(timeout=170)


def answered(client, number, schema):
    """What is wrong with the answer, empty when nothing is, and whether it was finished."""
    form = {"name": "thing", "schema": schema, "strict": True}
    choice = client.chat.completions.create(
        model="any",
        messages=ASK,
        seed=number,
        temperature=1.2,
        max_tokens=100,
        response_format={"type": "json_schema", "json_schema": form},
    ).choices[0]
    if choice.finish_reason == "length":
        return "", False
    try:
        jsonschema.validate(json.loads(choice.message.content), schema, _VALIDATOR)
    except Exception as fault:
        return f"{number}: {schema}\n{choice.message.content}\n{fault}", True
    return "", True


_VALIDATOR = jsonschema.Draft202012Validator


def test_every_finished_answer_is_valid(client):
    """The whole of it: LLAMA_UI_TEST_SIZE=12.5 pytest --timeout 0 (500 schemas)."""
    asked = schemas(examples(40))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda pair: answered(client, *pair), enumerate(asked)))
    assert not [fault for fault, _ in done if fault]
    finished = sum(is_finished for _, is_finished in done)
    print(f"{finished} of {len(done)} finished")
    assert finished > 0.7 * len(done)


class Llama(BaseModel):
    name: str = Field(max_length=15)
    colour: Literal["brown", "white"]
    friends: list["Friend"] = Field(max_length=2)


class Friend(BaseModel):
    age: int = Field(ge=0, le=40)


def test_the_helper_of_the_client_reads_it_whole_and_streamed(client):
    asked = {"model": "any", "messages": ASK, "temperature": 0, "max_tokens": 150}
    parsed = client.chat.completions.parse(**asked, response_format=Llama)
    read = parsed.choices[0].message.parsed
    assert isinstance(read, Llama)
    with client.chat.completions.stream(**asked, response_format=Llama) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == read
    thing = client.chat.completions.create(**asked, response_format={"type": "json_object"})
    text = thing.choices[0].message.content
    assert text.startswith("{")
    assert thing.choices[0].finish_reason == "length" or isinstance(json.loads(text), dict)
    chosen = client.chat.completions.create(
        **asked, extra_body={"structured_outputs": {"choice": ["hay", "tea"]}}
    )
    assert chosen.choices[0].message.content in ("hay", "tea")


def tool(name, strict=True, **properties):
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "parameters": parameters, "strict": strict},
    }


WEATHER = tool(
    "weather",
    city={"type": "string", "maxLength": 12},
    days={"type": "integer", "minimum": 1, "maximum": 7},
    part={"enum": ["morning", "night"]},
)
STEER = tool("steer", turn={"type": "object", "properties": {"left": {"type": "boolean"}},
                            "required": ["left"], "additionalProperties": False})  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "name"),
    [("required", ""), ({"type": "function", "function": {"name": "steer"}}, "steer")],
)
def test_a_function_that_must_be_called_is_called_with_arguments_of_its_schema(
    client, choice, name
):
    tools = [WEATHER, STEER]
    asked = {"model": "any", "messages": ASK, "tools": tools, "temperature": 1, "seed": 4}
    for several in (False, True):
        [said] = client.chat.completions.create(
            **asked, tool_choice=choice, parallel_tool_calls=several
        ).choices
        assert said.finish_reason == "tool_calls"
        calls = said.message.tool_calls
        assert 1 <= len(calls) <= (8 if several else 1)
        for call in calls:
            [function] = [t["function"] for t in tools if t["function"]["name"] == call.function.name]  # fmt: skip  # noqa: E501
            jsonschema.validate(json.loads(call.function.arguments), function["parameters"])
            assert not name or call.function.name == name
