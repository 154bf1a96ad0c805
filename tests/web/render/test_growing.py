"""What a growing reply shows at its end is what the whole one shows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.web.render.growing import GrowingMarkdown
from llama_ui.web.render.markdown import render_markdown
from tests.sizes import examples

TEXTS = {
    "paragraphs": "One.\n\nTwo, *three*\nand `four`.\n\n\n\nFive.\n",
    "list": "- a\n- b\n\n  still b\n- c\n\nafter\n",
    "a list that becomes loose": "1. a\n2. b\n\n3. c\n\n\n4. d\n\n- other\n- list",
    "nested": "- a\n  - b\n    1. c\n\n       > d\n       > - e\n\n- f\n\n> g\n> > h\n>\n> i\n\nj",
    "lazy quote": "> a\nb\n\n> c\n\nd",
    "table": "Before\n\n| a | b |\n|:-:|---|\n| 1 | **2** |\n| 3 | 4 | 5 |\n\nAfter\n|x|\n|-|\n|y|",
    "fences": "```python\ndef f():\n    return 1\n\n\n# x\n```\n\n~~~\n```\n~~~\nt\n````\n```",
    "a fence that never ends": "a\n\n```html\n<b>\n\n- no list\n\n# no heading",
    "a fence in a list": "- a\n\n  ```\n  b\n\n  c\n  ```\n\n- d",
    "indented code": "a\n\n    b\n\n\n    c\n\nd",
    "headings": "# a\n## b ##\nc\n===\nd\n---\n\n***\n\n- e\n---\nf",
    "formulas": "$a^2$ and \\(b\\)\n\n$$\n\\frac{1}{2}\n\nx\n$$\n\n\\[\n\\sum_1^n i\n\\]\n\n$5 $6",
    "CJK": "你好。**世界**\n\n- 一\n- 二\n\n> 引用\n続き\n\n| 表 | 列 |\n|---|---|\n| あ | い |",
    "right to left": "שלום **עולם**\n\n- אחת\n- two\n\n> مرحبا",
    "html": "<b>a</b>\n\n<div>\n\n<script>alert(1)</script>\n\n&lt;\n\n<!-- x -->",
    "links": "https://example.com/a_b\n\n[a](https://example.com) ![i](https://x.y/z.png)\n\n<mailto:a@b.c>",
    "breaks": "a  \nb\\\nc\n\n\n\n   d",
    "tabs": "-\ta\n\n\tb\n\n1)\tc\n\n\td",
    "returns": "a\r\n\r\n- b\r\n- c\r\rd",
    "an emoji and a half": "🦙\n\n\ud83e\n\n- \0",
    "empty": "",
    "spaces": "  \n\n \n",
}


def grown(text: str, cuts: list[int]) -> str:
    """What a page shows that got the text in pieces which end at these places."""
    growing_text, kept, last = GrowingMarkdown(), "", ""
    for end in [*sorted(cuts), len(text)]:
        settled, last = growing_text.add(text[:end])
        kept += settled
    return kept + last


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("step", [1, 3, 7, 10_000])
def test_a_text_that_grew_looks_like_the_whole(text, step):
    assert grown(text, [*range(0, len(text), step)]) == render_markdown(text)


@settings(max_examples=examples(200), deadline=None)
@given(
    blocks=st.lists(st.sampled_from(list(TEXTS.values())), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 800), max_size=30),
)
def test_blocks_in_any_order_cut_anywhere(blocks, cuts):
    text = "\n\n".join(blocks)
    assert grown(text, [cut for cut in cuts if cut < len(text)]) == render_markdown(text)


def test_a_block_that_is_whole_is_not_rendered_again():
    """Or each frame would cost as much as all that was written."""
    growing_text = GrowingMarkdown()
    growing_text.add("one\n\ntwo")
    settled, growing = growing_text.add("one\n\ntwo\n\nthree")
    assert "one" not in settled + growing
    assert "two" in settled
    assert "two" not in growing


def test_a_block_too_long_to_draw_at_each_frame_is_plain_until_it_is_whole():
    code = "```\n" + "x = 1\n" * 2_000
    growing_text = GrowingMarkdown()
    settled, growing = growing_text.add("Look:\n\n" + code)
    assert settled == render_markdown("Look:")
    assert 'class="plain"' in growing
    text = "Look:\n\n" + code + "```\n\nThat was **it**."
    settled, growing = growing_text.add(text)
    assert settled == render_markdown(code + "```")
    assert growing == render_markdown("That was **it**.")
