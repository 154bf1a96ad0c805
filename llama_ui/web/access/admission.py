"""Let a visitor's request in, and count what it uses."""

import asyncio
import contextlib
from functools import partial

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, Reply
from llama_ui.prompt.plan import PromptPlan
from llama_ui.web.access.limits import Gate, Visitor


def submit_for(
    visitor: Visitor, gate: Gate, engine: Engine, plan: PromptPlan, sampling: Sampling
) -> Reply:
    """Start a reply within the visitor's limits; called on an event loop.

    Raises:
        LimitError: a limit is reached; says when to try again.
        BusyError: too many are waiting.
    """
    messages = [len(s.text) for s in plan.segments if s.kind == "user"]
    gate.admit(visitor, max(messages, default=0), sampling.max_new_tokens)
    reply = engine.submit(plan, sampling)
    reply.on_end(partial(_spend, visitor, gate))
    if gate.limits.reply_s is not None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(gate.limits.reply_s, reply.expire)

        def ended(_: Chunk | Exception) -> None:
            # Else the timer would hold the reply until its time is over. At the end of the
            # program the loop may be closed before the engine.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(timer.cancel)

        reply.on_end(ended)
    return reply


def _spend(visitor: Visitor, gate: Gate, end: Chunk | Exception) -> None:
    if isinstance(end, Chunk) and end.stats is not None:
        stats = end.stats
        gate.spend(visitor, stats.prompt_tokens - stats.reused_tokens + stats.reply_tokens)
