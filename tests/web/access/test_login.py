"""The log-in, as a browser, a program and somebody who guesses use it."""

import asyncio
import re

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from llama_ui.web.access.identity import COOKIE, Caller, new_cookie, visitor_from
from llama_ui.web.access.limits import Visitor
from llama_ui.web.access.login import ATTEMPTS, PERIOD_S, Login

RIGHT = {"username": "ann", "password": "secret"}
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def guarded(start_app):
    """The application behind a log-in, and a proxy that tells who the visitors are."""
    return start_app("--auth", "ann:secret", "--trusted-proxy", "127.0.0.1")


def via(address: str, **more: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, **more}


def page_of(client: httpx.Client, headers: dict[str, str]) -> str:
    """The token in the form."""
    page = client.get("/login", headers=headers)
    assert page.status_code == 200
    return re.search(r'name="token" value="([^"]+)"', page.text)[1]


def test_a_browser_logs_in_and_out(guarded):
    headers = via("10.1.0.1", **HTML)
    with httpx.Client(base_url=guarded.url) as client:
        sent = client.get("/", headers=headers)
        assert (sent.status_code, sent.headers["location"]) == (303, "login")
        posted = {**headers, "Origin": guarded.url}
        token = page_of(client, headers)
        wrong = client.post(
            "/login", data={**RIGHT, "password": "x", "token": token}, headers=posted
        )
        assert wrong.status_code == 401
        assert "name or the password is wrong" in wrong.text
        right = client.post("/login", data={**RIGHT, "token": token}, headers=posted)
        assert (right.status_code, right.headers["location"]) == (303, "./")
        assert "HttpOnly" in right.headers["set-cookie"]
        assert "SameSite=Lax" in right.headers["set-cookie"]
        assert "gradio_config" in client.get("/", headers=headers).text
        assert client.post("/logout", headers=posted).headers["location"] == "login"
        assert client.get("/", headers=headers).headers["location"] == "login"


def test_below_a_path_that_only_the_proxy_knows(guarded):
    told = {
        "X-Forwarded-Host": "chat.example.org",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/chat/",
    }
    with httpx.Client(base_url=guarded.url, headers=via("10.1.0.6", **told)) as client:
        entered = client.post("/login", data=RIGHT, headers={"Origin": "https://chat.example.org"})
        assert entered.status_code == 403  # a browser has a token, too
        entered = client.post("/login", data=RIGHT)
        assert "Path=/chat;" in entered.headers["set-cookie"]
        cookie = {"Cookie": entered.headers["set-cookie"].split(";")[0]}
        for prefix in ("", "/chat"):
            config = client.get(f"{prefix}/config", headers=cookie).json()
            assert config["root"] == "https://chat.example.org/chat"
            for path in ("/scripts/app.js", "/theme.css"):
                assert client.get(prefix + path).status_code == 200


def test_a_cookie_behind_https_is_for_https_alone(guarded):
    headers = via("10.1.0.2", **{"X-Forwarded-Proto": "https"})
    answer = httpx.post(f"{guarded.url}/login", data=RIGHT, headers=headers)
    assert "; Secure" in answer.headers["set-cookie"]


def test_a_form_of_another_site_logs_nobody_in(guarded):
    with httpx.Client(base_url=guarded.url) as client:
        headers = via("10.1.0.3", **HTML)
        token = page_of(client, headers)
        with httpx.Client(base_url=guarded.url) as other:
            stolen = page_of(other, headers)
        for origin, sent, status in (
            ("https://evil.example", token, 403),
            ("null", token, 403),
            (guarded.url, stolen, 403),
            (guarded.url, "", 403),
            (guarded.url, token + "0", 403),
            (guarded.url, token, 303),
        ):
            data = {**RIGHT, "token": sent}
            answer = client.post("/login", data=data, headers={**headers, "Origin": origin})
            assert answer.status_code == status, (origin, sent)


def test_nothing_but_a_post_of_ones_own_ends_a_log_in(guarded):
    clients = [httpx.Client(base_url=guarded.url, headers=via("10.1.0.4")) for _ in range(2)]
    for client in clients:
        assert client.post("/login", data=RIGHT).status_code == 200
    for client in clients:
        assert client.get("/logout").status_code == 405
        evil = client.post("/logout", headers={"Origin": "https://evil.example"})
        assert evil.status_code == 403
    ended = dict(clients[0].cookies)
    assert clients[0].post("/logout").status_code == 200
    # On the server too, and for nobody else.
    again = httpx.get(f"{guarded.url}/config", cookies=ended, headers=via("10.1.0.4"))
    assert again.status_code == 401
    assert clients[1].get("/config").status_code == 200
    for client in clients:
        client.close()


