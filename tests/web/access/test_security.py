"""What browsers are told, and what other sites may not do."""

import socket
import time

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from llama_ui.web.access.bodies import GradioFunctions
from llama_ui.web.access.door import Door
from llama_ui.web.access.identity import COOKIE, Access
from llama_ui.web.access.login import Login


@pytest.mark.parametrize(
    "path", ["/", "/config", "/health", "/v1/models", "/nothing", "/theme.css"]
)
def test_every_answer_carries_the_headers(app, path):
    headers = httpx.get(app.url + path).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/chat", "/login"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "x://["])
def test_other_sites_change_nothing(app, path, origin):
    answer = httpx.post(app.url + path, json={}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "another site" in answer.json()["detail"]


def test_our_own_page_and_programs_do(app):
    for headers in ({}, {"Origin": app.url}, {"Origin": app.url.upper()}):
        answer = httpx.post(f"{app.url}/gradio_api/queue/join", json={}, headers=headers)
        assert answer.status_code == 422


def test_a_body_has_an_end(app):
    path = f"{app.url}/gradio_api/queue/join"
    too_long = {"Content-Length": "80000001"}
    with socket.create_connection(app.url.removeprefix("http://").split(":"), 10) as line:
        head = "".join(f"{k}: {v}\r\n" for k, v in {"Host": "x", **too_long}.items())
        line.sendall(f"POST /gradio_api/queue/join HTTP/1.1\r\n{head}\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413")

    def endless():
        for _ in range(100):
            yield b" " * 1_000_000

    with pytest.raises(httpx.HTTPError):
        httpx.post(path, content=endless(), timeout=30).raise_for_status()


def door(**options) -> Door:
    """A door in front of what answers everything."""
    opened = Door(GradioFunctions({}, {}), Access(None, False), **options)
    opened.app = PlainTextResponse("ok")
    opened.is_starting = False
    return opened


def test_a_space_is_shown_in_the_frame_of_its_site():
    client = TestClient(door(in_space=True), "https://me.hf.space")
    headers = client.get("/").headers
    assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]
    assert "SameSite=None; Secure; Partitioned" in headers["set-cookie"]


def test_the_host_of_a_public_link_is_ours_once_it_is_known():
    hosts: set[str] = set()
    client = TestClient(door(hosts=hosts, login=Login("a", "b")), "http://127.0.0.1:7860")
    origin = {"Origin": "https://x.gradio.live"}
    assert client.post("/login", headers=origin).status_code == 403
    hosts.add("x.gradio.live")
    assert client.post("/login", headers=origin).status_code == 200


def test_a_visitor_gets_one_cookie():
    client = TestClient(door())
    first = client.get("/").headers["set-cookie"]
    assert first.startswith(COOKIE)
    assert "HttpOnly" in first
    assert "set-cookie" not in client.get("/").headers
    client.cookies.clear()
    assert "set-cookie" in client.get("/", headers={"Cookie": f"{COOKIE}=forged"}).headers


def test_a_fault_inside_is_told_without_its_words(caplog):
    async def broken(scope, receive, send):
        raise ValueError("SECRET")

    client = TestClient(door())
    client.app.app = broken
    answer = client.get("/")
    assert answer.status_code == 500
    assert "incident" in answer.json()["detail"]
    assert "ValueError at " in caplog.text
    assert "SECRET" not in answer.text + caplog.text


@pytest.mark.parametrize("flags", [["--share"], ["--share", "--no-auth"]])
def test_a_link_that_cannot_be_opened(start_app, flags):
    """Tests have no way out: the page goes on, says so in a sentence, and keeps its password."""
    # A proxy that is not there: the same on a machine that has a network.
    app = start_app(*flags, HTTPS_PROXY="http://127.0.0.1:1", https_proxy="http://127.0.0.1:1")
    wanted = "could not be opened" if "--no-auth" in flags else "with the password"
    deadline = time.monotonic() + 60
    while wanted not in app.log():
        assert time.monotonic() < deadline, app.log()
        time.sleep(0.1)
    assert "could not be opened" in app.log()
    assert "Could not create" not in app.log()
    is_open = "--no-auth" in flags
    assert httpx.get(f"{app.url}/config").status_code == (200 if is_open else 401)
    # A link may have been meant for others: programs need a key all the same.
    assert httpx.get(f"{app.url}/v1/models").status_code == 401
    if not is_open:
        password = app.log().split("with the password ")[1].split()[0]
        data = {"username": "llama", "password": password}
        assert httpx.post(f"{app.url}/login", data=data).status_code == 200
