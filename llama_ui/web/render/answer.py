"""A whole reply as HTML: JSON is set in lines, highlighted, and folds; the rest is Markdown."""

import json

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
    """JSON that a whole reply is, with a line for each value; None for anything else."""
    if text.lstrip()[:1] not in ("{", "[") or len(text) > _MAX_CHARS:
        return None
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return None
