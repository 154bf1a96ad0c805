"""What stands beside and in front of the page: routes for programs, limits, browser security."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.settings import Settings
from llama_ui.web.access.headers import Security
from llama_ui.web.access.identity import Access
from llama_ui.web.access.limits import DEFAULTS, Gate
from llama_ui.web.access.login import LoginThrottle
from llama_ui.web.api.chat_completions import OpenAIApi
from llama_ui.web.api.health import Health
from llama_ui.web.api.metrics import Metrics


def make_gate(settings: Settings, in_space: bool) -> Gate:
    """The limits of a visitor: by where the page is open, unless the operator has said more."""
    limits = DEFAULTS["space" if in_space else "shared" if settings.is_public else "local"]
    if settings.requests_per_minute is not None:
        limits = replace(limits, requests=settings.requests_per_minute)
    if settings.tokens_per_day is not None:
        limits = replace(limits, tokens=settings.tokens_per_day)
    return Gate(limits)


def beside_the_page(
    page: Sequence[BaseRoute],
    starter: EngineStarter,
    settings: Settings,
    defaults: Sampling,
    gate: Gate,
    metrics: Metrics,
    in_space: bool,
    hosts: Collection[str],
) -> dict[str, Any]:
    """The `app_kwargs` of Gradio's launch.

    Args:
        page: the routes of the page itself.
        hosts: other names of the page; those of a public link are added once they are known.
    """
    is_private = not (in_space or settings.share or settings.auth or settings.trusted_proxy)
    access = Access(settings.api_key, is_private)
    return {
        "routes": [
            *page,
            *OpenAIApi(starter, access, gate, defaults).routes(),
            *Health(starter, access, metrics).routes(),
        ],
        "middleware": [
            Middleware(Security, in_space=in_space, hosts=hosts),
            Middleware(LoginThrottle),
        ],
    }
