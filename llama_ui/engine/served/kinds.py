"""Which kind of server one is, and so how it is best asked."""

import logging
from collections.abc import Callable

from llama_ui.engine.served import llamacpp, vllm
from llama_ui.engine.served.openai import ChatCompletions, Dialect
from llama_ui.engine.served.probe import ignored_options
from llama_ui.engine.served.server import RemoteServer
from llama_ui.errors import ChatError

log = logging.getLogger(__name__)


def recognise(server: RemoteServer) -> Dialect:
    """How the server is best asked; asks it what it is, from a thread without an event loop."""
    kinds: tuple[Callable[[RemoteServer], Dialect | None], ...]
    kinds = (llamacpp.recognise, vllm.recognise)
    for asked in kinds:
        try:
            found = asked(server)
        except ChatError as fault:
            log.warning("%s: its own endpoints are not used: %s", server.place, fault.problem)
            return ChatCompletions(server, fault.problem, ignored_options(server))
        if found is not None:
            return found
    return ChatCompletions(server, ignored=ignored_options(server))
