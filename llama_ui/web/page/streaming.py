"""Runs turns: a chat and an action come in, typed updates go out. The server keeps no chat."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace

from llama_ui.chat.conversation import Conversation
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import LIMITS
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Reply
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import ChatError, incident
from llama_ui.web.access.limits import Gate, Visitor, plan_for, submit_for
from llama_ui.web.page.actions import Action, change, turns, with_one_seed
from llama_ui.web.page.running import Running, kept
from llama_ui.web.page.turn import Turn
from llama_ui.web.page.updates import (
    FramePacer,
    Frames,
    Update,
    batches,
    changes,
    fault_update,
    html_of,
    shown,
    token_update,
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stop:
    """Lets one event stop a turn that another one runs."""

    is_asked: bool = False
    replies: list[Reply] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self) -> None:
        self.is_asked = True
        self.changed.set()
        self.cancel_replies()

    def cancel_replies(self) -> None:
        """Have the engine write on none of them; harmless for those that have ended."""
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
        stop = Stop()
        try:
            changed = change(chat, action)
            if changed is not None:
                if action.get("do") == "open":
                    for numbers in batches(chat):
                        html = await self._gate.bounded(visitor, html_of, chat, numbers)
                        yield {"type": "html", "html": html}
                yield await self._gate.bounded(visitor, shown, chat, changed)
                return
            self._stops[key] = stop
            # Aside: what is attached may be long.
            begun = await asyncio.to_thread(
                turns, replace(chat, options=options), action, self._starter.present
            )
            seed = secrets.randbelow(int(LIMITS["seed"][1]) + 1)
            run = _Run(self, stop, chat, with_one_seed(begun, seed), visitor, owner)
            async for update in run.updates():
                yield update
        except ChatError as fault:
            yield fault_update(fault)
        except Exception as error:
            what = "Something went wrong on the server"
            yield fault_update(incident(log, error, what, "Nothing is lost: try again."))
        finally:
            # Also the way out when the visitor has closed the page.
            stop()
            if self._stops.get(key) is stop:
                del self._stops[key]


class _Run:
    """The turns that one action began, while they run."""

    def __init__(
        self,
        of: Turns,
        stop: Stop,
        before: Conversation,
        begun: Sequence[Turn],
        visitor: Visitor,
        owner: str,
    ) -> None:
        self.stop = stop
        self._starter, self._gate, self._pacer = of._starter, of._gate, of._pacer
        self._before = before
        self._turn = begun[0]
        self._visitor, self._owner = visitor, owner
        self._running = [Running.of(turn) for turn in begun]
        self._frames = [Frames(i, reply) for i, reply in enumerate(self._running)]
        self._left_out: list[int] = []
        self._engine: Engine | None = None  # once the model is there
        self._changed = self.stop.changed

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
                readers = [asyncio.create_task(self._watch_the_load())]
                while self._starter.state == "loading" and not self.stop.is_asked:
                    text = f"{self._starter.name} is {self._starter.progress}"
                    yield {"type": "status", "i": 0, "text": text}
                    await self._changed.wait()
                    self._changed.clear()
                readers.pop().cancel()
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
            self.stop.cancel_replies()
            for reader in readers:
                reader.cancel()
        if fault is not None:
            yield fault_update(fault)
        yield await asyncio.to_thread(self._done)

    async def _watch_the_load(self) -> None:
        async with aclosing(self._starter.states()) as states:
            async for state in states:
                self._changed.set()
                if state.status != "loading":
                    return

    async def _begin(self) -> None:
        if self.stop.is_asked:
            return
        self._engine = await self._starter.engine()
        for running in self._running:
            reply = await self._submit(self._engine, running)
            if reply is not None:
                self.stop.replies.append(reply)

    async def _submit(self, engine: Engine, running: Running) -> Reply | None:
        sampling = running.turn.options.sampling
        plan = await plan_for(
            self._visitor, self._gate, sampling, running.plan, engine, self._owner
        )
        if self.stop.is_asked:
            return None
        self._left_out = running.turn.left_out(plan)
        return submit_for(self._visitor, self._gate, engine, plan, running.sampling(engine))

    async def _read(self, first: Reply, into: Running, frame: Frames) -> None:
        engine, reply = self._engine, first
        assert engine is not None  # which gave the reply
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
        update = shown(self._before, chat)
        # The one that answered, which may not be the one that is there now.
        engine = self._engine
        for number, running in zip(numbers, self._running, strict=True):
            if number not in update["html"]:
                update["html"] |= html_of(chat, [number])
            if engine is not None and any(token.top for token in running.tokens):
                update["tokens"][number] = [token_update(token, engine) for token in running.tokens]
        if engine is not None:
            # A server may have said meanwhile what it does not take.
            update["missing"] = dict(engine.info.missing)
        update["left_out"] = self._left_out
        update["replies"] = numbers
        if self._turn.repeats is not None and not self.stop.is_asked:
            update["same"] = len(chat.nodes) == len(self._before.nodes)
        return update
