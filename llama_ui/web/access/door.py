"""What every request passes first: closed by default, whatever Gradio would serve.

Plain ASGI, in front of all other middleware, so that a request which is not taken costs nothing
and leaves no trace in the log.
"""

import asyncio
import contextlib
import logging
import secrets
import traceback
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llama_ui.errors import OptionError
from llama_ui.web.access.addresses import Arrival, Place, Proxies, network, parse_origin
from llama_ui.web.access.bodies import (
    SESSION,
    Bodies,
    BodyError,
    GradioFunctions,
    check_brackets,
    check_values,
    parse_json,
)
from llama_ui.web.access.identity import COOKIE, Access, Caller, new_cookie, visitor_from
from llama_ui.web.access.limits import Buckets, Visitor
from llama_ui.web.access.login import Login
from llama_ui.web.access.routes import Row, find

# Gradio's page needs inline scripts and eval: that none of a reply's text is ever run rests on
# escaping it (markdown.py). That nothing is fetched from, or sent to, another site rests on this.
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
_SPACE_FRAMES = "'self' https://huggingface.co https://*.hf.space"
_SAFE_METHODS = {"GET", "HEAD"}
# Gradio would believe these, and send its own rules for other origins. What a trusted proxy says
# stands in the scope by then.
_DROPPED = (
    b"origin",
    b"forwarded",
    b"x-forwarded-",
    b"x-real-ip",
    b"x-gradio-",
    b"transfer-encoding",
)
# Launching asks for it once.
_START = "/gradio_api/startup-events"
_OF_LOGIN = ("/login", "/logout")
# Sessions that one network may begin in an hour, fewer than Gradio keeps; and all that are known.
SESSIONS, _PERIOD_S, _MOST_SESSIONS = 800, 3600, 20_000
# Whoever is refused may finish sending for so long, or would not see the answer.
_LINGER_S = 5

log = logging.getLogger(__name__)


