"""The memory that is estimated from a config, against the bytes that are really held."""

import gc
import json
from pathlib import Path

import pytest
import torch
from bitsandbytes.functional import has_avx512bf16

from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.loading.memory import memory_need, most_slots, what_fits
from llama_ui.engine.loading.shape import LLAMA_2, ModelShape
from llama_ui.engine.local.scheduler import make_scheduler
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS
from tests.checkpoints import write_random

GB = 10**9
SHAPES = {
    "square": {"hidden_size": 512, "intermediate_size": 1408, "num_key_value_heads": 4},
    "few kv heads": {
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_attention_heads": 8,
        "num_key_value_heads": 1,
    },
    "tied, odd heads": {
        "hidden_size": 448,
        "intermediate_size": 1280,
        "num_attention_heads": 7,
        "num_key_value_heads": 7,
        "tie_word_embeddings": True,
    },
    "wide head": {"hidden_size": 256, "head_dim": 128},
}


def live_tensors() -> dict[int, int]:
    """Bytes of every tensor's storage in this process, by its address."""
    gc.collect()
    tensors = [item for item in gc.get_objects() if issubclass(type(item), torch.Tensor)]
    storages = [item.untyped_storage() for item in tensors if item.device.type == "cpu"]
    return {storage.data_ptr(): storage.nbytes() for storage in storages}


def held_after_loading(folder, slots: int, **options) -> tuple[int, int]:
    """Bytes of weights, with all that quantisation and joining keep, and of the cache."""
    before = live_tensors()
    loaded = load_model(str(folder), **options)
    batch = make_scheduler(loaded, slots=slots, chunk=None)
    added = {at: size for at, size in live_tensors().items() if at not in before}
    cache = sum(tensor.nbytes for tensor in (*batch._cache.keys, *batch._cache.values))
    return sum(added.values()) - cache, cache


@pytest.mark.parametrize(
    ("shape", "quantization"),
    [*((shape, "4bit") for shape in SHAPES), ("few kv heads", "8bit"), ("square", "none")],
)
def test_the_estimate_is_within_a_tenth_of_what_is_held(tmp_path, tokenizer, shape, quantization):
    write_random(tmp_path, tokenizer, **{"head_dim": None, **SHAPES[shape]})
    config = json.loads((tmp_path / "config.json").read_text())
    need = memory_need(config, quantization=quantization, slots=3, gpus=0)
    weights, cache = held_after_loading(tmp_path, slots=3, quantization=quantization)
    assert need.cache == pytest.approx(cache, rel=0.01)
    # Where the CPU has no such instructions, 4-bit weights are not kept twice.
    packs = quantization != "4bit" or has_avx512bf16()
    if packs:
        assert need.weights == pytest.approx(weights, rel=0.1)
    else:
        assert need.weights > weights


def test_pocket_llama_as_it_is_shipped():
    config = json.loads((Path(MODELS["pocket"]) / "config.json").read_text())
    need = memory_need(config, slots=4, gpus=0)
    weights, cache = held_after_loading(MODELS["pocket"], slots=4)
    assert need.cache == pytest.approx(cache, rel=0.01)
    if has_avx512bf16():
        assert need.weights == pytest.approx(weights, rel=0.1)


# Measured by python -m benchmarks.memory, in GB, on an H100 (8-bit weights: an H200): see
# benchmarks/README.md.
MEASURED = {
    ("7b", "4bit", 1, "16bit"): 7.35,
    ("7b", "4bit", 1, "8bit"): 6.29,
    ("7b", "8bit", 4, "16bit"): 17.27,
}


@pytest.mark.parametrize(("shape", "quantization", "slots", "kv_cache"), MEASURED)
def test_the_estimate_is_within_a_twentieth_of_what_a_gpu_showed(
    shape, quantization, slots, kv_cache
):
    need = memory_need(LLAMA_2[shape], quantization=quantization, slots=slots, kv_cache=kv_cache)
    measured = MEASURED[shape, quantization, slots, kv_cache] * GB
    assert need.total == pytest.approx(measured, rel=0.05)


def test_a_checkpoint_that_is_quantised_is_counted_as_it_is():
    saved = {"quantization_config": {"load_in_8bit": True}}
    eight = memory_need(LLAMA_2["7b"], quantization="8bit")
    assert memory_need({**LLAMA_2["7b"], **saved}).weights == eight.weights
    assert memory_need(LLAMA_2["7b"], quantization="none").weights > 1.8 * eight.weights


def test_an_old_config_without_newer_fields_is_read():
    config = {k: v for k, v in LLAMA_2["7b"].items() if k != "num_key_value_heads"}
    assert ModelShape.of(config) == ModelShape.of(LLAMA_2["7b"])


@pytest.mark.parametrize("wrong", [{}, {"hidden_size": "x"}, {"num_attention_heads": 0}])
def test_a_config_without_sizes_is_refused(wrong):
    config = {**LLAMA_2["7b"], **wrong} if wrong else {}
    with pytest.raises(ModelError, match="does not say how large"):
        memory_need(config)


def sentence(name, free, **options) -> str:
    fault = what_fits(name, LLAMA_2[name], int(free * GB), **options)
    return str(fault) if fault else "fits"


def test_it_says_what_fits_instead():
    assert sentence("7b", 12) == "fits"
    assert sentence("7b", 16, slots=16).endswith("It fits with --slots 4.")
    assert sentence("70b", 24).endswith("13b fits, with 4 slots: --model 13b.")
    assert sentence("7b", 12, quantization="none").endswith(
        "With --quantization 4bit it fits, with 2 slots."
    )
    assert sentence("13b", 12).endswith("With --context 2048 it fits, with 1 slot.")
    assert sentence("7b", 7).endswith("With --context 2048 it fits, with 1 slot.")
    assert sentence("7b", 7, kv_cache="8bit") == "fits"
    assert sentence("7b", 6).endswith("Pocket Llama fits everywhere: --model pocket.")
    assert sentence("13b", 4).endswith("Pocket Llama fits everywhere: --model pocket.")
    assert "13b does not fit in 11.0 GB of memory: with 1 slot of 4,096 tokens" in sentence(
        "13b", 11
    )


def test_what_it_recommends_does_fit():
    for name in LLAMA_2:
        for free in range(4, 80, 3):
            slots = most_slots(LLAMA_2[name], free * GB)
            need = memory_need(LLAMA_2[name], slots=slots or 1)
            assert (need.total <= free * GB) == (slots > 0) or need.total > 0.95 * free * GB
