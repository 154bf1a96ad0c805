"""The answer form as a value: what is one, and what is not."""

import functools
import json

import pytest

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.options import form_of, options_from_form
from llama_ui.chat.sampling import Sampling
from llama_ui.errors import OptionError

DEEP = functools.reduce(lambda inner, _: {"items": inner}, range(40), {"type": "string"})


@pytest.mark.parametrize(
    ("form", "text", "what"),
    [
        ("schema", "", "no schema"),
        ("schema", '{"type": ', "no JSON .*line 1 column 10"),
        ("schema", "[1]", "no JSON object"),
        ("schema", "[" * 19_000, "levels deep"),
        ("schema", json.dumps(DEEP), "levels deep"),
        ("schema", '{"const": 1e999}', "too large"),
        ("schema", '{"const": NaN}', "no number"),
        ("schema", '{"title": "%s"}' % ("x" * 20_000), "20,0.. characters"),
        ("choices", " \n", "0 choices"),
        ("choices", "\n".join(map(str, range(201))), "201 choices"),
        ("pattern", "", "empty"),
        ("poem", "", "cannot be 'poem'"),
    ],
)
def test_what_is_no_form_is_refused_in_words(form, text, what):
    with pytest.raises(OptionError, match=what):
        Sampling(form=form, form_text=text)


def test_a_form_travels_through_the_panel_and_its_text_stays_when_it_is_free():
    sampling = Sampling().with_form(AnswerForm("choices", " yes\nno\n\nyes"))
    assert sampling.answer_form is not None
    assert sampling.answer_form.choices == ["yes", "no"]
    options = options_from_form({"form": "choices", "form_text": "yes\nno"})
    assert form_of(options)["form_text"] == "yes\nno"
    assert Sampling(form="free", form_text="no {schema").answer_form is None
    assert Sampling(form="json", form_text="ignored").answer_form == AnswerForm("json")
