"""Routes for those who watch over the server: /health, /ready and /metrics.

Health and readiness tell nothing and are for anybody; the door asks for the key to the metrics.
"""

import asyncio
import time

from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import BusyError, ChatError
from llama_ui.web.api.metrics import Load, Metrics

_PROOF_HOLDS_S = 10.0
_PROOF_LIMIT_S = 30.0


class Health:
    """The routes.

    Args:
        starter: holds the engine.
        metrics: what to publish.
    """

    def __init__(self, starter: EngineStarter, metrics: Metrics) -> None:
        self._starter = starter
        self._metrics = metrics
        self._proof = asyncio.Lock()
        self._proven_at = float("-inf")
        metrics.registry.register(Load(starter))

    def routes(self) -> list[Route]:
        """What to serve beside the page."""
        return [
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/metrics", self._publish),
        ]

    async def _health(self, request: Request) -> Response:
        """The process is alive."""
        return JSONResponse({"status": "alive"})

    async def _ready(self, request: Request) -> Response:
        """The model is loaded and has just generated a token; asked often, it does so rarely."""
        if self._starter.state != "ready":
            return JSONResponse({"status": self._starter.state}, 503)
        async with self._proof:
            if time.monotonic() - self._proven_at > _PROOF_HOLDS_S:
                try:
                    await asyncio.wait_for(self._prove(), _PROOF_LIMIT_S)
                except BusyError:
                    return JSONResponse({"status": "busy"}, 503)
                except (ChatError, asyncio.TimeoutError):
                    return JSONResponse({"status": "no token"}, 503)
                self._proven_at = time.monotonic()
        return JSONResponse({"status": "ready"})

    async def _prove(self) -> None:
        engine, sampling = self._starter.wait(), Sampling(temperature=0, max_new_tokens=1)
        plan = await asyncio.to_thread(engine.plan, [{"role": "user", "content": "Hi"}], sampling)
        reply = engine.submit(plan, sampling)
        try:
            async for _ in reply:
                pass
        finally:
            reply.cancel()

    async def _publish(self, request: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)
