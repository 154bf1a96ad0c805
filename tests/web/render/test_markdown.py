"""What a message may and may not become."""

import logging
import re
import time
from html.parser import HTMLParser
from itertools import product
from xml.etree.ElementTree import Element

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llama_ui.web.render import markdown
from llama_ui.web.render.highlight import _LANGUAGE, highlight
from llama_ui.web.render.markdown import render_markdown
from llama_ui.web.render.math import _write, to_mathml


def words(text: str) -> set[str]:
    return set(text.split())


HTML_TAGS = words(
    "p h3 h4 h5 h6 ul ol li blockquote hr br em strong s code pre a span div button"
    " table thead tbody tr th td"
)
MATH_TAGS = words(
    "math mrow mi mo mn mtext mspace mfrac msqrt mroot msub msup msubsup mover munder munderover"
    " mtable mtr mtd mstyle mpadded mphantom menclose"
)
VOID = {"br", "hr"}
ATTRIBUTES = words(
    "dir class href rel target title start scope role tabindex type aria-label display alttext"
    " accent columnalign columnlines displaystyle fence form largeop mathvariant movablelimits"
    " notation rowlines scriptlevel separator stretchy columnspacing depth height linethickness"
    " lspace mathsize maxsize minsize rowspacing rspace voffset width"
)
CLASSES = words(
    "plain code-block code-bar code-language copy-code table-scroll align-left align-center"
    " align-right image-link formula display c k t f a m s del ins"
)


