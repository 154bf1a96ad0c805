"""Relatives of Llama 2 through the loader and the engine: template, end tokens, completion."""

import pytest

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.prompt.plan import PlanOptions
from tests.checkpoints import write_random
from tests.templates import FAMILIES, byte_level

GREEDY = Sampling(temperature=0, max_new_tokens=8)
DIALOG = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi there!"},
    {"role": "user", "content": "How are you?"},
]


@pytest.fixture
def engine_for(tmp_path):
    engines = []

    def start(tokenizer, **options):
        engines.append(LocalEngine(load_model(str(write_random(tmp_path, tokenizer)), **options)))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("family", ["llama 3", "chatml", "vicuna", "zephyr"])
def test_a_relative_gets_its_own_template(engine_for, family):
    tokenizer = FAMILIES[family]()
    engine = engine_for(tokenizer)
    plan = engine.plan(DIALOG, GREEDY)
    assert plan.ids == tokenizer.apply_chat_template(
        DIALOG, add_generation_prompt=True, return_dict=False
    )
    assert sum(plan.counts.values()) == len(plan.ids)
    assert plan.counts["system"] > 0
    assert engine.info.mode == "chat"
    last = list(engine.submit(plan, GREEDY))[-1]
    assert last.finish_reason in ("stop", "length")


def test_the_end_of_a_turn_ends_a_reply(engine_for):
    tokenizer = FAMILIES["llama 3"]()
    ends = engine_for(tokenizer)._scheduler._end_tokens
    assert {tokenizer.convert_tokens_to_ids(token) for token in ("</s>", "<|eot_id|>")} <= ends


@pytest.mark.parametrize("family", ["llama 3", "zephyr", "zephyr, bytes"])
def test_a_continued_reply_goes_on_where_the_template_would_put_it(engine_for, family):
    tokenizer = FAMILIES[family]()
    engine = engine_for(tokenizer)
    begun = engine.reply_ids("Hi there")
    plan = engine.plan(DIALOG[:2], GREEDY, PlanOptions(reply_prefix_ids=begun))
    whole = tokenizer.apply_chat_template(DIALOG[:3], return_dict=False)
    assert plan.ids == whole[: len(plan.ids)]


def test_typed_control_tokens_in_a_continued_reply_stay_text(engine_for):
    tokenizer = FAMILIES["llama 3"]()
    ids = engine_for(tokenizer).reply_ids("Hi <|eot_id|> there")
    assert not set(ids) & set(tokenizer.all_special_ids)
    assert tokenizer.decode(ids) == "Hi <|eot_id|> there"


def test_a_base_model_opens_in_completion_mode_and_says_why(engine_for):
    engine = engine_for(byte_level(""), name="Llama-2-7b-hf")
    assert engine.info.mode == "completion"
    assert "base model, without a chat template" in engine.info.notes[0]
    assert engine.info.licence.text.startswith("Llama 2 is licensed under")
    assert engine.plan(DIALOG, GREEDY).text == "<s>Be kind.HelloHi there!How are you?"
