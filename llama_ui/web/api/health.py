"""Routes for those who watch over the server: /health, /ready and /metrics.

Health and readiness tell nothing and are for anybody; the door asks for the key to the metrics.
"""

import asyncio
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.reply import Chunk
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import BusyError, ChatError

_PROOF_HOLDS_S = 10.0
_PROOF_LIMIT_S = 30.0
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counts what becomes of replies; `observe` is called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._replies = Counter(
            "llama_ui_replies", "Replies by how they ended", ["ending"], registry=self.registry
        )
        self._tokens = Counter(
            "llama_ui_tokens", "Tokens by kind", ["kind"], registry=self.registry
        )
        self._first = Histogram(
            "llama_ui_first_token_seconds",
            "From the request to the first token",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._whole = Histogram(
            "llama_ui_reply_seconds",
            "From the request to the last token",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def observe(self, end: Chunk | Exception) -> None:
        """Count one reply: its last chunk, its fault, or its refusal."""
        if isinstance(end, Exception):
            self._replies.labels("refused" if isinstance(end, BusyError) else "error").inc()
            return
        self._replies.labels(end.finish_reason).inc()
        stats = end.stats
        if stats is None or not stats.reply_tokens:
            return
        self._tokens.labels("prompt").inc(stats.prompt_tokens)
        self._tokens.labels("reused").inc(stats.reused_tokens)
        self._tokens.labels("reply").inc(stats.reply_tokens)
        self._first.observe(stats.first_token_s)
        writing = (stats.reply_tokens - 1) / stats.tokens_per_s if stats.tokens_per_s else 0.0
        self._whole.observe(stats.first_token_s + writing)


class Load:
    """How busy the engine is at the moment it is asked."""

    def __init__(self, starter: EngineStarter) -> None:
        self._starter = starter

    def collect(self) -> Iterable[Metric]:
        is_ready = self._starter.state == "ready"
        yield GaugeMetricFamily("llama_ui_loaded", "Whether the model is loaded", int(is_ready))
        if not is_ready:
            return
        load = self._starter.present().load
        yield GaugeMetricFamily("llama_ui_running", "Replies being written", load.running)
        yield GaugeMetricFamily("llama_ui_waiting", "Requests in the line", load.waiting)
        yield GaugeMetricFamily(
            "llama_ui_tokens_per_second", "Over the last seconds", load.tokens_per_s
        )
        if load.slots is not None:
            yield GaugeMetricFamily("llama_ui_slots", "Replies that can run at once", load.slots)


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
        engine, sampling = self._starter.present(), Sampling(temperature=0, max_new_tokens=1)
        plan = await asyncio.to_thread(engine.plan, [{"role": "user", "content": "Hi"}], sampling)
        reply = engine.submit(plan, sampling)
        try:
            async for _ in reply:
                pass
        finally:
            reply.cancel()

    async def _publish(self, request: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)
