"""The layout: a shell that the scripts of the page fill, and the options beside it.

The chat is drawn and sent by assets/js, which calls routes.py; Gradio holds the options. Its
components send nothing to the server: what they hold is read, and written, by `window.llamaUI`.
"""

from typing import Any

import gradio as gr

from llama_ui.chat.options import OPTIONS, ChatOptions, form_of
from llama_ui.chat.table import Option
from llama_ui.settings import ASSETS
from llama_ui.web.api.functions import Api
from llama_ui.web.page.controls import build_controls
from llama_ui.web.page.presets import EXAMPLES, SAMPLINGS, SYSTEM_PROMPTS

# Imported here and not in a <head>: it must run once this component is on the page.
_START = """
import(new URL('scripts/app.js', document.baseURI)).then(({start}) => start(element, {
    defaults: props.value,
    readOptions: () => trigger('click'),
    writeOptions: () => trigger('select'),
}));
"""


def build_page(defaults: ChatOptions, api: Api) -> gr.Blocks:
    """The page.

    Args:
        defaults: the options of a new chat.
        api: what programs may call through Gradio.
    """
    logo = (ASSETS / "logo.svg").read_text(encoding="utf-8")
    first = {
        "options": form_of(defaults),
        "rows": [_row(o) for o in OPTIONS],
        "presets": [{"name": name, "text": text} for name, text in SYSTEM_PROMPTS.items()],
        "examples": EXAMPLES,
        "samplings": SAMPLINGS,
    }
    page: gr.Blocks
    with gr.Blocks(title="Llama UI", fill_height=True, fill_width=True) as page:
        with gr.Row(elem_id="frame"):
            shell = gr.HTML(
                first,
                elem_id="shell",
                html_template=_shell(logo),
                js_on_load=_START,
                apply_default_css=False,
            )
            with gr.Column(elem_id="options"):
                controls = build_controls(defaults)
        # Each asks anew: by default an event that comes while one is under way is dropped.
        on_the_page: dict[str, Any] = {
            "queue": False,
            "api_visibility": "private",
            "trigger_mode": "multiple",
        }
        everything = [*controls.values()]
        names = [*controls]
        read = f"(...values) => window.llamaUI.hearOptions({names}, values)"
        shell.click(None, everything, None, js=read, **on_the_page)
        write = f"() => window.llamaUI.giveOptions({names})"
        shell.select(None, None, everything, js=write, **on_the_page)
        changes: list[Any] = [control.change for control in everything]  # type: ignore[attr-defined]
        gr.on(
            changes,
            None,
            everything,
            None,
            js=f"(...values) => window.llamaUI.seeOptions({names}, values)",
            **on_the_page,
        )
        public: dict[str, Any] = {"concurrency_limit": None}
        gr.api(api.chat, api_name="chat", **public)  # type: ignore[attr-defined]
        gr.api(api.prompt, api_name="prompt", **public)  # type: ignore[attr-defined]
    return page


def _row(option: Option) -> dict[str, Any]:
    return {f: getattr(option, f) for f in ("name", "label", "feature", "neutral")}


def _shell(logo: str) -> str:
    return f"""
<div id="sidebar"><nav aria-label="Chats"></nav></div>
<div id="main">
  <header id="header">
    <div id="brand"><button type="button" class="fold" aria-label="Show or hide the chats"
      title="Chats"></button><h1 class="brand">{logo}<span>Llama UI</span></h1></div>
    <div id="badge"></div>
    <div id="corner"></div>
  </header>
  <div id="chat" tabindex="-1"><div id="transcript"></div><div id="running"></div></div>
  <div id="footer">
    <div id="elsewhere"></div>
    <div id="notice"></div>
    <div id="attached"></div>
    <div id="composer">
      <button type="button" id="attach" aria-label="Attach files"
        title="Attach files: text, code, tables, PDF, .docx"></button>
      <div id="message"><textarea rows="1" aria-label="Message" placeholder="Type a message…"
        autocomplete="off" disabled></textarea></div>
      <button type="button" id="send" aria-label="Send" title="Send"></button>
      <button type="button" id="stop" aria-label="Stop" title="Stop" hidden></button>
    </div>
    <div id="below">
      <div id="chips"></div>
      <button type="button" id="ring" aria-expanded="false" aria-controls="meter" hidden></button>
      <button type="button" id="show-prompt" aria-label="Exact prompt"
        title="See the exact prompt"><span>Exact prompt</span></button>
      <div id="keys"></div>
      <details id="actions" hidden><summary aria-label="More for this chat"
        title="More for this chat"></summary><div class="menu"><button type="button"
        id="undo">Undo</button><button type="button" id="copy-all">Copy chat</button><button
        type="button" id="clear">Delete chat</button></div></details>
    </div>
    <div id="meter"></div>
    <div id="about"></div>
  </div>
</div>
<div id="options-backdrop"></div>
"""
