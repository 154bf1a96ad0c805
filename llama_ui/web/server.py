"""Serve the page: build it, launch it, say where it is, and stop cleanly."""

import contextlib
import io
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from gradio.tunneling import CURRENT_TUNNELS
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import LIMITS, Sampling
from llama_ui.engine.models import Models
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import OptionError, complain
from llama_ui.settings import ASSETS, Settings, is_loopback
from llama_ui.web.access.addresses import PRIVATE, Proxies
from llama_ui.web.access.bodies import GradioFunctions
from llama_ui.web.access.connections import Room, limited
from llama_ui.web.access.door import Door
from llama_ui.web.access.identity import Access
from llama_ui.web.access.limits import DEFAULTS, Gate, Place
from llama_ui.web.access.login import Login
from llama_ui.web.api.functions import Api
from llama_ui.web.api.health import Health, Metrics
from llama_ui.web.api.openai import OpenAIApi
from llama_ui.web.page.layout import build_page
from llama_ui.web.page.models import ModelRoutes
from llama_ui.web.page.routes import PageRoutes
from llama_ui.web.page.theme import STYLES, build_theme
from llama_ui.web.page.updates import FramePacer

# Calls of programs through Gradio that may be under way or in its queue at once; each takes a
# thread, and waits in the engine's line.
_CALLS = 96
# For the engine, then for the server: a reply ends within milliseconds, a chunk of a long prompt
# on a CPU may take longer than anybody waits.
_CLOSE_S = 1.2

log = logging.getLogger(__name__)


def serve(
    starter: EngineStarter,
    models: Models | None,
    settings: Settings,
    open_browser: bool,
    metrics: Metrics,
    wait: Callable[[], object],
    space_host: str | None = None,
) -> int:
    """Serve the page; returns the exit code, 0 unless it cannot be opened.

    Args:
        models: to choose from; None where there is no choice.
        wait: returns when the page is to be closed.
        space_host: the name of the Hugging Face Space that it runs in, if it does.
    """
    in_space = space_host is not None
    place: Place = "space" if in_space else "shared" if settings.is_public else "local"
    gate, hosts = _make_gate(settings, place), {space_host} if space_host else set()
    sampling = Sampling(max_new_tokens=gate.limits.longest(settings.first_reply_tokens))
    # On the page, why each word was chosen is a click away; programs ask for it.
    explained = replace(sampling, top_logprobs=int(LIMITS["top_logprobs"][1]))
    pacer, defaults = FramePacer(), ChatOptions(settings.system_prompt, explained)
    page = build_page(defaults, Api(starter, sampling, pacer, gate))
    page.queue(max_size=_CALLS)
    auth, is_made_up = settings.auth_pair, False
    if auth is None and settings.share and not settings.no_auth:
        # The link leads here past every firewall.
        auth, is_made_up = ("llama", secrets.token_urlsafe(9)), True
    login = Login(*auth) if auth else None
    try:
        proxies = Proxies(settings.trusted_proxy or (PRIVATE if in_space else ""))
        door = Door(
            GradioFunctions.of(page.get_config_file()),
            _access(settings, in_space),
            login,
            proxies,
            settings.public_url,
            hosts,
            in_space,
        )
    except OptionError as fault:
        complain(fault)
        return 2
    routes: list[BaseRoute] = [
        *PageRoutes(starter, gate, pacer).routes(),
        *ModelRoutes(models, gate, settings.allow_switch, place == "local").routes(),
        *OpenAIApi(starter, gate, sampling).routes(),
        *Health(starter, metrics).routes(),
    ]
    if login is not None:
        routes += login.routes()
    try:
        # Of a link that cannot be opened Gradio speaks at length; it is said below.
        hush = contextlib.redirect_stdout(io.StringIO())
        with hush if settings.share else contextlib.nullcontext():
            _, local_url, share_url = page.launch(
                # Gradio takes an address of IPv6 in brackets only.
                server_name=f"[{settings.host}]" if ":" in settings.host else settings.host,
                server_port=settings.port,
                share=settings.share,
                root_path=settings.public_url,
                app_kwargs=behind(door, routes),
                inbrowser=open_browser,
                favicon_path=ASSETS / "logo.svg",
                theme=build_theme(),
                css_paths=STYLES,
                max_threads=_CALLS,
                footer_links=[],
                run_history=False,
                enable_monitoring=False,
                ssr_mode=False,
                quiet=True,
                prevent_thread_lock=True,
            )
    except OSError:
        where = f"Port {settings.port}" if settings.port else "Every port from 7860 on"
        complain(
            f"{where} of {settings.host} is in use or not allowed. Choose another one with --port."
        )
        return 1
    door.is_starting = False
    _limit_connections(page, proxies, settings.share)
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
    wait()
    # First the engine, which ends the running replies as stopped; what they then still send to
    # their readers is waited for. Nothing may take long: a supervisor kills what does not end.
    _at_most(_CLOSE_S, starter.close)
    _at_most(_CLOSE_S, partial(page.close, verbose=False))
    for tunnel in CURRENT_TUNNELS:
        tunnel.kill()
    return 0


def _at_most(limit_s: float, act: Callable[[], object]) -> None:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(limit_s)


def _make_gate(settings: Settings, place: Place) -> Gate:
    """The limits of a visitor: by where the page is open, unless the operator has said more."""
    limits = DEFAULTS[place]
    if settings.requests_per_minute is not None:
        limits = replace(limits, requests=settings.requests_per_minute)
    if settings.tokens_per_day is not None:
        limits = replace(limits, tokens=settings.tokens_per_day)
    return Gate(limits)


def _access(settings: Settings, in_space: bool) -> Access:
    told = (settings.share, settings.auth, settings.trusted_proxy, settings.public_url)
    return Access(settings.api_key, is_private=not (in_space or any(told)))


def behind(door: Door, routes: list[BaseRoute]) -> dict[str, Any]:
    """The `app_kwargs` of Gradio's launch: own routes, and the door in front of everything.

    Gradio puts its own middleware in front of what `app_kwargs` names as such: there, another
    site's question is answered before ours is asked. So the door is put up when the server
    starts, around the whole, before it listens.
    """

    @asynccontextmanager
    async def put_up(app: Starlette) -> AsyncIterator[None]:
        assert app.middleware_stack is not None  # this call came through it
        door.app = app.middleware_stack
        app.middleware_stack = door
        yield

    return {"routes": routes, "lifespan": put_up}


def _limit_connections(page: gr.Blocks, proxies: Proxies, is_shared: bool) -> None:
    """Connections from now on have limits; uvicorn asks for their class at each."""

    def stands_for_many(address: str) -> bool:
        # Visitors of a public link come from Gradio's helper on this machine.
        return proxies.trusts(address) or (is_shared and is_loopback(address))

    page.server.config.http_protocol_class = limited(Room(is_shared=stands_for_many))
    # It warns of each request that is no HTTP.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
