"""A reply that is JSON is set in lines; whatever it holds, nothing of it runs."""

import json

from llama_ui.web.render.answer import render_answer
from llama_ui.web.render.markdown import render_markdown


def test_json_is_set_in_lines_and_a_long_one_folds():
    html = render_answer('{"name": "*Ann*", "tags": ["~~~~~", "```"]}')
    assert "Copy JSON" in html
    assert html.count("\n") > 5
    assert "<em>" not in html
    assert html.count("code-block") == 1
    assert "<details" not in html
    folded = render_answer(json.dumps({f"k{n}": n for n in range(20)}))
    assert "<summary>JSON, 22 lines</summary>" in folded


def test_what_runs_elsewhere_stays_text_and_what_is_no_json_is_markdown():
    for bad in ("</code><script>alert(1)</script>", "</details>", '"><img src=x onerror=y>'):
        html = render_answer(json.dumps([bad] * 15))
        assert "<script" not in html
        assert "<img" not in html
        assert html.count("</details>") == 1
    # Nor where it would take long, or not say the same: an amount, a name that stands twice.
    for text in ("[" * 450 + "0," * 20_000 + "0" + "]" * 450, '{"a": 1.10}', '{"a": 1, "a": 2}'):
        assert render_answer(text) == render_markdown(text)
    for text in ("{oops", "**bold**", '{"a": 1} and more', "[" * 50_000, ""):
        assert render_answer(text) == render_markdown(text)