class Door:
    """Lets through what the table of routes allows, and adds headers to every answer.

    Args:
        functions: what may be called through Gradio.
        access: who may call the routes of programs.
        login: who is logged in; None when nobody has to be.
        proxies: whose headers are believed.
        public_url: where visitors find the page, when the requests do not tell.
        hosts: other names of the page, such as that of a public link; may grow later.
        in_space: whether the page is shown in a frame of huggingface.co.

    Attributes:
        app: what it stands in front of.
        is_starting: whether Gradio is still being launched.

    Raises:
        OptionError: the public_url is none.
    """

    def __init__(
        self,
        functions: GradioFunctions,
        access: Access,
        login: Login | None = None,
        proxies: Proxies | None = None,
        public_url: str | None = None,
        hosts: Collection[str] = (),
        in_space: bool = False,
    ) -> None:
        self.app: ASGIApp = JSONResponse({"detail": "Not yet."}, 503)
        self._functions = functions
        self._access = access
        self._login = login
        self._proxies = proxies or Proxies()
        self._home, self._prefix = _home(public_url)
        self._hosts = hosts
        self._in_space = in_space
        self._bodies = Bodies()
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._new_sessions: Buckets[str] = Buckets(SESSIONS, _PERIOD_S)
        self.is_starting = True
        rules = {**_POLICY, "frame-ancestors": _SPACE_FRAMES if in_space else "'none'"}
        self._headers = {
            "Content-Security-Policy": "; ".join(f"{k} {v}" for k, v in rules.items()),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer" if not in_space else "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = _Visit(self, scope, receive, send)
        try:
            await visit.serve()
        except BodyError as fault:
            await visit.refuse(fault.status, fault.reason)
        except ClientDisconnect:
            pass
        except Exception as fault:
            # Not its words, nor what it was called with: they may be a visitor's.
            number, frames = secrets.token_hex(4), traceback.extract_tb(fault.__traceback__)[-4:]
            where = " < ".join(f"{f.filename}:{f.lineno}" for f in reversed(frames))
            log.error("incident %s: %s at %s", number, type(fault).__name__, where)
            await visit.refuse(500, f"Something went wrong on the server (incident {number}).")


class _Visit:
    """One request on its way through the door."""

    def __init__(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        self._door = door
        self._scope = scope
        self._receive_more = receive
        self._has_all = False
        self._send = send
        self._headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else ""
        scheme = scope.get("scheme", "http")
        self._arrival: Arrival = door._proxies.arrival(peer, scheme, self._headers)
        self._method: str = scope["method"]
        path, self._moved = self._without_prefix(scope["path"])
        self._path = path.rstrip("/") or "/"
        if path != self._path and self._method in _SAFE_METHODS:
            self._moved = f"../{self._path.rpartition('/')[2]}"
        self._cookie: str | None = None
        self._has_begun = False

    def _without_prefix(self, path: str) -> tuple[str, str | None]:
        """The path below the page, and where to go when only a slash is missing."""
        for prefix in (self._door._prefix, self._arrival.prefix):
            if prefix and path == prefix:
                return "/", f"{prefix}/"
            if prefix and path.startswith(f"{prefix}/"):
                return path[len(prefix) :], None
        return path, None

    async def _receive(self) -> Message:
        message = await self._receive_more()
        self._has_all = not message.get("more_body", False)
        return message

    async def serve(self) -> None:
        """Hand the request on, or refuse it."""
        door = self._door
        if self._headers.get("host") and self._arrival.place is None:
            return await self.refuse(400, "The Host header is none.")
        if self._method not in _SAFE_METHODS and not self._is_own():
            return await self.refuse(403, "This request comes from another site.")
        if door.is_starting and self._path == _START:
            return await door.app(self._scope, self._receive, self._send)
        rows = find(self._path)
        if not rows or (door._login is None and self._path in _OF_LOGIN):
            return await self.refuse(404, "Not found.")
        row = next((row for row in rows if row.allows(self._method)), None)
        if row is None:
            allowed = ", ".join(method for row in rows for method in row.methods)
            return await self.refuse(405, "This method is not for this route.", {"Allow": allowed})
        if self._moved:
            return await self.answer(RedirectResponse(self._moved, 308))
        visitor = await self._visitor(row)
        if visitor is None:
            return None
        self._check_length(row)
        is_operator = door._access.is_at_home(HTTPConnection(self._scope))
        caller = Caller(visitor, self._is_browser(), self._cookie_rules(), is_operator=is_operator)
        return await self._hand_on(row, caller)

    async def _hand_on(self, row: Row, caller: Caller) -> None:
        scope, receive, query = self._scope, self._receive, ""
        body: bytes | None = None
        if row.query:
            given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20)
            kept = {name: given[name][0] for name in row.query if name in given}
            query = urlencode(kept)
            if row.counts == "session":
                self._bind(kept.get("session_hash", ""), caller.visitor)
        elif row.counts == "session" and row.body == "none":
            self._bind(self._path.rstrip("/").rpartition("/")[2], caller.visitor)
        if row.body != "none":
            near = network(self._arrival.client)
            body = await self._door._bodies.read(receive, row.largest, near)
            check_brackets(body)
        if body is not None and row.body == "event":
            session, body = await self._door._functions.event(self._path, body)
            if session is not None:
                self._bind(session, caller.visitor)
        if body is not None and row.who == "operator":
            # Its handler finds other faults, and says them as OpenAI's clients expect it.
            await check_values(body)
        if body is not None and row.body == "json":
            caller = replace(caller, body=await parse_json(body))
        # In ASGI the path has what stands in front of it.
        path = self._arrival.prefix + self._path
        inner = {
            **scope,
            "path": path,
            "raw_path": path.encode(),
            "root_path": self._arrival.prefix,
            "query_string": query.encode(),
            "client": (self._arrival.client, 0),
            "scheme": self._arrival.scheme,
            "headers": self._kept_headers(row, body),
        }
        caller.attach(inner)
        await self._door.app(inner, _replayed(body or b"", receive), self._dressed)

    async def _visitor(self, row: Row) -> Visitor | None:
        """Who asks; None when the route is not for them, and they have been told so."""
        door, client = self._door, self._arrival.client
        if row.who == "operator":
            said = door._access.refusal(HTTPConnection(self._scope))
            if said:
                await self.refuse(401, said, kind="authentication_error")
                return None
            return visitor_from({}, "api" if door._access.key else None, client)
        cookies = cookie_parser(self._headers.get("cookie", ""))
        user = door._login.user_of(cookies, self._scope) if door._login else None
        if row.who == "visitor" and door._login and user is None:
            if self._method == "GET" and "text/html" in self._headers.get("accept", ""):
                up = "../" * (self._path.count("/") - 1)
                await self.answer(RedirectResponse(f"{up}login", 303))
            else:
                await self.refuse(401, "Log in first.")
            return None
        visitor = visitor_from(cookies, user, client)
        is_page = self._method == "GET" and self._path in ("/", "/login")
        if is_page and visitor_from(cookies, None, client).name.startswith("address:"):
            value = new_cookie()
            self._cookie = f"{COOKIE}={value}; Max-Age=2592000; {self._cookie_rules()}"
            visitor = visitor_from({COOKIE: value}, user, client)
        return visitor

    def _bind(self, session: str, visitor: Visitor) -> None:
        """A session belongs to who began it: its name alone opens nothing.

        Raises:
            BodyError: it belongs to somebody else, or too many have been begun.
        """
        if not SESSION.fullmatch(session):
            raise BodyError(422, "The session_hash is none.")
        owners, door = self._door._owners, self._door
        if session not in owners:
            now = asyncio.get_running_loop().time()
            bucket = door._new_sessions.of(network(visitor.address), now)
            if bucket.wait_s(1, now) > 0:
                raise BodyError(429, "Too many sessions have been begun from here.")
            bucket.take(1)
            owners[session] = visitor.name
            if len(owners) > _MOST_SESSIONS:
                owners.popitem(last=False)
        if owners[session] != visitor.name:
            raise BodyError(404, "Not found.")
        owners.move_to_end(session)

    def _is_own(self) -> bool:
        """Whether a browser sends this from our page; programs send no Origin."""
        text = self._headers.get("origin")
        if text is None:
            return True
        origin = parse_origin(text)
        if origin is None:
            # A form of a page that sends no referrer; no script can set the other header.
            same = self._headers.get("sec-fetch-site") == "same-origin"
            return text == "null" and same
        places = [self._arrival.place, self._door._home]
        places += [parse_origin(f"https://{host}") for host in self._door._hosts]
        return any(place.includes(origin) for place in places if place is not None)

    def _is_browser(self) -> bool:
        return "origin" in self._headers or "sec-fetch-site" in self._headers

    def _cookie_rules(self) -> str:
        home = self._door._home
        is_safe = self._arrival.scheme == "https" or (home is not None and home.scheme == "https")
        path = self._door._prefix or self._arrival.prefix or "/"
        if self._door._in_space:
            # In a frame of another site only such a cookie is kept.
            return f"Path={path}; HttpOnly; SameSite=None; Secure; Partitioned"
        return f"Path={path}; HttpOnly; SameSite=Lax" + ("; Secure" if is_safe else "")

    def _check_length(self, row: Row) -> None:
        length = self._headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > row.largest:
            raise BodyError(413, "This is more than the page takes.")

    def _kept_headers(self, row: Row, body: bytes | None) -> list[tuple[bytes, bytes]]:
        raw = [(k, v) for k, v in self._scope["headers"] if not k.startswith(_DROPPED)]
        kept = MutableHeaders(raw=raw)
        if self._arrival.host:
            kept["host"] = self._arrival.host
        if body is not None:
            kept["content-length"] = str(len(body))
        if row.body == "event":
            kept["content-type"] = "application/json"
        return kept.raw

    async def _dressed(self, message: Message) -> None:
        """Send with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self._has_begun = True
            answer = MutableHeaders(scope=message)
            for name in [n for n in answer if n.lower().startswith("access-control-")]:
                del answer[name]
            for name, value in self._door._headers.items():
                answer.setdefault(name, value)
            if self._cookie:
                answer.append("Set-Cookie", self._cookie)
        await self._send(message)

    async def refuse(
        self,
        status: int,
        said: str,
        headers: dict[str, str] | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        """Answer with a sentence; programs at /v1 find it where OpenAI's clients look."""
        content: dict[str, Any] = {"detail": said}
        if self._path.startswith(("/v1/", "/tokenize", "/detokenize")):
            content["error"] = {"message": said, "type": kind, "param": None, "code": None}
        await self.answer(JSONResponse(content, status, headers))

    async def answer(self, response: Response) -> None:
        """Answer without the application, also to who has not sent all yet."""
        if self._has_begun:
            return
        has_none = self._headers.get("content-length", "0") == "0"
        if self._has_all or (has_none and "transfer-encoding" not in self._headers):
            await response(self._scope, self._receive, self._dressed)
            return
        response.headers["Connection"] = "close"

        async def unfinished(message: Message) -> None:
            more = message["type"] == "http.response.body"
            await self._dressed({**message, "more_body": True} if more else message)

        await response(self._scope, self._receive, unfinished)
        # A connection that is closed while something arrives loses the answer.
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(self._receive), _LINGER_S)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body that has been read already, and after it what else happens."""
    is_new = True

    async def replayed() -> Message:
        nonlocal is_new
        if is_new:
            is_new = False
            return {"type": "http.request", "body": body, "more_body": False}
        while (message := await receive())["type"] != "http.disconnect":
            pass
        return message

    return replayed


def _home(url: str | None) -> tuple[Place | None, str]:
    """Origin and path of the address that visitors use."""
    if url is None:
        return None, ""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    place = parse_origin(f"{parts.scheme}://{parts.netloc}")
    if place is None or parts.query or parts.fragment:
        raise OptionError("--public-url is no address.", "Write it as https://example.org/chat.")
    return place, parts.path.rstrip("/")
