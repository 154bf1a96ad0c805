"""The routes that are open: who may call each, with how large a body, and how it is counted.

Whatever is in no row is answered with 404 before Gradio sees it. `python -m
llama_ui.web.access.routes` prints the table for SECURITY.md.
"""

import re
from dataclasses import dataclass
from typing import Literal

Who = Literal["anybody", "visitor", "operator"]
# An event is a call of one of Gradio's functions; "raw" bytes are parsed by their handler.
Body = Literal["none", "form", "json", "event", "raw"]
Count = Literal["connection", "log-in", "session", "work", "reply"]

_KB, _MB = 1_000, 1_000_000
_WHO = {
    "anybody": "anybody",
    "visitor": "a visitor; with a log-in, who is logged in",
    "operator": "the operator's key; without one, this machine",
}
# What may stand for {name} and for {path}: never a control character, never longer than a file.
_PARTS = {
    "name": r"[\w.-]{1,80}",
    "path": r"(?!.*\.\.)[\w./@-]{1,180}",
    "model": r"(?!.*\.\.)[\w ./@:+-]{1,180}",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    Args:
        path: with {name} for one part and {path} for the rest.
        methods: GET is HEAD too.
        who: may call it.
        counts: which limit it uses up; connections are counted for all.
        body: what is read of a request.
        largest: bytes of that.
        query: parameters that are passed on; all others are dropped.
    """

    path: str
    methods: tuple[str, ...] = ("GET",)
    who: Who = "visitor"
    counts: Count = "connection"
    body: Body = "none"
    largest: int = 0
    query: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """The path as a regular expression."""
        parts = re.split(r"\{(\w+)\}", self.path)
        texts = [_PARTS[p] if n % 2 else re.escape(p) for n, p in enumerate(parts)]
        return "".join(texts)

    def allows(self, method: str) -> bool:
        """Whether the method may be used."""
        return method in self.methods or (method == "HEAD" and "GET" in self.methods)


_POST = ("POST",)
_GRADIO = "/gradio_api"

ROWS = (
    # The page and what it loads.
    Row("/"),
    Row("/config"),
    Row("/theme.css", who="anybody"),
    Row("/favicon.ico", who="anybody"),
    Row("/assets/{path}", who="anybody"),
    Row("/static/{path}", who="anybody"),
    Row("/scripts/{path}", who="anybody"),
    Row("/fonts/{path}", who="anybody"),
    # The log-in; closed without --auth.
    Row("/login", ("GET",), "anybody"),
    Row("/login", _POST, "anybody", "log-in", "form", 10 * _KB),
    Row("/logout", _POST, body="form", largest=10 * _KB),
    # What the scripts of the page call. A chat has a million characters, in JSON up to six times
    # as many bytes.
    Row("/page/engine"),
    # Who may switch is decided by their handler: the operator, or with --allow-switch everybody.
    Row("/page/models", counts="work"),
    Row("/page/models/switch", _POST, "visitor", "work", "json", 10 * _KB),
    Row("/page/models/cancel", _POST, "visitor", "work", "json", 10 * _KB),
    Row("/page/turn", _POST, "visitor", "reply", "json", 8 * _MB),
    Row("/page/stop", _POST, body="json", largest=10 * _KB),
    Row("/page/leave", _POST, body="json", largest=10 * _KB),
    Row("/page/meter", _POST, "visitor", "work", "json", 8 * _MB),
    Row("/page/passages", _POST, "visitor", "work", "json", 8 * _MB),
    Row("/page/document", _POST, "visitor", "work", "raw", 10 * _MB),
    Row("/page/prompt", _POST, "visitor", "work", "json", 8 * _MB),
    Row("/page/markdown", _POST, "visitor", "work", "json", 8 * _MB),
    Row("/page/import", _POST, "visitor", "work", "raw", 60 * _MB),
    # For gradio_client: the functions /chat and /prompt.
    Row(f"{_GRADIO}/info"),
    Row(f"{_GRADIO}/call/chat", _POST, "visitor", "reply", "event", 2 * _MB),
    Row(f"{_GRADIO}/call/prompt", _POST, "visitor", "work", "event", 2 * _MB),
    Row(f"{_GRADIO}/call/chat/{{name}}"),
    Row(f"{_GRADIO}/call/prompt/{{name}}"),
    Row(f"{_GRADIO}/queue/join", _POST, "visitor", "reply", "event", 2 * _MB),
    Row(f"{_GRADIO}/queue/data", counts="session", query=("session_hash",)),
    Row(f"{_GRADIO}/heartbeat/{{name}}", counts="session"),
    Row(f"{_GRADIO}/cancel", _POST, "visitor", "session", "event", 10 * _KB),
    # For programs.
    Row("/v1/models", who="operator"),
    Row("/v1/models/{model}", who="operator"),
    Row("/v1/chat/completions", _POST, "operator", "reply", "raw", 8 * _MB),
    Row("/v1/completions", _POST, "operator", "reply", "raw", 8 * _MB),
    Row("/tokenize", _POST, "operator", "work", "raw", 8 * _MB),
    Row("/detokenize", _POST, "operator", "work", "raw", 8 * _MB),
    # For those who watch over the server.
    Row("/health", who="anybody"),
    Row("/ready", who="anybody"),
    Row("/metrics", who="operator"),
)
_COMPILED = [(re.compile(row.pattern, re.ASCII), row) for row in ROWS]


def find(path: str) -> list[Row]:
    """The rows of a path; one path may have several, with different methods."""
    return [row for pattern, row in _COMPILED if pattern.fullmatch(path)]


def table() -> str:
    """All rows as a Markdown table."""
    lines = ["| Route | Method | Who may | Largest body | Counts as |", "|---|---|---|---|---|"]
    for row in ROWS:
        body = f"{_size(row.largest)}, {row.body}" if row.largest else "none"
        methods = ", ".join(row.methods)
        lines.append(f"| `{row.path}` | {methods} | {_WHO[row.who]} | {body} | {row.counts} |")
    return "\n".join(lines) + "\n"


def _size(count: int) -> str:
    return f"{count // _MB} MB" if count >= _MB else f"{count // _KB} kB"


if __name__ == "__main__":
    print(table(), end="")
