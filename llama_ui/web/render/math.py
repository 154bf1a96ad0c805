"""Formulas in a message: `$...$`, `$$...$$`, `\\(...\\)` and `\\[...\\]` become MathML.

The two markdown-it rules find formulas; `to_mathml` converts one. A message is hostile, and
latex2mathml knows links, styles, classes and macros (and its own serialiser undoes escaping),
so its element tree is written out here, through an allow-list. A formula that is refused,
too large or not understood stays as it was typed.
"""

import re
import unicodedata
from functools import lru_cache
from html import escape
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

MAX_FORMULA = 2_000  # characters of one formula
MAX_DEPTH = 40  # nested MathML elements
_MAX_SKIPPED = 20  # escaped closing delimiters passed over while looking for the real one

# Two-character delimiters first: `$$` also starts with `$`.
_CLOSER = {"$$": "$$", r"\[": r"\]", r"\(": r"\)", "$": "$"}
_DISPLAY = ("$$", r"\[")

# Macros can grow without bound; the others carry addresses, styles, classes, code points.
_REFUSED = re.compile(
    r"\\(?:newcommand|newenvironment|def|DeclareMathOperator|href|style|class|unicode)(?![a-zA-Z])"
)
# "$5 for me (or 10$ for two)": a number first and plain words later is money, not a formula.
_PRICE = re.compile(r"\d.*\s[^\w\\\s]*[^\W\d_]{2,}")

_TAG = re.compile(
    "mrow|mi|mo|mn|mtext|mspace|mfrac|msqrt|mroot|msub|msup|msubsup|mover|munder|munderover"
    "|mtable|mtr|mtd|mstyle|mpadded|mphantom|menclose"
)
_WORDED = re.compile(
    "accent|columnalign|columnlines|displaystyle|fence|form|largeop|mathvariant|movablelimits"
    "|notation|rowlines|scriptlevel|separator|stretchy"
)
_MEASURED = re.compile(
    "columnspacing|depth|height|linethickness|lspace|mathsize|maxsize|minsize|rowspacing|rspace"
    "|voffset|width"
)
_WORD = re.compile(r"[a-z0-9-]{1,40}(?: [a-z0-9-]{1,40}){0,40}")
# Short lengths only, so that a formula cannot be pushed over its neighbours.
_LENGTH = re.compile(
    r"(?:[+-]?(?:\d?(?:\.\d{1,4})?(?:em|ex|width)|\d{1,2}(?:\.\d{1,4})?(?:px|pt))|0"
    r"|(?:negative)?(?:thin|medium|thick)mathspace)(?: [0-9.]{1,5}em){0,40}"
)
_CODE_POINT = re.compile(r"&#x([0-9A-Fa-f]{1,6});")


class _Refused(Exception):
    """The formula holds something that is not on the allow-list."""


def use_math(md: MarkdownIt) -> None:
    """Teach a parser to find formulas: tokens `math_inline` and `math_block`, as typed."""
    md.inline.ruler.before("escape", "math_inline", _inline_rule)
    md.block.ruler.before(
        "fence", "math_block", _block_rule, {"alt": ["paragraph", "reference", "blockquote"]}
    )


def split_formula(typed: str) -> tuple[str, bool]:
    """The LaTeX between the delimiters, and whether it stands on a line of its own."""
    opener = next(o for o in _CLOSER if typed.startswith(o))
    return typed[len(opener) : -len(opener)].strip(), opener in _DISPLAY


@lru_cache(maxsize=512)  # a streaming reply is rendered again at every frame
def to_mathml(latex: str, display: bool) -> str | None:
    """Convert one formula, or return None if it has to be shown as typed."""
    if len(latex) > MAX_FORMULA or _REFUSED.search(latex):
        return None
    try:
        tree = convert_to_element(latex, display="block" if display else "inline")
        body = "".join(_write(child, 1) for child in tree)
    except Exception:  # a broken formula raises nearly anything, RecursionError included
        return None
    mode = "block" if display else "inline"
    return f'<math display="{mode}" alttext="{escape(latex)}">{body}</math>'


