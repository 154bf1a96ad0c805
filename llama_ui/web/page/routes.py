"""The routes of the page: what its scripts ask, beside Gradio. Every body comes from outside."""

import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from llama_ui.chat.attachments import read_attachments
from llama_ui.chat.conversation import Conversation
from llama_ui.chat.export import from_json, read_chat, to_markdown
from llama_ui.chat.options import ChatOptions, options_from_form
from llama_ui.chat.sampling import LIMITS
from llama_ui.engine.base import EngineInfo
from llama_ui.engine.progress import Progress
from llama_ui.engine.starter import EngineStarter
from llama_ui.errors import BusyError, DialogError, LimitError
from llama_ui.web.access.bodies import read_aside
from llama_ui.web.access.identity import visitor_of
from llama_ui.web.access.limits import Gate
from llama_ui.web.page.answers import Body, body_of, in_words, told
from llama_ui.web.page.documents import read_document
from llama_ui.web.page.streaming import Turns
from llama_ui.web.page.theme import FONTS, SCRIPTS
from llama_ui.web.page.updates import FramePacer, as_json
from llama_ui.web.page.views import Draft, earlier_prompt, meter, next_prompt, passages

_FILES_OF_ONE, _FILES_OF_ALL = 2, 16  # files that may wait at once
PROMPT_ROOM = 64  # tokens that the longest reply leaves for a prompt


