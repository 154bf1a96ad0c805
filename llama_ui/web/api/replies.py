"""A reply as OpenAI's protocol tells of it: whole, or as server-sent events."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, FinishReason, Reply, Stats, Token
from llama_ui.web.api.tool_calls import Functions


@dataclass(eq=False)
class Completion:
    """One reply, as the protocol tells of it."""

    model: str
    engine: Engine
    shown_top: int | None
    functions: Functions | None = None
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def message(self, text: str, last: Chunk) -> tuple[dict[str, Any], str]:
        """A whole reply as a message without its role, and why it ended."""
        reason = reason_of(last.finish_reason)
        if self.functions is None:
            return {"content": text}, reason
        said = self.functions.read(text, last.finish_reason == "stop")
        if said.call is not None:
            return {"content": None, "tool_calls": [said.call]}, "tool_calls"
        return {"content": said.content}, reason

    def rest(self, message: dict[str, Any], shown: str) -> Iterator[dict[str, Any]]:
        """What is left to stream of a message with functions, after `shown`."""
        if self.functions is None:
            return
        if message["content"] is None:
            [call] = message["tool_calls"]
            yield {"tool_calls": [{"index": 0, **call}]}
        elif message["content"].startswith(shown) and message["content"] != shown:
            yield {"content": message["content"][len(shown) :]}

    def event(
        self, delta: dict[str, Any], tokens: tuple[Token, ...] = (), reason: str | None = None
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        if self.shown_top is not None:
            choice["logprobs"] = self.logprobs(tokens)
        return {**self.head("chat.completion.chunk"), "choices": [choice]}

    def logprobs(self, tokens: tuple[Token, ...]) -> dict[str, Any]:
        assert self.shown_top is not None
        return {"content": [self._token(token, self.shown_top) for token in tokens]}

    def _token(self, token: Token, shown: int) -> dict[str, Any]:
        best = [self._piece(other, logprob) for other, logprob in token.top[:shown]]
        return {**self._piece(token.id, token.logprob or 0.0), "top_logprobs": best}

    def _piece(self, token: int, logprob: float) -> dict[str, Any]:
        [text] = self.engine.pieces([token])
        return {"token": text, "logprob": logprob, "bytes": [*text.encode()]}


class EventStream(Response):
    """Server-sent events; the request is cancelled as soon as the client has gone."""

    def __init__(self, events: AsyncIterator[str], reply: Reply) -> None:
        super().__init__(media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._events, self._reply = events, reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when_left, receive, self._reply)
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": self.raw_headers,
                }
            )
            async for event in self._events:
                await send(
                    {"type": "http.response.body", "body": event.encode(), "more_body": True}
                )
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            group.cancel_scope.cancel()


async def _cancel_when_left(receive: Receive, reply: Reply) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reply.cancel()


@contextmanager
def cancelled_when_left(request: Request, reply: Reply) -> Iterator[None]:
    watch = asyncio.create_task(_cancel_when_left(request.receive, reply))
    try:
        yield
    finally:
        watch.cancel()


def reason_of(reason: FinishReason | None) -> str:
    """Stopped from here is only what has run into the limit of time."""
    return "stop" if reason == "stop" else "length"


def usage_of(stats: Stats | None) -> dict[str, Any] | None:
    if stats is None:
        return None
    return {
        "prompt_tokens": stats.prompt_tokens,
        "completion_tokens": stats.reply_tokens,
        "total_tokens": stats.prompt_tokens + stats.reply_tokens,
        "prompt_tokens_details": {"cached_tokens": stats.reused_tokens},
    }


def event_line(content: Any) -> str:
    return f"data: {json.dumps(content)}\n\n"
