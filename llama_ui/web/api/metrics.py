"""Numbers for Prometheus: what became of replies, and how busy the engine is."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric

from llama_ui.engine.reply import Chunk
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import BusyError

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
        load = self._starter.wait().load
        yield GaugeMetricFamily("llama_ui_running", "Replies being written", load.running)
        yield GaugeMetricFamily("llama_ui_waiting", "Requests in the line", load.waiting)
        yield GaugeMetricFamily(
            "llama_ui_tokens_per_second", "Over the last seconds", load.tokens_per_s
        )
        if load.slots is not None:
            yield GaugeMetricFamily("llama_ui_slots", "Replies that can run at once", load.slots)
