"""Serve the page: build it, launch it, say where it is, and stop cleanly."""

import contextlib
import io
import logging
import secrets
import sys
from urllib.parse import urlsplit

from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.settings import Settings
from llama_ui.web.api.functions import Api
from llama_ui.web.api.metrics import Metrics
from llama_ui.web.beside import beside_the_page, make_gate
from llama_ui.web.page.layout import build_page
from llama_ui.web.page.routes import PageRoutes
from llama_ui.web.page.theme import ASSETS, STYLES, build_theme
from llama_ui.web.page.updates import FramePacer

# So many replies does an engine run at once that was not told how many, at most.
_MOST_SLOTS = 32
# Events that may be on their way beside the replies, each for an instant: other chats are opened,
# messages are refused. Not many more: Gradio looks through all that it may run every millisecond.
_BESIDE = 16
# A smaller line would turn away events that only happen to come at the same moment.
_LEAST_LINE = 32

log = logging.getLogger(__name__)


def serve(
    starter: EngineStarter,
    settings: Settings,
    open_browser: bool,
    metrics: Metrics,
    space_host: str | None = None,
) -> int:
    """Serve the page until Ctrl+C; returns the exit code of the program.

    Args:
        space_host: the name of the Hugging Face Space that it runs in, if it does.
    """
    in_space = space_host is not None
    gate, hosts = make_gate(settings, in_space), {space_host} if space_host else set()
    sampling = Sampling(max_new_tokens=gate.limits.longest(settings.first_reply_tokens))
    pacer, defaults = FramePacer(), ChatOptions(settings.system_prompt, sampling)
    page = build_page(defaults, Api(starter, sampling, pacer, gate))
    own_routes = PageRoutes(starter, gate, pacer, defaults).routes()
    places = (settings.slots or _MOST_SLOTS) + settings.max_waiting
    # Nobody waits in Gradio's own line, which tells nobody anything: whoever has a place here or in
    # the engine's line gets two threads (see Writing). It takes as many in one burst, and turns the
    # others away at the door, for a fifth of what it costs to refuse them inside. By default it
    # also tells everybody in it of every event that begins.
    page.queue(max_size=max(2 * places, _LEAST_LINE), status_update_rate=60)
    auth, is_made_up = settings.auth_pair, False
    if auth is None and settings.share and not settings.no_auth:
        # The link leads here past every firewall.
        auth, is_made_up = ("llama", secrets.token_urlsafe(9)), True
    try:
        # Of a link that cannot be opened Gradio speaks at length; it is said below.
        hush = contextlib.redirect_stdout(io.StringIO())
        with hush if settings.share else contextlib.nullcontext():
            _, local_url, share_url = page.launch(
                # Gradio takes an address of IPv6 in brackets only.
                server_name=f"[{settings.host}]" if ":" in settings.host else settings.host,
                server_port=settings.port,
                share=settings.share,
                auth=auth,
                app_kwargs=beside_the_page(
                    own_routes, starter, settings, sampling, gate, metrics, in_space, hosts
                ),
                inbrowser=open_browser,
                favicon_path=ASSETS / "logo.svg",
                theme=build_theme(),
                css_paths=STYLES,
                max_threads=2 * places + _BESIDE,
                # About 0.1 MB each, and Gradio never forgets one by itself. Whoever comes back to a
                # page that was forgotten brings the chat along.
                state_session_capacity=1_000,
                # The page takes no files; Gradio's upload route would.
                max_file_size=1,
                footer_links=["api", "settings"],
                run_history=False,
                enable_monitoring=False,
                ssr_mode=False,
                quiet=True,
                prevent_thread_lock=True,
            )
    except OSError:
        where = f"Port {settings.port}" if settings.port else "Every port from 7860 on"
        print(
            f"app.py: {where} of {settings.host} is in use or not allowed. "
            "Choose another one with --port.",
            file=sys.stderr,
        )
        return 1
    print(f"Llama UI is open at {local_url}", flush=True)
    if share_url:
        hosts.add(urlsplit(share_url).netloc)
        print(f"Public link: {share_url}", flush=True)
    elif settings.share:
        print(
            "The public link could not be opened: this network does not let it out, or Gradio's "
            "service does not answer; the page is open on this machine all the same.",
            flush=True,
        )
    if auth is not None and is_made_up:
        print(f"Log in as {auth[0]} with the password {auth[1]}", flush=True)
    if settings.is_public and auth is None:
        print("Anyone who can reach it can use it: --auth USER:PASSWORD asks for a log-in.")
    # It ends at Ctrl+C; whoever presses that again is in a hurry.
    with contextlib.suppress(KeyboardInterrupt):
        page.block_thread()
    starter.close()
    return 0
