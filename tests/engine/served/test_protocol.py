"""What servers say in the events of a reply, and of their faults: every shape that is known."""

import json

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.faults import http_fault, line, parse_json, stream_fault, words_of
from llama_ui.engine.served.openai import (
    ChatCompletions,
    Event,
    Usage,
    ending_of,
    parse_event,
    rejected_fields,
)
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.stream import ServerEvent
from llama_ui.errors import BusyError, ChatError, ContextWindowError, EngineError
from llama_ui.prompt.plan import PromptPlan


def parsed(content, name=""):
    return parse_event(ServerEvent(name, json.dumps(content)))


def delta(**fields):
    return {"choices": [{"delta": fields}]}


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
HELLO = {"type": "text", "text": "Hello"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (delta(content="Hello"), Event("Hello")),
        (delta(role="assistant", content=None), Event()),
        (delta(), Event()),
        ({"choices": [{"delta": None, "finish_reason": "stop"}]}, Event(finish_reason="stop")),
        ({"choices": [{"text": "Hello", "finish_reason": None}]}, Event("Hello")),
        ({"choices": [{"message": {"content": "Hello"}}]}, Event("Hello")),
        ({"choices": [{"index": 1, "delta": {"content": "another reply"}}]}, Event()),
        ({"choices": []}, Event()),
        ({"type": "ping"}, Event()),
        (delta(reasoning_content="hm"), Event("", "hm")),
        (delta(reasoning="hm", content=""), Event("", "hm")),
        (delta(reasoning="hm", reasoning_content="hm"), Event("", "hm")),
        (delta(thinking="hm"), Event("", "hm")),
        (delta(content=[THOUGHT]), Event("", "hm")),
        (delta(content=[THOUGHT, HELLO]), Event("Hello", "hm")),
        (delta(content=[HELLO, {"type": "text", "text": "!"}]), Event("Hello!")),
        (delta(content=["Hel", "lo"]), Event("Hello")),
        (delta(content=HELLO), Event("Hello")),
        (delta(content=[{"type": "reference", "reference_ids": [1]}]), Event()),
        (delta(content=[]), Event()),
        (delta(content=None, refusal="No."), Event("No.")),
        (
            {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
            Event(usage=Usage(5, 0, 2)),
        ),
    ],
)
def test_pieces_of_a_reply(content, expected):
    assert parsed(content) == expected


@pytest.mark.parametrize(
    "content",
    [
        5,
        [],
        "text",
        {"choices": 5},
        {"choices": [[5]]},
        {"choices": [{"delta": 5}]},
        delta(content=5),
        delta(content=[[["x", 5]]]),
        {"choices": [{"finish_reason": 5}]},
    ],
)
def test_what_is_no_piece_of_a_reply(content):
    with pytest.raises(ValueError, match=r"an event that|no text"):
        parsed(content)


def test_parts_in_parts_in_parts_end_somewhere():
    content = "deep"
    for _ in range(100):
        content = [{"text": content}]
    assert parsed(delta(content=content)) == Event()


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(5, 0, 2)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Usage(5, 4, 2),
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 40},
            },
            Usage(5, 5, 2),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 5, "completion_tokens": -2}, None),
        ({"prompt_tokens": 5, "completion_tokens": 10**30}, None),
        ({"prompt_tokens": True, "completion_tokens": 1.5}, None),
        ({"prompt_tokens": None}, None),
        ([5], None),
    ],
)
def test_counts_are_believed_where_they_can_be(usage, counted):
    assert parsed({"choices": [], "usage": usage}).usage == counted


