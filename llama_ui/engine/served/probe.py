"""Which options a server takes and ignores: found out once, by a few answers of some words."""

import json
from collections.abc import Mapping
from typing import Any

from llama_ui.engine.served.openai import parse_event
from llama_ui.engine.served.server import RemoteServer
from llama_ui.engine.served.stream import ServerEvent
from llama_ui.errors import ChatError

_ASK = "Tell me a story."
_WORDS = 12  # tokens, so many that chance repeats none of it
# Hot, but with the likeliest words alone: what takes it does not say what hot alone does.
_CALMING: Mapping[str, Any] = {"top_p": 0.05, "top_k": 1, "min_p": 1.0}
_IGNORED = "The server takes it and does nothing: its answers are the same without it."


def ignored_options(server: RemoteServer) -> dict[str, str]:
    """The features that do nothing there, and why one knows. What is refused, or not certain, is
    none of them: that comes to light, and is said, when it is used."""
    try:
        calm = _said(server, temperature=0)
        if not calm:
            return {}
        hot = {"temperature": 2, "seed": 1}
        wild = _said(server, **hot)
        if wild == calm == _said(server, temperature=2, seed=2):
            reason = "The server always takes the likeliest word: its answers are the same without."
            return dict.fromkeys(("temperature", "seed", *_CALMING), reason)
        if wild != _said(server, **hot):
            return {"seed": "The server's answers differ with the same seed."}
    except ChatError:
        return {}
    calming = _CALMING.items()
    ignored = {name: _IGNORED for name, at in calming if wild == _tried(server, hot, name, at)}
    if "top_k" in ignored:
        # It is no field of OpenAI's either, and cannot be told by so few words.
        ignored["repetition_penalty"] = "The server ignores what OpenAI's own has not."
    return ignored


def _tried(server: RemoteServer, hot: Mapping[str, Any], name: str, value: Any) -> str:
    try:
        return _said(server, **hot, **{name: value})
    except ChatError:
        return ""


def _said(server: RemoteServer, **options: Any) -> str:
    """A short answer; empty where it cannot be read. Raises ChatError when it is refused."""
    body = {
        "model": server.model,
        "messages": [{"role": "user", "content": _ASK}],
        "max_tokens": _WORDS,
        **options,
    }
    answer = server.ask("/v1/chat/completions", body)
    try:
        return parse_event(ServerEvent("", json.dumps(answer))).text
    except ValueError:
        return ""
