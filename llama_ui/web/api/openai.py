"""The API for programs, as OpenAI's clients call it: /v1/chat/completions, /v1/completions and
/v1/models; /tokenize and /detokenize are those of vLLM.

These routes stand beside Gradio, on the same port; the door asks for the operator's key. The
engine, its line and its limits are those of the page.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.base import Engine
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import (
    BusyError,
    ChatError,
    ContextWindowError,
    EngineError,
    LimitError,
    OptionError,
)
from llama_ui.prompt.plan import PlanOptions, PromptPlan
from llama_ui.web.access.bodies import read_aside
from llama_ui.web.access.identity import visitor_of
from llama_ui.web.access.limits import Gate, submit_for
from llama_ui.web.api.replies import ChatAnswer, TextAnswer, cancelled_when_left, event_lines
from llama_ui.web.api.schema import (
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    FieldError,
    TokenizeRequest,
    complaint,
)
from llama_ui.web.api.tool_calls import Functions
from llama_ui.web.guarded import Handler, guarded

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 8_000_000
_BUSY_RETRY_S = 5
_INVALID = "invalid_request_error"
_Body = TypeVar("_Body", bound=BaseModel)


class OpenAIApi:
    """The routes.

    Args:
        starter: holds the engine.
        gate: how much.
        defaults: the sampling options that a caller leaves out.
    """

    def __init__(self, starter: EngineStarter, gate: Gate, defaults: Sampling) -> None:
        self._starter = starter
        self._gate = gate
        self._defaults = defaults

    def routes(self) -> list[Route]:
        """What to serve beside the page."""
        posts = {
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._complete,
            "/tokenize": self._tokenize,
            "/detokenize": self._detokenize,
        }
        gets = {"/v1/models": self._models, "/v1/models/{name:path}": self._model}
        return [
            *(Route(path, self._guarded(do), methods=["POST"]) for path, do in posts.items()),
            *(Route(path, self._guarded(do), methods=["GET"]) for path, do in gets.items()),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """Report faults in OpenAI's shape."""
        return guarded(handler, _refusal, log, "Try again.")

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def _model(self, request: Request) -> Response:
        if request.path_params["name"] != self._starter.present().info.name:
            return _error(404, "There is no such model here.", _INVALID, "model", "model_not_found")
        return JSONResponse(self._described())

    def _described(self) -> dict[str, Any]:
        info = self._starter.present().info
        return {
            "id": info.name,
            "object": "model",
            "created": 0,
            "owned_by": "llama-ui",
            "max_model_len": info.context_length,
        }

    async def _chat(self, request: Request) -> Response:
        asked = await _read(request, ChatRequest)
        engine = self._starter.present()
        functions, sampling = asked.functions(), self._sampling(asked, engine)
        _check_can(engine, "logprobs", "logprobs", asked.shown_top is not None)

        def plan() -> tuple[PromptPlan, Sampling]:
            messages, options, begun = asked.dialog(functions)
            options = _going_on(engine, options, begun)
            try:
                formed = sampling.with_form(_form_of(asked, functions, engine))
                return engine.plan(messages, formed, options), formed
            except OptionError:
                if functions is None or asked.needs_form(functions) or asked.answer_form():
                    raise
                # Nobody asked for it: without it, calls are read as models write them.
                functions.read_leniently()
                return engine.plan(messages, sampling, options), sampling

        planned, sampling = await asyncio.to_thread(plan)
        answer = ChatAnswer(engine, asked.shown_top, functions)
        return await self._answer(request, asked, planned, sampling, answer)

    async def _complete(self, request: Request) -> Response:
        asked = await _read(request, CompletionRequest)
        engine = self._starter.present()
        sampling = self._sampling(asked, engine).with_form(_form_of(asked, None, engine))

        def plan() -> PromptPlan:
            prompt = asked.text_or_tokens()
            ids = engine.encode(prompt) if isinstance(prompt, str) else prompt
            return engine.plan_ids(ids, sampling)

        answer = TextAnswer(engine, asked.shown_top)
        return await self._answer(request, asked, await asyncio.to_thread(plan), sampling, answer)

    async def _answer(
        self,
        request: Request,
        asked: ChatRequest | CompletionRequest,
        plan: PromptPlan,
        sampling: Sampling,
        answer: ChatAnswer | TextAnswer,
    ) -> Response:
        reply = submit_for(visitor_of(request), self._gate, answer.engine, plan, sampling)
        if asked.stream:
            # A proxy that collects the answer would show the reply all at once.
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            lines = event_lines(answer, reply, asked.wants_usage)
            return StreamingResponse(lines, media_type="text/event-stream", headers=headers)
        with cancelled_when_left(request, reply):
            return JSONResponse(await answer.whole(reply))

    async def _tokenize(self, request: Request) -> Response:
        asked = await _read(request, TokenizeRequest)
        engine = self._starter.present()

        def tokenized() -> dict[str, Any]:
            if asked.messages is None:
                ids = engine.encode(asked.text(), asked.add_special_tokens)
            else:
                chat = asked.chat()
                messages, options, begun = chat.dialog(chat.functions())
                options = _going_on(engine, options, begun)
                ids = engine.plan(messages, Sampling(max_new_tokens=1), options).ids
            pieces = engine.pieces(ids) if asked.return_token_strs else None
            window = engine.info.context_length
            return {
                "count": len(ids),
                "max_model_len": window,
                "tokens": ids,
                "token_strs": pieces,
            }

        return JSONResponse(await asyncio.to_thread(tokenized))

    async def _detokenize(self, request: Request) -> Response:
        asked = await _read(request, DetokenizeRequest)
        text = await asyncio.to_thread(self._starter.present().decode, asked.tokens)
        return JSONResponse({"prompt": text})

    def _sampling(self, asked: ChatRequest | CompletionRequest, engine: Engine) -> Sampling:
        """The options; what an engine cannot do is refused by name."""
        sampling, needed = asked.sampling(self._defaults, engine.info.context_length)
        for feature, field in needed.items():
            _check_can(engine, feature, field, True)
        return sampling


