"""Bodies and calls as no browser of ours sends them: a quiet 4xx, an event loop that goes on."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from llama_ui.web.access.bodies import MOST_LARGE, MOST_LARGE_OF_ONE, Bodies, BodyError

LISTS = b"[" + b"[]," * 10_000_000 + b"[]]"
OTHERS = ["/v1/chat/completions", "/login", "/page/turn", "/page/stop", "/page/import"]
EVENTS = ["queue/join", "call/chat", "call/prompt", "run/predict", "cancel", "reset"]


@pytest.fixture(scope="module")
def own(start_app):
    """An application whose log is only about what happens here."""
    app = start_app()
    while httpx.get(f"{app.url}/ready", timeout=60).status_code != 200:
        time.sleep(0.1)
    return app


@pytest.fixture(scope="module")
def guarded(start_app):
    return start_app("--auth", "ann:secret", "--server", "http://127.0.0.1:1/v1")


def slowest(url: str, attack) -> float:
    """The longest that /health took during an attack, in seconds."""
    is_over, times = threading.Event(), [0.0]

    def watch():
        while not is_over.is_set():
            start = time.monotonic()
            assert httpx.get(f"{url}/health", timeout=60).status_code == 200
            times.append(time.monotonic() - start)

    with ThreadPoolExecutor() as pool:
        watching = pool.submit(watch)
        try:
            attack()
        finally:
            is_over.set()
        watching.result()
    return max(times)


@pytest.mark.parametrize("wrapped", [b"%s", b'{"data":%s,"session_hash":"x","fn_index":0}'])
def test_many_empty_lists_hold_nobody(own, guarded, wrapped):
    body = wrapped % LISTS

    def attack():
        for app in (own, guarded):
            for path in EVENTS:
                url = f"{app.url}/gradio_api/{path}"
                answer = httpx.post(url, content=body, timeout=60)
                assert answer.status_code in (401, 404, 413), path
            with httpx.Client(base_url=app.url, timeout=60) as client:
                for path in OTHERS:
                    assert client.post(path, content=body).status_code in (401, 404, 413), path

    # A second for its own share of two cores; the attack used to take half a minute.
    assert slowest(own.url, attack) < 5


def test_as_many_values_as_are_let_in_hold_nobody(own):
    for count in (600_000, 100_000, 40_000):
        data = [json.dumps([[]] * count), None, None]
        lists = {"data": [[[]] * count, None, None]}
        for body in (lists, {"data": data}):
            answer = httpx.post(f"{own.url}/gradio_api/call/chat", json=body, timeout=60)
            assert answer.status_code in (200, 413, 422)


WRONG = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"\xff\xfe",
    b"NaN",
    b'{"data":[NaN]}',
    b'{"data":[1e999]}',
    b'{"data":[-Infinity,1,1]}',
    b'{"data":["SECRET\\ud800",null,null]}',
    b'{"data":["SECRET"]}',
    b'{"data":["SECRET",1,2,3,4,5]}',
    b'{"data":{"SECRET":1}}',
    b'{"data":[' + b"9" * 5000 + b",null,null]}",
    b'{"data":[' + b"9" * 30 + b",null,null]}",
    b'{"data":' + b"[" * 500 + b"]" * 500 + b"}",
    b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"data":["SECRET",null,null],"session_hash":"\\n\\u001b[31mERROR forged"}',
    b'{"data":["SECRET",null,null],"session_hash":5}',
    b'{"data":["SECRET",null,null],"fn_index":99999,"session_hash":"w"}',
    b'{"data":["SECRET",null,null],"fn_index":true,"session_hash":"w"}',
    b'{"data":["SECRET",null,null],"fn_index":"x","session_hash":"w"}',
    b'{"data":["SECRET"],"fn_index":0,"trigger_id":"SECRET","session_hash":"w"}',
]
# These reach the functions, which say what is wrong with them.
CALLS = [
    ["SECRET", "SECRET", None],
    ["SECRET", {"SECRET": 1}, None],
    ["SECRET", [["SECRET"]], None],
    ["SECRET", None, "SECRET"],
    ["SECRET", None, ["SECRET"]],
    ["SECRET", None, {"temperature": ["SECRET"]}],
    ["SECRET", None, {"seed": 2**62}],
    ["SECRET", None, {"top_k": 1e300}],
    [{"SECRET": [1]}, None, None],
    [["SECRET"], 5, None],
    [None, None, None],
]


def test_wrong_calls_are_refused_and_leave_no_line(own):
    before = own.log()
    for path in EVENTS:
        # By its name a function is called whatever number stands beside it.
        wrong = [w for w in WRONG if b"fn_index" not in w or not path.startswith("call/")]
        for body in wrong:
            for kind in ("application/json", "text/plain", "multipart/form-data"):
                answer = httpx.post(
                    f"{own.url}/gradio_api/{path}",
                    content=body,
                    headers={"Content-Type": kind},
                    timeout=60,
                )
                assert 400 <= answer.status_code < 500, (path, body[:80])
                assert "SECRET" not in answer.text
    for data in CALLS:
        for name, values in (("chat", data), ("prompt", data[:2])):
            url = f"{own.url}/gradio_api/call/{name}"
            event = httpx.post(url, json={"data": values}).json()["event_id"]
            said = httpx.get(f"{url}/{event}", timeout=60).text
            assert "event: " in said
    assert own.log() == before


def raw(url: str, text: bytes) -> bytes:
    """What the server answers to these bytes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(text)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    "head",
    [
        "GET /config HTTP/1.0\r\nOrigin: https://evil.example",
        "POST /gradio_api/queue/join HTTP/1.0\r\nOrigin: https://evil.example\r\nContent-Length: 0",
        "GET /pwa_icon/64 HTTP/1.0",
        "GET /?page=SECRET HTTP/1.0",
        "GET /config?page=SECRET&deep_link=SECRET HTTP/1.0",
        "GET /gradio_api/info?page=SECRET HTTP/1.0",
        "GET /gradio_api/custom_component/%0AERROR%20forged/client/%1b%5b31m/x HTTP/1.0",
        "GET /assets/%00 HTTP/1.0",
        "GET /assets/" + "x" * 300 + " HTTP/1.0",
        "GET /static/%0AERROR%20forged HTTP/1.0",
        "GET /gradio_api/queue/data?session_hash=%0AERROR HTTP/1.0",
        "GET /gradio_api/heartbeat/%0AERROR HTTP/1.0",
        "GET /config HTTP/1.1\r\nConnection: close\r\nHost: a b<>",
        "GET /config HTTP/1.1\r\nConnection: close\r\nHost: [::1",
        "GET /config HTTP/1.1\r\nConnection: close\r\nHost: a:99999",
        "GET /config HTTP/1.0\r\nX-Forwarded-Host: <SECRET>\r\nX-Gradio-Server: <SECRET>",
        "GET / HTTP/1.0\r\nCookie: llama_ui_visitor=\xe9\xff.x; =;;\r\nUpgrade: h2c",
        "GET /config HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket",
        "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: x",
        "POST /login HTTP/1.0\r\nContent-Length: 99999999999999999999999999",
        "NONSENSE",
        "\x1b[31mERROR forged",
    ],
)
def test_forged_requests_leave_no_line(own, head):
    before = own.log()
    answer = raw(own.url, head.encode("latin-1") + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 5")
    time.sleep(0.2)
    assert own.log() == before


def test_only_a_few_large_bodies_are_in_memory():
    async def read():
        bodies, waiting = Bodies(), asyncio.Event()

        async def endless():
            if waiting.is_set():
                return {"type": "http.disconnect"}
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b" " * 10_000, "more_body": True}

        async def one(near):
            try:
                await bodies.read(endless, 80_000_000, near)
            except BodyError as fault:
                return fault.status

        tasks = [asyncio.create_task(one("a")) for _ in range(MOST_LARGE_OF_ONE + 2)]
        tasks += [asyncio.create_task(one(f"b{n}")) for n in range(MOST_LARGE)]
        for _ in range(1000):
            await asyncio.sleep(0)
        waiting.set()
        statuses = await asyncio.gather(*tasks)
        assert statuses[: MOST_LARGE_OF_ONE + 2].count(503) == 2
        assert statuses.count(503) == len(tasks) - MOST_LARGE
        # All have given their place back.
        waiting.clear()
        task = asyncio.create_task(one("a"))
        for _ in range(300):
            await asyncio.sleep(0)
        waiting.set()
        assert await task == 400

    asyncio.run(read())
