"""Read replies of a served engine, as the page does: on an event loop."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, Reply, Token
from llama_ui.errors import ChatError
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions

ASK: list[Message] = [{"role": "user", "content": "Tell me a tiny story."}]
# Short: the servers under test are slow ones.
GREEDY = Sampling(temperature=0, max_new_tokens=8)


@dataclass
class Heard:
    """What came of a reply."""

    text: str = ""
    reasoning: str = ""
    tokens: tuple[Token, ...] = ()
    last: Chunk | None = None
    fault: ChatError | None = None

    @property
    def ending(self) -> str | None:
        return self.last.finish_reason if self.last else None


async def hear(reply: Reply) -> Heard:
    """Read a reply to its end."""
    heard = Heard()
    try:
        async for chunk in reply:
            heard.text += chunk.text
            heard.reasoning += chunk.reasoning
            heard.tokens += chunk.tokens
            heard.last = chunk
    except ChatError as fault:
        heard.fault = fault
    return heard


def read(
    engine: Engine,
    messages: Sequence[Message] = ASK,
    sampling: Sampling = GREEDY,
    options: PlanOptions | None = None,
) -> Heard:
    """Ask, and read the reply to its end."""

    async def ask() -> Heard:
        try:
            plan = await asyncio.to_thread(
                engine.plan, messages, sampling, options or PlanOptions()
            )
            reply = engine.submit(plan, sampling)
        except ChatError as fault:
            return Heard(fault=fault)
        return await hear(reply)

    return asyncio.run(ask())
