"""The layout: one screen, declared from top to bottom, and what is wired to what."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import wraps
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr

from llama_ui.engine.starter import EngineStarter
from llama_ui.sampling import LIMITS, Sampling
from llama_ui.settings import ROOT
from llama_ui.web.api import Api
from llama_ui.web.handlers import Frame, Frames, Handlers, Options
from llama_ui.web.pacing import FramePacer
from llama_ui.web.session import Session
from llama_ui.web.transcript import render_badge, render_empty

ASSETS = ROOT / "assets"
_POLL_S = 0.5
PROMPT_ROOM = 64  # tokens that the longest reply leaves for a prompt

_KEYS = "<kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · <kbd>Esc</kbd> stops"
# A click on something that carries data-example goes to the server as its number.
_ON_LOAD = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-example]');
    if (button) trigger('click', {example: Number(button.dataset.example)});
});
"""


def build_page(starter: EngineStarter, defaults: Sampling, system_prompt: str = "") -> gr.Blocks:
    """The chat page.

    Args:
        starter: holds the engine, which may still be loading.
        defaults: the sampling options that the page opens with.
        system_prompt: the one that it opens with.
    """
    logo = (ASSETS / "logo.svg").read_text(encoding="utf-8")
    pacer = FramePacer()
    handlers = Handlers(starter, logo, pacer)
    open_pages: WeakValueDictionary[str, Session] = WeakValueDictionary()
    page = gr.Blocks(title="Llama UI", fill_height=True, fill_width=True)
    with page:
        session = gr.State(Session())
        with gr.Row(elem_id="header"):
            gr.HTML(f'<h1 class="brand">{logo}<span>Llama UI</span></h1>', js_on_load=None)
            badge = gr.HTML(elem_id="badge", js_on_load=None)
        with gr.Column(elem_id="chat"):
            transcript = gr.HTML(render_empty(logo), elem_id="transcript", js_on_load=_ON_LOAD)
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
                    retry = gr.Button("Retry", size="sm", elem_id="retry")
                    undo = gr.Button("Undo", size="sm", elem_id="undo")
                    clear = gr.Button("Clear", size="sm", elem_id="clear")
                gr.HTML(_KEYS, elem_id="keys", js_on_load=None)
            with gr.Accordion("Advanced options", open=False, elem_id="options"):
                options = _options(defaults, system_prompt)

        view = [transcript, running, message, notice, send, stop, actions]

        async def on_open(state: Session, request: gr.Request) -> Session:
            open_pages[request.session_hash or ""] = state
            return state

        async def on_close(request: gr.Request) -> None:
            state = open_pages.pop(request.session_hash or "", None)
            if state is not None:
                handlers.leave(state)

        @_streaming
        def on_send(state: Session, text: str, *values: Any) -> Frames:
            return handlers.send(state, text, Options(*values))

        @_streaming
        def on_example(event: gr.EventData, state: Session, *values: Any) -> Frames:
            index = getattr(event, "example", None)
            return handlers.send_example(state, index, Options(*values))

        @_streaming
        def on_retry(state: Session, *values: Any) -> Frames:
            return handlers.retry(state, Options(*values))

        # Coroutines run on the event loop, where everything else that changes a session runs.
        async def on_stop(state: Session) -> None:
            state.stop()

        async def on_undo(state: Session, draft: str) -> list[Any]:
            return _updates(handlers.undo(state, draft))

        async def on_clear(state: Session) -> list[Any]:
            return _updates(handlers.clear(state))

        async def on_badge() -> Any:
            state = starter.state
            engine = await starter.engine() if state == "ready" else None
            info = engine.info if engine else None
            most = LIMITS["max_new_tokens"][1]
            if info is not None:
                most = min(most, info.context_length - PROMPT_ROOM)
            badge_html = render_badge(starter.name, state, info)
            return badge_html, gr.Timer(active=state == "loading"), gr.Slider(maximum=most)

        # The engine's line is the only queue; Gradio's own would add a second one.
        private: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "concurrency_limit": None,
        }
        gr.on([message.submit, send.click], on_send, [session, message, *options], view, **private)
        transcript.click(on_example, [session, *options], view, **private)
        retry.click(on_retry, [session, *options], view, **private)
        stop.click(on_stop, [session], queue=False, **private)
        undo.click(on_undo, [session, message], view, queue=False, **private)
        clear.click(on_clear, [session], view, queue=False, **private)
        timer = gr.Timer(_POLL_S)
        gr.on(
            [page.load, timer.tick],
            on_badge,
            None,
            [badge, timer, options[5]],
            queue=False,
            **private,
        )

        page.load(on_open, session, session, queue=False, **private)
        page.unload(on_close)

        api = Api(starter, defaults, pacer)
        public: dict[str, Any] = {"concurrency_limit": None}
        gr.api(api.chat, api_name="chat", **public)  # type: ignore[attr-defined]
        gr.api(api.prompt, api_name="prompt", **public)  # type: ignore[attr-defined]
    return page


