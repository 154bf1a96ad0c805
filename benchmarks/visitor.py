"""A visitor of the page without a browser: keeps the chat and sends it, as its scripts do."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from llama_ui.chat.options import ChatOptions, form_of
from llama_ui.chat.sampling import Sampling

EMPTY: dict[str, Any] = {"nodes": [], "head": None, "name": "", "pinned": []}


def merged(chat: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The chat after what an update says has changed in it."""
    rest = {name: value for name, value in change.items() if name not in ("first", "nodes")}
    return {**chat, **rest, "nodes": [*chat["nodes"][: change["first"]], *change["nodes"]]}


@dataclass(slots=True)
class Answer:
    """What came of a message; times in seconds from the click.

    Args:
        messages: of the whole chat as the page shows it: who and what.
        fault: the sentence that the visitor read instead.
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
        sampling: how replies are asked for.

    Attributes:
        chat: as the browser keeps it.
    """

    def __init__(self, http: httpx.AsyncClient, sampling: Sampling) -> None:
        self._http = http
        self._options = form_of(ChatOptions(sampling=sampling))
        self._owner = secrets.token_hex(16)
        self.chat = EMPTY

    def new_chat(self) -> None:
        """Begin another chat."""
        self.chat = EMPTY

    async def send(self, text: str) -> Answer:
        """Send a message and read on until the reply is whole or refused."""
        answer, began = Answer(), time.perf_counter()
        async for update in self.updates({"do": "ask", "text": text}):
            if update["type"] == "fault":
                answer.fault, answer.told = update["problem"], time.perf_counter() - began
        if not answer.fault:
            answer.messages = self.messages
        answer.done = time.perf_counter() - began
        return answer

    async def updates(self, action: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Do an action; what the server tells about it, as it comes."""
        body = {
            "turn": secrets.token_hex(16),
            "owner": self._owner,
            "chat": self.chat,
            "options": self._options,
            "action": action,
        }
        async with self._http.stream("POST", "/page/turn", json=body) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if not line:
                    continue
                update = json.loads(line.removeprefix("data: "))
                if "chat" in update:
                    self.chat = merged(self.chat, update["chat"])
                yield update

    @property
    def messages(self) -> list[tuple[str, str]]:
        """The messages that are shown: who and what."""
        nodes, at, shown = self.chat["nodes"], self.chat["head"], []
        while at is not None:
            shown.append((nodes[at]["role"], nodes[at]["text"]))
            at = nodes[at]["parent"]
        return shown[::-1]
