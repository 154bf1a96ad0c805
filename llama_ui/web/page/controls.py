"""Chat options: one control for each row of the table of options, and what needs no server."""

import json
from typing import Any, get_args

import gradio as gr

from llama_ui.chat.options import OPTIONS, ChatOptions, form_of
from llama_ui.chat.table import Option, Section
from llama_ui.tools.agent import KEEP_LAST, REMINDER
from llama_ui.web.page.actions import DIFFERENCES
from llama_ui.web.page.presets import SAMPLINGS

Controls = dict[str, gr.components.Component]

_HEAD = (
    "<h2>Chat options</h2>"
    '<button type="button" class="options-button" aria-label="Close the options"></button>'
)
# What a model needs with tools is put where nothing else stands, and taken away again.
_BEGIN_TOOLS = f"""(on, keep, reminder) => {{
  const [k, words] = [{json.dumps(str(KEEP_LAST))}, {json.dumps(REMINDER)}];
  if (on) return [keep || k, reminder || words];
  return [keep === k ? "" : keep, reminder === words ? "" : reminder];
}}"""


def build_controls(defaults: ChatOptions) -> Controls:
    """Lay the panel out, inside a column.

    Args:
        defaults: what it shows in a new chat.

    Returns:
        The control of each option, by its name.
    """
    values, controls = form_of(defaults), Controls()
    on_the_page: dict[str, Any] = {"queue": False, "api_visibility": "private"}
    gr.HTML(_HEAD, js_on_load=None)
    gr.HTML('<div class="presets"></div>', elem_id="presets", js_on_load=None, padding=False)
    for section in get_args(Section):
        gr.HTML(f"<h3>{section}</h3>", js_on_load=None, padding=False)
        if section == "Creativity":
            with gr.Row(elem_id="samplings"):
                named = [gr.Button(name, size="sm", min_width=0) for name in SAMPLINGS]
        for option in OPTIONS:
            if option.section == section:
                controls[option.name] = _control(option, values[option.name])
    for button, name in zip(named, SAMPLINGS, strict=True):
        outputs = [controls[option] for option in SAMPLINGS[name]]
        button.click(None, None, outputs, js=_returns([*SAMPLINGS[name].values()]), **on_the_page)
    begun = [controls["keep_last"], controls["reminder"]]
    controls["tools"].input(  # type: ignore[attr-defined]
        None, [controls["tools"], *begun], begun, js=_BEGIN_TOOLS, **on_the_page
    )
    reset = gr.Button("Reset all options", size="sm", elem_id="reset")
    reset.click(
        None,
        None,
        [*controls.values()],
        js=_returns([values[name] for name in controls]),
        **on_the_page,
    )
    with gr.Accordion("Compare", open=False, elem_id="compare"):
        difference = gr.Dropdown(
            [*DIFFERENCES],
            value=DIFFERENCES[0],
            label="What differs",
            info="The first reply is as the options above say.",
            elem_id="difference",
        )
        value = gr.Textbox(
            label="In the second reply",
            placeholder="1.2",
            lines=1,
            max_lines=4,
            elem_id="second-value",
        )
        compare = gr.Button("Send the message to both", size="sm", elem_id="send-both")
    send = "(difference, value) => window.llamaUI.compare(difference, value)"
    compare.click(None, [difference, value], None, js=send, **on_the_page)
    return controls


def _returns(values: list[Any]) -> str:
    """A script that sets controls to these values, without asking the server."""
    return f"() => {json.dumps(values)}"


def _control(option: Option, value: Any) -> gr.components.Component:
    common: dict[str, Any] = {
        "label": option.label,
        "info": option.help,
        "value": value,
        "elem_id": f"option-{option.name}",
    }
    if option.kind == "flag" or option.on is not None:
        return gr.Checkbox(**common)
    if option.kind == "choice":
        return gr.Dropdown([(said, name) for name, said in option.choices.items()], **common)
    # An empty number component would show and send 0.
    if option.kind in ("text", "lines") or option.empty:
        return gr.Textbox(
            placeholder=option.placeholder or option.empty,
            lines=3 if option.name == "system" else 1,
            max_lines=1 if option.empty else 8,
            **common,
        )
    return gr.Slider(option.low, option.high, step=option.step, **common)
