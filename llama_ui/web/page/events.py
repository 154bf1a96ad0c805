"""What Gradio calls on each event: values of components in, changes of components out."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import wraps
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from llama_ui.chat.sampling import LIMITS
from llama_ui.engine.starter import EngineStarter
from llama_ui.web.access.identity import visitor_of
from llama_ui.web.access.limits import Limits
from llama_ui.web.page.form import Form
from llama_ui.web.page.frame import Frames
from llama_ui.web.page.handlers import Handlers
from llama_ui.web.page.layout import Layout
from llama_ui.web.page.session import Session
from llama_ui.web.page.views import Views
from llama_ui.web.page.writing import Writing
from llama_ui.web.render.captions import render_about, render_badge

PROMPT_ROOM = 64  # tokens that the longest reply leaves for a prompt

Changes = dict[Any, Any]


def _turn(
    handler: Callable[..., tuple[Session, Frames]],
) -> Callable[..., AsyncGenerator[Changes, None]]:
    """Makes an event handler, which Gradio wants as an async generator, of one that gives frames.
    When Gradio closes it, because the page is gone, they are closed at once."""

    @wraps(handler)
    async def stream(self: "Events", *arguments: Any) -> AsyncGenerator[Changes, None]:
        session, turn = handler(self, *arguments)
        writing, last = Writing(), ""
        try:
            async with aclosing(turn) as frames:
                async for frame in frames:
                    if frame.busy:
                        session.writing = writing
                    if not frame.is_writing:
                        yield self.layout.updates(frame)
                    last = frame.running or ""
                    writing.put(last)
        finally:
            writing.end(last)

    return stream


def _data(event: gr.EventData) -> dict[str, Any]:
    """What the page has sent with an event; anything may come instead."""
    return event._data if isinstance(event._data, dict) else {}


class Events:
    """The events of one page. All are coroutines: they run on the event loop, where everything
    that changes a session runs.

    Args:
        page: the Blocks that they belong to.
        layout: the components.
        starter: holds the engine, which may still be loading.
        handlers: what happens to the chat.
        views: what is shown of its prompts.
        limits: how much a visitor may ask for.
    """

    def __init__(
        self,
        page: gr.Blocks,
        layout: Layout,
        starter: EngineStarter,
        handlers: Handlers,
        views: Views,
        limits: Limits,
    ) -> None:
        self._page = page
        self.layout = layout
        self._starter = starter
        self._handlers = handlers
        self._views = views
        self._limits = limits
        self._open: WeakValueDictionary[str, Session] = WeakValueDictionary()

    async def opened(self, state: Session, request: gr.Request) -> tuple[Any, ...]:
        """The page has been loaded."""
        self._meet(state, request)
        frame = self._handlers.opened(state)
        return state, frame.chats, frame.key

    async def closed(self, request: gr.Request) -> None:
        """The page is gone."""
        state = self._open.pop(request.session_hash or "", None)
        if state is not None:
            self._handlers.leave(state)

    @_turn
    def send(
        self, request: gr.Request, state: Session, shown: str, text: str, *values: Any
    ) -> tuple[Session, Frames]:
        self._meet(state, request)
        return state, self._handlers.send(state, shown, text, Form(*values))

    @_turn
    def act(
        self,
        event: gr.EventData,
        request: gr.Request,
        state: Session,
        shown: str,
        *values: Any,
    ) -> tuple[Session, Frames]:
        self._meet(state, request)
        return state, self._handlers.act(state, shown, _data(event), Form(*values))

    @_turn
    def compare(
        self,
        request: gr.Request,
        state: Session,
        shown: str,
        text: str,
        what: Any,
        value: Any,
        *values: Any,
    ) -> tuple[Session, Frames]:
        self._meet(state, request)
        return state, self._handlers.compare(state, shown, text, what, value, Form(*values))

    async def written(self, state: Session) -> AsyncGenerator[str, None]:
        """What the turn that has begun writes, until it ends."""
        async with aclosing(aiter(state.writing)) as texts:
            async for text in texts:
                yield text

    async def stop(self, state: Session) -> None:
        state.stop()

    async def undo(self, state: Session, shown: str, draft: str) -> Changes:
        return self.layout.updates(self._handlers.undo(state, shown, draft))

    async def chats(
        self, event: gr.EventData, state: Session, shown: str, request: gr.Request
    ) -> Changes:
        """Another chat is opened in the sidebar, or the open one is renamed."""
        self._meet(state, request)
        data = _data(event)
        if "name" in data:
            return self.layout.updates(self._handlers.rename(state, shown, data))
        return self.layout.updates(await self._handlers.open(state, data))

    async def meter(self, state: Session, draft: str, *values: Any) -> Changes:
        return self.layout.updates(await self._views.meter(state, draft, Form(*values)))

    async def next_prompt(self, state: Session, draft: str, *values: Any) -> Changes:
        return self.layout.updates(await self._views.next_prompt(state, draft, Form(*values)))

    async def earlier_prompt(self, event: gr.EventData, state: Session) -> Changes:
        number = _data(event).get("n")
        return self.layout.updates(await self._views.earlier_prompt(state, number))

    async def engine(self) -> Changes:
        """The state of the model: its badge, whether to ask again, the longest reply, its card, and
        what it cannot do, greyed with the reason."""
        state, engine = self._starter.state, None
        if state == "ready":
            engine = await self._starter.engine()
        info = engine.info if engine else None
        most = self._limits.longest(int(LIMITS["max_new_tokens"][1]))
        if info is not None and info.context_length is not None:
            most = min(most, info.context_length - PROMPT_ROOM)
        badge = render_badge(self._starter.name, state, info, str(self._starter.progress))
        timer = gr.Timer(active=state == "loading")
        return {
            self.layout.badge: badge,
            self.layout.timer: timer,
            self.layout.about: render_about(info),
            **self.layout.longest_reply(most),
            **self.layout.without(info.missing if info else {}),
        }

    def _meet(self, state: Session, request: gr.Request) -> None:
        # At every event: after a restart of the server, or from a program that sends events of
        # its own, any may be the first.
        state.visitor = visitor_of(request)
        self._open[request.session_hash or ""] = state
        self._drop_copies(request.session_hash or "")

    def _drop_copies(self, session_hash: str) -> None:
        """Gradio 6.31 keeps a copy of every component that an event has left as it is, each under
        a new number, and so 24 kB more for every message: drop those the page does not have."""
        held = self._page.app.state_holder[session_hash]
        blocks = held.blocks_config.blocks
        for number in blocks.keys() - self._page.blocks.keys():
            del blocks[number]
            held.config_values.pop(number, None)
