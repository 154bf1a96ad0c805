"""A whole reply as HTML: JSON is set in lines, highlighted, and folds; the rest is Markdown."""

import json
from typing import Any

from llama_ui.web.render.markdown import render_markdown

_MAX_CHARS = 50_000
_FOLDED_FROM = 12  # lines


def render_answer(text: str) -> str:
    """HTML of a reply."""
    written = _set_in_lines(text)
    if written is None:
        return render_markdown(text)
    lines = written.count("\n") + 1
    # A fence that no run of backticks in it can close.
    html = render_markdown(f"{FENCE}json\n{written}\n{FENCE}")
    if lines < _FOLDED_FROM:
        return html
    return (
        f'<details class="json-answer" open><summary>JSON, {lines} lines</summary>{html}</details>'
    )


FENCE = "~" * 5


def _set_in_lines(text: str) -> str | None:
    """JSON that a whole reply is, with a line for each value; None for anything else, and where
    it would not say the same."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _MAX_CHARS:
        return None
    pieces, size = list[str](), 0
    try:
        value = json.loads(
            text, parse_float=_same, parse_constant=_same, object_pairs_hook=_each_once
        )
        for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(value):
            pieces.append(piece)
            size += len(piece)
            # Indented, deep lists grow a hundredfold.
            if size > 2 * _MAX_CHARS:
                return None
    except (ValueError, RecursionError):
        return None
    return "".join(pieces)


def _same(text: str) -> float:
    """A number that is written as it was read; raises ValueError for any other."""
    number = float(text)
    if repr(number) != text:
        raise ValueError
    return number


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ; raises ValueError for another, of which something is lost."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError
    return found