def _write(element: Element, depth: int) -> str:
    """Serialise an element: tags outside the allow-list refuse, attributes outside it vanish."""
    if not _TAG.fullmatch(element.tag) or depth > MAX_DEPTH:
        raise _Refused(element.tag)
    attributes = "".join(
        f' {name}="{escape(value)}"' for name, value in element.items() if _allowed(name, value)
    )
    # latex2mathml writes its symbols as character references into the text of the tree.
    text = escape(_CODE_POINT.sub(_character, element.text or ""), quote=False)
    children = "".join(_write(child, depth + 1) for child in element)
    return f"<{element.tag}{attributes}>{text}{children}</{element.tag}>"


def _allowed(name: str, value: str) -> bool:
    if _WORDED.fullmatch(name):
        return _WORD.fullmatch(value) is not None
    return _MEASURED.fullmatch(name) is not None and _LENGTH.fullmatch(value) is not None


def _character(reference: re.Match[str]) -> str:
    character = chr(int(reference[1], 16))  # ValueError beyond Unicode: shown as typed
    return "\ufffd" if unicodedata.category(character)[0] == "C" else character


def _inline_rule(state: StateInline, silent: bool) -> bool:
    """markdown-it rule: a formula inside a line of text."""
    src, start = state.src, state.pos
    if src[start] not in "$\\":
        return False
    opener = next((o for o in _CLOSER if src.startswith(o, start)), None)
    if opener is None:
        return False
    body = start + len(opener)
    end = _find_closer(src, _CLOSER[opener], body, min(state.posMax, body + MAX_FORMULA))
    if end < 0 or not src[body:end].strip():
        return False
    if opener == "$" and not _is_formula(src, body, end):
        return False
    state.pos = end + len(opener)
    if not silent:
        state.push("math_inline", "math", 0).content = src[start : state.pos]
    return True


def _find_closer(src: str, closer: str, start: int, limit: int) -> int:
    """Where the first closing delimiter stands that no backslash escapes; -1 if there is none."""
    position = start
    for _ in range(_MAX_SKIPPED):
        end = src.find(closer, position, limit)
        if end < 0:
            return -1
        before = src[start:end]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return end
        position = end + 1
    return -1


def _is_formula(src: str, start: int, end: int) -> bool:
    """Tell `$x + y$` from prices ("$5 and $10") and shell variables ("$HOME/$USER")."""
    body = src[start:end]
    before, after = src[max(start - 2, 0) : start - 1], src[end + 1 : end + 2]
    return not (
        body[0].isspace()
        or body[-1].isspace()
        or "\n" in body
        or before.isalnum()
        or before == "$"
        or after.isalnum()
        or after in ("$", "{", "_")
        or _PRICE.match(body)
    )


def _block_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """markdown-it rule: lines from one that starts with an opener to one that ends with its closer.

    Without this, a line of a formula that starts with `-` or `#` would become a list or heading.
    """
    if state.is_code_block(start_line):
        return False
    first = state.bMarks[start_line] + state.tShift[start_line]
    opener = state.src[first : first + 2]
    if opener not in _DISPLAY:
        return False
    closer = _CLOSER[opener]
    # How far earlier openers have looked in vain: keeps thousands of openers linear.
    searched: dict[str, int] = state.env.setdefault("math_searched", {})
    if start_line < searched.get(closer, 0):
        return False

    line = start_line
    text = state.src[first + 2 : state.eMarks[line]]
    while closer not in text:
        line += 1
        if line >= end_line or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            searched[closer] = line
            return False
        text = state.src[state.bMarks[line] : state.eMarks[line]]
    if not text.rstrip().endswith(closer) or text.count(closer) > 1:
        searched[closer] = line
        return False  # text goes on after the formula: the inline rule's business

    typed = state.getLines(start_line, line + 1, state.blkIndent, False).strip()
    if not typed[2:-2].strip():
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.content, token.map = typed, [start_line, line + 1]
        state.line = line + 1
    return True
