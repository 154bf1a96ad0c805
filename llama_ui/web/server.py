"""Serve the page: build it, launch it, say where it is, and stop cleanly."""

import logging
import sys

from llama_ui.engine.starter import EngineStarter
from llama_ui.options import ChatOptions
from llama_ui.sampling import Sampling
from llama_ui.settings import Settings
from llama_ui.web.assets import ASSETS, script
from llama_ui.web.page import build_page
from llama_ui.web.theme import build_theme

_STYLES = ("style", "sidebar", "presets", "markdown", "inspect")

log = logging.getLogger(__name__)


def serve(starter: EngineStarter, settings: Settings, open_browser: bool) -> int:
    """Serve the page until Ctrl+C; returns the exit code of the program."""
    sampling = Sampling(max_new_tokens=settings.first_reply_tokens)
    page = build_page(starter, ChatOptions(settings.system_prompt, sampling))
    try:
        _, local_url, share_url = page.launch(
            server_name=settings.host,
            server_port=settings.port,
            share=settings.share,
            auth=settings.auth_pair,
            inbrowser=open_browser,
            favicon_path=ASSETS / "logo.svg",
            theme=build_theme(),
            css_paths=[ASSETS / f"{name}.css" for name in _STYLES],
            js=f"() => {{{script('page.js')}}}",
            # The page takes no files; Gradio's upload route would.
            max_file_size=1,
            footer_links=["api", "settings"],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        print(f"app.py: The page cannot be served: {error}", file=sys.stderr)
        return 1
    print(f"Llama UI is open at {local_url}", flush=True)
    if share_url:
        print(f"Public link: {share_url}", flush=True)
    if settings.is_public and settings.auth is None:
        print("Anyone who can reach it can use it: --auth USER:PASSWORD asks for a log-in.")
    page.block_thread()
    starter.close()
    return 0
