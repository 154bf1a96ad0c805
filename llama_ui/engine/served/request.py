"""One reply of a server, from the request to its last event."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import httpx

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.meter import SpeedMeter
from llama_ui.engine.reply import Chunk, FinishReason, Reply, Stats
from llama_ui.engine.served.faults import BROKEN, TimeLimits
from llama_ui.engine.served.protocol import (
    Usage,
    detail_of,
    http_fault,
    parse_event,
    rejected_fields,
    request_body,
)
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.sse import events, first_text
from llama_ui.engine.stopwords import StopWords
from llama_ui.errors import EngineError
from llama_ui.prompt.llama2 import Message

log = logging.getLogger(__name__)

# What follows the end of a reply (its counts) is waited for, but not for long.
_AFTER_END_S = 2.0


@dataclass(eq=False, slots=True)
class Upstream:
    """What all requests to one server share.

    Args:
        server: where it is.
        limits: how long it may take.
        rejected: the fields that it does not know, and what it said; replaced, never changed, as
            others read it from their threads.
        speed: of all replies together.
    """

    server: RemoteServer
    limits: TimeLimits
    rejected: Mapping[str, str] = field(default_factory=dict)
    speed: SpeedMeter = field(default_factory=SpeedMeter)


@dataclass(eq=False, slots=True)
class RemoteRequest:
    """A reply on its way; times in seconds of the monotonic clock."""

    upstream: Upstream
    messages: Sequence[Message]
    sampling: Sampling
    seed: int
    stop: StopWords
    reply: Reply
    started: float = field(default_factory=time.monotonic)
    first: float | None = None
    usage: Usage | None = None

    async def run(self, client: httpx.AsyncClient) -> None:
        """Ask, and hand the reply to its reader; raises what has ended it early."""
        with anyio.fail_after(self.upstream.limits.total):
            while not await self._attempt(client):
                pass

    async def _attempt(self, client: httpx.AsyncClient) -> bool:
        """Ask once; False when a field was rejected that can be left out the next time."""
        server, unknown = self.upstream.server, self.upstream.rejected
        body = request_body(server.model, self.messages, self.sampling, self.seed, unknown)
        url = f"{server.address}/chat/completions"
        async with client.stream("POST", url, json=body) as response:
            if response.status_code == 200:
                await self._read(response)
                return True
            answer = await first_text(response.aiter_raw())
        rejected = rejected_fields(response.status_code, answer, body)
        if not rejected:
            raise http_fault(response.status_code, answer, response.headers.get("retry-after", ""))
        reason = f"The server does not take it: {detail_of(answer)}"
        log.warning("%s: left out from now on: %s", server.place, ", ".join(rejected))
        self.upstream.rejected = {**self.upstream.rejected, **dict.fromkeys(rejected, reason)}
        return False

    async def _read(self, response: httpx.Response) -> None:
        """Pass the reply on until it ends; raises when it breaks off."""
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise EngineError(
                f"The server answers with {kind[:50] or 'something unknown'}, not with a stream.",
                "Whoever runs this page can check --server, which mostly ends in /v1.",
            )
        reason: FinishReason | None = None
        with anyio.CancelScope() as until:
            try:
                async for data in events(response.aiter_raw()):
                    event = parse_event(data)
                    self.usage = event.usage or self.usage
                    if reason is None:
                        self._pass_on(event.text)
                        reason = "stop" if self.stop.found else event.finish_reason
                    if self.stop.found:
                        break
                    if reason is not None and until.deadline == float("inf"):
                        until.deadline = anyio.current_time() + _AFTER_END_S
            except (httpx.HTTPError, ValueError):
                # The reply was whole before what followed it broke.
                if reason is None:
                    raise
        if reason is None:
            raise EngineError("The server broke off in the middle of the reply.", BROKEN)
        self.reply.put(self.last_chunk(reason))

    def _pass_on(self, text: str) -> None:
        if not text:
            return
        self.first = self.first or time.monotonic()
        self.upstream.speed.add(1)
        self.reply.put(Chunk(self.stop.add(text)))

    def last_chunk(self, reason: FinishReason) -> Chunk:
        """The rest of the text, and the statistics if the server has counted."""
        rest, usage, stats = self.stop.finish(), self.usage, None
        if usage is not None and self.first is not None:
            writing = time.monotonic() - self.first
            stats = Stats(
                prompt_tokens=usage.prompt_tokens,
                reused_tokens=usage.reused_tokens,
                reply_tokens=usage.reply_tokens,
                first_token_s=self.first - self.started,
                tokens_per_s=(usage.reply_tokens - 1) / writing if writing > 0 else 0.0,
                seed=None if "seed" in self.upstream.rejected else self.seed,
            )
        return Chunk(rest, finish_reason=reason, stats=stats)
