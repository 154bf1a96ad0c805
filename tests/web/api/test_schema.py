"""What a request may hold: accepted, ignored or refused by name."""

import functools

import pytest
from pydantic import ValidationError

from llama_ui.chat.sampling import Sampling
from llama_ui.errors import ChatError
from llama_ui.web.api.schema import ChatRequest, CompletionRequest, FieldError, complaint

HI = {"role": "user", "content": "Hi"}
TOOLS = [{"type": "function", "function": {"name": "f"}}]
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "1"}
PREFILL = {"role": "assistant", "content": "Once"}


def chat(messages=(HI,), **body) -> ChatRequest:
    try:
        return ChatRequest.model_validate({"messages": [*messages], **body})
    except ValidationError as fault:
        raise complaint(fault) from None


def sampling(**body) -> Sampling:
    return chat(**body).sampling(Sampling(), 2048)[0]


@pytest.mark.parametrize(
    "body",
    [
        {"user": "ann", "metadata": {"a": "b"}, "store": True, "service_tier": "flex"},
        {"parallel_tool_calls": False, "prompt_cache_key": "k", "safety_identifier": "s"},
        {"prediction": {"type": "content", "content": "x"}},
        {"logit_bias": {}, "modalities": ["text"], "response_format": {"type": "text"}, "n": 1},
        {"tools": [], "functions": [], "function_call": None, "tool_choice": None},
        {"skip_special_tokens": True, "min_tokens": 0, "echo": False, "best_of": 1},
        {"temperature": None, "seed": None, "stop": None, "top_p": None, "max_tokens": None},
        {"audio": None, "web_search_options": None, "of_tomorrow": None},
        {"stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"presence_penalty": 0, "frequency_penalty": 0.0, "min_p": 0, "repetition_penalty": 1},
    ],
)
def test_what_changes_nothing_is_accepted(body):
    request = chat(**body)
    assert request.functions() is None
    assert request.sampling(Sampling(), 2048) == (Sampling(max_new_tokens=512), {})


DEEP = functools.reduce(lambda inner, _: {"items": inner}, range(40), {"type": "string"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"n": 2}, "n"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "json_object"}, "structured_outputs": {"regex": "a"}},
         "structured_outputs"),
        ({"structured_outputs": {"choice": []}}, "structured_outputs"),
        ({"structured_outputs": {"choice": ["a", "b\nc"]}}, "structured_outputs"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"guided_json": {}}, "guided_json"),
        ({"echo": True}, "echo"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"stream_options": {"unknown": 1}}, "stream_options.unknown"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": DEEP}}},
         "response_format"),
        ({"temperature": 5.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_tokens"),
        ({"stop": [""]}, "stop"),
        ({"seed": 1.5}, "seed"),
        ({"min_p": 2}, "min_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"continue_final_message": True}, "continue_final_message"),
        ({"messages": [HI, PREFILL], "continue_final_message": False}, "continue_final_message"),
        ({"messages": [{**HI, "emotion": "calm"}]}, "messages.0.emotion"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "messages.0.content.0"),
        ({"messages": [HI, PREFILL], "tools": TOOLS}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
    ],
)  # fmt: skip
def test_what_would_change_the_answer_is_refused_by_name(body, field):
    with pytest.raises(FieldError) as refused:
        request = chat(**body)
        request.sampling(Sampling(), 2048)
        request.answer_form()
        request.dialog(request.functions())
    assert refused.value.field == field
    assert field.rpartition(".")[2] in str(refused.value) or refused.value.problem


def test_the_options_of_the_table_are_taken():
    chosen, needed = chat(
        min_p=0.1, presence_penalty=-1, frequency_penalty=2, temperature=5, stop="END", seed=7
    ).sampling(Sampling(), 2048)
    assert (chosen.min_p, chosen.presence_penalty, chosen.frequency_penalty) == (0.1, -1, 2)
    assert (chosen.temperature, chosen.stop, chosen.seed) == (5, ("END",), 7)
    assert needed == {
        name: name
        for name in ("temperature", "min_p", "presence_penalty", "frequency_penalty", "seed")
    }


def test_seeds_are_taken_modulo_31_bits():
    assert sampling(seed=2**40 + 5).seed == 5
    assert sampling(seed=2**31 - 1).seed == 2**31 - 1
    assert sampling(seed=-1).seed == 2**31 - 1


def test_the_newer_name_of_max_tokens_goes_first():
    assert sampling(max_tokens=None, max_completion_tokens=7).max_new_tokens == 7
    assert sampling(max_tokens=9).max_new_tokens == 9
    assert chat().sampling(Sampling(), 100)[0].max_new_tokens == 50


def sent(*messages, **body):
    request = chat(messages, **body)
    return request.dialog(request.functions())


def test_messages_become_a_dialogue_of_turns():
    said, _, begun = sent(
        {"role": "developer", "content": "Be brief."},
        {**HI, "name": "ann"},
        {"role": "user", "content": [{"type": "text", "text": "and", "cache_control": {}},
                                     {"type": "text", "text": " you?"}]},
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": "a", "annotations": [], "tool_calls": [], "refusal": None},
        {"role": "assistant", "content": "b", "reasoning_content": "hm"},
        {"role": "user", "content": "Bye"},
    )  # fmt: skip
    assert said == [
        {"role": "system", "content": "Be brief.\n\nBe kind."},
        {"role": "user", "content": "Hi\n\nand you?"},
        {"role": "assistant", "content": "a\n\nb"},
        {"role": "user", "content": "Bye"},
    ]
    assert begun == ""


def test_a_last_message_of_the_assistant_is_the_beginning_of_the_reply():
    said, _, begun = sent(HI, PREFILL, {"role": "assistant", "content": "upon"})
    assert (said, begun) == ([HI], "Once\n\nupon")
    assert sent(HI, PREFILL, continue_final_message=True, add_generation_prompt=False)[2] == "Once"
    assert sent(HI, {"role": "assistant", "content": ""})[:1] == ([HI],)


def test_with_tools_calls_stay_actions_and_answers_become_some():
    said, options, _ = sent(
        HI, CALLED, RESULT, {"role": "assistant", "content": "ok"}, HI, CALLED, RESULT, HI,
        tools=TOOLS,
    )  # fmt: skip
    roles = [message["role"] for message in said]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    texts = [message["content"] for message in said[1:]]
    assert texts[1] == texts[5] == '{"action": "f", "action_input": ""}'
    assert texts[2] == "Observation: 1"
    assert texts[3] == '{"action": "Final Answer", "action_input": "ok"}'
    assert texts[6] == "Observation: 1\n\nHi"
    assert options.pinned == frozenset()


def test_a_question_with_steps_is_forgotten_last():
    _, options, _ = sent(HI, PREFILL, HI, CALLED, RESULT, tools=TOOLS)
    assert options.pinned == {1}


@pytest.mark.parametrize(
    ("prompt", "read"),
    [("Once", "Once"), (["Once"], "Once"), ([1, 2], [1, 2]), ([[1, 2]], [1, 2]), ([], [])],
)
def test_a_prompt_is_a_text_or_tokens(prompt, read):
    assert CompletionRequest.model_validate({"prompt": prompt}).text_or_tokens() == read


@pytest.mark.parametrize(
    "prompt", [["a", "b"], [[1], [2]], [1, "a"], [True], {}, None, 5, "\ud800"]
)
def test_other_prompts_are_refused(prompt):
    with pytest.raises(ChatError):
        CompletionRequest.model_validate({"prompt": prompt}).text_or_tokens()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"messages": "\\ud800"}', b"NaN"]
)
def test_a_body_that_is_no_json_is_said_to_be_none(body):
    with pytest.raises(ValidationError) as fault:
        ChatRequest.model_validate_json(body)
    assert "no JSON object" in str(complaint(fault.value))
