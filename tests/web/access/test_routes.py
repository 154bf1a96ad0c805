"""Closed by default: the table of routes, and what answers outside of it."""

import re

import httpx
import pytest
from gradio.routes import App as GradioApp
from starlette.routing import Mount

from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.starter import EngineStarter
from llama_ui.settings import ROOT
from llama_ui.web.access.limits import Gate, Limits
from llama_ui.web.access.login import Login
from llama_ui.web.access.routes import ROWS, find, table
from llama_ui.web.api.functions import Api
from llama_ui.web.api.health import Health, Metrics
from llama_ui.web.api.openai import OpenAIApi
from llama_ui.web.page.layout import build_page
from llama_ui.web.page.models import ModelRoutes
from llama_ui.web.page.routes import PageRoutes
from llama_ui.web.page.updates import FramePacer

# What Gradio would serve and nobody here needs. A new one of its routes must be put into the table
# or into this list.
CLOSED = {
    "/gradio_api/api/{api_name}",
    "/gradio_api/app_id",
    "/gradio_api/call/v2/{api_name}",
    "/gradio_api/call/v2/{api_name}/{event_id}",
    "/gradio_api/component_server",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/deep_link",
    "/gradio_api/dev/reload",
    "/gradio_api/file/{path:path}",
    "/gradio_api/file={path_or_url:path}",
    "/gradio_api/login_check",
    "/gradio_api/openapi.json",
    "/gradio_api/process_recording",
    "/gradio_api/proxy={url_path:path}",
    "/gradio_api/queue/status",
    "/gradio_api/reset",
    "/gradio_api/run/{api_name}",
    "/gradio_api/run-history/buckets",
    "/gradio_api/run-history/connect",
    "/gradio_api/run-history/records",
    "/gradio_api/run-history/records/{endpoint}/{record_id}/assets/{asset_id}",
    "/gradio_api/runs",
    "/gradio_api/startup-events",
    "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/theme.css",
    "/gradio_api/token",
    "/gradio_api/undo-vibe-edit",
    "/gradio_api/upload",
    "/gradio_api/upload_progress",
    "/gradio_api/user",
    "/gradio_api/vibe-code",
    "/gradio_api/vibe-edit",
    "/gradio_api/vibe-starter-queries",
    "/manifest.json",
    "/monitoring",
    "/monitoring/summary",
    "/monitoring/{key}",
    "/openapi.json",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/robots.txt",
    "/svelte/{path:path}",
}


# Nobody answers there: the page is open, and no weights are read.
NO_MODEL = ("--server", "http://127.0.0.1:1/v1")


def example(path: str) -> str:
    """A path as a request has it."""
    return re.sub(r"\{\w+(:\w+)?\}", "x", path)


@pytest.fixture(scope="module")
def routes() -> list[tuple[str, set[str]]]:
    """All that the application serves: paths and methods."""
    starter = EngineStarter(lambda report: pytest.fail("no model is needed"), "none")
    gate, pacer = Gate(Limits()), FramePacer()
    ours = [
        *PageRoutes(starter, gate, pacer).routes(),
        *ModelRoutes(None, gate, False, True).routes(),
        *OpenAIApi(starter, gate, Sampling()).routes(),
        *Health(starter, Metrics()).routes(),
        *Login("ann", "secret").routes(),
    ]
    page = build_page(ChatOptions(), Api(starter, Sampling(), pacer, gate))
    application = GradioApp.create_app(page, app_kwargs={"routes": ours})
    served = [(_path(r), getattr(r, "methods", {"GET"})) for r in flat(application.routes)]
    # The functions by their names.
    call = "/call/{api_name}"
    return [
        (path.replace(call, f"/call/{name}"), methods)
        for path, methods in served
        for name in (("chat", "prompt") if call in path else ("",))
    ]


def _path(route) -> str:
    """The path, of a folder with something in it."""
    return f"{route.path}/{{path:path}}" if isinstance(route, Mount) else route.path


def flat(routes):
    """Routes, and those of the routers among them."""
    for route in routes:
        if hasattr(route, "path"):
            yield route
        else:
            yield from flat(route.original_router.routes)


