"""The layout: one screen, declared from top to bottom, and what is wired to what."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import wraps
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from llama_ui.engine.starter import EngineStarter
from llama_ui.options import ChatOptions
from llama_ui.sampling import LIMITS
from llama_ui.web.api import Api
from llama_ui.web.assets import ASSETS, script
from llama_ui.web.captions import render_about, render_badge
from llama_ui.web.controls import build_controls
from llama_ui.web.exchange import markdown_of, read_chats, rename_chat
from llama_ui.web.form import Form
from llama_ui.web.frame import Frame, Frames
from llama_ui.web.handlers import Handlers
from llama_ui.web.icons import icon
from llama_ui.web.pacing import FramePacer
from llama_ui.web.session import Session
from llama_ui.web.transcript import render_empty
from llama_ui.web.views import Views

_POLL_S = 0.5
PROMPT_ROOM = 64  # tokens that the longest reply leaves for a prompt

_KEYS = (
    '<button type="button" class="options-button" aria-controls="options">'
    f"{icon('sliders')}Advanced options</button>"
)
_OPTIONS_HEAD = (
    "<h2>Options of this chat</h2>"
    f'<button type="button" class="options-button" aria-label="Close">{icon("close")}</button>'
)


def build_page(starter: EngineStarter, defaults: ChatOptions) -> gr.Blocks:
    """The chat page.

    Args:
        starter: holds the engine, which may still be loading.
        defaults: the options of a new chat.
    """
    logo = (ASSETS / "logo.svg").read_text(encoding="utf-8")
    pacer = FramePacer()
    handlers = Handlers(starter, logo, pacer, defaults)
    views = Views(starter)
    open_pages: WeakValueDictionary[str, Session] = WeakValueDictionary()
    # The engine's line is the only queue; Gradio's own would add a second one.
    private: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": None,
        "trigger_mode": "multiple",
    }
    page = gr.Blocks(title="Llama UI", fill_height=True, fill_width=True)
    with page:
        session = gr.State(Session())
        key = gr.Textbox(visible="hidden", elem_id="key")
        with gr.Row(elem_id="frame"):
            chats = gr.HTML(
                elem_id="sidebar",
                html_template='<nav aria-label="Chats"></nav>',
                js_on_load=script("dom.js", "store.js", "transfer.js", "sidebar.js", "chats.js"),
                apply_default_css=False,
                server_functions=[read_chats, rename_chat, markdown_of],
            )
            with gr.Column(elem_id="main"):
                with gr.Row(elem_id="header"):
                    gr.HTML(_brand(logo), elem_id="brand", js_on_load=None)
                    badge = gr.HTML(elem_id="badge", js_on_load=None)
                with gr.Column(elem_id="chat"):
                    transcript = gr.HTML(
                        render_empty(logo),
                        elem_id="transcript",
                        js_on_load=script("transcript.js"),
                    )
                    running = gr.HTML("", elem_id="running", js_on_load=None)
                with gr.Column(elem_id="footer"):
                    notice = gr.HTML("", elem_id="notice", js_on_load=None)
                    with gr.Row(elem_id="composer"):
                        message = gr.Textbox(
                            elem_id="message",
                            label="Message",
                            show_label=False,
                            placeholder="Type a message…",
                            lines=1,
                            max_lines=8,
                            container=False,
                            autofocus=True,
                        )
                        send = gr.Button("Send", variant="primary", elem_id="send")
                        stop = gr.Button("Stop", variant="stop", elem_id="stop", visible=False)
                    with gr.Row(elem_id="below"):
                        with gr.Row(elem_id="actions", visible=False) as actions:
                            undo = gr.Button("Undo", size="sm", elem_id="undo")
                            copy_all = gr.Button("Copy all", size="sm", elem_id="copy-all")
                            clear = gr.Button("Clear", size="sm", elem_id="clear")
                        show_prompt = gr.Button("Exact prompt", size="sm", elem_id="show-prompt")
                        gr.HTML(_KEYS, elem_id="keys", js_on_load=None)
                    meter = gr.HTML("", elem_id="meter", js_on_load=None)
                    about = gr.HTML("", elem_id="about", js_on_load=None)
            with gr.Column(elem_id="options"):
                gr.HTML(_OPTIONS_HEAD, js_on_load=None)
                controls, comparison = build_controls(defaults, private)
        prompt = gr.HTML("", elem_id="inspector", js_on_load=script("inspector.js"))

        def updates(frame: Frame) -> dict[Any, Any]:
            """A frame as what changes in which component."""
            texts = {
                transcript: frame.transcript,
                running: frame.running,
                message: frame.message,
                notice: frame.notice,
                chats: frame.chats,
                key: frame.key,
                meter: frame.meter,
                prompt: frame.prompt,
            }
            changed: dict[Any, Any] = {c: text for c, text in texts.items() if text is not None}
            if frame.form is not None:
                changed.update(zip(controls, frame.form.values(), strict=True))
            if frame.busy is not None:
                changed[send] = gr.Button(visible=not frame.busy)
                changed[stop] = gr.Button(visible=frame.busy)
                changed[actions] = gr.Row(visible=bool(frame.has_messages) and not frame.busy)
            # An empty dictionary would be taken for a value.
            return changed or gr.skip()

        async def on_open(state: Session, request: gr.Request) -> dict[Any, Any]:
            open_pages[request.session_hash or ""] = state
            return {session: state, **updates(handlers.opened(state))}

        async def on_close(request: gr.Request) -> None:
            state = open_pages.pop(request.session_hash or "", None)
            if state is not None:
                handlers.leave(state)

        def streaming(handler: Callable[..., Frames]) -> Callable[..., Any]:
            """Makes an event handler, which Gradio wants as an async generator, of one that gives
            frames. When Gradio closes it, because the page is gone, they are closed at once."""

            @wraps(handler)
            async def stream(*arguments: Any) -> AsyncGenerator[dict[Any, Any], None]:
                async with aclosing(handler(*arguments)) as frames:
                    async for frame in frames:
                        yield updates(frame)

            return stream

        @streaming
        def on_send(state: Session, shown: str, text: str, *values: Any) -> Frames:
            return handlers.send(state, shown, text, Form(*values))

        @streaming
        def on_act(event: gr.EventData, state: Session, shown: str, *values: Any) -> Frames:
            return handlers.act(state, shown, event._data or {}, Form(*values))

        @streaming
        def on_compare(
            state: Session, shown: str, text: str, what: Any, value: Any, *values: Any
        ) -> Frames:
            return handlers.compare(state, shown, text, what, value, Form(*values))

        # Coroutines run on the event loop, where everything else that changes a session runs.
        async def on_stop(state: Session) -> None:
            state.stop()

        async def on_undo(state: Session, shown: str, draft: str) -> dict[Any, Any]:
            return updates(handlers.undo(state, shown, draft))

        async def on_chats(
            event: gr.EventData, state: Session, shown: str, request: gr.Request
        ) -> dict[Any, Any]:
            # After a restart of the server this may be the first it hears of an open page.
            open_pages[request.session_hash or ""] = state
            data = event._data or {}
            if "name" in data:
                return updates(handlers.rename(state, shown, data))
            return updates(await handlers.open(state, data))

        async def on_meter(state: Session, draft: str, *values: Any) -> dict[Any, Any]:
            return updates(await views.meter(state, draft, Form(*values)))

        async def on_prompt(state: Session, draft: str, *values: Any) -> dict[Any, Any]:
            return updates(await views.next_prompt(state, draft, Form(*values)))

        async def on_earlier(event: gr.EventData, state: Session) -> dict[Any, Any]:
            return updates(await views.earlier_prompt(state, (event._data or {}).get("n")))

        async def on_badge() -> Any:
            state = starter.state
            engine = await starter.engine() if state == "ready" else None
            info = engine.info if engine else None
            most = LIMITS["max_new_tokens"][1]
            if info is not None and info.context_length is not None:
                most = min(most, info.context_length - PROMPT_ROOM)
            badge_html = render_badge(starter.name, state, info, str(starter.progress))
            timer_on = gr.Timer(active=state == "loading")
            return badge_html, timer_on, gr.Slider(maximum=most), render_about(info)

        view = [transcript, running, message, notice, send, stop, actions, chats, key]
        draft = [session, message, *controls]
        sent = [session, key, message, *controls]
        gr.on([message.submit, send.click], on_send, sent, view, **private).then(
            on_meter, draft, meter, queue=False, **private
        )
        transcript.click(on_act, [session, key, *controls], view, **private).then(
            on_meter, draft, meter, queue=False, **private
        )
        compare, difference, value = comparison
        both = [session, key, message, difference, value, *controls]
        compare.click(on_compare, both, view, **private).then(
            on_meter, draft, meter, queue=False, **private
        )
        transcript.select(on_earlier, [session], [prompt, notice], queue=False, **private)
        show_prompt.click(on_prompt, draft, [prompt, notice], queue=False, **private)
        stop.click(on_stop, [session], queue=False, **private)
        undo.click(on_undo, [session, key, message], view, queue=False, **private)
        # Through the queue: what it changes must come after the last frame of the reply it stops.
        chats.click(on_chats, [session, key], [*view, *controls], **private)
        # Of the keys typed while one is being counted, only the last matters.
        latest = {**private, "trigger_mode": "always_last"}
        changes = [message.change, key.change, undo.click, *(c.change for c in controls)]  # type: ignore[attr-defined]
        gr.on(changes, on_meter, draft, meter, queue=False, **latest)
        copy_all.click(None, None, None, js="() => document.dispatchEvent(new Event('copy-all'))")
        clear.click(None, None, None, js="() => document.dispatchEvent(new Event('clear-chat'))")
        timer = gr.Timer(_POLL_S)
        shown_badge = [badge, timer, controls[5], about]
        gr.on([page.load, timer.tick], on_badge, None, shown_badge, queue=False, **private).then(
            on_meter, draft, meter, queue=False, **private
        )

        page.load(on_open, session, [session, chats, key], queue=False, **private)
        page.unload(on_close)

        api = Api(starter, defaults.sampling, pacer)
        public: dict[str, Any] = {"concurrency_limit": None}
        gr.api(api.chat, api_name="chat", **public)  # type: ignore[attr-defined]
        gr.api(api.prompt, api_name="prompt", **public)  # type: ignore[attr-defined]
    return page


def _brand(logo: str) -> str:
    return (
        '<button type="button" class="fold" aria-label="Show or hide the chats" title="Chats">'
        f'{icon("panel")}</button><h1 class="brand">{logo}<span>Llama UI</span></h1>'
    )
