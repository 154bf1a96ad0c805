"""Turns: a chat and an action come in, typed updates go out. The server keeps no chat.

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
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import to_jsonable_python

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import LIMITS
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Reply, Token
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, incident
from llama_ui.web.access.admission import submit_for
from llama_ui.web.access.limits import Gate, Visitor
from llama_ui.web.page.actions import Action, change, turns, with_one_seed
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.running import Running, kept
from llama_ui.web.page.turn import Turn
from llama_ui.web.render.growing import GrowingMarkdown
from llama_ui.web.render.markdown import render_markdown

log = logging.getLogger(__name__)

# Characters of a chat, newest first, that are formatted; what is older is shown as it was written.
MAX_RICH = 150_000
_BATCH = 20_000
_LOADING_S = 0.5
Update = dict[str, Any]


@dataclass(slots=True)
class Stop:
    """Lets one event stop a turn that another one runs."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    replies: list[Reply] = field(default_factory=list)

    def __call__(self) -> None:
        self.asked.set()
        for reply in self.replies:
            reply.cancel()


class Turns:
    """Runs turns.

    Args:
        starter: holds the engine, which may still be loading.
        gate: how much a visitor may use.
        pacer: decides how often a running reply is shown.
    """

    def __init__(self, starter: EngineStarter, gate: Gate, pacer: FramePacer) -> None:
        self._starter = starter
        self._gate = gate
        self._pacer = pacer
        self._stops: dict[str, Stop] = {}

    def stop(self, key: str) -> None:
        """Stop the turn of this key, if it runs; returns at once."""
        stop = self._stops.get(key)
        if stop is not None:
            stop()

    async def run(
        self,
        key: str,
        chat: Conversation,
        options: ChatOptions,
        action: Action,
        visitor: Visitor,
        owner: str,
    ) -> AsyncIterator[Update]:
        """Do an action and yield its updates; faults are updates too.

        Args:
            key: names the turn, for `stop`.
            chat: as the browser has it.
            options: how it is to be answered.
            action: see actions.py; from the browser, so anything.
            visitor: whose limits count.
            owner: whose keys and values may be reused.
        """
        try:
            changed = change(chat, action)
            if changed is not None:
                if action.get("do") == "open":
                    for numbers in _batches(chat):
                        yield {
                            "type": "html",
                            "html": await asyncio.to_thread(_html, chat, numbers),
                        }
                yield await asyncio.to_thread(_shown, chat, changed)
                return
            begun = turns(replace(chat, options=options), action, self._starter.wait)
            seed = secrets.randbelow(int(LIMITS["seed"][1]) + 1)
            run = _Run(self, chat, with_one_seed(begun, seed), visitor, owner)
            self._stops[key] = run.stop
            async for update in run.updates():
                yield update
        except ChatError as fault:
            yield _fault(fault)
        except Exception as error:
            what = "Something went wrong on the server"
            yield _fault(incident(log, error, what, "Nothing is lost: try again."))
        finally:
            self._stops.pop(key, None)


