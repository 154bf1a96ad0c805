"""What the page shows of the prompt without asking the model: the meter and the exact prompt."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llama_ui.chat.conversation import Conversation, Step
from llama_ui.engine.base import Engine
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError
from llama_ui.web.page.form import Form
from llama_ui.web.page.frame import Frame
from llama_ui.web.page.session import Session
from llama_ui.web.page.turn import Turn
from llama_ui.web.render.inspector import render_meter, render_prompt
from llama_ui.web.render.transcript import render_fault, render_notice

_NOTHING_TYPED = "x"


class Views:
    """Reads conversations, changes none.

    Args:
        starter: holds the engine.
    """

    def __init__(self, starter: EngineStarter) -> None:
        self._starter = starter

    async def meter(self, session: Session, draft: object, form: Form) -> Frame:
        """How full the context window would be if the draft were sent now."""
        engine = self._ready()
        if engine is None or session.busy:
            return Frame()
        window = engine.info.context_length
        if window is None or "exact_prompt" not in engine.info.supports:
            return Frame(meter="")
        try:
            options = form.options()
            turn, typed = _draft_turn(session.conversation, draft, form)
            plan = await asyncio.to_thread(turn.plan, engine, "")
        except ChatError as fault:
            return Frame(meter=render_fault(fault))
        counts = {**plan.counts, "message": plan.counts["message"] if typed else 0}
        exchanges = turn.conversation.exchanges()
        dropped = [number for e in plan.dropped for number in exchanges[e]]
        reserved = options.sampling.max_new_tokens
        return Frame(meter=render_meter(counts, reserved, window, dropped))

    async def next_prompt(self, session: Session, draft: object, form: Form) -> Frame:
        """The exact prompt that would be sent now."""
        try:
            turn, typed = _draft_turn(session.conversation, draft, form)
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        what = "What would be sent now" if typed else "What would be sent (x: your message)"
        return await self._prompt(turn, what)

    async def earlier_prompt(self, session: Session, number: Any) -> Frame:
        """The exact prompt that a reply answered."""
        chat = session.conversation
        try:
            again = chat.retry(number)
            facts = chat.nodes[number].facts
            options = facts.options if facts and facts.options else chat.options
            turn, steps = Turn(again, options), facts.steps if facts else ()
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        # The prompt of the last step holds those of all before it.
        count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
        what = f"What this reply answered, after {count} with tools"
        return await self._prompt(turn, what if steps else "What this reply answered", steps)

    async def _prompt(self, turn: Turn, title: str, steps: Sequence[Step] = ()) -> Frame:
        engine = self._ready()
        if engine is None:
            return Frame()
        reason = engine.info.missing.get("exact_prompt")
        if reason:
            return Frame(notice=render_notice(f"The exact prompt is not known: {reason}"))
        try:
            plan = await asyncio.to_thread(turn.plan, engine, "", steps)
            shown = await asyncio.to_thread(render_prompt, plan, engine, title)
        except ChatError as fault:
            return Frame(notice=render_fault(fault))
        return Frame(prompt=shown)

    def _ready(self) -> Engine | None:
        return self._starter.wait() if self._starter.state == "ready" else None


def _draft_turn(conversation: Conversation, draft: object, form: Form) -> tuple[Turn, bool]:
    """The turn that sending the draft would begin, and whether anything is typed."""
    typed = isinstance(draft, str) and bool(draft.strip())
    asked = replace(conversation, options=form.options()).ask(
        str(draft) if typed else _NOTHING_TYPED
    )
    return Turn.answer(asked), typed
