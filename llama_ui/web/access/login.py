"""The log-in: its page, its sessions, and what slows down those who guess."""

import hmac
import html
import math
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from llama_ui.web.access.addresses import network
from llama_ui.web.access.identity import caller_of, sign, signed_name
from llama_ui.web.access.limits import Buckets, in_words

# Wrong passwords that are free, and the seconds until as many are free again.
ATTEMPTS, PERIOD_S = 6, 120
_LASTS_S = 7 * 86_400
_MOST_OPEN = 10_000
_WRONG = "The name or the password is wrong."
_STALE = "This page was open for too long, or the browser keeps no cookies. Try again."


class Login:
    """Who is logged in.

    Args:
        user: the name that opens the page.
        password: and its password.
        clock: seconds that only go forward.
    """

    def __init__(
        self, user: str, password: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.user = user
        self._right = _plain(user), _plain(password)
        self._clock = clock
        self._tries: Buckets[str] = Buckets(ATTEMPTS, PERIOD_S)
        # Random names of open log-ins, and when each ends; the oldest first.
        self._open: OrderedDict[str, float] = OrderedDict()

    def routes(self) -> list[Route]:
        """What to serve beside the page."""
        return [
            Route("/login", self._page, methods=["GET"]),
            Route("/login", self._enter, methods=["POST"]),
            Route("/logout", self._leave, methods=["POST"]),
        ]

    def user_of(self, cookies: Mapping[str, str], scope: Scope) -> str | None:
        """Who has logged in with these cookies, and not out again."""
        name = signed_name(cookies.get(_cookie(scope), ""))
        return self.user if name and self._open.get(name, 0) > self._clock() else None

    async def _page(self, request: Request) -> Response:
        return self._form(request)

    async def _enter(self, request: Request) -> Response:
        caller, now = caller_of(request), self._clock()
        # By network only: what all share, a few who guess would use up for everybody.
        bucket = self._tries.of(network(caller.visitor.address), now)
        wait = bucket.wait_s(1, now)
        if wait > 0:
            said = f"Too many attempts to log in. Try again in {in_words(wait)}."
            return self._refuse(request, said, 429, {"Retry-After": str(math.ceil(wait))})
        # Before the password is looked at: of many guesses at the same time each must count.
        bucket.take(1)
        form = _fields(await request.body())
        user, password, token = (form.get(k, [""])[0] for k in ("username", "password", "token"))
        is_form = _wants_page(request) or caller.is_browser
        if is_form and signed_name(token) != self._purpose(request):
            bucket.take(-1)
            return self._refuse(request, _STALE, 403)
        # Both are compared, whatever the first says, in a time that tells nothing.
        same_user = hmac.compare_digest(_plain(user.strip()), self._right[0])
        if not hmac.compare_digest(_plain(password), self._right[1]) or not same_user:
            return self._refuse(request, _WRONG, 401)
        bucket.take(-1)
        answer: Response = JSONResponse({"success": True})
        if _wants_page(request):
            answer = RedirectResponse("./", 303)
        name = secrets.token_urlsafe(24)
        self._open[name] = now + _LASTS_S
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        cookie = f"{_cookie(request.scope)}={sign(name)}; Max-Age={_LASTS_S}; {caller.cookie_rules}"
        answer.headers.append("Set-Cookie", cookie)
        return answer

    async def _leave(self, request: Request) -> Response:
        """End this visitor's own log-in, here and in the browser."""
        cookie = _cookie(request.scope)
        self._open.pop(signed_name(request.cookies.get(cookie, "")) or "", None)
        answer: Response = JSONResponse({"success": True})
        if _wants_page(request):
            answer = RedirectResponse("login", 303)
        rules = caller_of(request).cookie_rules
        answer.headers.append("Set-Cookie", f"{cookie}=; Max-Age=0; {rules}")
        return answer

    def _purpose(self, request: Request) -> str:
        """What the token in the form stands for: this visitor's log-in and nothing else."""
        who = caller_of(request).visitor.name
        return "login-" + hmac.new(b"login", who.encode(), "sha256").hexdigest()

    def _refuse(
        self, request: Request, said: str, status: int, headers: dict[str, str] | None = None
    ) -> Response:
        if _wants_page(request):
            return self._form(request, said, status, headers)
        return JSONResponse({"detail": said}, status, headers)

    def _form(
        self,
        request: Request,
        said: str = "",
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        token = sign(self._purpose(request))
        notice = f'<p role="alert">{html.escape(said)}</p>' if said else ""
        # With no-referrer the browser would not say where the form comes from.
        headers = {**(headers or {}), "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
        return HTMLResponse(_PAGE.format(notice=notice, token=token), status, headers)


def _cookie(scope: Scope) -> str:
    """Several applications on one machine share its cookies; each has a port of its own."""
    server = scope.get("server") or ("", 0)
    return f"llama_ui_login_{server[1]}"


def _fields(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=8)
    except ValueError:
        return {}


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _plain(text: str) -> bytes:
    """One spelling: an accent may be typed in two ways."""
    return unicodedata.normalize("NFC", text).encode(errors="replace")


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Log in to Llama UI</title>
<style>
@font-face {{ font-family: Inter; font-weight: 100 900; src: url("fonts/inter.woff2"); }}
:root {{ color-scheme: light dark; --back: #faf9fc; --card: #fff; --text: #23202e; --line: #8d86a3;
  --accent: #6d5ae0; --on-accent: #fff; --wrong: #b91c1c; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --back: #15141b; --card: #1f1e28; --text: #ecebf2; --line: #6f6a80;
    --accent: #a599f5; --on-accent: #15141b; --wrong: #fca5a5; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  background: var(--back); color: var(--text); font: 16px/1.5 Inter, system-ui, sans-serif; }}
main {{ width: 100%; max-width: 360px; }}
form {{ padding: 24px; border-radius: 12px;
  background: var(--card); border: 1px solid var(--line); }}
h1 {{ margin: 0 0 16px; font-size: 22px; }}
label {{ display: block; margin-top: 12px; }}
input, button {{ width: 100%; min-height: 44px; margin-top: 4px; padding: 8px 12px; font: inherit;
  border-radius: 8px; border: 1px solid var(--line); color: inherit; background: var(--back); }}
button {{ margin-top: 20px; border: 0; background: var(--accent); color: var(--on-accent);
  font-weight: 600; cursor: pointer; }}
:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 2px; }}
p {{ margin: 0; color: var(--wrong); }}
</style>
</head>
<body>
<main>
<form method="post" action="login">
<h1>Log in to Llama UI</h1>
{notice}
<label for="username">Name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<input type="hidden" name="token" value="{token}">
<button type="submit">Log in</button>
</form>
</main>
</body>
</html>
"""