def test_gradio_client_logs_in(guarded):
    client = Client(guarded.url, auth=("ann", "secret"), verbose=False)
    assert client.predict("Hi", None, {"max_new_tokens": 2}, api_name="/chat")
    with pytest.raises(AuthenticationError):
        Client(guarded.url, auth=("ann", "wrong"), verbose=False)
    with pytest.raises(AuthenticationError):
        Client(guarded.url, verbose=False)


ASKING = [
    ("GET", "/"),
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("GET", "/gradio_api/heartbeat/x"),
    ("GET", "/gradio_api/call/chat/x"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/call/chat"),
    ("POST", "/gradio_api/call/prompt"),
    ("GET", "/page/engine"),
    *(("POST", f"/page/{name}") for name in ("turn", "stop", "leave", "meter", "prompt")),
    *(("POST", f"/page/{name}") for name in ("import", "markdown")),
    ("POST", "/gradio_api/cancel"),
    ("POST", "/logout"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/metrics"),
]


def test_every_route_asks_for_a_log_in(guarded):
    """Without, with a forged, with an ended log-in."""
    with httpx.Client(base_url=guarded.url, headers=via("10.1.0.5")) as ann:
        assert ann.post("/login", data=RIGHT).status_code == 200
        ended = dict(ann.cookies)
        ann.post("/logout")
    forged = dict.fromkeys(ended, new_cookie())
    for cookies in ({}, dict.fromkeys(ended, "forged"), forged, ended):
        with httpx.Client(base_url=guarded.url, cookies=cookies, timeout=20) as client:
            for method, path in ASKING:
                content = {"data": ["hi"], "session_hash": "x"} if method == "POST" else None
                answer = client.request(method, path, json=content)
                assert answer.status_code == 401, path
            assert client.get("/", headers=HTML).status_code == 303


def test_three_hundred_wrong_passwords(guarded):
    """A handful is tried, the rest is told to wait; and the right one gets in elsewhere, while
    twelve addresses guess, however they are written."""

    async def guess():
        limits = httpx.Limits(max_connections=20)
        async with httpx.AsyncClient(base_url=guarded.url, limits=limits, timeout=60) as client:
            tries = [
                client.post(
                    "/login",
                    data={"username": "ann", "password": f"{n}"},
                    headers=via(f"::ffff:10.2.0.{n % 12}" if n % 2 else f"10.2.0.{n % 12}"),
                )
                for n in range(300)
            ]
            answers = await asyncio.gather(
                *tries, client.post("/login", data=RIGHT, headers=via("10.3.0.1"))
            )
            return [answer.status_code for answer in answers]

    *statuses, right = asyncio.run(guess())
    assert right == 200
    assert 0 < statuses.count(401) <= 2 * 12 * ATTEMPTS
    assert statuses.count(429) == 300 - statuses.count(401)
    page = httpx.post(f"{guarded.url}/login", data=RIGHT, headers=via("10.2.0.1", **HTML))
    assert page.status_code == 429
    assert re.search(r"Try again in \d+ seconds?\.", page.text)
    assert int(page.headers["retry-after"]) > 0
    assert (
        httpx.post(f"{guarded.url}/login", data=RIGHT, headers=via("10.3.0.1")).status_code == 200
    )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_guesses_are_free_again_after_a_while():
    clock = Clock()
    login = Login("ann", "p\u00e4ss w\u00f6rd", clock)

    def tries(count, password):
        client = TestClient(Starlette(routes=login.routes()))
        data = {"username": "ann", "password": password}
        return [client.post("/login", data=data).status_code for _ in range(count)]

    assert tries(ATTEMPTS + 3, "x") == [401] * ATTEMPTS + [429] * 3
    clock.now += PERIOD_S / ATTEMPTS
    assert tries(2, "x") == [401, 429]
    clock.now += PERIOD_S
    # Right ones cost nothing, in each way of typing them.
    assert tries(20, "p\u00e4ss w\u00f6rd") == [200] * 20
    assert tries(20, "pa\u0308ss wo\u0308rd") == [200] * 20
    assert tries(3, "p\u00e4ss w\u00f6rd ") == [401] * 3


def test_a_visitor_is_known_by_a_cookie_that_nobody_can_make_up():
    value = new_cookie()
    known = visitor_from({COOKIE: value}, None, "10.0.0.1")
    assert known.name.startswith("cookie:")
    for forged in ("", "x", "x.y", value[:-1], f"x{value}", new_cookie() + "0", "\u00e9.\u00e9"):
        assert visitor_from({COOKIE: forged}, None, "10.0.0.1").name == "address:10.0.0.1"
    assert visitor_from({COOKIE: value}, "ann", "10.0.0.1").name == "user:ann"
    assert Caller(Visitor("x")).body is None
