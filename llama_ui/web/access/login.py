"""Slow down those who guess passwords. Plain ASGI middleware around Gradio's /login."""

import math
import time
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llama_ui.web.access.limits import Bucket, Buckets, in_words, network

# Wrong passwords that are free, and the seconds until as many are free again.
ATTEMPTS, PERIOD_S = 6, 120
# From everywhere together: many addresses are cheap to have.
ALL_ATTEMPTS = 60


class LoginThrottle:
    """Refuses log-ins from where too many have failed; a right password costs nothing.

    Args:
        app: what it stands in front of.
        clock: seconds that only go forward.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._here: Buckets[str] = Buckets(ATTEMPTS, PERIOD_S)
        self._all = Bucket(ALL_ATTEMPTS, PERIOD_S, clock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_login = scope["type"] == "http" and scope["path"].rstrip("/").endswith("/login")
        if not is_login or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        now = self._clock()
        buckets = (self._here.of(network(client[0] if client else ""), now), self._all)
        wait = max(bucket.wait_s(1, now) for bucket in buckets)
        if wait > 0:
            said = f"Too many attempts to log in. Try again in {in_words(wait)}."
            answer = JSONResponse({"detail": said}, 429, {"Retry-After": str(math.ceil(wait))})
            await answer(scope, receive, send)
            return
        # Before the password is looked at: of many guesses at the same time each must count.
        for bucket in buckets:
            bucket.take(1)

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                for bucket in buckets:
                    bucket.take(-1)
            await send(message)

        await self._app(scope, receive, heard)
