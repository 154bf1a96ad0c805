"""--quantization auto: 4-bit for large models, and for small ones the best that memory allows."""

from pathlib import Path

import pytest

from llama_ui.engine.loading.device import Device, choose_quantization, quantization_for
from llama_ui.engine.loading.loader import prepare
from llama_ui.engine.loading.memory import memory_need
from llama_ui.engine.loading.shape import LLAMA_2, ModelShape
from llama_ui.settings import MODELS, Settings
from tests.checkpoints import write_random

SMOLLM_2 = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49_152,
    "max_position_embeddings": 2_048,
    "tie_word_embeddings": True,
}
LLAMA_3_2_3B = {
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 28,
    "num_attention_heads": 24,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
    "max_position_embeddings": 4_096,
    "tie_word_embeddings": True,
}


def test_the_count_of_weights_is_what_the_makers_say():
    assert ModelShape.of(SMOLLM_2).parameters == pytest.approx(134.5e6, rel=0.01)
    assert ModelShape.of(LLAMA_3_2_3B).parameters == pytest.approx(3.21e9, rel=0.01)
    assert ModelShape.of(LLAMA_2["7b"]).parameters == pytest.approx(6.74e9, rel=0.01)


@pytest.mark.parametrize("gpus", [0, 1])
def test_large_models_are_held_in_4_bit_however_much_memory_there_is(gpus):
    for config in (LLAMA_3_2_3B, *LLAMA_2.values()):
        assert quantization_for(config, Device("it", gpus, 10**15), None, None) == "4bit"


@pytest.mark.parametrize("gpus", [0, 1])
def test_small_ones_are_held_as_well_as_memory_allows(gpus):
    def held(free: int) -> str:
        return quantization_for(SMOLLM_2, Device("it", gpus, free), None, None)

    needs = [
        memory_need(SMOLLM_2, quantization=kind, slots=4, gpus=gpus).total
        for kind in ("none", "8bit", "4bit")
    ]
    assert [held(need) for need in needs] == ["none", "8bit", "4bit"]
    assert held(needs[0] - 1) == "8bit"
    assert held(0) == "4bit"


def test_what_is_asked_for_is_done():
    for kind in ("4bit", "8bit", "none"):
        assert choose_quantization(SMOLLM_2, kind, None, None) == kind


def test_it_is_the_default_and_the_badge_says_what_came_of_it(tmp_path, tokenizer):
    assert Settings().quantization == "auto"
    prepared = prepare(write_random(tmp_path, tokenizer), quantization="auto")
    assert prepared.held == "none"
    assert prepared.notes == ()


def test_a_quantised_checkpoint_stays_as_it_is_and_nothing_is_said():
    assert prepare(Path(MODELS["pocket"]), quantization="auto").notes == ()
