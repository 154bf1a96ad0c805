"""The text of a chat message as safe HTML.

    render_markdown(text) -> HTML for the inside of <div class="md"> (assets/markdown.css)

A message is hostile, whoever wrote it. Three things keep the page safe: markdown-it runs with
html=False and everything typed is escaped; links go to the web or to mail only and nothing is
ever fetched; no tag and no attribute is written that is not named in this file or in math.py.
What cannot be rendered within bounds is shown as plain text; text is never dropped.
"""

import logging
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from time import thread_time
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from pygments import lexers  # type: ignore[import-untyped]
from pygments import token as kinds

from llama_ui.web.math import split_formula, to_mathml, use_math

logger = logging.getLogger(__name__)

# Bounds of one message. Beyond them its text is shown plain: slower than it is useful.
MAX_MARKDOWN = 50_000  # characters
MAX_NESTING = 40  # quotes in lists in quotes; emphasis in emphasis
MAX_CELLS = 4_000  # a short header line can ask for any number of empty cells
MAX_BRACKET_WORK = 1_000_000  # unmatched "[" times characters searched for their "]"
MAX_HIGHLIGHTED = 20_000  # characters of code
MAX_CODE_LINE = 1_000  # characters: longer lines are data, and slow to match
MAX_HIGHLIGHT_S = 0.1  # processor time of one block: many lexers are quadratic on hostile code
MAX_FORMULAS = 10_000  # characters of LaTeX

# Pygments knows 500 languages; these are the ones whose patterns stay fast on hostile code.
_LANGUAGE = re.compile(
    r"bash|c|c\+\+|cpp|cs|csharp|css|diff|docker|dockerfile|go|golang|html|ini|java|javascript|js"
    r"|json|jsx|kotlin|lua|makefile|php|powershell|ps1|py|python|python3|r|rb|rs|ruby|rust|scala"
    r"|sh|shell|sql|swift|tex|latex|toml|ts|tsx|typescript|xml|yaml|yml|zsh"
)
# Most specific last: a token type takes the class of the nearest type above it.
_TOKEN_CLASSES = {
    kinds.Comment: "c",
    kinds.Keyword: "k",
    kinds.Operator.Word: "k",
    kinds.Name.Tag: "k",
    kinds.Keyword.Type: "t",
    kinds.Name.Class: "t",
    kinds.Name.Builtin: "t",
    kinds.Name.Exception: "t",
    kinds.Name.Function: "f",
    kinds.Name.Decorator: "a",
    kinds.Name.Attribute: "a",
    kinds.Literal: "m",
    kinds.Number: "m",
    kinds.Keyword.Constant: "m",
    kinds.String: "s",
    kinds.Generic.Heading: "k",
    kinds.Generic.Subheading: "k",
    kinds.Generic.Deleted: "del",
    kinds.Generic.Inserted: "ins",
}

_SAFE_LINK = re.compile(r"(?:https?:|mailto:)[^\s\\]", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![a-z0-9+.-])https?$", re.IGNORECASE)
_BARE_URL = re.compile(r"://\w[^\s<>\[\]{}\"`*|\\^。，、；：！？）】」』]{0,2000}")  # noqa: RUF001
_UNSHOWABLE = re.compile("[\0\ud800-\udfff]")
_DIRECTED = frozenset(("paragraph_open", "heading_open", "list_item_open", "th_open", "td_open"))
_CONTAINERS = ("blockquote", "bullet_list", "ordered_list", "table")
_LINK = {"rel": "noopener noreferrer nofollow", "target": "_blank"}


def render_markdown(text: str) -> str:
    """Render a chat message; never raises, never drops text, never lets markup through."""
    text = _UNSHOWABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        return _render(text)
    except Exception:  # a saved chat must open, whatever a message does to the parser
        logger.exception("A message could not be rendered; it is shown as plain text.")
        return _plain(text)


def _render(text: str) -> str:
    if len(text) > MAX_MARKDOWN:
        return _plain(text)
    env: dict[str, Any] = {}
    tokens = _parser.parse(text, env)
    # markdown-it drops what is nested deeper than it goes.
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return _plain(text)
    return str(_parser.renderer.render(tokens, _parser.options, env))


def _plain(text: str) -> str:
    return f'<p class="plain" dir="auto">{escape(text)}</p>' if text.strip() else ""


