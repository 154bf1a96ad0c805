"""What markdown-it finds in a message: our rules beside its own, each within bounds."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize as emphasis
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.rules_inline.strikethrough import tokenize as strikethrough
from markdown_it.token import Token

from llama_ui.web.render.math import use_math

MAX_NESTING = 40  # quotes in lists in quotes; emphasis in emphasis
MAX_CELLS = 4_000  # and no more than characters: a short header line can ask for any number
MAX_BRACKET_WORK = 1_000_000  # unmatched "[" times characters searched for their "]"

_SCHEME = re.compile(r"(?<![a-z0-9+.-])https?$", re.IGNORECASE)
_BARE_URL = re.compile(r"://\w[^\s<>\[\]{}\"`*|\\^。，、；：！？）】」』]{0,2000}")  # noqa: RUF001
# Letters and punctuation of Chinese, Japanese and Korean, from Unicode's blocks of them.
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u2fff\u3001-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
_DIRECTED = frozenset(("paragraph_open", "heading_open", "list_item_open", "th_open", "td_open"))
_TASK = re.compile(r"\[([ xX])\] ")
_CONTAINERS = ("blockquote", "bullet_list", "ordered_list", "table")
LINK = {"rel": "noopener noreferrer nofollow", "target": "_blank"}


def use_rules(md: MarkdownIt) -> None:
    """Put the rules in their places."""
    # `&lt;` and `<b>` are shown as they are typed.
    md.disable(["entity", "html_inline", "html_block", "replacements", "smartquotes"])
    use_math(md)
    md.inline.ruler.at("newline", _line_break)
    md.inline.ruler.before("newline", "bare_url", _bare_url)
    md.inline.ruler.at("emphasis", _beside_cjk(emphasis))
    md.inline.ruler.at("strikethrough", _beside_cjk(strikethrough))
    md.block.ruler.at("reference", _definition)
    md.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    md.core.ruler.at("inline", _inline)
    md.core.ruler.push("finish", _finish)


def _line_break(state: StateInline, silent: bool) -> bool:
    """A line break is a line break, and the next line keeps its indentation."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")
        state.push("hardbreak", "br", 0)
    state.pos += 1
    return True


def _beside_cjk(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """A rule of emphasis that works in languages without spaces between words.

    By CommonMark a run of stars with punctuation inside and a letter outside opens or closes
    nothing; Chinese, Japanese and Korean write just that. A letter of theirs counts as a space.
    """

    def tokenize(state: StateInline, silent: bool) -> bool:
        start, known = state.pos, len(state.delimiters)
        if not rule(state, silent):
            return False
        before, after = state.src[start - 1 : start], state.src[state.pos : state.pos + 1]
        for delimiter in state.delimiters[known:]:
            if delimiter.marker != ord("_"):
                _open_or_close(delimiter, before, after)
        return True

    return tokenize


def _open_or_close(delimiter: Delimiter, before: str, after: str) -> None:
    if _CJK.fullmatch(before) and after.strip():
        delimiter.open = True
    if _CJK.fullmatch(after) and before.strip():
        delimiter.close = True


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
    most = min(MAX_CELLS, len(state.src))
    if state.env.get("cells", 0) > most or not table(state, start, end, True):
        return False
    if silent:
        return True
    columns = getLine(state, start + 1).count("|") + 1
    last = next((n for n in range(start, end) if state.isEmpty(n)), end)
    state.env["cells"] = state.env.get("cells", 0) + columns * (last - start)
    if state.env["cells"] > most:
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
    for number, token in enumerate(state.tokens):
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
            if number > 1 and state.tokens[number - 2].type == "list_item_open":
                _draw_box(token.children)
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


def _draw_box(item: Sequence[Token]) -> None:
    """An item of a task list begins with a box, ticked or not."""
    if item and item[0].type == "text" and (typed := _TASK.match(item[0].content)):
        box = "☐" if typed[1] == " " else "☑"
        item[0].content = f"{box} {item[0].content[typed.end() :]}"


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
            token.attrs.update(LINK)
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
