"""What browsers are told, what other sites may not do, and log-ins."""

import asyncio
import socket
import time

import httpx
import pytest

from llama_ui.web.access.headers import Security
from llama_ui.web.access.identity import COOKIE, new_cookie, visitor_of
from llama_ui.web.access.login import ATTEMPTS, PERIOD_S, LoginThrottle


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
    for headers in ({}, {"Origin": app.url}):
        answer = httpx.post(f"{app.url}/gradio_api/queue/join", json={}, headers=headers)
        assert answer.status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/upload", "/gradio_api/upload/", "/upload", "/gradio_api/deep_link"],
)
def test_nothing_can_be_uploaded(app, path):
    answer = httpx.post(app.url + path, files={"files": ("x.html", b"x")})
    assert answer.status_code == 403
    assert "takes no files" in answer.json()["detail"]


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


def asked(middleware, path="/", method="GET", status=200, client="10.0.0.1", **headers):
    """The status and headers of a request through the middleware."""
    sent = []

    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "client": (client, 1),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    }
    middleware._app = inner
    asyncio.run(middleware(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_a_space_is_shown_in_the_frame_of_its_site():
    headers = asked(Security(None, in_space=True))[1]
    assert b"frame-ancestors 'self' https://huggingface.co" in headers[b"content-security-policy"]
    assert b"SameSite=None; Secure; Partitioned" in headers[b"set-cookie"]


def test_the_host_of_a_public_link_is_ours_once_it_is_known():
    hosts: set[str] = set()
    page = Security(None, hosts=hosts)
    post = {"method": "POST", "Host": "127.0.0.1:7860", "Origin": "https://x.gradio.live"}
    assert asked(page, **post)[0] == 403
    hosts.add("x.gradio.live")
    assert asked(page, **post)[0] == 200


def test_a_visitor_is_known_by_a_cookie_that_nobody_can_make_up():
    cookie = asked(Security(None))[1][b"set-cookie"].decode()
    value = cookie.split(";")[0].removeprefix(f"{COOKIE}=")
    known = visitor_of({COOKIE: value}, None, "10.0.0.1")
    assert known.name.startswith("cookie:")
    assert "set-cookie" not in asked(Security(None), Cookie=f"{COOKIE}={value}")[1]
    assert "HttpOnly" in cookie
    for forged in ("", "x", "x.y", value[:-1], f"x{value}", new_cookie() + "0", "\u00e9.\u00e9"):
        assert visitor_of({COOKIE: forged}, None, "10.0.0.1").name == "address:10.0.0.1"
    assert visitor_of({COOKIE: value}, "ann", "10.0.0.1").name == "user:ann"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_guessing_passwords_is_slow():
    clock = Clock()
    door = LoginThrottle(None, clock)

    def tries(count, status, client="10.0.0.1"):
        return [asked(door, "/login", "POST", status, client)[0] for _ in range(count)]

    assert tries(ATTEMPTS + 3, 400) == [400] * ATTEMPTS + [429] * 3
    status, headers = asked(door, "/login", "POST", 200)
    assert status == 429
    assert int(headers[b"retry-after"]) > 0
    assert tries(3, 200, "10.0.0.2") == [200] * 3
    clock.now += PERIOD_S / ATTEMPTS
    assert tries(2, 400) == [400, 429]
    # Right passwords cost nothing.
    assert tries(50, 200, "10.0.0.3") == [200] * 50


@pytest.fixture(scope="module")
def guarded(start_app):
    """The application behind a log-in."""
    return start_app("--auth", "ann:secret")


# What Gradio and we serve to anybody: nothing of a chat or a visitor is in it.
ASKING = [
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("GET", "/gradio_api/openapi.json"),
    ("GET", "/gradio_api/queue/status"),
    ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("GET", "/gradio_api/call/chat/x"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/gradio_api/proxy=http://127.0.0.1:1/"),
    ("GET", "/gradio_api/login_check"),
    ("GET", "/gradio_api/dev/reload"),
    ("GET", "/monitoring"),
    ("GET", "/monitoring/summary"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/call/chat"),
    ("POST", "/gradio_api/call/prompt"),
    ("POST", "/gradio_api/call/v2/chat"),
    ("POST", "/gradio_api/run/chat"),
    ("POST", "/gradio_api/api/chat"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/metrics"),
]


def test_every_route_asks_for_a_log_in(guarded):
    """Each route that reaches the model or a visitor: without, with a forged, with an ended
    log-in; and the page itself is then the log-in page."""
    with httpx.Client(base_url=guarded.url) as ann:
        right = {"username": "ann", "password": "secret"}
        assert ann.post("/login", data=right).status_code == 200
        ended = dict(ann.cookies)
        assert ann.get("/config").status_code == 200
        ann.get("/logout")
    for cookies in ({}, dict.fromkeys(ended, "forged"), ended):
        with httpx.Client(base_url=guarded.url, cookies=cookies, timeout=20) as client:
            for method, path in ASKING:
                content = {"data": ["hi"], "session_hash": "x"} if method == "POST" else None
                answer = client.request(method, path, json=content)
                assert answer.status_code in (401, 404), path
            assert '"auth_required":true' in client.get("/").text.replace(" ", "")


def test_three_hundred_wrong_passwords(guarded):
    """Against the real page: a handful is tried, the rest is told to wait."""

    async def guess():
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(base_url=guarded.url, limits=limits, timeout=60) as client:
            tries = [
                client.post("/login", data={"username": "ann", "password": f"{n}"})
                for n in range(300)
            ]
            return [answer.status_code for answer in await asyncio.gather(*tries)]

    statuses = asyncio.run(guess())
    assert statuses.count(400) <= 2 * ATTEMPTS
    assert statuses.count(429) == 300 - statuses.count(400)
    # A forged address is no way around it.
    forged = {"X-Forwarded-For": "10.9.8.7"}
    wrong = {"username": "ann", "password": "x"}
    assert httpx.post(f"{guarded.url}/login", data=wrong, headers=forged).status_code == 429


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
