"""The layout: one screen, declared from top to bottom."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import gradio as gr

from llama_ui.chat.options import ChatOptions
from llama_ui.web.page.assets import script
from llama_ui.web.page.controls import Controls, build_controls
from llama_ui.web.page.exchange import markdown_of, read_chats, rename_chat
from llama_ui.web.page.frame import Frame
from llama_ui.web.render.icons import icon
from llama_ui.web.render.transcript import render_empty

_POLL_S = 0.5

# How events are declared that only the page uses. The engine's line is the only queue; Gradio's
# own would add a second one.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
    "trigger_mode": "multiple",
}

# The controls that an engine may have no use for, and which of its features they need.
_FEATURES = {
    **{name: name for name in ("top_p", "top_k", "repetition_penalty", "seed")},
    "probabilities": "logprobs",
}

_KEYS = (
    '<button type="button" class="options-button" aria-controls="options">'
    f"{icon('sliders')}Advanced options</button>"
)
_OPTIONS_HEAD = (
    "<h2>Options of this chat</h2>"
    f'<button type="button" class="options-button" aria-label="Close">{icon("close")}</button>'
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The components of the page that events read or change.

    Args:
        turn: another text for every turn that begins.
        controls: those of Form, in its order.
        comparison: the button, the difference and its value of a comparison.
    """

    key: gr.Textbox
    turn: gr.Textbox
    chats: gr.HTML
    badge: gr.HTML
    transcript: gr.HTML
    running: gr.HTML
    notice: gr.HTML
    message: gr.Textbox
    send: gr.Button
    stop: gr.Button
    actions: gr.Row
    undo: gr.Button
    copy_all: gr.Button
    clear: gr.Button
    show_prompt: gr.Button
    meter: gr.HTML
    about: gr.HTML
    controls: Controls
    comparison: tuple[gr.Button, gr.Dropdown, gr.Textbox]
    prompt: gr.HTML
    timer: gr.Timer

    @property
    def view(self) -> list[Any]:
        """What a turn may change."""
        return [
            *(self.transcript, self.running, self.message, self.notice),
            *(self.send, self.stop, self.actions, self.chats, self.key, self.turn),
        ]

    @property
    def draft(self) -> list[Any]:
        """What the next message depends on, besides the session."""
        return [self.message, *self.controls]

    @property
    def engine(self) -> list[Any]:
        """What depends on the engine."""
        return [self.badge, self.timer, self.about, self.show_prompt, *self.controls]

    def longest_reply(self, most: float) -> dict[Any, Any]:
        """Let replies have up to so many tokens."""
        return {c: gr.Slider(maximum=most) for c in self.controls if c.elem_id == "max_new_tokens"}

    def without(self, missing: Mapping[str, str]) -> dict[Any, Any]:
        """Grey what an engine cannot do.

        Args:
            missing: what, and why (see EngineInfo).
        """
        features = {control: _FEATURES.get(str(control.elem_id), "") for control in self.controls}
        greyed: dict[Any, Any] = {
            control: gr.update(interactive=False, info=missing[feature])
            for control, feature in features.items()
            if feature in missing
        }
        return {**greyed, self.show_prompt: gr.Button(visible="exact_prompt" not in missing)}

    def updates(self, frame: Frame) -> dict[Any, Any]:
        """A frame as what changes in which component."""
        texts = {
            self.transcript: frame.transcript,
            self.running: frame.running,
            self.message: frame.message,
            self.notice: frame.notice,
            self.chats: frame.chats,
            self.key: frame.key,
            self.meter: frame.meter,
            self.prompt: frame.prompt,
        }
        changed: dict[Any, Any] = {c: text for c, text in texts.items() if text is not None}
        if frame.form is not None:
            changed.update(zip(self.controls, frame.form.values(), strict=True))
        if frame.busy:
            changed[self.turn] = token_hex(4)
        if frame.busy is not None:
            changed[self.send] = gr.Button(visible=not frame.busy)
            changed[self.stop] = gr.Button(visible=frame.busy)
            changed[self.actions] = gr.Row(visible=bool(frame.has_messages) and not frame.busy)
        # An empty dictionary would be taken for a value.
        return changed or gr.skip()


def build_layout(logo: str, defaults: ChatOptions) -> Layout:
    """Lay the page out, inside a gr.Blocks.

    Args:
        logo: an SVG.
        defaults: the options of a new chat.
    """
    key = gr.Textbox(visible="hidden", elem_id="key")
    turn = gr.Textbox(visible="hidden", elem_id="turn")
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
            controls, comparison = build_controls(defaults, PRIVATE)
    prompt = gr.HTML("", elem_id="inspector", js_on_load=script("inspector.js"))
    return Layout(
        key=key,
        turn=turn,
        chats=chats,
        badge=badge,
        transcript=transcript,
        running=running,
        notice=notice,
        message=message,
        send=send,
        stop=stop,
        actions=actions,
        undo=undo,
        copy_all=copy_all,
        clear=clear,
        show_prompt=show_prompt,
        meter=meter,
        about=about,
        controls=controls,
        comparison=comparison,
        prompt=prompt,
        timer=gr.Timer(_POLL_S),
    )


def _brand(logo: str) -> str:
    return (
        '<button type="button" class="fold" aria-label="Show or hide the chats" title="Chats">'
        f'{icon("panel")}</button><h1 class="brand">{logo}<span>Llama UI</span></h1>'
    )