LONG = "prompt is too long"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"error": {"message": LONG, "type": "invalid_request_error", "code": 400}}, ""),
        ({"error": LONG, "error_type": "validation"}, ""),
        ({"object": "error", "message": LONG, "type": "BadRequestError", "code": 400}, ""),
        ({"code": 400, "message": LONG, "type": "invalid_request_error"}, "error"),
        ({"message": LONG}, ""),
        ({"detail": LONG}, ""),
        ({"detail": [{"loc": ["body"], "msg": LONG, "type": "value_error"}]}, ""),
        ({"type": "error", "error": {"type": "x", "message": LONG}}, ""),
        ({"error": {"message": json.dumps({"error": {"message": LONG}})}}, ""),
        ({"choices": [{"error": {"message": LONG}, "finish_reason": "error"}]}, ""),
        ({"choices": [], "error": {"message": LONG}}, ""),
        (LONG, "error"),
    ],
)
def test_a_fault_in_the_stream_is_told_in_the_servers_words(content, name):
    with pytest.raises(ContextWindowError, match=LONG):
        parse_event(ServerEvent(name, content if content == LONG else json.dumps(content)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("out of memory", "out of memory"),
        ("", "it does not say why."),
        ("{}", "{}"),
        ('{"error": null, "code": 7}', "code 7"),
        ('{"errors": [{"message": "a"}, {"message": "b"}]}', "a"),
        (
            '{"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs"}]}',
            "body.top_k: Extra inputs",
        ),
        ('{"error": true, "message": "a"}', "a"),
        ("<html><head><title>502 Bad Gateway</title></head><body>x", "502 Bad Gateway"),
        ("<!DOCTYPE html>\n<body><h1>Oh</h1> <p>no", "Oh no"),
        ("a < b", "a < b"),
        ("one\r\ntwo\x1b[31m\u202ethree\0", "one two [31m three"),
        ("[x](javascript:1) <b>", "[x](javascript:1) <b>"),
        ("\ud83d!", "!"),
        ("[" * 100_000, "[" * 300 + "…"),
        ('{"error":' * 50 + '"x"' + "}" * 50, None),
        ("x" * 1_000_000, "x" * 300 + "…"),
        ("<" * 20_000, ""),
    ],
)
def test_words_of_a_fault_are_one_line_of_text(answer, words):
    said = words_of(answer)
    assert words is None or said == words or not words
    assert len(said) <= 301
    assert said.isprintable()


@pytest.mark.parametrize(
    ("status", "answer", "kind", "says"),
    [
        (400, {"error": {"message": "maximum context length is 9"}}, ContextWindowError, "is 9"),
        (413, "", ContextWindowError, "too long"),
        (
            500,
            {"error": "the request exceeds the available context size"},
            ContextWindowError,
            "size",
        ),
        (429, {"message": "slow down"}, BusyError, "slow down"),
        (503, {"error": {"message": "Loading model", "code": 503}}, EngineError, "Loading model"),
        (500, "CUDA", EngineError, "CUDA"),
        (404, {"detail": "no llama"}, EngineError, "no llama"),
        (302, "", EngineError, "not followed"),
        (401, {"error": "key sk-1"}, EngineError, "refuses the key"),
        (418, "teapot", EngineError, "teapot"),
    ],
)
def test_an_answer_without_a_reply(status, answer, kind, says):
    fault = http_fault(status, answer if isinstance(answer, str) else json.dumps(answer))
    assert type(fault) is kind
    assert says in str(fault)
    assert "sk-1" not in str(fault)


@pytest.mark.parametrize(
    ("header", "wait"), [("7", "7 seconds"), ("9" * 99, "a moment"), ("²", "a moment")]
)
def test_how_long_to_wait(header, wait):
    assert f"Wait {wait} and" in http_fault(503, "", header).next_step


@pytest.mark.parametrize("reason", ["stop", "eos_token", "end_turn", "STOP", "tool_calls"])
def test_a_normal_end(reason):
    assert ending_of(reason) == "stop"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "model_length", "MAX_TOKENS"])
def test_an_end_at_the_limit(reason):
    assert ending_of(reason) == "length"


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("content_filter", "content filter"),
        ("error", "(error)"),
        ("abort", "(abort)"),
        ("\x1b\n", "()"),
    ],
)
def test_an_end_that_is_none(reason, says):
    with pytest.raises(EngineError) as fault:
        ending_of(reason)
    assert says in str(fault.value)


def test_json_is_never_more_than_a_value_error():
    for text in ("{", "[" * 500_000, "1" * 5000, '{"a":' * 300_000, "\ud800"):
        with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
            parse_json(text)


def body_of(sampling, leave_out=()):
    dialect = ChatCompletions(RemoteServer("http://127.0.0.1:1/v1", "m"))
    return dialect.body(PromptPlan(()), sampling, leave_out)


def test_what_changes_nothing_is_not_sent():
    body = body_of(Sampling(top_p=1, seed=5))
    assert not {"top_p", "min_p", "repetition_penalty", "presence_penalty", "stop"} & body.keys()
    assert body["seed"] == 5
    assert "seed" not in body_of(Sampling(seed=5), ["seed"])


def test_the_fields_that_a_refusal_names():
    body = body_of(Sampling(top_p=0.5, seed=5))
    assert rejected_fields(422, "Unexpected fields: {'top_k'}", body) == {"top_k"}
    assert rejected_fields(400, "top_p and seed", body) == {"top_p", "seed"}
    assert rejected_fields(400, "repetition_penalty", body) == set()
    assert rejected_fields(400, "the context is too long for top_p", body) == set()
    assert rejected_fields(500, "top_p", body) == set()


def test_a_line_is_a_line():
    assert line("a\nb\tc\x00\u200b d", 5) == "a b c…"
    assert issubclass(type(stream_fault({"message": "no"})), ChatError)
