"""The text of a chat message as safe HTML.

    render_markdown(text) -> HTML for the inside of <div class="md"> (assets/markdown.css)

A message is hostile, whoever wrote it. Three things keep the page safe: markdown-it runs with
html=False and everything typed is escaped; links go to the web or to mail only and nothing is
ever fetched; no tag and no attribute is written that is not named here, in markdown_rules.py,
highlight.py or math.py.
What cannot be rendered within bounds is shown as plain text; text is never dropped.
"""

import logging
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from llama_ui.web.render.highlight import highlight
from llama_ui.web.render.markdown_rules import LINK, MAX_NESTING, use_rules
from llama_ui.web.render.math import split_formula, to_mathml

logger = logging.getLogger(__name__)

# Bounds of one message. Beyond them its text is shown plain: slower than it is useful.
MAX_MARKDOWN = 50_000  # characters
MAX_HIGHLIGHTED = 20_000  # characters of code
MAX_FORMULAS = 10_000  # characters of LaTeX

_SAFE_LINK = re.compile(r"(?:https?://|mailto:)[^\s\\/]", re.IGNORECASE)
_MAYBE_ITEM = re.compile(r"\n *\d{1,9}$")  # once its dot is there, it may go on with a list
_UNSHOWABLE = re.compile("[\0\ud800-\udfff]")


def render_markdown(text: str) -> str:
    """Render a chat message; never raises, never drops text, never lets markup through."""
    text = _UNSHOWABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        return _render(text)
    except Exception:  # a saved chat must open, whatever a message does to the parser
        logger.exception("A message could not be rendered; it is shown as plain text.")
        return render_plain(text)


def split_last_block(text: str) -> int:
    """Where the last block of a growing text begins; what stands before it will not change."""
    if "\r" in text:
        return 0
    text = _MAYBE_ITEM.sub("", text)
    tokens: list[Token] = []
    # Blocks alone: what is in them does not move them, and takes most of the time.
    _parser.block.parse(text, _parser, {}, tokens)
    starts = [t.map[0] for t in tokens if not t.level and t.nesting >= 0 and t.map]
    if len(starts) < 2:
        return 0
    return sum(len(line) + 1 for line in text.split("\n")[: starts[-1]])


def _render(text: str) -> str:
    if len(text) > MAX_MARKDOWN:
        return render_plain(text)
    env: dict[str, Any] = {}
    tokens = _parser.parse(text, env)
    # markdown-it drops what is nested deeper than it goes.
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return render_plain(text)
    return str(_parser.renderer.render(tokens, _parser.options, env))


def render_plain(text: str) -> str:
    """A message as it is, its lines kept."""
    return f'<p class="plain" dir="auto">{escape(text)}</p>' if text.strip() else ""


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
        copy = "Copy JSON" if label == "json" else "Copy"
        language = label.split()[0].lower() if label and small else ""
        return (
            '<div class="code-block" dir="ltr"><div class="code-bar">'
            f'<span class="code-language">{escape(label)}</span>'
            '<button type="button" class="copy-code" aria-label="Copy code">'
            f"{copy}</button></div>"
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
        token.attrs = {"href": source, "class": "image-link", **LINK}
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
    use_rules(md)
    return md


_parser = _make_parser()
