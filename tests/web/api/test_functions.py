"""/chat and /prompt, as gradio_client calls them; and what the server refuses."""

import re

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from llama_ui.prompt.llama2 import encode_dialog


@pytest.fixture(scope="module")
def client(app) -> Client:
    return Client(app.url, verbose=False)


def test_chat_streams_the_growing_reply(client):
    job = client.submit("Tell me a tiny story.", None, {"temperature": 0}, api_name="/chat")
    reply = job.result(timeout=60)
    parts = job.outputs()
    assert len(parts) > 2
    assert all(reply.startswith(part) for part in parts)


def test_chat_takes_history_and_options(client):
    history = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ahoy!"},
    ]
    options = {"temperature": 1.3, "seed": 4, "max_new_tokens": 20}
    first = client.predict("Who are you?", history, options, api_name="/chat")
    assert client.predict("Who are you?", history, options, api_name="/chat") == first
    word = first.split()[3]
    cut = client.predict("Who are you?", history, {**options, "stop": [word]}, api_name="/chat")
    assert cut == first[: first.index(word)]


def test_prompt_gives_text_ids_and_counts(client, tokenizer):
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi <s>"}]
    prompt = client.predict(messages, api_name="/prompt")
    assert prompt["text"] == "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi <s> [/INST]"
    assert prompt["ids"] == encode_dialog(messages, tokenizer)
    assert sum(prompt["counts"].values()) == len(prompt["ids"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("",), "empty"),
        (("hi", [{"role": "user", "content": "x"}]), "role"),
        (("hi", ["x"]), "not an object"),
        (("hi", None, {"temperature": 9}), "from 0 to 5"),
        (("hi", None, {"max_new_tokens": "many"}), "whole number"),
        (("hi", None, {"unknown": 1}), "unknown option"),
        (("hi", None, {"stop": "word"}), "no short list"),
        (("hi", None, {"stop": [5]}), "stop words is empty or too long"),
        (("hi", None, {"max_new_tokens": 4000}), "context window"),
        (("x" * 200_000,), "characters"),
        ((5,), "no text"),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(client, arguments, says):
    with pytest.raises(AppError, match=says):
        client.predict(*arguments, api_name="/chat")


def test_only_two_functions_are_public(client):
    listed = client.view_api(return_format="dict")["named_endpoints"]
    assert set(listed) == {"/chat", "/prompt"}


def test_no_file_of_the_project_is_served(app):
    for path in ("app.py", "llama_ui/settings.py", "requirements.txt", "/etc/passwd"):
        assert httpx.get(f"{app.url}/gradio_api/file={path}").status_code in (403, 404)


def test_no_file_can_be_uploaded(app):
    answer = httpx.post(f"{app.url}/gradio_api/upload", files={"files": ("x.html", b"x" * 1000)})
    assert answer.status_code == 404


def test_nothing_is_fetched_from_elsewhere(app):
    """The first page names no other host: it works without a network."""
    page = httpx.get(app.url).text
    hosts = set(re.findall(r"(?:src|href)=[\"']?(?:https?:)?//([^/\"'> ]+)", page))
    assert hosts <= {app.url.removeprefix("http://")}