def _options(defaults: Sampling, system_prompt: str) -> list[gr.components.Component]:
    """The controls of Advanced options, in the order of the fields of Options."""
    system = gr.Textbox(
        label="System prompt",
        info="Who the model should be and how it should answer. Empty: none is sent.",
        placeholder="You are a pirate. Answer in one sentence.",
        value=system_prompt,
        lines=3,
        max_lines=8,
        elem_id="system",
    )
    with gr.Row():
        temperature = _slider(
            "temperature", 0.05, defaults, "0 always takes the likeliest word; above 1 runs wild."
        )
        top_p = _slider(
            "top_p", 0.05, defaults, "Choose among the likeliest words that add up to this."
        )
    with gr.Row():
        top_k = _slider("top_k", 1, defaults, "Choose among at most this many words.")
        penalty = _slider(
            "repetition_penalty", 0.05, defaults, "Above 1, words already used become less likely."
        )
    with gr.Row():
        max_new_tokens = _slider(
            "max_new_tokens", 1, defaults, "The longest reply; this room is kept free for it."
        )
        # Not a number box: Gradio shows an empty one as 0, and sends that.
        seed = gr.Textbox(
            label="Seed",
            info="The same seed and options give the same reply. Empty: a new one each time.",
            placeholder="random",
            value="",
            max_lines=1,
            elem_id="seed",
        )
    return [system, temperature, top_p, top_k, penalty, max_new_tokens, seed]


def _slider(name: str, step: float, defaults: Sampling, info: str) -> gr.Slider:
    low, high = LIMITS[name]
    return gr.Slider(
        low,
        high,
        value=getattr(defaults, name),
        step=step,
        label=name.replace("_", "-" if name.startswith("top") else " ").capitalize(),
        info=info,
        elem_id=name,
    )


def _streaming(handler: Callable[..., Frames]) -> Callable[..., AsyncGenerator[list[Any], None]]:
    """Makes an event handler, which Gradio wants as an async generator, of one that gives frames.

    When Gradio closes it, because the page is gone, the frames are closed at once.
    """

    @wraps(handler)
    async def stream(*arguments: Any) -> AsyncGenerator[list[Any], None]:
        async with aclosing(handler(*arguments)) as frames:
            async for frame in frames:
                yield _updates(frame)

    return stream


def _updates(frame: Frame) -> list[Any]:
    """A frame as the updates of: transcript, running, message, notice, send, stop, actions."""
    texts = [
        gr.skip() if text is None else text
        for text in (frame.transcript, frame.running, frame.message, frame.notice)
    ]
    if frame.busy is None:
        return [*texts, gr.skip(), gr.skip(), gr.skip()]
    return [
        *texts,
        gr.Button(visible=not frame.busy),
        gr.Button(visible=frame.busy),
        gr.Row(visible=bool(frame.has_exchanges) and not frame.busy),
    ]
