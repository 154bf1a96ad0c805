"""What the model sees, as HTML: the context meter, the exact prompt, the words it weighed. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import count

from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Token
from llama_ui.prompt.plan import PromptPlan

_PARTS = {
    "system": "system",
    "history": "history",
    "message": "draft",
    "reply": "reply so far",
    "template": "tags",
}
_KINDS = {
    "template": "tags",
    "system": "system prompt",
    "user": "you",
    "assistant": "reply",
    "reply": "reply so far",
}


def render_meter(
    counts: Mapping[str, int], reserved: int, window: int, dropped: Sequence[int]
) -> str:
    """A bar of what fills the context window.

    Args:
        counts: prompt tokens by part, as PromptPlan gives them.
        reserved: tokens kept free for the reply.
        window: the context length.
        dropped: numbers of the messages that sending would leave out.
    """
    parts = [(part, label, counts.get(part, 0)) for part, label in _PARTS.items()]
    parts.append(("reserved", "kept for the reply", reserved))
    shown = [part for part in parts if part[2]]
    total = sum(count for _, _, count in shown)
    bar = "".join(
        f'<i class="part-{part}" style="width:{100 * count / window:.2f}%"></i>'
        for part, _, count in shown
    )
    words = "".join(
        f'<span><b class="part-{part}"></b>{label} {count:,}</span>' for part, label, count in shown
    )
    gone = len(dropped) // 2
    warning = (
        f"<em>{gone} exchange{'s' if gone > 1 else ''} will not be sent (grey above).</em>"
        if gone
        else ""
    )
    label = f"{total:,} of {window:,} tokens of the context window are taken"
    return (
        f'<div class="meter" role="meter" aria-label="{label}" aria-valuenow="{total}" '
        f'aria-valuemin="0" aria-valuemax="{window}" data-gone="{escape(json.dumps([*dropped]))}">'
        f'<div class="bar">{bar}</div><p><strong>{total:,} / {window:,}</strong> {words} {warning}'
        "</p></div>"
    )


_openings = count(1)


def render_prompt(plan: PromptPlan, engine: Engine, title: str) -> str:
    """The prompt token by token, each part labelled; what copying needs travels with it.

    No two are the same: Gradio does not show what it shows already, and a panel that was closed
    would not open again with the same prompt.
    """
    rows = []
    for segment in plan.segments:
        tokens = "".join(
            f'<i title="{token}">{escape(_visible(piece))}</i>'
            for token, piece in zip(segment.ids, engine.pieces(segment.ids), strict=True)
        )
        rows.append(
            f'<span class="segment part-{segment.kind}" data-part="{_KINDS[segment.kind]}">'
            f"{tokens}</span>"
        )
    counts = " · ".join(f"{_PARTS[part]} {n:,}" for part, n in plan.counts.items() if n)
    parts = [{"part": s.kind, "text": s.text, "ids": [*s.ids]} for s in plan.segments]
    content = {"text": plan.text, "ids": plan.ids, "parts": parts, "counts": plan.counts}
    return (
        f'<div class="prompt" data-opening="{next(_openings)}" '
        f'data-content="{escape(json.dumps(content))}">'
        f"<h3>{escape(title)}</h3><p>{len(plan.ids):,} tokens: {counts}</p>"
        f'<div class="ids">{"".join(rows)}</div></div>'
    )


def render_tokens(tokens: Sequence[Token], engine: Engine) -> str:
    """A reply token by token, shaded by how likely each was, its alternatives at hand."""
    drawn = engine.pieces([token.id for token in tokens])
    rows = []
    for place, (token, piece) in enumerate(zip(tokens, drawn, strict=True)):
        share = math.exp(token.logprob or 0.0)
        top = [
            [_visible(text), round(math.exp(logprob), 4), bool(engine.text_of([other]))]
            for text, (other, logprob) in zip(
                engine.pieces([other for other, _ in token.top]), token.top, strict=True
            )
        ]
        rows.append(
            f'<i tabindex="0" data-i="{place}" data-p="{share:.4f}" '
            f'data-top="{escape(json.dumps(top))}" class="p{_shade(share)}">'
            f"{escape(_visible(piece))}</i>"
        )
    return f'<div class="tokens">{"".join(rows)}</div>'


def _shade(share: float) -> int:
    """0 (sure) to 4 (a surprise)."""
    return sum(share < limit for limit in (0.9, 0.6, 0.3, 0.1))


def _visible(piece: str) -> str:
    """A newline is shown, and still breaks the line."""
    return piece.replace("\n", "↵\n")