class _Run:
    """The turns that one action began, while they run."""

    def __init__(
        self,
        of: Turns,
        before: Conversation,
        begun: Sequence[Turn],
        visitor: Visitor,
        owner: str,
    ) -> None:
        self.stop = Stop()
        self._starter, self._gate, self._pacer = of._starter, of._gate, of._pacer
        self._before = before
        self._turn = begun[0]
        self._visitor, self._owner = visitor, owner
        self._running = [Running.of(turn) for turn in begun]
        self._frames = [_Frame(i, reply) for i, reply in enumerate(self._running)]
        self._left_out: list[int] = []
        self._changed = asyncio.Event()

    async def updates(self) -> AsyncIterator[Update]:
        chat = self._turn.conversation
        chat.check_room(len(self._running))
        is_loading = self._starter.state == "loading"
        if not is_loading:
            # Before the message is accepted: what cannot be sent goes back to its box.
            await self._begin()
        yield {"type": "accepted", "chat": changes(self._before, chat)}
        fault: ChatError | None = None
        readers: list[asyncio.Task[None]] = []
        try:
            if is_loading:
                while self._starter.state == "loading" and not self.stop.asked.is_set():
                    text = f"{self._starter.name} is {self._starter.progress}"
                    yield {"type": "status", "i": 0, "text": text}
                    await asyncio.sleep(_LOADING_S)
                await self._begin()
            pairs = zip(self.stop.replies, self._running, self._frames, strict=False)
            readers = [asyncio.create_task(self._read(*pair)) for pair in pairs]
            while not all(reader.done() for reader in readers):
                await self._changed.wait()
                self._changed.clear()
                for frame in self._frames:
                    for update in frame.updates():
                        yield update
            for reader in readers:
                reader.result()
        except ChatError as error:
            fault = error
        except Exception as error:
            what = "Something went wrong on the server"
            fault = incident(log, error, what, "What has arrived stays: regenerate the reply.")
        finally:
            # Also the way out when the visitor has closed the page.
            self.stop()
            for reader in readers:
                reader.cancel()
        if fault is not None:
            yield _fault(fault)
        yield await asyncio.to_thread(self._done)

    async def _begin(self) -> None:
        engine = await self._starter.engine(self.stop.asked.is_set)
        if engine is None:
            return
        for running in self._running:
            reply = await self._submit(engine, running)
            if reply is not None:
                self.stop.replies.append(reply)

    async def _submit(self, engine: Engine, running: Running) -> Reply | None:
        # Tokenising a long chat takes milliseconds that other visitors need not wait for.
        plan = await asyncio.to_thread(running.plan, engine, self._owner)
        if self.stop.asked.is_set():
            return None
        self._left_out = running.turn.left_out(plan)
        return submit_for(self._visitor, self._gate, engine, plan, running.sampling)

    async def _read(self, first: Reply, into: Running, frame: "_Frame") -> None:
        engine, reply = self._starter.wait(), first
        try:
            with ExitStack() as stack:
                stack.enter_context(self._pacer.stream())
                while True:
                    async for chunk in reply:
                        into.take(chunk, engine)
                        self._changed.set()
                        if chunk.finish_reason is None:
                            await self._pacer.pause(frame.cost_s)
                    if reply.expired and into.facts.ending == "cancelled":
                        into.expire()
                        return
                    # A tool may take a while that other visitors need not wait for.
                    if not await asyncio.to_thread(into.goes_on):
                        return
                    self._changed.set()
                    following = await self._submit(engine, into)
                    if following is None:
                        return
                    self.stop.replies.append(following)
                    reply = following
        except Exception:
            into.fail()
            raise
        finally:
            self._changed.set()

    def _done(self) -> Update:
        chat, numbers = kept(self._running)
        update = _shown(self._before, chat)
        engine = self._starter.wait() if self._starter.state == "ready" else None
        for number, running in zip(numbers, self._running, strict=True):
            if number not in update["html"]:
                update["html"] |= _html(chat, [number])
            if engine is not None and running.tokens and running.tokens[0].top:
                update["tokens"][number] = [_token(token, engine) for token in running.tokens]
        update["left_out"] = self._left_out
        update["replies"] = numbers
        if self._turn.repeats is not None and not self.stop.asked.is_set():
            update["same"] = chat.head == self._turn.repeats
        return update


class _Frame:
    """What of one running reply has been sent to the browser already."""

    def __init__(self, place: int, running: Running) -> None:
        self._place = place
        self._running = running
        self._markdown = GrowingMarkdown()
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
            settled, growing = self._markdown.add(text)
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


def _batches(chat: Conversation) -> Iterator[list[int]]:
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


def _html(chat: Conversation, numbers: Iterable[int]) -> dict[int, str]:
    """Replies as HTML, by their numbers."""
    return {number: render_markdown(chat.nodes[number].text) for number in numbers}


def _shown(before: Conversation, after: Conversation) -> Update:
    """The last update of an action: what changed, and the replies that are new, rendered."""
    changed = changes(before, after)
    new = [n for n in range(changed["first"], len(after.nodes)) if n in after.path]
    replies = [n for n in new if after.nodes[n].role == "assistant"]
    return {"type": "done", "chat": changed, "html": _html(after, replies), "tokens": {}}


def _token(token: Token, engine: Engine) -> Update:
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
    }


def as_json(value: Any) -> Any:
    """A dataclass of a chat as JSON knows it."""
    return to_jsonable_python(value)


def _fault(fault: ChatError) -> Update:
    return {"type": "fault", "problem": fault.problem, "next_step": fault.next_step}
