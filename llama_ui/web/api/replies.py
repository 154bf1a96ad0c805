"""Replies as OpenAI's protocol writes them: whole, or as server-sent events.

Reference: https://platform.openai.com/docs/api-reference/chat/object and
https://platform.openai.com/docs/api-reference/completions/object; `reasoning_content` as in vLLM.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request

from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, FinishReason, Reply, Stats, Token
from llama_ui.errors import ChatError, incident
from llama_ui.tools.actions import spoken
from llama_ui.web.api.tool_calls import Functions

log = logging.getLogger(__name__)

Event = dict[str, Any]
_UNKNOWN_LOGPROB = -9999.0


@dataclass(eq=False)
class Answer:
    """What all kinds of replies have.

    Args:
        engine: writes it.
        shown_top: how many alternatives to a token are shown; None shows no probabilities.
    """

    prefix: ClassVar[str]
    whole_kind: ClassVar[str]
    event_kind: ClassVar[str]

    engine: Engine
    shown_top: int | None
    functions: Functions | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def head(self, kind: str) -> Event:
        """What stands at the beginning of every object."""
        model = self.engine.info.name
        return {
            "id": f"{self.prefix}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": model,
        }

    async def whole(self, reply: Reply) -> Event:
        """The reply as one object."""
        last = Chunk()
        async for chunk in reply:
            last = last.followed_by(chunk)
        choice = {"index": 0, **self.choice(last)}
        return {**self.head(self.whole_kind), "choices": [choice], "usage": usage_of(last.stats)}

    async def events(self, reply: Reply, wants_usage: bool) -> AsyncIterator[Event]:
        """The reply as it is written."""
        async for choice in self.choices(reply):
            choices = [{"index": 0, "finish_reason": None, **choice}]
            yield {**self.head(self.event_kind), "choices": choices}
        if wants_usage:
            usage = usage_of(self.stats)
            yield {**self.head(self.event_kind), "choices": [], "usage": usage}

    stats: Stats | None = None

    def choice(self, last: Chunk) -> Event:
        """A whole reply."""
        raise NotImplementedError

    def choices(self, reply: Reply) -> AsyncIterator[Event]:
        """The reply piece by piece."""
        raise NotImplementedError


class ChatAnswer(Answer):
    """A reply of /v1/chat/completions; with functions it may be a call."""

    prefix, whole_kind, event_kind = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def choice(self, last: Chunk) -> Event:
        message, reason = self._message(last.text, last.finish_reason)
        thought = {"reasoning_content": last.reasoning} if last.reasoning else {}
        return {
            "message": {"role": "assistant", **message, **thought},
            "finish_reason": reason,
            "logprobs": self._logprobs(last.tokens),
        }

    async def choices(self, reply: Reply) -> AsyncIterator[Event]:
        yield self._delta({"role": "assistant", "content": ""})
        text, shown, last = "", "", Chunk()
        async for chunk in reply:
            last, text = chunk, text + chunk.text
            if chunk.reasoning:
                yield self._delta({"reasoning_content": chunk.reasoning})
            if self.functions is None:
                if chunk.text or chunk.tokens:
                    yield self._delta({"content": chunk.text}, chunk.tokens)
            elif (said := spoken(text)).startswith(shown) and said != shown:
                yield self._delta({"content": said[len(shown) :]})
                shown = said
        message, reason = self._message(text, last.finish_reason)
        rest = (message["content"] or "").removeprefix(shown) if self.functions else ""
        if rest:
            yield self._delta({"content": rest})
        for place, call in enumerate(message.get("tool_calls", ())):
            yield self._delta({"tool_calls": [{"index": place, **call}]})
        self.stats = last.stats
        yield {**self._delta({}), "finish_reason": reason}

    def _message(self, text: str, ending: FinishReason | None) -> tuple[Event, str]:
        """A whole reply as a message without its role, and why it ended."""
        reason = reason_of(ending)
        if self.functions is None:
            return {"content": text}, reason
        said = self.functions.read(text, ending == "stop")
        if said.calls:
            return {"content": None, "tool_calls": [*said.calls]}, "tool_calls"
        return {"content": said.content}, reason

    def _delta(self, delta: Event, tokens: Sequence[Token] = ()) -> Event:
        shown = {} if self.shown_top is None else {"logprobs": self._logprobs(tokens)}
        return {"delta": delta, **shown}

    def _logprobs(self, tokens: Sequence[Token]) -> Event | None:
        if self.shown_top is None:
            return None
        return {"content": [self._token(token, self.shown_top) for token in tokens]}

    def _token(self, token: Token, shown: int) -> Event:
        best = [self._piece(other, logprob) for other, logprob in token.top[:shown]]
        # A server may not know it: OpenAI's number for what is not among the likeliest.
        own = _UNKNOWN_LOGPROB if token.logprob is None else token.logprob
        return {**self._piece(token.id, own), "top_logprobs": best}

    def _piece(self, token: int, logprob: float) -> Event:
        [text] = self.engine.pieces([token])
        return {"token": text, "logprob": logprob, "bytes": [*text.encode()]}


class TextAnswer(Answer):
    """A reply of /v1/completions."""

    prefix, whole_kind, event_kind = "cmpl", "text_completion", "text_completion"

    def choice(self, last: Chunk) -> Event:
        return {
            "text": last.text,
            "finish_reason": reason_of(last.finish_reason),
            "logprobs": self._logprobs(last.tokens, 0),
        }

    async def choices(self, reply: Reply) -> AsyncIterator[Event]:
        offset = 0
        async for chunk in reply:
            self.stats = chunk.stats
            reason = chunk.finish_reason and reason_of(chunk.finish_reason)
            if chunk.text or chunk.tokens or reason:
                logprobs = self._logprobs(chunk.tokens, offset)
                yield {"text": chunk.text, "finish_reason": reason, "logprobs": logprobs}
            offset += len("".join(self.engine.pieces([token.id for token in chunk.tokens])))

    def _logprobs(self, tokens: Sequence[Token], offset: int) -> Event | None:
        """Lists, one item a token; offsets count the characters of the tokens before."""
        if self.shown_top is None:
            return None
        pieces = self.engine.pieces([token.id for token in tokens])
        offsets = []
        for piece in pieces:
            offsets.append(offset)
            offset += len(piece)
        top = []
        for token in tokens:
            best = token.top[: self.shown_top]
            names = self.engine.pieces([other for other, _ in best])
            top.append({n: logprob for n, (_, logprob) in zip(names, best, strict=True)})
        return {
            "tokens": pieces,
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": top,
            "text_offset": offsets,
        }


async def event_lines(answer: Answer, reply: Reply, wants_usage: bool) -> AsyncIterator[str]:
    """The reply as server-sent events. When the client leaves, the reply is cancelled."""
    try:
        async for event in answer.events(reply, wants_usage):
            yield _event_line(event)
        yield "data: [DONE]\n\n"
    except ChatError as fault:
        yield _event_line(_fault(fault))
    except Exception as error:
        what = "Something went wrong on the server"
        yield _event_line(_fault(incident(log, error, what, "Try again.")))
    finally:
        reply.cancel()


@contextmanager
def cancelled_when_left(request: Request, reply: Reply) -> Iterator[None]:
    """Cancel the reply if the client leaves before it is whole."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        reply.cancel()

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        reply.cancel()


def reason_of(reason: FinishReason | None) -> str:
    """Stopped from here is only what has run into the limit of time."""
    return "stop" if reason == "stop" else "length"


def usage_of(stats: Stats | None) -> dict[str, Any] | None:
    """The token counts of a reply."""
    if stats is None:
        return None
    return {
        "prompt_tokens": stats.prompt_tokens,
        "completion_tokens": stats.reply_tokens,
        "total_tokens": stats.prompt_tokens + stats.reply_tokens,
        "prompt_tokens_details": {"cached_tokens": stats.reused_tokens},
    }


def _fault(fault: ChatError) -> Event:
    error = {"message": str(fault), "type": "server_error", "param": None, "code": None}
    return {"error": error}


def _event_line(content: Any) -> str:
    return f"data: {json.dumps(content)}\n\n"
