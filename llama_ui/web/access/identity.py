"""Who a request comes from: the signed cookie of a visitor, and the operator's key."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from llama_ui.settings import is_loopback
from llama_ui.web.access.limits import Visitor

COOKIE = "llama_ui_visitor"
_SECRET = secrets.token_bytes(32)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_CALLER = "llama_ui.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """What the door found out about a request.

    Args:
        visitor: who asks.
        is_browser: whether the request has marks that a page elsewhere cannot take off.
        cookie_rules: what a cookie for this visitor must say after its value.
        body: the JSON that was sent, for a route that takes JSON.
        is_operator: whether the page is for this machine alone, and this machine asks.
    """

    visitor: Visitor
    is_browser: bool = False
    cookie_rules: str = "Path=/; HttpOnly; SameSite=Lax"
    body: Any = None
    is_operator: bool = False

    def attach(self, scope: Any) -> None:
        """Leave it at a request for its handler."""
        scope[_CALLER] = self


def caller_of(request: Any) -> Caller:
    """What the door found out about a request, Starlette's or Gradio's."""
    # Gradio's holds Starlette's, as `request`.
    caller = getattr(request, "request", request).scope.get(_CALLER)
    return caller if isinstance(caller, Caller) else Caller(Visitor("address:"))


def visitor_of(request: Any) -> Visitor:
    """Who sends a request, Starlette's or Gradio's."""
    return caller_of(request).visitor


@dataclass(frozen=True)
class Access:
    """The rule for the routes of programs, which need the operator's key.

    Args:
        key: whoever shows it may call; None for no such key.
        is_private: whether the page is for this machine alone: no link, no log-in, no Space, no
            proxy. Then, without a key, programs on this machine may call.
    """

    key: str | None
    is_private: bool

    def refusal(self, request: HTTPConnection) -> str | None:
        """Why the request may not go on; None when it may."""
        if self.key is not None:
            return None if _shows(request, self.key) else "The key is missing or wrong."
        return None if self.is_at_home(request) else _NO_KEY

    def is_at_home(self, request: HTTPConnection) -> bool:
        """Whether the page is for this machine alone, and this machine asks."""
        return self.is_private and _is_from_here(request)


_NO_KEY = (
    "Without a key only programs on this machine may call, and only while the page is open to this "
    "machine alone; whoever runs it can set one with --api-key."
)


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


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def sign(name: str) -> str:
    """A name with a signature: nobody else can make one up."""
    return f"{name}.{hmac.new(_SECRET, name.encode(), hashlib.sha256).hexdigest()}"


def signed_name(value: str) -> str | None:
    """The name of a signed value; None when the signature is not ours."""
    name = value.partition(".")[0]
    same = hmac.compare_digest(value.encode(), sign(name).encode())
    return name if name and same else None


def new_cookie() -> str:
    """A cookie's value for a visitor that nobody else can make up or guess."""
    return sign(secrets.token_urlsafe(16))


def visitor_from(cookies: Mapping[str, str], user: str | None, address: str) -> Visitor:
    """Who asks: the log-in, else the signed cookie, else only an address.

    Args:
        cookies: of the request; anything may be in them.
        user: the log-in, if there is one.
        address: where the request comes from.
    """
    if user:
        return Visitor(f"user:{user}", address)
    name = signed_name(cookies.get(COOKIE, ""))
    return Visitor(f"cookie:{name}" if name else f"address:{address}", address)
