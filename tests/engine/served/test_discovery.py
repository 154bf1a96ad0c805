"""What the server behind --server is found to be."""

import json
import subprocess
import sys

import pytest

from llama_ui.engine.served.server import RemoteServer, find_server
from llama_ui.errors import ModelError
from llama_ui.settings import ROOT
from tests.engine.served.scripted import scripted_server

VLLM = {"data": [{"id": "a", "max_model_len": 4096}, {"id": "b", "max_model_len": 512}]}
PLAIN = {"data": [{"id": "a"}]}


@pytest.fixture
def script():
    with scripted_server() as script:
        yield script


def listing(**answers):
    """What the server answers, by path; each is 200 unless it is a pair."""
    return {
        path: (200, json.dumps(content).encode(), {})
        for path, content in {"/v1/models": PLAIN, **answers}.items()
    }


@pytest.mark.parametrize(
    ("answers", "model", "found"),
    [
        ({"/v1/models": VLLM}, None, ("a", 4096)),
        ({"/v1/models": VLLM}, "b", ("b", 512)),
        ({"/props": {"default_generation_settings": {"n_ctx": 1024}}}, None, ("a", 1024)),
        ({"/info": {"max_total_tokens": 2048}}, None, ("a", 2048)),
        ({"/props": [], "/info": {"max_total_tokens": 10**20}}, None, ("a", None)),
        ({"/v1/models": {"data": "x"}}, "mine", ("mine", None)),
        ({"/v1/models": {"data": [{"id": 5}, {"id": ""}, 5, {"id": "a"}]}}, None, ("a", None)),
        ({"/v1/models": {"data": [{"id": "x\n\x1b[31m"}, {"id": "a"}]}}, None, ("a", None)),
    ],
)
def test_a_server_is_asked_what_it_is(script, answers, model, found):
    script.gets = listing(**answers)
    server = find_server(f"{script.url}/", model)
    assert (server.model, server.context_length) == found
    assert server.address == script.url


@pytest.mark.parametrize(
    "other",
    [
        {"id": "text-embedding-nomic-embed-text-v1.5"},
        {"id": "nomic-embed-text:latest"},
        {"id": "BAAI/bge-m3"},
        {"id": "intfloat/e5-mistral-7b-instruct"},
        {"id": "sentence-transformers/all-MiniLM-L6-v2"},
        {"id": "jina-reranker-v2"},
        {"id": "whisper-large-v3"},
        {"id": "x", "type": "embedding"},
        {"id": "x", "task": "feature-extraction"},
        {"id": "x", "capabilities": {"completion_chat": False}},
    ],
)
def test_a_model_that_does_not_chat_is_passed_over(script, other):
    script.gets = listing(**{"/v1/models": {"data": [other, {"id": "embed-co/llama-e5x"}]}})
    assert find_server(script.url).model == "embed-co/llama-e5x"
    assert find_server(script.url, other["id"]).model == other["id"]
    script.gets = listing(**{"/v1/models": {"data": [other]}})
    assert find_server(script.url).model == other["id"]


def test_a_server_that_is_not_ready_is_waited_for(script):
    script.gets = {"/v1/models": (503, b"{}", {})}
    reports = []

    def report(progress):
        reports.append(progress)
        script.gets = listing()

    assert find_server(script.url, report=report).model == "a"
    assert len(reports) == 1


@pytest.mark.parametrize(
    ("status", "says"), [(401, "key"), (302, "not followed"), (404, "no model"), (500, "no model")]
)
def test_what_waiting_does_not_mend_is_said_at_once(script, status, says):
    script.gets = {"/v1/models": (status, b"{}", {"Location": "/elsewhere"})}
    with pytest.raises(ModelError, match=says):
        find_server(script.url)


@pytest.mark.parametrize("key", ["secret\nX-Evil: 1", "sécret", "secret\x00"])
def test_a_key_that_cannot_be_sent_is_refused_and_never_shown(script, key, caplog):
    caplog.set_level(0)
    with pytest.raises(ModelError) as fault:
        find_server(script.url, key=key)
    assert "LLAMA_UI_SERVER_KEY" in str(fault.value)
    assert "cret" not in f"{fault.value}{caplog.text}{RemoteServer(script.url, 'm', key=key)}"


def test_white_space_around_the_key_is_no_part_of_it(script):
    script.gets = listing()
    assert find_server(script.url, key=" secret\n").key == "secret"


@pytest.mark.parametrize(
    "proxy", ["http://127.0.0.1:9", "socks://127.0.0.1:9", "socks5://127.0.0.1:9"]
)
def test_no_proxy_stands_between_this_machine_and_itself(script, proxy, monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    script.gets = listing()
    assert find_server(script.url).model == "a"


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ModelError, match="ALL_PROXY"):
        find_server("http://192.0.2.1/v1")


def test_with_a_server_no_model_is_loaded_here(script):
    """The whole application, in a process of its own, never imports torch."""
    script.gets = listing(**{"/v1/models": VLLM})
    code = (
        "import sys; from llama_ui import main; from llama_ui.settings import Settings;"
        "import llama_ui.web.server;"
        f"engine = main.remote_engine(Settings(server={script.url!r}), print);"
        "print(engine.info.context_length, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    length, *modules = done.stdout.split()
    assert length == "4096"
    assert not {"torch", "transformers", "bitsandbytes"} & {*modules}
