"""What browsers are told and asked, for every route. Plain ASGI middleware."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llama_ui.web.access.identity import COOKIE, new_cookie, visitor_of

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
# Gradio's own routes for files, and for writing what a page holds, the chat too, to the disk.
_FILES = ("/upload", "/upload_progress", "/deep_link")
# An import of chats is the largest thing that a page sends (see exchange.py).
_MAX_BODY = 80_000_000


class Security:
    """Adds headers to every answer, refuses files, endless requests and those that other sites make
    a browser send, and gives each visitor a signed cookie.

    Args:
        app: what it stands in front of.
        in_space: whether the page is shown in a frame of huggingface.co.
        hosts: names that the page has besides the one that a request was sent to, such as that
            of a public link; may grow later.
    """

    def __init__(self, app: ASGIApp, in_space: bool = False, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._in_space = in_space
        self._hosts = hosts
        frames = _SPACE_FRAMES if in_space else "'none'"
        rules = {**_POLICY, "frame-ancestors": frames}
        self._headers = {
            "Content-Security-Policy": "; ".join(f"{k} {v}" for k, v in rules.items()),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer" if not in_space else "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookie = self._cookie(headers, scope)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    answer[name] = value
                if cookie:
                    answer.append("Set-Cookie", cookie)
            await send(message)

        refusal = self._refusal(scope, headers)
        await (refusal or self._app)(scope, _limited(receive), dressed)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        if scope["path"].rstrip("/").endswith(_FILES):
            return JSONResponse({"detail": "This page takes no files."}, 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > _MAX_BODY:
            return JSONResponse({"detail": "This is more than the page takes."}, 413)
        if scope["method"] not in _SAFE_METHODS and not self._is_own(headers):
            return JSONResponse({"detail": "This request comes from another site."}, 403)
        return None

    def _is_own(self, headers: Headers) -> bool:
        """Whether a browser sends this from our page; programs send no Origin."""
        origin = headers.get("origin")
        if origin is None:
            return True
        try:
            host = urlsplit(origin).netloc
        except ValueError:
            return False
        return bool(host) and host in {headers.get("host"), *self._hosts}

    def _cookie(self, headers: Headers, scope: Scope) -> str | None:
        """A cookie for a page that is opened without a valid one."""
        if scope["method"] != "GET" or scope["path"] != "/":
            return None
        cookies = cookie_parser(headers.get("cookie", ""))
        if visitor_of(cookies, None, "").name.startswith("cookie:"):
            return None
        # In a frame of another site only such a cookie is kept.
        where = "SameSite=None; Secure; Partitioned" if self._in_space else "SameSite=Lax"
        return f"{COOKIE}={new_cookie()}; Path=/; HttpOnly; Max-Age=86400; {where}"


def _limited(receive: Receive) -> Receive:
    """A body that does not say how long it is ends, as if the visitor had left, at the limit."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= _MAX_BODY else {"type": "http.disconnect"}

    return limited
