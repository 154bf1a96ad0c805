"""What the page shows of the prompt without asking the model: the meter and the exact prompt."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llama_ui.chat.conversation import Conversation, Step
from llama_ui.chat.options import ChatOptions
from llama_ui.engine.base import Engine
from llama_ui.errors import EngineError
from llama_ui.prompt.plan import PromptPlan
from llama_ui.web.page.turn import Turn

# Stands for a message that is not typed yet: a prompt cannot end without one.
_NOTHING_TYPED = "x"


def meter(
    engine: Engine, chat: Conversation, options: ChatOptions, draft: object
) -> dict[str, Any]:
    """How full the context window would be if the draft were sent now.

    Returns:
        `counts` (tokens by part), `reserved` (for the reply), `window`, and `left_out`, the
        numbers of the messages that would not be sent; all None or empty where it is not known.

    Raises:
        ChatError: it cannot be sent.
    """
    window = engine.info.context_length
    if window is None or "exact_prompt" not in engine.info.supports:
        return {"window": None, "counts": {}, "reserved": 0, "left_out": []}
    turn, typed = _draft_turn(chat, options, draft)
    plan = turn.plan(engine, "")
    counts = {**plan.counts, "message": plan.counts["message"] if typed else 0}
    reserved = options.sampling.max_new_tokens
    left_out = turn.left_out(plan)
    return {"window": window, "counts": counts, "reserved": reserved, "left_out": left_out}


def next_prompt(
    engine: Engine, chat: Conversation, options: ChatOptions, draft: object
) -> dict[str, Any]:
    """The exact prompt that would be sent now; raises ChatError."""
    turn, typed = _draft_turn(chat, options, draft)
    title = "Prompt preview" if typed else "Prompt preview (x: your message)"
    return _prompt(engine, turn, title)


def earlier_prompt(engine: Engine, chat: Conversation, number: Any) -> dict[str, Any]:
    """The exact prompt that a reply answered; raises ChatError."""
    again = chat.retry(number)
    facts = chat.nodes[number].facts
    options = facts.options if facts and facts.options else chat.options
    turn, steps = Turn(again, options), facts.steps if facts else ()
    # The prompt of the last step holds those of all before it.
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    title = f"What this reply answered, after {count} with tools"
    return _prompt(engine, turn, title if steps else "What this reply answered", steps)


def _prompt(engine: Engine, turn: Turn, title: str, steps: Sequence[Step] = ()) -> dict[str, Any]:
    reason = engine.info.missing.get("exact_prompt")
    if reason:
        raise EngineError("The exact prompt is not known.", reason)
    plan = turn.plan(engine, "", steps)
    parts = _parts(plan, engine)
    return {
        "title": title,
        "parts": parts,
        "text": plan.text,
        "ids": plan.ids,
        "counts": plan.counts,
    }


def _parts(plan: PromptPlan, engine: Engine) -> list[dict[str, Any]]:
    return [
        {"part": s.kind, "text": s.text, "ids": [*s.ids], "pieces": engine.pieces(s.ids)}
        for s in plan.segments
    ]


def _draft_turn(chat: Conversation, options: ChatOptions, draft: object) -> tuple[Turn, bool]:
    """The turn that sending the draft would begin, and whether anything is typed."""
    typed = isinstance(draft, str) and bool(draft.strip())
    asked = replace(chat, options=options).ask(str(draft) if typed else _NOTHING_TYPED)
    return Turn.answer(asked), typed
