"""Advanced options: the controls, in the order of the fields of Form."""

import json
from typing import Any

import gradio as gr

from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import LIMITS
from llama_ui.tools.agent import KEEP_LAST, REMINDER
from llama_ui.tools.builtin import TOOLS, tool_name
from llama_ui.web.page.assets import script
from llama_ui.web.page.compare import DIFFERENCES
from llama_ui.web.page.form import Form
from llama_ui.web.page.presets import SAMPLINGS, SYSTEM_PROMPTS

Controls = list[gr.components.Component]

_TOLD = "(text) => { document.dispatchEvent(new CustomEvent('system-prompt', {detail: text})); }"

_OFFERED = " and ".join(f"“{tool_name(tool)}”" for tool in TOOLS)
_BEGIN_TOOLS = f"""(on, keep, reminder) => {{
  const [k, words] = [{json.dumps(str(KEEP_LAST))}, {json.dumps(REMINDER)}];
  if (on) return [keep || k, reminder || words];
  return [keep === k ? "" : keep, reminder === words ? "" : reminder];
}}"""


def build_controls(
    defaults: ChatOptions, private: dict[str, Any]
) -> tuple[Controls, tuple[gr.Button, gr.Dropdown, gr.Textbox]]:
    """Lay the controls out and wire those that need no server.

    Args:
        defaults: what they show in a new chat.
        private: how events are declared that only the page uses.

    Returns:
        The controls of Form, and the button, the difference and its value of a comparison.
    """
    form = Form.of(defaults)
    gr.HTML(
        elem_id="presets",
        html_template='<div class="presets"></div>',
        js_on_load=script("dom.js", "presets.js"),
        apply_default_css=False,
        value=[{"name": name, "text": text} for name, text in SYSTEM_PROMPTS.items()],
    )
    system = gr.Textbox(
        label="System prompt",
        info="Who the model should be and how it should answer. Empty: none is sent.",
        placeholder="You are a pirate. Answer in one sentence.",
        value=form.system,
        lines=3,
        max_lines=8,
        elem_id="system",
    )
    reminder = gr.Textbox(
        label="Reminder",
        info="Repeated at the end of each of your messages, for models that forget.",
        placeholder="Answer in one sentence.",
        lines=1,
        max_lines=4,
        elem_id="reminder",
    )
    with gr.Row(elem_id="samplings"):
        named = [gr.Button(name, size="sm", min_width=0) for name in SAMPLINGS]
    temperature = _slider(
        "temperature", 0.05, form, "0 always takes the likeliest word; above 1 runs wild."
    )
    top_p = _slider("top_p", 0.05, form, "Choose among the likeliest words that add up to this.")
    top_k = _slider("top_k", 1, form, "Choose among at most this many words.")
    penalty = _slider(
        "repetition_penalty", 0.05, form, "Above 1, words already used become less likely."
    )
    max_new_tokens = _slider(
        "max_new_tokens", 1, form, "The longest reply; this room is kept free for it."
    )
    with gr.Row():
        seed = _number_box("seed", "Seed", "The same seed, the same reply.", "random")
        keep_last = _number_box("keep_last", "Remember", "The last N exchanges.", "all that fit")
    stop = gr.Textbox(
        label="Stop words",
        info="The reply ends before any of them. One a line.",
        lines=1,
        max_lines=4,
        elem_id="stop_words",
    )
    probabilities = gr.Checkbox(
        label="Word probabilities",
        info="Keeps what else each word could have been: the ? under a reply shows it.",
        value=form.probabilities,
        elem_id="probabilities",
    )
    tools = gr.Checkbox(
        label="Tools",
        info=f"Lets the model use {_OFFERED}, each step shown under its answer.",
        value=form.tools,
        elem_id="tools",
    )
    reset = gr.Button("Reset all options", size="sm", elem_id="reset")
    with gr.Accordion("Compare two replies", open=False, elem_id="compare"):
        difference = gr.Dropdown(
            [*DIFFERENCES],
            value=DIFFERENCES[0],
            allow_custom_value=True,  # checked by us
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
    controls: Controls = [
        system,
        temperature,
        top_p,
        top_k,
        penalty,
        max_new_tokens,
        seed,
        keep_last,
        reminder,
        stop,
        probabilities,
        tools,
    ]
    # What the model needs with tools is put where nothing else stands, and shown.
    begun = [keep_last, reminder]
    tools.input(None, [tools, *begun], begun, js=_BEGIN_TOOLS, **private)
    for button, name in zip(named, SAMPLINGS, strict=True):
        outputs = [temperature, top_p, top_k, penalty]
        button.click(None, None, outputs, js=_returns([*SAMPLINGS[name]]), **private)
    # Also when another chat is opened, which a script could not see.
    system.change(None, system, None, js=_TOLD, **private)
    reset.click(None, None, controls, js=_returns(form.values()), **private)
    return controls, (compare, difference, value)


def _returns(values: list[Any]) -> str:
    """A script that sets controls to these values, without asking the server."""
    return f"() => {json.dumps(values)}"


# Not a number component: Gradio shows an empty one as 0, and sends that.
def _number_box(elem_id: str, label: str, info: str, placeholder: str) -> gr.Textbox:
    return gr.Textbox(
        label=label,
        info=info,
        placeholder=placeholder,
        max_lines=1,
        elem_id=elem_id,
        min_width=120,
    )


def _slider(name: str, step: float, form: Form, info: str) -> gr.Slider:
    low, high = LIMITS[name]
    slider = gr.Slider(
        low,
        high,
        value=getattr(form, name),
        step=step,
        label=name.replace("_", "-" if name.startswith("top") else " ").capitalize(),
        info=info,
        elem_id=name,
    )
    # Form checks the value and says in a sentence what is wrong; Gradio would answer a number
    # typed outside the range with a fault that nobody sees. (A subclass would have Gradio write
    # a .pyi file beside this one.)
    slider.preprocess = lambda payload: payload  # type: ignore[method-assign]
    return slider
