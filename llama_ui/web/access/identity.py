"""Who may call the programs' routes, and which visitor a request comes from."""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from llama_ui.web.access.limits import Visitor

COOKIE = "llama_ui_visitor"
_SECRET = secrets.token_bytes(32)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(frozen=True)
class Access:
    """The rule for routes that stand beside Gradio, which are not behind its log-in.

    Args:
        key: whoever shows it may call; None for no such key.
        is_private: whether the page is for this machine alone: no link, no log-in, no Space, no
            proxy. Then, without a key, programs on this machine may call.
    """

    key: str | None
    is_private: bool

    def allows(self, request: HTTPConnection) -> bool:
        """Whether the request may go on."""
        if self.key is not None:
            return _shows(request, self.key)
        return self.is_private and _is_from_here(request)


def _shows(request: HTTPConnection, key: str) -> bool:
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(shown.strip().encode(), key.encode())
    return same and kind.lower() == "bearer"


def _is_from_here(request: HTTPConnection) -> bool:
    """A web page elsewhere can make a browser here send requests: its Origin gives it away, and
    the Host does if it points its own name to this machine."""
    origin = request.headers.get("origin")
    return (
        request.client is not None
        and is_loopback(request.client.host)
        and is_loopback(_host(f"//{request.headers.get('host', '')}"))
        and (origin is None or is_loopback(_host(origin)))
        and not any(name in request.headers for name in _FORWARDED)
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def new_cookie() -> str:
    """A name for a visitor that nobody else can make up or guess."""
    name = secrets.token_urlsafe(16)
    return f"{name}.{_signature(name)}"


def visitor_of(cookies: Mapping[str, str], user: str | None, address: str) -> Visitor:
    """Who asks: the log-in, else the signed cookie, else only an address.

    Args:
        cookies: of the request; anything may be in them.
        user: the log-in, if there is one.
        address: where the request comes from.
    """
    name, _, signature = cookies.get(COOKIE, "").partition(".")
    if user:
        return Visitor(f"user:{user}", address)
    if name and hmac.compare_digest(signature.encode(), _signature(name).encode()):
        return Visitor(f"cookie:{name}", address)
    return Visitor(f"address:{address}", address)


def _signature(name: str) -> str:
    return hmac.new(_SECRET, name.encode(), hashlib.sha256).hexdigest()


def visitor_of_request(request: HTTPConnection) -> Visitor:
    """Who sends a request of the page."""
    address = request.client.host if request.client else ""
    return visitor_of(request.cookies, request.scope.get("user_name"), address)


def visitor_of_page(request: Any) -> Visitor:
    """Who sends an event of the page.

    Args:
        request: Gradio's own, which knows the log-in.
    """
    address = request.client.host if request.client else ""
    return visitor_of(request.cookies, request.username, address)
