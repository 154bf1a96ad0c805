"""Code as HTML, coloured by Pygments within bounds."""

import re
from functools import lru_cache
from html import escape
from time import thread_time

from pygments import lexers  # type: ignore[import-untyped]
from pygments import token as kinds

MAX_CODE_LINE = 1_000  # characters: longer lines are data, and slow to match
MAX_HIGHLIGHT_S = 0.1  # processor time of one block: many lexers are quadratic on hostile code

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
