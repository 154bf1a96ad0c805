"""The API for programs, as OpenAI's own client calls it."""

import time

import httpx
import openai
import pytest

from llama_ui.prompt.llama2 import encode_dialog

KEY = "a-key-of-the-test-0123"
ASK = [{"role": "user", "content": "Tell me a tiny story."}]
# Wild enough that it does not end by itself for a while.
LONG = {
    "messages": ASK,
    "temperature": 2.0,
    "top_p": 1.0,
    "seed": 7,
    "max_tokens": 1500,
    "extra_body": {"top_k": 1000},
}


def connect(app, key="none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{app.url}/v1", api_key=key, max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def client(app) -> openai.OpenAI:
    wait_until_ready(app)
    return connect(app)


def wait_until_ready(app) -> None:
    deadline = time.monotonic() + 100
    while httpx.get(f"{app.url}/ready", timeout=60).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def running(app) -> str:
    metrics = httpx.get(f"{app.url}/metrics").text
    return next(line.split()[1] for line in metrics.splitlines() if line.startswith("llama_ui_run"))


def wait_until_idle(app) -> None:
    deadline = time.monotonic() + 30
    while running(app) != "0.0":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_whole_reply_and_the_same_streamed(client, tokenizer):
    asked = {"model": "any", "messages": ASK, "temperature": 0, "max_tokens": 40}
    whole = client.chat.completions.create(**asked)
    choice = whole.choices[0]
    assert whole.usage.prompt_tokens == len(encode_dialog(ASK, tokenizer))
    assert choice.finish_reason in ("stop", "length")
    *events, last = client.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    assert len(events) > 5
    assert "".join(e.choices[0].delta.content or "" for e in events) == choice.message.content
    assert events[-1].choices[0].finish_reason == choice.finish_reason
    assert not last.choices
    assert last.usage.completion_tokens == whole.usage.completion_tokens


def test_options_reach_the_engine(client):
    def ask(**options):
        asked = {"model": "any", "messages": ASK, "max_completion_tokens": 12, **options}
        return client.chat.completions.create(**asked).choices[0].message.content

    wild = {"temperature": 1.8, "top_p": 1, "seed": 3}
    assert ask(**wild) == ask(**wild)
    plain = ask(temperature=0)
    word = plain.split()[2]
    assert ask(temperature=0, stop=word) == plain[: plain.index(word)]
    assert ask(temperature=0, stop=[word, "never"]) == plain[: plain.index(word)]
    parts = [{"type": "text", "text": "Tell me a "}, {"type": "text", "text": "tiny story."}]
    assert ask(temperature=0, messages=[{"role": "user", "content": parts}]) == plain


def test_logprobs(client):
    asked = {"model": "any", "messages": ASK, "temperature": 0, "max_tokens": 6}
    whole = client.chat.completions.create(**asked, logprobs=True, top_logprobs=3)
    tokens = whole.choices[0].logprobs.content
    assert len(tokens) == 6
    for token in tokens:
        assert len(token.top_logprobs) == 3
        # Not the same token where two are exactly as likely.
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob)
        assert bytes(token.bytes).decode() == token.token
    assert "".join(token.token for token in tokens).strip() == whole.choices[0].message.content
    events = client.chat.completions.create(**asked, logprobs=True, stream=True)
    streamed = [t for e in events for t in e.choices[0].logprobs.content]
    assert [t.logprob for t in streamed] == [t.logprob for t in tokens]
    assert not any(t.top_logprobs for t in streamed)


