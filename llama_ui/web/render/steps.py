"""The steps of an answer with tools, folded. Pure: steps in, markup out, everything escaped."""

from collections.abc import Sequence
from html import escape

from llama_ui.chat.conversation import Step


def render_steps(steps: Sequence[Step]) -> str:
    """One line for each step, which opens to all that is known of it; empty without steps."""
    if not steps:
        return ""
    return f'<div class="steps" aria-label="Steps">{"".join(map(_step, steps))}</div>'


def _step(step: Step) -> str:
    tool = step.tool or "No action"
    rows = (
        ("Thought", step.thought),
        ("Tool", step.tool),
        ("Input" if step.tool else "Said", step.given),
        ("Observation", step.observation),
        ("Time", f"{step.ms:,.0f} ms"),
    )
    known = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    return (
        f'<details class="step"><summary><b>{escape(tool)}</b> '
        f"<code>{escape(step.given[:80])}</code> <span>{step.ms:,.0f} ms</span></summary>"
        f"<dl>{known}</dl></details>"
    )
