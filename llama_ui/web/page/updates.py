"""The updates of a turn: what the browser is told, and how often. The chat itself is JSON.

The updates of one turn, in order, each a JSON object with its `type`:

    accepted  chat                       the question is part of the chat, a reply begins
    status    i, text                    what is happening before the first word of reply i
    thinking  i, text                    what the model thinks, as it is drawn
    steps     i, steps                   what was done with tools
    html      html                       replies of a chat that is opened, rendered, by number
    text      i, raw, settled, growing   raw text that was drawn; HTML of blocks that will not
                                         change any more, and of the one that grows
    fault     problem, next_step         what went wrong; before `accepted` nothing has changed
    done      chat, html, replies, ...   the chat as it is now, and what is new in it, rendered

`chat` holds what changed: `nodes` from number `first` on, and all other fields.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import to_jsonable_python

from llama_ui.chat.conversation import Conversation
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Token
from llama_ui.errors import ChatError
from llama_ui.web.page.running import Running
from llama_ui.web.render.answer import FENCE, render_answer
from llama_ui.web.render.growing import GrowingMarkdown

# Characters of a chat, newest first, that are formatted; what is older is shown as it was written.
MAX_RICH = 150_000
_BATCH = 20_000
# A frame costs the server a millisecond and the browser a few: more than these show no gain.
FRAMES_PER_S = 30
FRAMES_PER_S_OF_ALL = 120
# A long reply takes longer to render: at most this share of the time goes into frames.
SHARE_OF_TIME = 0.3

Update = dict[str, Any]


class FramePacer:
    """One for the whole server."""

    def __init__(self) -> None:
        self._streams = 0

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Counts a stream while it is shown."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def pause(self, frame_s: float = 0.0) -> None:
        """Wait until the next frame of a stream is due.

        Args:
            frame_s: how long the last one took to make, in seconds.
        """
        share = self._streams / FRAMES_PER_S_OF_ALL
        await asyncio.sleep(max(1 / FRAMES_PER_S, share, frame_s / SHARE_OF_TIME))


class Frames:
    """What of one running reply has been sent to the browser already."""

    def __init__(self, place: int, running: Running) -> None:
        self._place = place
        self._running = running
        self._markdown = GrowingMarkdown()
        form = running.turn.options.sampling.answer_form
        self._fence = f"{FENCE}json\n" if form is not None and form.schema is not None else ""
        self._sent: dict[str, Any] = {"status": "", "thinking": 0, "steps": 0, "text": ""}
        self.cost_s = 0.0

    def updates(self) -> list[Update]:
        """What is new since the last time."""
        started = time.perf_counter()
        running, sent, made = self._running, self._sent, []
        if running.status != sent["status"]:
            made.append(self._update("status", text=running.status))
        if len(running.thinking) > sent["thinking"]:
            made.append(self._update("thinking", text=running.thinking[sent["thinking"] :]))
        if len(running.steps) > sent["steps"]:
            made.append(self._update("steps", steps=[*map(as_json, running.steps)]))
        text = running.said + running.text
        if text != sent["text"]:
            is_more = text.startswith(sent["text"])
            if not is_more:
                self._markdown = GrowingMarkdown()
            settled, growing = self._markdown.add(self._fence + text)
            raw = text[len(sent["text"]) :] if is_more else text
            how = {"raw": raw, "settled": settled, "growing": growing, "anew": not is_more}
            made.append(self._update("text", **how))
        self._sent = {
            "status": running.status,
            "thinking": len(running.thinking),
            "steps": len(running.steps),
            "text": text,
        }
        self.cost_s = time.perf_counter() - started
        return made

    def _update(self, kind: str, **fields: Any) -> Update:
        return {"type": kind, "i": self._place, **fields}


def changes(before: Conversation, after: Conversation) -> Update:
    """What of a chat changed: the nodes from the first that differs on, and all other fields."""
    pairs = zip(before.nodes, after.nodes, strict=False)
    first = next((n for n, (old, new) in enumerate(pairs) if old is not new and old != new), None)
    first = min(len(before.nodes), len(after.nodes)) if first is None else first
    return {
        "first": first,
        "nodes": [*map(as_json, after.nodes[first:])],
        "head": after.head,
        "options": as_json(after.options),
        "pinned": [*after.pinned],
    }


def batches(chat: Conversation) -> Iterator[list[int]]:
    """The replies that are shown, newest first, in parts that take about as long to render; what
    is further back stays as it was written."""
    batch: list[int] = []
    chars = of_all = 0
    for number in reversed(chat.path):
        if chat.nodes[number].role == "user":
            continue
        length = len(chat.nodes[number].text)
        of_all += length
        if of_all > MAX_RICH:
            break
        batch.append(number)
        chars += length
        if chars > _BATCH:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def html_of(chat: Conversation, numbers: Iterable[int]) -> dict[int, str]:
    """Replies as HTML, by their numbers."""
    return {number: render_answer(chat.nodes[number].text) for number in numbers}


def shown(before: Conversation, after: Conversation) -> Update:
    """The last update of an action: what changed, and the replies that are new, rendered."""
    changed = changes(before, after)
    new = [n for n in range(changed["first"], len(after.nodes)) if n in after.path]
    replies = [n for n in new if after.nodes[n].role == "assistant"]
    return {"type": "done", "chat": changed, "html": html_of(after, replies), "tokens": {}}


def token_update(token: Token, engine: Engine) -> Update:
    """A drawn token as the browser shows it, with what else it could have been."""
    pieces = engine.pieces([token.id, *(other for other, _ in token.top)])
    top = [
        [other, piece, logprob, engine.is_text(other)]
        for (other, logprob), piece in zip(token.top, pieces[1:], strict=True)
    ]
    return {
        "id": token.id,
        "piece": pieces[0],
        "ends": not engine.is_text(token.id),
        "logprob": token.logprob,
        "top": top,
        "barred": sorted(token.barred),
    }


def as_json(value: Any) -> Any:
    """A dataclass of a chat as JSON knows it."""
    return to_jsonable_python(value)


def fault_update(fault: ChatError) -> Update:
    return {"type": "fault", "problem": fault.problem, "next_step": fault.next_step}
