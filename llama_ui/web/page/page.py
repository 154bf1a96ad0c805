"""The page: its layout, and what is wired to what."""

from typing import Any

import gradio as gr

from llama_ui.chat.options import ChatOptions
from llama_ui.engine.starter import EngineStarter
from llama_ui.web.access.limits import Gate
from llama_ui.web.api.functions import Api
from llama_ui.web.page.assets import ASSETS
from llama_ui.web.page.events import Events
from llama_ui.web.page.handlers import Handlers
from llama_ui.web.page.layout import PRIVATE, Layout, build_layout
from llama_ui.web.page.pacing import FramePacer
from llama_ui.web.page.session import Session
from llama_ui.web.page.views import Views


def build_page(starter: EngineStarter, defaults: ChatOptions, gate: Gate) -> gr.Blocks:
    """The chat page.

    Args:
        starter: holds the engine, which may still be loading.
        defaults: the options of a new chat.
        gate: how much a visitor may use.
    """
    logo = (ASSETS / "logo.svg").read_text(encoding="utf-8")
    pacer = FramePacer()
    handlers = Handlers(starter, logo, pacer, gate, defaults)
    page = gr.Blocks(title="Llama UI", fill_height=True, fill_width=True)
    with page:
        session = gr.State(Session())
        layout = build_layout(logo, defaults)
        events = Events(page, layout, starter, handlers, Views(starter), gate.limits)
        _wire_chat(session, layout, events)
        _wire_views(page, session, layout, events)
        opened = [session, layout.chats, layout.key]
        page.load(events.opened, session, opened, queue=False, **PRIVATE)
        page.unload(events.closed)
        api = Api(starter, defaults.sampling, pacer, gate)
        public: dict[str, Any] = {"concurrency_limit": None}
        gr.api(api.chat, api_name="chat", **public)  # type: ignore[attr-defined]
        gr.api(api.prompt, api_name="prompt", **public)  # type: ignore[attr-defined]
    return page


def _wire_chat(session: gr.State, layout: Layout, events: Events) -> None:
    """What changes the chat."""
    shown, view = [session, layout.key], layout.view
    compare, difference, value = layout.comparison
    turns = [
        gr.on(
            [layout.message.submit, layout.send.click],
            events.send,
            [*shown, *layout.draft],
            view,
            **PRIVATE,
        ),
        layout.transcript.click(events.act, [*shown, *layout.controls], view, **PRIVATE),
        compare.click(
            events.compare,
            [*shown, layout.message, difference, value, *layout.controls],
            view,
            **PRIVATE,
        ),
    ]
    for turn in turns:
        # A server may have said in the meantime what it does not take.
        turn.then(events.engine, None, layout.engine, queue=False, **PRIVATE).then(
            events.meter, [session, *layout.draft], layout.meter, queue=False, **PRIVATE
        )
    layout.turn.change(events.written, [session], layout.running, **PRIVATE)
    layout.stop.click(events.stop, [session], queue=False, **PRIVATE)
    layout.undo.click(events.undo, [*shown, layout.message], view, queue=False, **PRIVATE)
    # Through the queue: what it changes must come after the last frame of the reply it stops.
    layout.chats.click(events.chats, shown, [*view, *layout.controls], **PRIVATE)
    layout.copy_all.click(None, js=_tell("copy-all"))
    layout.clear.click(None, js=_tell("clear-chat"))


def _wire_views(page: gr.Blocks, session: gr.State, layout: Layout, events: Events) -> None:
    """What is shown of the model and its prompts."""
    draft, shown = [session, *layout.draft], [layout.prompt, layout.notice]
    layout.transcript.select(events.earlier_prompt, [session], shown, queue=False, **PRIVATE)
    layout.show_prompt.click(events.next_prompt, draft, shown, queue=False, **PRIVATE)
    # Of the keys typed while one is being counted, only the last matters.
    latest = {**PRIVATE, "trigger_mode": "always_last"}
    changes = [layout.message.change, layout.key.change, layout.undo.click]
    changes += [control.change for control in layout.controls]  # type: ignore[attr-defined]
    gr.on(changes, events.meter, draft, layout.meter, queue=False, **latest)
    asks = [page.load, layout.timer.tick]
    gr.on(asks, events.engine, None, layout.engine, queue=False, **PRIVATE).then(
        events.meter, draft, layout.meter, queue=False, **PRIVATE
    )


def _tell(event: str) -> str:
    """A script that tells the other scripts of the page."""
    return f"() => document.dispatchEvent(new Event('{event}'))"
