"""Colours, type and corners of the page, and where its styles and scripts are."""

import gradio as gr

from llama_ui.settings import ASSETS

SCRIPTS = ASSETS / "js"
FONTS = ASSETS / "fonts"
_STYLES = ("style", "sidebar", "markdown", "inspect", "models", "attachments")
STYLES = [ASSETS / "css" / f"{name}.css" for name in _STYLES]

TEXT_FONTS = ("Inter", "ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "sans-serif")
MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
VIOLET = gr.themes.Color(
    name="llama-violet",
    c50="#f4f2fd",
    c100="#ece8fb",
    c200="#d8d1f7",
    c300="#bfb4f1",
    c400="#a599f5",
    c500="#8577ea",
    c600="#6d5ae0",
    c700="#5b48c9",
    c800="#4a3aa5",
    c900="#3c3084",
    c950="#251d57",
)


def build_theme() -> gr.themes.Base:
    """A calm theme; nothing is fetched from elsewhere."""
    return gr.themes.Base(
        primary_hue=VIOLET,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=TEXT_FONTS,
        font_mono=MONO_FONTS,
    ).set(
        body_background_fill="#faf9fc",
        body_background_fill_dark="#15141b",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_info_text_color="#645f74",
        block_info_text_color_dark="#a5a1b5",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="*primary_100",
        button_secondary_background_fill_hover_dark="#322c58",
        button_secondary_border_color="#d9d4e6",
        button_secondary_border_color_dark="#3d3a4b",
        button_border_width="1px",
        input_background_fill="white",
        input_background_fill_dark="#1f1e28",
        input_border_color="#d9d4e6",
        input_border_color_dark="#3d3a4b",
        slider_color="*primary_600",
        slider_color_dark="*primary_500",
    )
