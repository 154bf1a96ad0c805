"""Replies that must have a form: on torch's forward pass, and on llama.cpp's."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.errors import ChatError, OptionError
from llama_ui.prompt.plan import PlanOptions

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "likes": {"type": "array", "items": {"enum": ["tea", "hay"]}, "maxItems": 3},
    },
    "required": ["name", "age", "likes"],
    "additionalProperties": False,
}
FORM = AnswerForm.of_schema(PERSON)
ASKED = [{"role": "user", "content": "Describe somebody."}]
WILD = Sampling(temperature=1.5, top_p=1, top_k=1000, max_new_tokens=80, seed=5)


@pytest.fixture(scope="module")
def engine(loaded: Any) -> Iterator[LocalEngine]:
    engine = LocalEngine(loaded)
    yield engine
    engine.close()


def said(engine: LocalEngine, sampling: Sampling, begun: tuple[int, ...] = ()) -> tuple[str, Any]:
    plan = engine.plan(ASKED, sampling, PlanOptions(reply_prefix_ids=begun))
    chunks = list(engine.submit(plan, sampling))
    return "".join(chunk.text for chunk in chunks), chunks


def test_rows_with_forms_keep_to_them_and_rows_without_are_as_ever(engine):
    """All at once, hot, with penalties: each row has its own form, and one has none."""
    forms = [
        FORM,
        AnswerForm("choices", "yes\nno\nperhaps “both”, or \\n"),
        AnswerForm("pattern", r"[A-Z]{2}/[0-9]{3}"),
        AnswerForm("json"),
        None,
    ]
    alone, _ = said(engine, replace(WILD, max_new_tokens=10))
    penalized = replace(WILD, repetition_penalty=1.3, frequency_penalty=1.0)
    asked = [penalized.with_form(form) if form else replace(WILD, max_new_tokens=10)
             for form in forms]  # fmt: skip
    replies = [engine.submit(engine.plan(ASKED, each), each) for each in asked]
    ends = [list(reply) for reply in replies]
    person, choice, plate, thing, free = ("".join(c.text for c in chunks) for chunks in ends)
    assert [chunks[-1].finish_reason for chunks in ends[:3]] == ["stop"] * 3
    jsonschema.validate(json.loads(person), PERSON)
    assert choice in forms[1].choices
    assert re.fullmatch(forms[2].text, plate)
    assert thing.startswith("{")
    if ends[3][-1].finish_reason == "stop":
        assert isinstance(json.loads(thing), dict)
    assert free == alone


def test_a_reply_of_a_form_is_repeated_cut_and_gone_on_with(engine):
    sampling = WILD.with_form(FORM)
    whole, chunks = said(engine, sampling)
    assert said(engine, sampling)[0] == whole
    ids = tuple(token.id for chunk in chunks for token in chunk.tokens)
    cut, ended = said(engine, replace(sampling, max_new_tokens=6))
    assert whole.startswith(cut)
    assert ended[-1].finish_reason == "length"
    rest, _ = said(engine, replace(sampling, seed=9), begun=ids[:6])
    jsonschema.validate(json.loads(cut + rest), PERSON)
    with pytest.raises(OptionError, match="does not have the answer form"):
        said(engine, sampling, begun=engine.reply_ids("I am no JSON"))
    stopped, _ = said(engine, replace(sampling, stop=('"age"',)))
    assert stopped == whole[: whole.index('"age"')]


def test_what_the_form_bars_is_told_with_the_probabilities(engine):
    sampling = replace(WILD, top_logprobs=5).with_form(AnswerForm("choices", "no"))
    _, chunks = said(engine, sampling)
    [first, *_] = [token for chunk in chunks for token in chunk.tokens]
    assert first.barred
    assert first.barred <= {id for id, _ in first.top}
    assert first.id not in first.barred
    free = replace(WILD, top_logprobs=5, max_new_tokens=3)
    assert not any(t.barred for chunk in said(engine, free)[1] for t in chunk.tokens)


@pytest.mark.parametrize("loaded", ["pocket"], indirect=True)
@pytest.mark.parametrize(
    ("form", "what"),
    [
        (
            {"type": "object", "properties": {"a": {"items": {"uniqueItems": True}}}},
            "at properties/a/items: uniqueItems cannot be enforced",
        ),
        ({"properties": {"a": {"format": "colour"}}}, "at properties/a: unknown format: colour"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "'/$defs/b' does not exist"),
        ({"type": "string", "pattern": "(a"}, "unclosed group"),
        ({"oneOf": [{"type": "string"}, {"enum": ["a"]}]}, "oneOf cannot be enforced"),
        # It would compute for minutes.
        ({"allOf": [{"type": "integer", "multipleOf": p} for p in (7, 11, 13, 17, 19, 23)]},
         "too complex"),
        ({"allOf": [{"type": "string", "pattern": f".*{c}.*"} for c in "abcdefghijklmnop"]},
         "too complex"),
        (AnswerForm("pattern", "(?<=a)b"), "look-behind"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_kept_to_is_refused_in_a_sentence(engine, form, what):
    form = form if isinstance(form, AnswerForm) else AnswerForm.of_schema(form)
    for _ in range(2):  # the second time it is known
        began = time.perf_counter()
        with pytest.raises(OptionError) as fault:
            engine.plan(ASKED, WILD.with_form(form))
    assert time.perf_counter() - began < 0.5
    assert what in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("loaded", ["pocket"], indirect=True)
def test_a_form_that_grows_too_complex_ends_its_own_reply(engine):
    """What explodes only once text is there: that reply fails in words, others go on."""
    form = AnswerForm("pattern", "(.*a.{20}){5}(b|.*a.{30}){9}")
    sampling = replace(WILD, max_new_tokens=60).with_form(form)
    other = replace(WILD, max_new_tokens=10)
    beside = engine.submit(engine.plan(ASKED, other), other)
    try:
        said(engine, sampling)
    except ChatError as fault:
        assert "answer form" in fault.problem  # noqa: PT017
    assert list(beside)[-1].finish_reason
    assert said(engine, other)
