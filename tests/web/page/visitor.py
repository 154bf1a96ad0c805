"""A visitor of the page without a browser: keeps the chat and sends it, as the scripts do."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from benchmarks.visitor import EMPTY, merged
from llama_ui.chat.conversation import Conversation
from llama_ui.chat.export import read_chat
from llama_ui.chat.options import ChatOptions, form_of
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.web.access.bodies import GradioFunctions
from llama_ui.web.access.door import Door
from llama_ui.web.access.identity import Access
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.page.routes import PageRoutes
from llama_ui.web.page.updates import FramePacer, as_json

Update = dict[str, Any]
GREEDY = ChatOptions(sampling=Sampling(temperature=0, max_new_tokens=16))
# A reply that goes on for long, but for the end of its seed.
LONG = {"temperature": 2, "top_p": 1, "top_k": 1000, "seed": "10", "max_new_tokens": 1500}


@contextmanager
def serving(starter: EngineStarter, limits: Limits = Limits()) -> Iterator[str]:  # noqa: B008
    """The routes of the page behind their door, on a real socket; gives their address."""
    routes = PageRoutes(starter, Gate(limits), FramePacer()).routes()
    door = Door(GradioFunctions({}, {}), Access(None, True))
    door.app, door.is_starting = Starlette(routes=routes), False
    server = uvicorn.Server(uvicorn.Config(door, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class Visitor:
    """One open page.

    Attributes:
        chat: as the browser keeps it.
        key: of the turn that runs, or ran last.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self.http = httpx.Client(base_url=url, timeout=120)
        self.options = {**form_of(GREEDY), **options}
        self.chat = {**EMPTY}
        self.key = ""
        self._owner = secrets.token_hex(16)

    def stream(self, do: object, **fields: Any) -> Iterator[Update]:
        """Do an action; the updates as they come. Closing it closes the connection."""
        self.key = secrets.token_hex(16)
        body = {**self.body(action={"do": do, **fields}), "turn": self.key}
        with self.http.stream("POST", "/page/turn", content=json.dumps(body)) as answer:
            if answer.status_code != 200:
                said = json.loads(answer.read())
                # What the door refuses has one sentence.
                yield {"type": "fault", "problem": said.get("detail"), "next_step": "", **said}
                return
            for line in answer.iter_lines():
                if line:
                    update = json.loads(line.removeprefix("data: "))
                    self._take(update)
                    yield update

    def act(self, do: object, **fields: Any) -> list[Update]:
        """Do an action; all its updates."""
        return [*self.stream(do, **fields)]

    def ask(self, text: str) -> str:
        """Send a message; the reply."""
        updates = self.act("ask", text=text)
        assert updates[-1]["type"] == "done", updates
        return self.texts[-1]

    def stop(self) -> None:
        """Stop the turn that runs."""
        assert self.http.post("/page/stop", json={"turn": self.key}).status_code == 200

    def post(self, route: str, **fields: Any) -> Any:
        """Ask another route about the chat."""
        return self.http.post(f"/page/{route}", content=json.dumps(self.body(**fields))).json()

    def body(self, **fields: Any) -> dict[str, Any]:
        """What every request of the page carries."""
        return {"chat": self.chat, "options": self.options, "owner": self._owner, **fields}

    def begin(self, chat: Conversation) -> None:
        """Have this chat open."""
        self.chat = as_json(chat)

    @property
    def conversation(self) -> Conversation:
        """The chat as a value; that it can be read is part of what is tested."""
        return read_chat(self.chat)

    @property
    def texts(self) -> list[str]:
        """The messages that are shown."""
        chat = self.conversation
        return [chat.nodes[number].text for number in chat.path]

    def _take(self, update: Update) -> None:
        if "chat" in update:
            self.chat = merged(self.chat, update["chat"])


def kinds(updates: list[Update]) -> list[str]:
    """The types of updates, in order, equal neighbours once; whether one waited is left out."""
    types = [update["type"] for update in updates if update["type"] != "status"]
    return [kind for place, kind in enumerate(types) if types[place - 1 : place] != [kind]]


def fault_of(updates: list[Update]) -> str:
    """What went wrong; there is exactly one fault."""
    [fault] = [update for update in updates if update["type"] == "fault"]
    return f"{fault['problem']} {fault['next_step']}"


def raw_of(updates: list[Update], place: int = 0) -> str:
    """The text that one reply's updates add up to."""
    text = ""
    for update in updates:
        if update["type"] == "text" and update["i"] == place:
            text = ("" if update["anew"] else text) + update["raw"]
    return text