def test_each_route_is_in_the_table_or_known_to_be_closed(routes):
    listed = {path for path, _ in routes if find(example(path))}
    others = {path.rstrip("/") or "/" for path, _ in routes if path not in listed}
    others = {path for path in others if not find(example(path))}
    assert others == CLOSED
    assert "/config" in listed


def test_each_row_is_a_route_with_these_methods(routes):
    for row in ROWS:
        served = set()
        for path, methods in routes:
            if row in find(example(path)):
                served |= methods
        assert served >= set(row.methods), row.path


def test_the_table_in_the_documents_is_this_one():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert table() in text, "python -m llama_ui.web.access.routes prints it"


@pytest.fixture(scope="module")
def guarded(start_app):
    return start_app("--auth", "ann:secret", *NO_MODEL)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("prefix", ["", "/chat"])
def test_the_rest_does_not_exist(app, guarded, start_app, method, prefix):
    url = f"{_home(start_app).url}/chat" if prefix else app.url
    more = ["/gradio_api/file=http://127.0.0.1:1/x", "/gradio_api/file=/etc/passwd", "/nothing"]
    with httpx.Client(base_url=url) as client, httpx.Client(base_url=guarded.url) as other:
        for path in [*map(example, sorted(CLOSED)), *more]:
            for caller in (client, other):
                assert caller.request(method, path).status_code == 404, path


_started = {}


def _home(start_app):
    if "app" not in _started:
        _started["app"] = start_app("--public-url", "https://example.org/chat/", *NO_MODEL)
    return _started["app"]


def test_a_sub_path_with_and_without_its_slash(start_app):
    app = _home(start_app)
    moved = httpx.get(f"{app.url}/chat")
    assert (moved.status_code, moved.headers["location"]) == (308, "/chat/")
    page = httpx.get(f"{app.url}/chat/")
    assert page.status_code == 200
    assert "Path=/chat;" in page.headers["set-cookie"]
    assert "Secure" in page.headers["set-cookie"]
    for path in ("/chat/config", "/config"):
        assert httpx.get(app.url + path).json()["root"] == "https://example.org/chat"
    for origin, status in (
        ("https://example.org", 422),
        ("HTTPS://EXAMPLE.org:443", 422),
        ("http://example.org", 403),
        ("https://example.org:8443", 403),
        ("https://example.org.evil.example", 403),
    ):
        answer = httpx.post(
            f"{app.url}/chat/gradio_api/queue/join", json={}, headers={"Origin": origin}
        )
        assert answer.status_code == status, origin


def test_other_methods_are_none(app):
    for method, path in (
        ("DELETE", "/config"),
        ("PUT", "/v1/models"),
        ("GET", "/v1/chat/completions"),
    ):
        answer = httpx.request(method, app.url + path)
        assert answer.status_code == 405
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/", "/config", "/health", "/theme.css", "/nothing", "/v1/models"]
)
@pytest.mark.parametrize("host", ["127.0.0.1", "chat.example.org"])
def test_no_other_site_may_read_an_answer(app, path, host):
    headers = {"Origin": "https://evil.example", "Host": host}
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x"}
    for answer in (
        httpx.get(app.url + path, headers=headers),
        httpx.options(app.url + path, headers={**headers, **asks}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_session_belongs_to_who_began_it(app):
    body = {"data": ["Hi", None, None], "session_hash": "mine1"}
    assert httpx.post(f"{app.url}/gradio_api/call/chat", json=body).status_code == 200
    with httpx.Client(base_url=app.url) as other:
        other.get("/")
        assert other.get("/gradio_api/queue/data?session_hash=mine1").status_code == 404
        assert other.get("/gradio_api/heartbeat/mine1").status_code == 404
        functions = other.get("/config").json()["dependencies"]
        number = next(f["id"] for f in functions if f["api_name"] == "chat")
        cancel = {"session_hash": "mine1", "fn_index": number, "event_id": "x"}
        assert other.post("/gradio_api/cancel", json=cancel).status_code == 404