@lru_cache(maxsize=128)  # a streaming reply is rendered again at every frame
def highlight(code: str, language: str) -> str:
    """The HTML of a piece of code; its text content is exactly the code."""
    plain = escape(code, quote=False)
    if not _LANGUAGE.fullmatch(language) or max(map(len, code.split("\n"))) > MAX_CODE_LINE:
        return plain
    lexer = lexers.get_lexer_by_name(language, stripnl=False, ensurenl=False)
    give_up = thread_time() + MAX_HIGHLIGHT_S
    html: list[str] = []
    length = 0
    for kind, value in lexer.get_tokens(code):
        length += len(value)
        while kind not in _TOKEN_CLASSES and kind.parent is not None:
            kind = kind.parent
        name, value = _TOKEN_CLASSES.get(kind), escape(value, quote=False)
        html.append(f'<span class="{name}">{value}</span>' if name else value)
        if thread_time() > give_up:
            return plain
    # Some lexers drop a byte order mark; the copy button must give what was written.
    return "".join(html) if length == len(code) else plain


# --- rules: what markdown-it finds in the text ---------------------------------------------


def _line_break(state: StateInline, silent: bool) -> bool:
    """A line break is a line break, and the next line keeps its indentation."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")
        state.push("hardbreak", "br", 0)
    state.pos += 1
    return True


def _bare_url(state: StateInline, silent: bool) -> bool:
    """Link `https://example.com` where it stands in the text."""
    if state.src[state.pos] != ":" or state.linkLevel:
        return False
    scheme = _SCHEME.search(state.src[max(state.pos - 6, 0) : state.pos])
    rest = _BARE_URL.match(state.src, state.pos, state.posMax)
    if scheme is None or rest is None:
        return False
    address = rest[0].rstrip(".,;:!?'_~$")
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(".,;:!?'_~$")
    typed = scheme[0] + address
    href = state.md.normalizeLink(typed)
    if not state.md.validateLink(href):
        return False
    if not silent:
        if not state.pending.endswith(scheme[0]):
            return False
        state.pending = state.pending[: -len(scheme[0])]
        state.push("link_open", "a", 1).attrs = {"href": href}
        state.push("text", "", 0).content = typed
        state.push("link_close", "a", -1)
    state.pos += len(address)
    return True


def _definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`[label]: https://...` defines a link, and stays readable: nothing is sent unseen."""
    if not reference(state, start, end, silent):
        return False
    state.push("paragraph_open", "p", 1)
    token = state.push("inline", "", 0)
    token.content = state.getLines(start, state.line, state.blkIndent, False).strip()
    token.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table of bounded size that keeps the cells a row has more than its header."""
    if state.env.get("cells", 0) > MAX_CELLS or not table(state, start, end, True):
        return False
    if silent:
        return True
    columns = getLine(state, start + 1).count("|") + 1
    last = next((n for n in range(start, end) if state.isEmpty(n)), end)
    state.env["cells"] = state.env.get("cells", 0) + columns * (last - start)
    if state.env["cells"] > MAX_CELLS:
        return False
    first = len(state.tokens)
    table(state, start, end, False)
    row: list[Token] = []
    for token in state.tokens[first:]:
        if token.type == "tr_open":
            line = getLine(state, token.map[0] if token.map else start).strip()
            row = []
        elif token.type == "inline":
            row.append(token)
        elif token.type == "tr_close":
            cells = escapedSplit(line.removeprefix("|").removesuffix("|"))
            if len(cells) > len(row):
                row[-1].content = " | ".join(cell.strip() for cell in cells[len(row) - 1 :])
    return True


def _inline(state: StateCore) -> None:
    """Parse the text of each block, unless its brackets or its nesting would cost too much."""
    budget = MAX_BRACKET_WORK
    for token in state.tokens:
        if token.type != "inline":
            continue
        work = token.content.count("[") * len(token.content)
        budget -= work
        if not work or budget >= 0:
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
            if all(child.level < MAX_NESTING for child in token.children):
                continue
        text = Token("text", "", 0)
        text.content = token.content
        token.children = [text]


def _finish(state: StateCore) -> None:
    """Give the tokens the attributes that they are rendered with."""
    undirected: list[Token] = []
    for token in state.tokens:
        if token.type in _DIRECTED:
            token.attrSet("dir", "auto")
        if token.type.startswith("heading"):
            # The page has its own h1 and h2.
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        elif token.type in ("th_open", "td_open"):
            align = str(token.attrs.pop("style", "")).removeprefix("text-align:")
            if align:
                token.attrSet("class", f"align-{align}")
            if token.type == "th_open":
                token.attrSet("scope", "col")
        elif token.type == "inline":
            token.children = _safe_links(token.children or [])
            # dir="auto" does not look into children that have their own, so a container
            # takes the direction of the first letter in it.
            if undirected and (direction := _direction(token.content)):
                for container in undirected:
                    container.attrSet("dir", direction)
                undirected.clear()
        elif token.type.removesuffix("_open") in _CONTAINERS:
            undirected.append(token)
        elif token.type.removesuffix("_close") in _CONTAINERS and undirected:
            undirected.pop()


def _direction(text: str) -> str | None:
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return None


def _safe_links(tokens: Sequence[Token], inside: bool = False) -> list[Token]:
    """Prepare links and images: no link in a link, and none without a text to click."""
    kept: list[Token] = []
    link: Token | None = None
    for token in tokens:
        if inside and token.type in ("link_open", "link_close"):
            continue
        if token.type == "link_open":
            token.attrs.update(_LINK)
            link, seen = token, len(kept) + 1
        elif token.type == "link_close" and link:
            if not any(t.children or t.content.strip() for t in kept[seen:]):
                text = Token("text", "", 0)
                text.content = str(link.attrs["href"])
                kept.append(text)
            link = None
        elif token.type == "image":
            token.meta["linked"] = inside or link is not None
            token.children = _safe_links(token.children or [], inside=True)
        kept.append(token)
    return kept


# --- rendering: what is written for it -----------------------------------------------------


class _Renderer(RendererHTML):
    """Writes no white space between tags: the style sheet keeps the white space that is typed."""

    def renderToken(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        if token.hidden:
            return ""
        if token.nesting < 0:
            return f"</{token.tag}>"
        return f"<{token.tag}{self.renderAttrs(token)}>"

    def hardbreak(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<br>"

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f'<code dir="auto">{escape(tokens[idx].content, quote=False)}</code>'

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A block of code under a bar with its language and a copy button."""
        code, label = tokens[idx].content, tokens[idx].info.strip()
        env["highlighted"] = env.get("highlighted", 0) + len(code)
        small = env["highlighted"] <= MAX_HIGHLIGHTED
        language = label.split()[0].lower() if label and small else ""
        return (
            '<div class="code-block" dir="ltr"><div class="code-bar">'
            f'<span class="code-language">{escape(label)}</span>'
            '<button type="button" class="copy-code" aria-label="Copy code">Copy</button></div>'
            f'<pre tabindex="0"><code>{highlight(code, language)}</code></pre></div>'
        )

    fence = code_block

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        table = self.renderToken(tokens, idx, options, env)
        return f'<div class="table-scroll" role="region" aria-label="Table" tabindex="0">{table}'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """A link to the image: fetching it would tell its server that, and what, we read."""
        token = tokens[idx]
        source = str(token.attrs["src"])
        alt = self.renderInline(token.children or [], options, env) or escape(source)
        if token.meta["linked"]:
            return f'<span class="image-link">Image: {alt}</span>'
        token.attrs = {"href": source, "class": "image-link", **_LINK}
        return f"<a{self.renderAttrs(token)}>Image: {alt}</a>"

    def math_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        typed = tokens[idx].content
        latex, display = split_formula(typed)
        env["formulas"] = env.get("formulas", 0) + len(latex)
        mathml = to_mathml(latex, display) if env["formulas"] <= MAX_FORMULAS else None
        if mathml is None:
            return escape(typed, quote=False)
        return f'<span class="formula{" display" if display else ""}">{mathml}</span>'

    def math_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f'<p dir="auto">{self.math_inline(tokens, idx, options, env)}</p>'


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return _SAFE_LINK.match(url) is not None

    def normalizeLinkText(self, link: str) -> str:
        """An address is shown as it was typed, not decoded into look-alike letters."""
        return link


def _make_parser() -> MarkdownIt:
    md = _Parser("js-default", {"maxNesting": MAX_NESTING}, renderer_cls=_Renderer)
    # `&lt;` and `<b>` are shown as they are typed.
    md.disable(["entity", "html_inline", "html_block", "replacements", "smartquotes"])
    use_math(md)
    md.inline.ruler.at("newline", _line_break)
    md.inline.ruler.before("newline", "bare_url", _bare_url)
    md.block.ruler.at("reference", _definition)
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    md.core.ruler.at("inline", _inline)
    md.core.ruler.push("finish", _finish)
    return md


_parser = _make_parser()