def _check_can(engine: Engine, feature: str, field: str, is_wanted: bool) -> None:
    reason = engine.info.missing.get(feature)
    if is_wanted and reason is not None:
        raise FieldError(field, reason, "Leave it out.")


def _form_of(
    asked: ChatRequest | CompletionRequest, functions: Functions | None, engine: Engine
) -> AnswerForm | None:
    """What the reply must look like: what was asked for, or an action; raises FieldError."""
    form = asked.answer_form()
    if form is not None:
        field = "structured_outputs" if asked.structured_outputs else "response_format"
        _check_can(engine, "form", field, True)
    if functions is None or not functions.may_call:
        return form
    assert isinstance(asked, ChatRequest)
    field = asked.needs_form(functions)
    _check_can(engine, "form", field, bool(field))
    if "form" not in engine.info.supports:
        return None
    return functions.form(form)


def _going_on(engine: Engine, options: PlanOptions, begun: str) -> PlanOptions:
    """The options of a reply that has begun already."""
    if not begun:
        return options
    _check_can(engine, "continue", "messages", True)
    return replace(options, reply_prefix_ids=engine.reply_ids(begun))


async def _read(request: Request, kind: type[_Body]) -> _Body:
    """The body of a request, parsed beside the event loop; raises FieldError or LimitError."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise LimitError("The request is too large.", "Send fewer messages.")
    try:
        return await read_aside(len(body), kind.model_validate_json, body)
    except ValidationError as fault:
        raise complaint(fault) from None


def _error(
    status: int,
    message: str,
    kind: str,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An error in the shape that OpenAI's clients read."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": error}, status, headers)


def _refusal(fault: ChatError) -> Response:
    """The status that tells a program what to do, the sentences for who reads its log."""
    said = str(fault)
    if isinstance(fault, BusyError):
        wait = {"Retry-After": str(_BUSY_RETRY_S)}
        return _error(429, said, "rate_limit_error", None, "queue_full", wait)
    if isinstance(fault, LimitError) and fault.retry_after_s is not None:
        wait = {"Retry-After": str(max(1, round(fault.retry_after_s)))}
        return _error(429, said, "rate_limit_error", None, "rate_limit_exceeded", wait)
    if isinstance(fault, EngineError):
        wait = {"Retry-After": str(_BUSY_RETRY_S)}
        return _error(503, said, "server_error", None, None, wait)
    field = fault.field or None if isinstance(fault, FieldError) else None
    code = "context_length_exceeded" if isinstance(fault, ContextWindowError) else None
    return _error(400, said, _INVALID, field, code)