class PageRoutes:
    """What the scripts of the page call.

    Args:
        starter: holds the engine.
        gate: how much a visitor may use.
        pacer: decides how often a running reply is shown.
    """

    def __init__(self, starter: EngineStarter, gate: Gate, pacer: FramePacer) -> None:
        self._starter = starter
        self._gate = gate
        # One at a time: a file that takes long is hostile, or large.
        self._files = ThreadPoolExecutor(1, "files")
        self._reading: Counter[str] = Counter()  # files that wait or are read, by visitor
        self._turns = Turns(starter, gate, pacer)

    def routes(self) -> list[Route | Mount]:
        """What to serve beside Gradio."""
        posts = {
            "turn": self._turn,
            "stop": self._stop,
            "leave": self._leave,
            "meter": self._meter,
            "passages": self._passages,
            "document": self._document,
            "prompt": self._prompt,
            "import": self._import,
            "markdown": self._markdown,
        }
        return [
            *(Route(f"/page/{name}", told(do), methods=["POST"]) for name, do in posts.items()),
            Route("/page/engine", self._engine, methods=["GET"]),
            Mount("/scripts", StaticFiles(directory=SCRIPTS)),
            Mount("/fonts", StaticFiles(directory=FONTS)),
        ]

    async def _turn(self, request: Request) -> Response:
        body = body_of(request)
        action, key, visitor = body.get("action"), _name(body, "turn"), visitor_of(request)
        if not isinstance(action, dict):
            raise DialogError("The page asked for something unknown.", "Reload the page.")
        # Not bounded like other work: a reply counts by its own limits and has a line of its own.
        size = int(request.headers.get("content-length", 0))  # counted by the door
        chat, options = await read_aside(size, self._asked, body)
        owner = _owner(request, body)
        return _event_stream(self._turns.run(key, chat, options, action, visitor, owner))

    async def _stop(self, request: Request) -> Response:
        self._turns.stop(_name(body_of(request), "turn"))
        return JSONResponse({})

    async def _leave(self, request: Request) -> Response:
        """A page is closed: its keys and values are no longer needed."""
        self._starter.forget(_owner(request, body_of(request)))
        return JSONResponse({})

    async def _meter(self, request: Request) -> Response:
        body, engine = body_of(request), self._starter.present()

        def measure() -> Body:
            draft = Draft.read(*self._asked(body), body)
            count = read_attachments(body.get("count"))
            return meter(engine, draft, count, self._gate.limits.message_chars)

        return JSONResponse(await self._gate.bounded(visitor_of(request), measure))

    async def _passages(self, request: Request) -> Response:
        body, engine = body_of(request), self._starter.present()

        def choose() -> Body:
            draft, most = Draft.read(*self._asked(body), body), self._gate.limits.message_chars
            return passages(engine, draft, body.get("how"), most)

        return JSONResponse(await self._gate.bounded(visitor_of(request), choose))

    async def _document(self, request: Request) -> Response:
        """The text of a PDF or a .docx file."""
        raw, visitor = await request.body(), visitor_of(request)
        if self._reading[visitor.name] >= _FILES_OF_ONE:
            raise LimitError("Two of your files are being read.", "Try again in a moment.", 1)
        if self._reading.total() >= _FILES_OF_ALL:
            raise BusyError("Too many files are being read at once.", "Try again in a moment.")
        self._reading[visitor.name] += 1
        try:
            found = await self._gate.bounded(visitor, read_document, raw, pool=self._files)
        finally:
            self._reading[visitor.name] -= 1
            self._reading += Counter()  # without those that are zero
        return JSONResponse(found)

    async def _prompt(self, request: Request) -> Response:
        body, engine = body_of(request), self._starter.present()

        def read() -> Body:
            chat, options = self._asked(body)
            if "n" in body:
                return earlier_prompt(engine, chat, body["n"])
            return next_prompt(engine, Draft.read(chat, options, body))

        return JSONResponse(await self._gate.bounded(visitor_of(request), read))

    async def _import(self, request: Request) -> Response:
        """Check an exported file; answers with its chats."""
        raw = await request.body()

        def read() -> Body:
            chats, damaged = from_json(raw.decode("utf-8", "replace"))
            return {"chats": [as_json(chat) for chat in chats], "damaged": damaged}

        return JSONResponse(await self._gate.bounded(visitor_of(request), read))

    async def _markdown(self, request: Request) -> Response:
        """A chat to read."""
        body = body_of(request)

        def read() -> str:
            return to_markdown(read_chat(body.get("chat")))

        return JSONResponse({"markdown": await self._gate.bounded(visitor_of(request), read)})

    def _asked(self, body: Body) -> tuple[Conversation, ChatOptions]:
        """The chat and the options of a request, checked; raises ChatError."""
        options = body.get("options")
        if not isinstance(options, dict):
            raise DialogError("The page sent no options.", "Reload the page.")
        return read_chat(body.get("chat")), options_from_form(options)

    async def _engine(self, request: Request) -> Response:
        name = visitor_of(request).name
        return _event_stream(self._states(name.startswith("user:")))

    async def _states(self, is_logged_in: bool) -> AsyncIterator[Body]:
        """The state of the model, again at each change, until none loads any more."""
        async with aclosing(self._starter.states()) as states:
            async for now in states:
                yield {**self._state(), "logged_in": is_logged_in}
                if now.progress is None:
                    return

    def _state(self) -> Body:
        starter, info = self._starter, None
        if starter.state == "ready":
            info = starter.present().info
        most = self._gate.limits.longest(int(LIMITS["max_new_tokens"][1]))
        if info is not None and info.context_length is not None:
            most = min(most, info.context_length - PROMPT_ROOM)
        fault, now = starter.fault, starter.snapshot
        switch_fault = now.fault if now.status == "ready" else None
        progress = now.progress or Progress("loading")
        return {
            "name": starter.name,
            "state": starter.state,
            "progress": str(progress),
            "fault": fault and in_words(fault),
            "next": now.next,
            "part": progress.done / progress.total if progress.total else None,
            "switch_fault": switch_fault and in_words(switch_fault),
            "info": info and _described(info),
            "longest": most,
        }


def _described(info: EngineInfo) -> Body:
    licence = info.licence
    return {
        "name": info.name,
        "quantization": info.quantization,
        "device": info.device,
        "context_length": info.context_length,
        "mode": info.mode,
        "adapter": info.adapter,
        "notes": [*info.notes],
        "licence": licence
        and {"text": licence.text, "url": licence.url, "policy_url": licence.policy_url},
        "missing": dict(info.missing),
    }


def _event_stream(updates: AsyncIterator[Body]) -> Response:
    async def lines() -> AsyncIterator[str]:
        async for update in updates:
            yield f"data: {json.dumps(update)}\n\n"

    # A proxy that collects the answer would show the reply all at once.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


def _name(body: Body, field: str) -> str:
    name = body.get(field)
    if not isinstance(name, str) or not 16 <= len(name) <= 64:
        raise DialogError("The page sent something that cannot be read.", "Reload the page.")
    return name


def _owner(request: Request, body: Body) -> str:
    """Whose keys and values may be reused: the page's own secret, of this visitor only."""
    secret = f"{visitor_of(request).name}\0{_name(body, 'owner')}"
    return hashlib.sha256(secret.encode()).hexdigest()
