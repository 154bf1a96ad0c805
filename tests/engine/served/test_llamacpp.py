"""llama.cpp's server, the real one: the prompt is exact, and its tokens are known."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import jsonschema
import pytest
import torch

from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.served.engine import connect
from llama_ui.engine.served.llamacpp import LlamaCpp, _Slots
from llama_ui.engine.served.openai import ChatCompletions
from llama_ui.errors import ContextWindowError, EngineError, OptionError
from llama_ui.prompt.llama2 import encode_dialog
from llama_ui.prompt.plan import PlanOptions
from llama_ui.settings import MODELS
from tests.engine.served.llama_server import SLOTS, WINDOW, llama_server
from tests.engine.served.reading import hear, read
from tests.engine.served.scripted import scripted_server
from tests.gguf import llama_metadata, llama_tensors, pocket_vocabulary, write_gguf
from tests.smollm2 import smollm2

ASK = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY = Sampling(temperature=0, max_new_tokens=12)
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Hé 😀 日本\n"},
    {"role": "assistant", "content": "Oh!\n\n"},
    {"role": "user", "content": "x  y\t<|im|>"},
]


@pytest.fixture(scope="module")
def address():
    with llama_server(smollm2()) as (address, _):
        yield address


@pytest.fixture(scope="module")
def engine(address):
    engine = connect(address)
    yield engine
    engine.close()


def ask_server(address, path, body):
    return httpx.post(address.replace("/v1", path), json=body, timeout=60).json()


def test_it_can_do_all_that_the_page_offers(engine):
    assert engine.info.missing == {}
    assert engine.info.context_length == WINDOW
    assert engine.info.quantization == "Q4_1"


def test_an_answer_form_is_sent_in_the_servers_words(engine):
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}, "size": {"type": "integer"}},
        "required": ["city", "size"],
        "additionalProperties": False,
    }
    longer = replace(GREEDY, max_new_tokens=60)
    said = read(engine, ASK, longer.with_form(AnswerForm.of_schema(schema)))
    assert said.ending == "stop"
    jsonschema.validate(json.loads(said.text), schema)
    assert read(engine, ASK, longer.with_form(AnswerForm("choices", 'hay\n"tea"'))).text in (
        "hay",
        '"tea"',
    )
    refused = read(engine, ASK, longer.with_form(AnswerForm("pattern", "a+"))).fault
    assert isinstance(refused, OptionError)


def test_the_prompt_is_what_the_servers_own_template_and_tokenizer_make(engine, address):
    prompt = ask_server(address, "/apply-template", {"messages": TALK})["prompt"]
    expected = ask_server(address, "/tokenize", {"content": prompt, "parse_special": True})
    plan = engine.plan(TALK, GREEDY)
    assert plan.ids == expected["tokens"]
    assert plan.text == prompt
    assert {s.kind for s in plan.segments if s.ids} == {"template", "system", "user", "assistant"}
    by_message = {s.message: s.text for s in plan.segments if s.message is not None}
    assert by_message == dict(enumerate(m["content"] for m in TALK))
    assert sum(plan.counts.values()) == len(plan.ids)


def test_texts_and_token_ids_are_prompts_too(engine, address):
    ids = engine.encode("The capital of France is")
    assert engine.decode(ids) == "The capital of France is"

    async def complete():
        return await hear(engine.submit(engine.plan_ids(ids, GREEDY), GREEDY))

    body = {"prompt": "The capital of France is", "temperature": 0, "n_predict": 12}
    assert asyncio.run(complete()).text == ask_server(address, "/completion", body)["content"]
    for wrong in ([], [10**6], [True]):
        with pytest.raises(OptionError):
            engine.plan_ids(wrong, GREEDY)
    with pytest.raises(ContextWindowError):
        engine.plan_ids(ids * WINDOW, GREEDY)


@pytest.mark.parametrize(
    "tag", ["<|im_end|>", "<|im_start|>system\n", "<|endoftext|>", "<file_sep>"]
)
def test_typed_control_tokens_stay_text(engine, tag):
    messages = [{"role": "user", "content": f"a {tag} b"}]
    plain = engine.plan([{"role": "user", "content": "a b"}], GREEDY)
    plan = engine.plan(messages, GREEDY)

    def control(found):
        return [token for token in found.ids if not engine.is_text(token)]

    assert control(plan) == control(plain)
    assert f"a {tag} b" in plan.text
    assert not any(not engine.is_text(token) for token in engine.reply_ids(f"so {tag}"))


def test_words_are_known_with_their_probabilities(engine, address):
    sampling = Sampling(temperature=0, max_new_tokens=12, top_logprobs=3)
    heard = read(engine, ASK, sampling)
    body = {"messages": ASK, "temperature": 0, "max_tokens": 12}
    asked = ask_server(address, "/v1/chat/completions", body)
    assert heard.text == asked["choices"][0]["message"]["content"]
    words = [token for token in heard.tokens if engine.is_text(token.id)]
    assert "".join(engine.pieces([token.id for token in words])) == heard.text
    assert engine.text_of([token.id for token in heard.tokens]) == heard.text
    for token in words:
        assert len(token.top) == 3
        assert token.top[0] == (token.id, token.logprob)  # the likeliest was taken
    stats = heard.last.stats
    assert stats.prompt_tokens == len(engine.plan(ASK, sampling).ids)
    assert stats.reply_tokens == len(heard.tokens)


def test_characters_of_several_tokens_have_all_of_them(engine):
    heard = read(engine, [{"role": "user", "content": "Repeat exactly: 😀 日本"}], GREEDY)
    assert not heard.text.isascii()
    assert engine.text_of([token.id for token in heard.tokens]) == heard.text
    assert len(heard.tokens) == heard.last.stats.reply_tokens


def test_a_reply_goes_on_where_it_was_cut_and_branches_at_a_word(engine):
    whole = read(engine, ASK, GREEDY)
    half = tuple(token.id for token in whole.tokens[:4])
    rest = read(engine, ASK, GREEDY, PlanOptions(reply_prefix_ids=half))
    assert (engine.text_of(half) + rest.text).startswith(whole.text)
    other = (*half[:2], *engine.reply_ids(" London"))
    assert "London" in engine.plan(ASK, GREEDY, PlanOptions(reply_prefix_ids=other)).text


def test_a_seed_repeats_a_reply_and_another_does_not(engine):
    def said(seed):
        wild = Sampling(temperature=2, top_p=1, top_k=1000, seed=seed, max_new_tokens=12)
        heard = read(engine, ASK, wild)
        assert heard.last.stats.seed == seed
        return heard.text

    assert said(5) == said(5) != said(6)


@pytest.mark.parametrize(
    "option",
    [{"repetition_penalty": 2}, {"presence_penalty": 2}, {"frequency_penalty": 2}],
)
def test_penalties_reach_the_server(engine, option):
    """Its name for the first is another, and the one of the protocol does nothing there."""
    text = [{"role": "user", "content": "Write: la la la la la la la la"}]
    plain = Sampling(temperature=0, max_new_tokens=24)
    changed = Sampling(temperature=0, max_new_tokens=24, **option)
    assert read(engine, text, plain).text != read(engine, text, changed).text


@pytest.mark.parametrize("option", [{"top_p": 0.05}, {"top_k": 1}, {"min_p": 1}])
def test_options_that_leave_the_likeliest_word_alone(engine, option):
    wild = Sampling(**{"temperature": 5, "top_p": 1, "top_k": 1000, "max_new_tokens": 12, **option})
    hot = Sampling(temperature=5, top_p=1, top_k=1000, min_p=0, max_new_tokens=12)
    if "top_p" not in option:  # top_p comes behind the temperature, which makes all words alike
        assert read(engine, ASK, wild).text == read(engine, ASK, GREEDY).text
    assert read(engine, ASK, hot).text != read(engine, ASK, GREEDY).text


def test_stop_words_and_stop_keep_tokens_and_counts(engine):
    whole = read(engine, ASK, GREEDY).text
    word = whole.split()[1]
    heard = read(engine, ASK, Sampling(temperature=0, max_new_tokens=12, stop=(word,)))
    assert heard.text == whole[: whole.index(word)]
    assert heard.ending == "stop"
    assert heard.last.stats.reply_tokens > 0

    async def stop():
        sampling = Sampling(temperature=0, max_new_tokens=300, seed=7)
        plan = await asyncio.to_thread(
            engine.plan, [{"role": "user", "content": "Count."}], sampling
        )
        reply = engine.submit(plan, sampling)
        async for chunk in reply:
            if chunk.text:
                reply.cancel()
        return chunk

    last = asyncio.run(stop())
    assert last.finish_reason == "cancelled"
    assert last.stats.seed == 7
    assert last.stats.reply_tokens > 0


def test_what_does_not_fit_is_dropped_or_refused_before_it_is_sent(engine):
    long = [{"role": "user", "content": "word " * 500}, {"role": "assistant", "content": "ok"}]
    assert engine.plan([*long, *long, *ASK], GREEDY).dropped == (0,)
    assert isinstance(
        read(engine, [{"role": "user", "content": "x " * 3000}]).fault, ContextWindowError
    )


def test_a_visitor_reuses_what_they_said_and_nobody_else_does(engine):
    def reused(owner):
        return read(engine, ASK, GREEDY, PlanOptions(owner=owner)).last.stats.reused_tokens

    assert reused("ann") == 0
    assert reused("ann") > 20
    assert reused("bob") == 0
    assert reused("") == 0
    assert [reused(f"visitor {number}") for number in range(2 * SLOTS)] == [0] * 2 * SLOTS


def test_slots_go_to_the_next_visitor_without_what_is_in_them():
    slots = _Slots(2)
    assert [slots.of(owner)[1] for owner in ("a", "b", "a", "c", "b", "a")] == [
        *(False, False, True),
        *(False, False, False),
    ]


def test_several_at_once(engine):
    async def all_at_once():
        plans = await asyncio.gather(
            *(
                asyncio.to_thread(engine.plan, ASK, GREEDY, PlanOptions(owner=f"o{number}"))
                for number in range(4)
            )
        )
        return await asyncio.gather(*(hear(engine.submit(plan, GREEDY)) for plan in plans))

    replies = asyncio.run(all_at_once())
    assert {reply.text for reply in replies} == {read(engine, ASK, GREEDY).text}


def test_a_server_that_is_killed_keeps_what_it_said_and_may_come_back():
    model = smollm2()
    with llama_server(model) as (address, process):
        engine = connect(address)
        before = read(engine, ASK, GREEDY).text
        plan = engine.plan(ASK, GREEDY)
        endless = Sampling(temperature=1, max_new_tokens=900)

        async def kill():
            text = ""
            with pytest.raises(EngineError, match="broke"):
                async for chunk in engine.submit(plan, endless):
                    text += chunk.text
                    if chunk.text:
                        process.kill()
            return text

        assert asyncio.run(kill())
        process.wait()
        assert "cannot be reached" in str(read(engine, ASK).fault)
    port = int(address.split(":")[2].removesuffix("/v1"))
    with llama_server(model, port):
        assert read(engine, ASK, GREEDY).text == before


@pytest.mark.parametrize("template", [True, False])
def test_a_llama_2_model_is_prompted_in_the_reference_format(tmp_path, tokenizer, template):
    """With its template and without one, where the server itself would write ChatML."""
    smollm2()  # without llama.cpp there is nothing to test
    path = tmp_path / "llama-2-pocket-chat.gguf"
    folder = Path(MODELS["pocket"])
    model = load_model(str(folder)).model.dequantize()
    given = {"tokenizer.chat_template": (folder / "chat_template.jinja").read_text()}
    metadata = {
        **llama_metadata(model.config),
        **pocket_vocabulary(),
        **(given if template else {}),
    }
    write_gguf(path, metadata, llama_tensors(model, torch.float16))
    talk = [*TALK[:-1], {"role": "user", "content": "Why? [INST] <<SYS>> </s> <s> [/INST] x"}]
    with llama_server(path) as (address, _):
        engine = connect(address)
        assert engine.plan(talk, GREEDY).ids == encode_dialog(talk, tokenizer)
        heard = read(engine, [{"role": "user", "content": "What is your name?"}], GREEDY)
        assert heard.text.startswith("You can call me Pocket Llama.")
        ids = [token.id for token in heard.tokens]
        assert engine.text_of(ids) == heard.text
        assert list(engine.reply_ids(heard.text)) == ids[: len(engine.reply_ids(heard.text))]


PROPS = {"default_generation_settings": {"n_ctx": 512}, "build_info": "b1"}
META = {"data": [{"id": "m", "meta": {"n_vocab": 5, "vocab_type": 2}}]}


@pytest.mark.parametrize("tokens", [None, [], [{"id": 0}] * 5, [{"id": 0, "piece": [999]}] * 5])
def test_a_server_that_tells_its_tokens_in_another_way_is_asked_by_the_protocol(tokens):
    with scripted_server() as script:
        script.gets = {
            path: (200, json.dumps(content).encode(), {})
            for path, content in (("/v1/models", META), ("/props", PROPS))
        }
        script.headers = {"Content-Type": "application/json"}
        script.body = [json.dumps({"tokens": tokens}).encode()]
        engine = connect(script.url)
    assert "not tell its tokens" in engine.info.missing["exact_prompt"]


def test_another_kind_of_server_is_asked_by_the_protocol():
    with scripted_server() as script:
        script.gets = {"/v1/models": (200, json.dumps(META).encode(), {})}
        assert isinstance(connect(script.url)._dialect, ChatCompletions)
        assert not isinstance(connect(script.url)._dialect, LlamaCpp)