def test_the_models(client):
    [model] = client.models.list().data
    assert model.id == "Pocket Llama"
    assert model.max_model_len == 2048
    assert client.models.retrieve("Pocket Llama") == model
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("gpt/5")
    assert refused.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("body", "says", "param"),
    [
        ({"n": 2}, "'n' is not supported", "n"),
        ({"temperature": 9}, "from 0 to 5", "temperature"),
        ({"temperature": "hot"}, "Temperature", "temperature"),
        ({"messages": []}, "messages", "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "no message to answer", None),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "'image_url'",
         "messages.0.content.0"),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_refused(client, body, says, param):
    """test_schema.py goes through all fields."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**{"model": "any", "messages": ASK, "extra_body": body})
    error = refused.value
    assert says in error.message
    assert error.type == "invalid_request_error"
    assert error.param == param


def test_a_reply_that_has_begun_is_continued(client):
    asked = {"model": "any", "temperature": 0, "max_tokens": 30}
    whole = client.chat.completions.create(messages=ASK, **asked).choices[0].message.content
    words = whole.split(" ")
    for count in (1, 4):
        begun = " ".join(words[:count])
        messages = [*ASK, {"role": "assistant", "content": begun}]
        rest = client.chat.completions.create(messages=messages, **asked).choices[0].message.content
        assert (begun + rest).startswith(whole)
        events = client.chat.completions.create(messages=messages, stream=True, **asked)
        assert "".join(e.choices[0].delta.content or "" for e in events) == rest


def test_new_options_reach_the_engine(client):
    def ask(**options):
        messages = [{"role": "user", "content": "What does temperature do?"}]
        asked = {"model": "any", "messages": messages, "max_tokens": 30, "seed": 3, **options}
        return client.chat.completions.create(**asked).choices[0].message.content

    hot = {"temperature": 5, "top_p": 1}
    wild = ask(**hot, extra_body={"top_k": 1000})
    assert ask(**hot, extra_body={"top_k": 1000, "seed": 2**40 + 3}) == wild
    calm = ask(**hot, extra_body={"top_k": 1000, "min_p": 0.9})
    assert len(set(calm.split()) & set(ask(temperature=0).split())) > 5
    assert calm != wild
    rich = ask(temperature=0, presence_penalty=2, frequency_penalty=2)
    assert rich != ask(temperature=0)


PROMPT = "<s>[INST] Tell me a tiny story. [/INST]"


def test_a_text_is_gone_on_with(client, tokenizer):
    asked = {"model": "any", "temperature": 0, "max_tokens": 20}
    said = client.chat.completions.create(messages=ASK, **asked).choices[0].message.content
    ids = encode_dialog(ASK, tokenizer)
    whole = client.completions.create(prompt=ids, logprobs=2, **asked)
    choice = whole.choices[0]
    assert choice.text.strip() == said
    assert (whole.object, choice.finish_reason) == ("text_completion", "length")
    assert whole.usage.prompt_tokens == len(ids)
    probabilities = choice.logprobs
    assert "".join(probabilities.tokens) == choice.text
    assert probabilities.text_offset[:2] == [0, len(probabilities.tokens[0])]
    for logprob, top in zip(probabilities.token_logprobs, probabilities.top_logprobs, strict=True):
        assert len(top) == 2
        assert max(top.values()) == pytest.approx(logprob)
    of_text = client.completions.create(prompt=PROMPT, **asked)
    of_ids = client.completions.create(prompt=tokenizer(PROMPT)["input_ids"], **asked)
    assert of_text.choices[0].text == of_ids.choices[0].text
    assert of_text.usage == of_ids.usage
    events = list(client.completions.create(prompt=[ids], stream=True, logprobs=2, **asked))
    assert "".join(e.choices[0].text for e in events) == choice.text
    assert events[-1].choices[0].finish_reason == "length"
    offsets = [
        o for e in events if e.choices[0].logprobs for o in e.choices[0].logprobs.text_offset
    ]
    assert offsets == probabilities.text_offset
    assert len(client.completions.create(model="any", prompt="A").choices[0].text) < 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"prompt": ["a", "b"]}, "more than one prompt"),
        ({"prompt": [1, 10**9]}, "does not exist"),
        ({"prompt": [-1]}, "does not exist"),
        ({"prompt": []}, "empty"),
        ({"prompt": "a", "echo": True}, "'echo' is not supported"),
        ({"prompt": "a", "suffix": "b"}, "'suffix' is not supported"),
        ({"prompt": "a", "logprobs": 6}, "from 0 to 5"),
        ({"prompt": [300] * 2048}, "context window"),
    ],
)
def test_completions_that_cannot_be_made(client, body, says):
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model="any", **body)
    assert says in refused.value.message


def test_tokens_of_a_text_and_of_messages(app, client, tokenizer):
    def ask(path, **body):
        return httpx.post(f"{app.url}/{path}", json={"model": "any", **body}, timeout=60)

    said = ask("tokenize", prompt="Hello, llama!", return_token_strs=True).json()
    assert said["tokens"] == tokenizer("Hello, llama!")["input_ids"]
    assert said["count"] == len(said["tokens"]) == len(said["token_strs"])
    assert said["max_model_len"] == 2048
    bare = ask("tokenize", prompt="Hello, llama!", add_special_tokens=False).json()
    expected = tokenizer("Hello, llama!", add_special_tokens=False)["input_ids"]
    assert (bare["tokens"], bare["token_strs"]) == (expected, None)
    assert ask("tokenize", messages=ASK).json()["tokens"] == encode_dialog(ASK, tokenizer)
    ids = encode_dialog(ASK, tokenizer)
    assert ask("detokenize", tokens=ids).json() == {"prompt": tokenizer.decode(ids)}
    assert ask("detokenize", tokens=[10**9]).status_code == 400
    assert "prompt or messages" in ask("tokenize").json()["error"]["message"]


def test_a_prompt_too_long_is_told_by_its_code(client):
    messages = [{"role": "user", "content": "llama " * 4000}]
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="any", messages=messages)
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"messages": 5}', b"[" * 100_000])
def test_a_body_that_is_no_request(app, client, body):
    answer = httpx.post(f"{app.url}/v1/chat/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_too_large(app, client):
    answer = httpx.post(f"{app.url}/v1/chat/completions", content=b"x" * 9_000_000)
    assert answer.status_code == 413
    assert "error" in answer.json()


def test_a_full_line_a_client_that_leaves_and_its_slot(start_app):
    """One slot, one place in line: the third is told to come back, and who leaves frees both."""
    app = start_app("--slots", "1", "--max-waiting", "1")
    wait_until_ready(app)
    client = connect(app)
    first = client.chat.completions.create(model="any", stream=True, **LONG)
    next(first)
    assert running(app) == "1.0"
    second = client.chat.completions.create(model="any", stream=True, **LONG)
    next(second)
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model="any", **LONG)
    assert refused.value.code == "queue_full"
    assert int(refused.value.response.headers["retry-after"]) > 0
    second.close()
    first.close()
    wait_until_idle(app)
    body = {**LONG, **LONG["extra_body"]}
    del body["extra_body"]
    # Not streamed, and the client gives up waiting.
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{app.url}/v1/chat/completions", json=body, timeout=0.5)
    wait_until_idle(app)
    assert 'replies_total{ending="cancelled"} 3.0' in httpx.get(f"{app.url}/metrics").text
    answer = client.chat.completions.create(model="any", messages=ASK, max_tokens=3)
    assert answer.usage.completion_tokens == 3


def test_the_limits_of_a_visitor(start_app):
    app = start_app("--requests-per-minute", "2")
    wait_until_ready(app)
    client = connect(app)
    for _ in range(2):
        client.chat.completions.create(model="any", messages=ASK, max_tokens=1)
    with pytest.raises(openai.RateLimitError, match="reached the per-minute limit") as refused:
        client.chat.completions.create(model="any", messages=ASK, max_tokens=1)
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) <= 30


def test_health_and_metrics(app, client):
    assert httpx.get(f"{app.url}/health").json() == {"status": "alive"}
    assert httpx.get(f"{app.url}/ready").json() == {"status": "ready"}
    text = httpx.get(f"{app.url}/metrics").text
    for name in ("tokens_total", "slots", "waiting", "first_token_seconds_count", "loaded"):
        assert f"llama_ui_{name}" in text
    assert "process_resident_memory_bytes" in text


class TestAccess:
    """Who may call; the page's own routes are Gradio's matter."""

    ROUTES = ("/v1/models", "/metrics")

    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Origin": "http://localhost:3000"}, 200),
            ({"Origin": "https://evil.example"}, 401),
            ({"Origin": "null"}, 401),
            ({"Host": "evil.example"}, 401),
            ({"Host": "127.0.0.1.evil.example:7860"}, 401),
            ({"X-Forwarded-For": "127.0.0.1"}, 401),
            ({"Forwarded": "for=127.0.0.1"}, 401),
        ],
    )
    def test_without_a_key_only_this_machine(self, app, path, headers, status):
        assert httpx.get(app.url + path, headers=headers).status_code == status

    def test_with_a_log_in_the_key_alone_counts(self, start_app):
        """A log-in means that others come here: then being local proves nothing."""
        app = start_app("--auth", "ann:secret")
        for path in self.ROUTES:
            assert httpx.get(app.url + path).status_code == 401
        assert httpx.post(f"{app.url}/v1/chat/completions", json={}).status_code == 401
        assert httpx.get(f"{app.url}/health").status_code == 200

    def test_the_key(self, start_app):
        app = start_app("--auth", "ann:secret", LLAMA_UI_API_KEY=KEY)
        for shown in ("", "Bearer", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", KEY, f"Basic {KEY}"):
            for path in self.ROUTES:
                headers = {"Authorization": shown}
                assert httpx.get(app.url + path, headers=headers).status_code == 401
        wait_until_ready(app)
        with pytest.raises(openai.AuthenticationError):
            connect(app, "wrong").models.list()
        assert connect(app, KEY).models.list().data
        assert KEY not in app.log()