class Page(HTMLParser):
    """The elements and the text of some HTML, checked for balance on the way."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), f"an attribute stands twice: {attrs}"
        assert not (tag == "a" and "a" in self.open), "a link in a link"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "button" not in self.open:
            self.parts.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    handle_decl = handle_pi = unknown_decl = handle_comment

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def check_safe(html: str) -> Page:
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag in HTML_TAGS | MATH_TAGS, tag
        assert set(attributes) <= ATTRIBUTES, attributes
        assert set((attributes.get("class") or "").split()) <= CLASSES, attributes
        if "href" in attributes:
            assert tag == "a"
            assert re.match(r"(https?:|mailto:)[^\s\\]", attributes["href"] or "", re.IGNORECASE)
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"
    return page


def show(text: str) -> Page:
    return check_safe(markdown._render(text))


def letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


# --- typed text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "<b>bold</b>",
        "<script>alert(1)</script>",
        "a <s> b </s>",
        "[INST] hi [/INST]",
        "<<SYS>>be kind<</SYS>>",
        "<!-- note -->",
        "&lt;b&gt; &nbsp; &#x41;",
        "<div>\n\ntext\n\n</div>",
        "5 < 6 > 4 & 3 \"quoted\" 'too'",
        "{{value}} ${value} `${x} {{{y}}}",
    ],
)
def test_typed_text_is_shown_as_typed(typed):
    assert re.sub(r"\s", "", show(typed).text) == re.sub(r"\s", "", typed)


def test_lines_break_and_keep_their_indentation():
    assert markdown._render("def f():\n    return  1") == (
        '<p dir="auto">def f():<br>    return  1</p>'
    )


def test_unusable_characters_are_replaced_not_dropped():
    assert show(markdown._UNSHOWABLE.sub("\ufffd", "a\0b")).text == "a\ufffdb"
    assert "x\ufffdy" in render_markdown("x\ud800y")
    render_markdown("x\ud800y").encode()
    assert render_markdown("a\r\nb\rc") == '<p dir="auto">a<br>b<br>c</p>'


def test_nothing_becomes_nothing():
    assert render_markdown("") == render_markdown(" \n\t\n") == ""


def test_common_markdown():
    html = markdown._render("# T\n\n**b** *i* ~~s~~ `c`\n\n- x\n  1. y\n\n> q\n\n---")
    assert html == (
        '<h3 dir="auto">T</h3><p dir="auto"><strong>b</strong> <em>i</em> <s>s</s>'
        ' <code dir="auto">c</code></p><ul dir="ltr"><li dir="auto">x<ol dir="ltr">'
        '<li dir="auto">y</li></ol></li></ul><blockquote dir="ltr"><p dir="auto">q</p>'
        "</blockquote><hr>"
    )
    assert '<ol start="7"' in markdown._render("7. x")
    assert "<h6" in markdown._render("###### deep")


# --- links and images ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "href", "text"),
    [
        ("[a](https://x.org 't')", "https://x.org", "a"),
        ("[a](mailto:me@x.org)", "mailto:me@x.org", "a"),
        ("<https://x.org>", "https://x.org", "https://x.org"),
        ("see https://x.org/a_(b)_c.", "https://x.org/a_(b)_c", "see https://x.org/a_(b)_c."),
        ("(http://x.org/a).", "http://x.org/a", "(http://x.org/a)."),
        ("**https://x.org**", "https://x.org", "https://x.org"),
        ("[](https://x.org)", "https://x.org", "https://x.org"),
        ("[ ](https://x.org)", "https://x.org", " https://x.org"),
        ('[a](https://x.org/"onclick=)', "https://x.org/%22onclick=", "a"),
        ("<https://xn--80ak6aa92e.com>", "https://xn--80ak6aa92e.com", None),
    ],
)
def test_links(typed, href, text):
    page = show(typed)
    (link,) = page.all("a")
    assert link["href"] == href
    assert page.text == (typed.strip("<>") if text is None else text)


@pytest.mark.parametrize(
    "target", ["javascript:x", "data:text/html,x", "file:///x", "/x", "#x", "https:/x"]
)
def test_other_links_stay_text(target):
    for typed in (f"[a]({target})", f"![a]({target})", f"[a]\n\n[a]: {target}"):
        page = show(typed)
        assert not page.all("a")
        assert letters(page.text) == letters(typed)


def test_image_is_a_link_that_says_so():
    page = show("![a *nice* cat](https://x.org/c.png)")
    assert page.text == "Image: a nice cat"
    assert page.all("a")[0]["href"] == "https://x.org/c.png"
    assert not page.all("img")
    assert show("![](https://x.org/c.png)").text == "Image: https://x.org/c.png"
    assert show("[![i](https://x.org/i)](https://x.org)").text == "Image: i"
    assert show("![a [b](https://b.org) ![c](https://c.org)](https://d.org)").all("a") != []


def test_a_link_definition_stays_readable():
    page = show('[a]: https://x.org "hidden words"\n\nSee [the page][a].')
    assert "hidden words" in page.text
    assert page.text.endswith("See the page.")


# --- code ------------------------------------------------------------------------------------


def code_of(html: str) -> str:
    return Page(re.search(r"<code>(.*?)</code>", html, re.DOTALL)[1]).text


def test_code_block():
    code = "def f(x):\n\treturn  '<b>' # \ufeff &amp;\n\n"
    html = markdown._render(f"```python\n{code}```")
    page = check_safe(html)
    assert code_of(html) == code
    assert '<span class="k">def</span>' in html
    assert "style=" not in html
    (button,) = page.all("button")
    assert button == {"type": "button", "class": "copy-code", "aria-label": "Copy code"}
    assert 'class="code-language">python</span>' in html
    assert '<div class="code-block" dir="ltr">' in html


def test_code_without_a_known_language_is_plain():
    for fence in ("```\na < b\n```", "```klingon\na < b\n```", "    a < b"):
        html = markdown._render(fence)
        assert "<code>a &lt; b" in html
    assert "klingon is &lt;b&gt;" in markdown._render("```klingon is <b>\nx\n```")


@pytest.mark.parametrize("name", re.sub(r"\\", "", _LANGUAGE.pattern).split("|"))
def test_every_language_is_known_to_pygments(name):
    assert Page(highlight('if x = 1: "y"\n', name)).text == 'if x = 1: "y"\n'


def test_unclosed_fence_is_code():
    final = markdown._render("a\n\n```python\nx = 1\n```")
    assert markdown._render("a\n\n```python\nx = 1\n") == final
    assert code_of(markdown._render("```python\n  x = (")) == "  x = ("


def test_code_starting_with_a_byte_order_mark_is_whole():
    assert code_of(markdown._render("```python\n\ufeffx = 1\n```")) == "\ufeffx = 1\n"


def test_large_or_slow_code_is_plain():
    line = "x = 1  # one\n"
    assert "<span" in highlight(line, "python")
    assert "<span" not in highlight("x = 1 " * 200, "python")
    block = f"```python\n{line * 1000}```\n\n"
    html = markdown._render(block * 3)
    assert html.count("<pre") == 3
    assert html.rstrip().rfind('class="c"') < html.rfind("<pre")
    start = time.perf_counter()
    assert highlight("\n" * 20_000, "c").strip() == ""
    assert time.perf_counter() - start < 1


# --- formulas --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "display"),
    [
        ("$x^2$", "inline"),
        (r"\(x^2\)", "inline"),
        ("a $$x^2$$ b", "block"),
        ("$$\nx\n- y\n# z\n$$", "block"),
        ("\\[\nx\n\\]", "block"),
        ("text\n$$x$$", "block"),
        ("- item\n  $$\n  x\n  $$", "block"),
        (r"$5 \times 3$", "inline"),
    ],
)
def test_formulas(typed, display):
    page = show(typed)
    (formula,) = page.all("math")
    assert formula["display"] == display
    assert "$" not in page.text


@pytest.mark.parametrize(
    "typed",
    [
        "$5 and $10",
        "from $5-$10 to US$20 or 30$",
        "$5 for me (or 10$ for two)",
        "$HOME/$USER and $PATH:$HOME",
        "${x}${y}",
        "a $ b $ c",
        "`$x$` and `\\(y\\)`",
        "$$",
        "$$$$",
        "$ $",
        "x$y$",
        r"$\frac$",
        r"$\left( x$",
        r"$\href{https://x.org}{x}$",
        r"$\style{color:red}{x}$",
        r"$\class{x}{y}$",
        r"$\def\a{\a\a}\a$",
        r"$\newcommand{\a}{bb}\a$",
        r"$\unicode{x202e}$",
        "$" + "{" * 900 + "$",
        "$" + r"\sqrt" * 390 + " x$",
        "$" + "x" * 3000 + "$",
    ],
)
def test_not_formulas(typed):
    page = show(typed)
    assert not page.all("math")
    assert re.sub(r"[`\\]", "", page.text) == re.sub(r"[`\\]", "", typed)


def test_formula_text_is_escaped_and_keeps_no_style():
    html = markdown._render(r"$\text{<script>&lt;\&} \color{red} x \hspace{99em} \rule{9em}{9em}$")
    page = check_safe(html)
    assert "<script>" in page.text
    assert "color" not in re.sub(r'alttext="[^"]*"', "", html)
    assert "99em" not in re.sub(r'alttext="[^"]*"', "", html)


def test_formula_allow_list():
    assert "mathcolor" not in (to_mathml(r"\color{0} x", False) or "mathcolor")
    assert to_mathml("x^{" * 15 + "x" + "}" * 15, False)
    assert to_mathml("x^{" * 60 + "x" + "}" * 60, False) is None
    with pytest.raises(Exception, match="script"):
        _write(Element("script"), 1)


def test_many_formulas_stop_being_converted():
    page = show("$x_1$ " * 5000)
    assert 1000 < len(page.all("math")) < 4000


def test_every_formula_command_is_safe():
    """Whatever latex2mathml knows, with arguments of every kind, passes the allow-list."""
    from latex2mathml import commands

    names = {value for value in vars(commands).values() if isinstance(value, str)}
    names |= set(commands.CONVERSION_MAP) | set(commands.MATRICES)
    converted = 0
    for name in sorted(n for n in names if n.startswith("\\")):
        for arguments in (
            "",
            "{a}{b}{c}",
            '{"><img src=x onerror=a>}{<svg>}',
            "[b]{x}",
            "{9999em}{b}",
        ):
            html = to_mathml(f"x {name}{arguments} y", False)
            if html is not None:
                check_safe(html)
                converted += 1
    assert converted > 400


# --- tables and direction --------------------------------------------------------------------


def test_the_items_of_a_task_list_have_boxes():
    page = show("- [ ] write\n- [x] test [ ]\n- [y] no box\n\n[ ] none here")
    assert page.text == "☐ write☑ test [ ][y] no box[ ] none here"


def test_table():
    html = markdown._render("|a|b|\n|-|-:|\n|1|2|\n|x|")
    page = check_safe(html)
    assert html.startswith(
        '<div class="table-scroll" role="region" aria-label="Table" tabindex="0">'
    )
    assert page.all("th")[1] == {"dir": "auto", "class": "align-right", "scope": "col"}
    assert len(page.all("td")) == 4
    assert "style" not in html


def test_table_keeps_extra_cells_and_has_bounds():
    assert show("|a|b|\n|-|-|\n|1|2|3|4|").text == "ab12 | 3 | 4"
    wide = "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + "b\n" * 2000
    page = show(wide)
    assert not page.all("td")
    assert letters(page.text) == letters(wide)


def test_direction():
    page = show("- שלום\n- b\n\n> مرحبا\n\n# x\n\ny\n\n|a|\n|-|\n|b|")
    for tag in ("p", "li", "h3", "th", "td"):
        assert page.all(tag)
        assert all(attributes["dir"] == "auto" for attributes in page.all(tag))
    assert page.all("ul")[0]["dir"] == "rtl"
    assert page.all("blockquote")[0]["dir"] == "rtl"
    assert page.all("table")[0]["dir"] == "ltr"


# --- hostile text ----------------------------------------------------------------------------

VECTORS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>1</script>'>",
    "<math><mtext><script>1</script></mtext></math>",
    "</p></div><style>*{}</style>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='1",
    "javascript:alert(1)",
    "JaVaScRiPt&colon;alert(1)",
    "java\tscript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:x",
    "&#106;avascript:1",
    "\x01javascript:1",
    'https://x.org/"><img src=x onerror=1>',
    "https:\\\\x.org",
    "https://x.org/\u202egnp.exe",
    "//x.org",
    "\0<b>\0",
    "{{constructor}}${alert(1)}",
    "]]><![CDATA[<b>",
    "<!--><img>-->",
    r"\href{javascript:1}{x}",
]
FRAMES = [
    "{}",
    "[a]({})",
    "[a](<{}>)",
    "[a](https://x.org '{}')",
    "![{}](https://x.org)",
    "![a]({})",
    "<{}>",
    "[{}](https://x.org)",
    "[r]\n\n[r]: {}",
    "[r]\n\n[r]: https://x.org '{}'",
    "`{}`",
    "```{}\nx\n```",
    "```html\n{}\n```",
    "$\\text{{{}}}$",
    "$${}$$",
    "|{}|b|\n|-|-|\n|c|{}|",
    "> - # {}",
    "https://x.org/{}",
]
PAYLOADS = [frame.format(*[vector] * 2) for vector, frame in product(VECTORS, FRAMES)]


def test_hostile_corpus():
    assert len(PAYLOADS) >= 150
    for payload in PAYLOADS:
        page = check_safe(render_markdown(payload))
        assert not page.all("img")


LONG = 50_000
UNITS = (
    "[ ] * _ ` $ | ~ < ! ![ [a]( [a][ [[a](b) *[a_ [*a [`a [a\n > >\n - -\n #\n 1. $$ $$\n \\("
    " \\[ \\[\n $\\$ \\(\\\\) **a* ~~a `` |a|b\n |-\n :// http:// ``` &amp; <a \\ ![a](http://b)"
)
FLOODS = [
    *((unit * LONG)[:LONG] for unit in UNITS.split(" ")),
    "- a\n" * 12_500,
    "| - |\n" * 8_000,
    "> " * 20_000 + "a",
    "".join("  " * depth + "- a\n" for depth in range(200)),
    ("> " * 50 + "a\n") * 450,
    "\t" * LONG,
    ("[" * 50 + "*a" * 200 + "\n\n") * 110,
]


@pytest.mark.parametrize("flood", FLOODS, ids=lambda text: repr(text[:8]))
def test_floods_are_fast_and_safe(flood):
    start = time.thread_time()
    html = render_markdown(flood)
    assert time.thread_time() - start < 3  # about 0.5 s here; slow machines get some room
    check_safe(html)


def test_too_much_or_too_deep_is_plain_text_and_whole():
    for text in (
        "*a* " * 20_000,
        "> " * 60 + "deep",
        "- " * 60 + "deep",
        "*a **b " * 90 + "c** d*" * 90,
    ):
        page = show(text)
        assert letters(page.text) == letters(text)
    assert 'class="plain"' in markdown._render("> " * 60 + "deep")


def test_too_many_brackets_in_a_paragraph_are_text():
    assert len(show("[a](https://x.org) " * 100).all("a")) == 100
    page = show("[a](https://x.org) " * 1000 + "\n\n*b*")
    assert not page.all("a")
    assert page.all("em")


def test_a_fault_of_the_parser_shows_plain_text(monkeypatch, caplog):
    def fail(*_):
        raise IndexError("a bug")

    monkeypatch.setattr(markdown._parser, "parse", fail)
    with caplog.at_level(logging.ERROR):
        assert render_markdown("<b> text") == '<p class="plain" dir="auto">&lt;b&gt; text</p>'
    assert "could not be rendered" in caplog.text


SYNTAX = st.text(alphabet="ab <>&;\"'*_~`#>|[]!(){}-+=\\\n\tא:.", max_size=120)
PIECES = (
    "a b < > & \" ' * ** _ ~~ ` ``` $ $$ \\( \\) \\[ \\] | [ ] ( ) ![ ](https://x.org) <b> - 1. # :"
    " https://x.org javascript: \\frac \\text { } ^ \\\\ \\begin{matrix} \\end{matrix} [a]: א"
    " \u202e \0 |-|-| ==="
)
BLANKS = ["\n", "\n\n", "    ", " ", "\t", "\n> ", "\n- ", "\n```\n", "\n|-|\n"]
MARKDOWN = st.lists(
    st.sampled_from([*PIECES.split(" "), *BLANKS]),
    max_size=40,
).map("".join)


@settings(max_examples=250, deadline=None)
@given(st.one_of(MARKDOWN, SYNTAX, st.text(max_size=80)))
@example("[a]: https://x.org\n> [a]")
def test_any_text_is_safe(text):
    check_safe(markdown._render(markdown._UNSHOWABLE.sub("\ufffd", text)))


@settings(max_examples=250, deadline=None)
@given(SYNTAX)
@example("|a|b\n|-|-|\n|a|b|a|b")
@example("[a]: b\n[a]")
def test_every_letter_is_kept(text):
    assert letters(show(text).text) == letters(text)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["python", "js", "html", "c", "json", "bash", "rust", "diff", "yaml", "none"]),
    st.text(alphabet="ab <>&\"'#/*\n\t\ufeff({=:-", max_size=80),
)
def test_highlighting_never_changes_code(language, code):
    assert Page(highlight(code, language)).text == code


@pytest.mark.parametrize(
    "text",
    [
        "**「テキスト」**の例です。",
        "这是**“重点”**内容",
        "**注意：**请看",  # noqa: RUF001
        "결과는 **10%(퍼센트)**입니다",
        "*「斜体」*の例",
        "~~（旧）~~新しい",  # noqa: RUF001
    ],
)
def test_emphasis_beside_the_punctuation_of_languages_without_spaces(text):
    assert re.search("<(strong|em|s)>", render_markdown(text))


def test_emphasis_in_english_is_commonmarks():
    for text in ("2 * 3 * 4", 'a*"b"*c', "snake_case_name", "** no **"):
        assert not re.search("<(strong|em|s)>", render_markdown(text))
