"""The API for programs: POST /v1/chat/completions and GET /v1/models, as OpenAI's clients call it.

These routes stand beside Gradio, on the same port; the engine, its line and its limits are those
of the page.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.reply import Chunk, Reply, Token
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import (
    BusyError,
    ChatError,
    ContextWindowError,
    EngineError,
    LimitError,
    incident,
)
from llama_ui.tools.actions import spoken
from llama_ui.web.access.admission import submit_for
from llama_ui.web.access.identity import Access, visitor_of
from llama_ui.web.access.limits import Gate
from llama_ui.web.api.replies import (
    Completion,
    EventStream,
    cancelled_when_left,
    event_line,
    usage_of,
)
from llama_ui.web.api.schema import ChatRequest, FieldError, complaint, error_body

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 8_000_000
_BUSY_RETRY_S = 5
_INVALID = "invalid_request_error"
Handler = Callable[[Request], Awaitable[Response]]


class OpenAIApi:
    """The routes.

    Args:
        starter: holds the engine.
        access: who may call.
        gate: how much.
        defaults: the sampling options that a caller leaves out.
    """

    def __init__(
        self, starter: EngineStarter, access: Access, gate: Gate, defaults: Sampling
    ) -> None:
        self._starter = starter
        self._access = access
        self._gate = gate
        self._defaults = defaults

    def routes(self) -> list[Route]:
        """What to serve beside the page."""
        return [
            Route("/v1/chat/completions", self._told(self._chat), methods=["POST"]),
            Route("/v1/models", self._told(self._models), methods=["GET"]),
        ]

    def _told(self, handler: Handler) -> Handler:
        """Check who calls, and tell of faults in OpenAI's shape."""

        @wraps(handler)
        async def told(request: Request) -> Response:
            if not self._access.allows(request):
                said = "The key is missing or wrong." if self._access.key else _NO_KEY
                return JSONResponse(error_body(said, "authentication_error"), 401)
            try:
                return await handler(request)
            except ChatError as fault:
                return _refusal(fault)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception as error:
                what = "Something went wrong on the server"
                return _refusal(incident(log, error, what, "Try again."))

        return told

    async def _models(self, request: Request) -> Response:
        info = self._engine().info
        model = {"id": info.name, "object": "model", "created": 0, "owned_by": "llama-ui"}
        return JSONResponse(
            {"object": "list", "data": [{**model, "max_model_len": info.context_length}]}
        )

    async def _chat(self, request: Request) -> Response:
        try:
            asked = ChatRequest.model_validate_json(await _body(request))
        except ValidationError as fault:
            said, where = complaint(fault)
            return JSONResponse(error_body(said, _INVALID, where), 400)
        engine = self._engine()
        functions = asked.functions()
        messages, options = asked.dialog(functions)
        sampling = asked.sampling(self._defaults, engine.info.context_length)
        if asked.logprobs and "logprobs" not in engine.info.supports:
            reason = engine.info.missing["logprobs"]
            return JSONResponse(error_body(reason, _INVALID, "logprobs"), 400)
        address = request.client.host if request.client else ""
        visitor = visitor_of({}, "api" if self._access.key else None, address)
        plan = await asyncio.to_thread(engine.plan, messages, sampling, options)
        completion = Completion(
            engine.info.name,
            engine,
            (asked.top_logprobs or 0) if asked.logprobs else None,
            functions,
        )
        reply = submit_for(visitor, self._gate, engine, plan, sampling)
        if asked.stream:
            return EventStream(self._events(reply, completion, asked.wants_usage), reply)
        with cancelled_when_left(request, reply):
            return await self._whole(reply, completion)

    async def _whole(self, reply: Reply, completion: Completion) -> Response:
        text, last = "", Chunk()
        tokens: tuple[Token, ...] = ()
        async for last in reply:
            text, tokens = text + last.text, tokens + last.tokens
        message, reason = completion.message(text, last)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", **message},
            "finish_reason": reason,
            "logprobs": None if completion.shown_top is None else completion.logprobs(tokens),
        }
        head = completion.head("chat.completion")
        return JSONResponse({**head, "choices": [choice], "usage": usage_of(last.stats)})

    async def _events(
        self, reply: Reply, completion: Completion, wants_usage: bool
    ) -> AsyncIterator[str]:
        yield event_line(completion.event({"role": "assistant", "content": ""}))
        text, shown, last = "", "", Chunk()
        try:
            async for last in reply:
                text += last.text
                if completion.functions is None:
                    if last.text or last.tokens:
                        yield event_line(completion.event({"content": last.text}, last.tokens))
                elif (said := spoken(text)).startswith(shown) and said != shown:
                    yield event_line(completion.event({"content": said[len(shown) :]}))
                    shown = said
        except ChatError as fault:
            yield event_line(error_body(str(fault), "server_error"))
            return
        message, reason = completion.message(text, last)
        for delta in completion.rest(message, shown):
            yield event_line(completion.event(delta))
        yield event_line(completion.event({}, (), reason))
        if wants_usage:
            head = completion.head("chat.completion.chunk")
            yield event_line({**head, "choices": [], "usage": usage_of(last.stats)})
        yield "data: [DONE]\n\n"

    def _engine(self) -> Engine:
        if self._starter.state == "loading":
            raise EngineError(
                f"{self._starter.name} is {self._starter.progress}", "Try again in a moment."
            )
        if self._starter.fault is not None:
            raise self._starter.fault.fresh()
        return self._starter.wait()


_NO_KEY = (
    "Without a key only programs on this machine may call, and only while the page is open to this "
    "machine alone; whoever runs it can set one with --api-key."
)


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise LimitError("The request is too large.", "Send fewer messages.")
    return body


def _refusal(fault: ChatError) -> Response:
    """The status that tells a program what to do, the sentences for who reads its log."""
    headers = {}
    if isinstance(fault, BusyError):
        status, kind, code = 429, "rate_limit_error", "queue_full"
        headers["Retry-After"] = str(_BUSY_RETRY_S)
    elif isinstance(fault, LimitError) and fault.retry_after_s is not None:
        status, kind, code = 429, "rate_limit_error", "rate_limit_exceeded"
        headers["Retry-After"] = str(max(1, round(fault.retry_after_s)))
    elif isinstance(fault, EngineError):
        status, kind, code = 503, "server_error", None
        headers["Retry-After"] = str(_BUSY_RETRY_S)
    else:
        too_long = isinstance(fault, ContextWindowError)
        status, kind, code = 400, _INVALID, "context_length_exceeded" if too_long else None
    field = fault.field if isinstance(fault, FieldError) else None
    return JSONResponse(error_body(str(fault), kind, field, code), status, headers)
