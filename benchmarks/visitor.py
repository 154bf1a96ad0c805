"""A visitor of the page without a browser: the events that our page sends, over HTTP."""

import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx

from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.web.page.form import Form

API = "/gradio_api"
_MESSAGE = re.compile(r'<article class="turn (user|assistant)[^"]*" data-text="([^"]*)"')
_FAULT = re.compile(r'<div class="fault" role="alert">(.*?)</div>')
# Where they stand in what a turn may change (see Layout.view).
_TRANSCRIPT, _NOTICE, _KEY = 0, 3, 8


@dataclass(frozen=True, slots=True)
class Wiring:
    """The numbers that Gradio gave to the events that a visitor needs."""

    opened: int
    send: int
    chats: int

    @classmethod
    async def of(cls, http: httpx.AsyncClient) -> "Wiring":
        """Ask the running application."""
        config = (await http.get("/config")).json()
        names = {c["id"]: c["props"].get("elem_id") for c in config["components"]}

        def find(kind: str, source: str | None) -> int:
            """The event of a component that changes which chat is open."""
            for event in config["dependencies"]:
                sources = [(names.get(target), what) for target, what in event["targets"]]
                if (source, kind) in sources and "key" in map(names.get, event["outputs"]):
                    return int(event["id"])
            raise LookupError(kind)

        return cls(find("load", None), find("click", "send"), find("click", "sidebar"))


@dataclass(slots=True)
class Answer:
    """What came of a message; times in seconds from the click.

    Args:
        messages: of the whole chat as the page shows it: who and what.
        fault: the sentence that the visitor read instead, tags and all.
        told: when the fault was there.
        done: when all was there.
    """

    messages: list[tuple[str, str]] = field(default_factory=list)
    fault: str = ""
    told: float = 0.0
    done: float = 0.0


class Visitor:
    """One open page.

    Args:
        http: knows the address of the application.
        wiring: of its page.
        sampling: how replies are asked for.

    Attributes:
        session: the name that Gradio has for it.
    """

    def __init__(self, http: httpx.AsyncClient, wiring: Wiring, sampling: Sampling) -> None:
        self._http, self._wiring = http, wiring
        self._form = Form.of(ChatOptions(sampling=sampling)).values()
        self.session = secrets.token_hex(8)
        self._key = ""

    async def open(self) -> None:
        """Load the page."""
        body = {"data": [None], "fn_index": self._wiring.opened, "session_hash": self.session}
        answer = await self._http.post(f"{API}/run/predict", json=body)
        self._key = answer.json()["data"][2]

    async def new_chat(self) -> None:
        """Begin another chat."""
        data = [None, self._key]
        async for event in self._ask(self._wiring.chats, data, {}):
            if event["msg"] == "process_completed":
                self._key = event["output"]["data"][_KEY]

    async def send(self, text: str) -> Answer:
        """Send a message and read on until the reply is whole or refused."""
        answer, began = Answer(), time.perf_counter()
        data = [None, self._key, text, *self._form]
        try:
            await self._read(data, answer, began)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise
            # What the page says to who is turned away at the door.
            answer.fault = "This application is currently busy. Please try again."
            answer.told = time.perf_counter() - began
        answer.done = time.perf_counter() - began
        return answer

    async def _read(self, data: list[Any], answer: Answer, began: float) -> None:
        async for event in self._ask(self._wiring.send, data):
            output = event.get("output") or {}
            fault = _FAULT.search(json.dumps(output.get("data", "")).replace('\\"', '"'))
            if fault and not answer.told:
                answer.fault, answer.told = fault[1], time.perf_counter() - began
            if event["msg"] == "process_completed" and not answer.fault:
                shown = _MESSAGE.findall(output["data"][_TRANSCRIPT])
                answer.messages = [(role, unescape(said)) for role, said in shown]

    async def _ask(self, event: int, data: list[Any], about: object = None) -> AsyncIterator[Any]:
        body = {"data": data, "fn_index": event, "session_hash": self.session}
        joined = await self._http.post(f"{API}/queue/join", json={**body, "event_data": about})
        joined.raise_for_status()
        path = f"{API}/queue/data?session_hash={self.session}"
        async with self._http.stream("GET", path) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))
