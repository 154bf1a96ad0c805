"""Every field of a config that changes the arithmetic is honoured, or refused by its name."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llama_ui.engine.loading.config import check_supported, generation_notes
from llama_ui.engine.loading.loader import load_model, prepare
from llama_ui.engine.local.scheduler import make_scheduler
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS
from tests.checkpoints import edit_json, write_random

IDS = torch.randint(3, 400, (40,), generator=torch.Generator().manual_seed(1)).tolist()
LONG = [0.5 + number / 8 for number in range(16)]
# What is written into the checkpoint; the logits must be those of transformers' own forward.
HONOURED = {
    "plain": {},
    "gelu": {"hidden_act": "gelu"},
    "relu2": {"hidden_act": "relu2"},
    "gelu_pytorch_tanh": {"hidden_act": "gelu_pytorch_tanh"},
    "attention_bias": {"attention_bias": True},
    "mlp_bias": {"mlp_bias": True},
    "both biases": {"attention_bias": True, "mlp_bias": True},
    "head_dim": {"head_dim": 48},
    "one kv head": {"num_key_value_heads": 1},
    "as many kv heads": {"num_key_value_heads": 4},
    "rms_norm_eps": {"rms_norm_eps": 0.3},
    "tied": {"tie_word_embeddings": True},
    "rope_theta": {"rope_theta": 100.0},
    "pretraining_tp": {"pretraining_tp": 2},
    "proportional": {
        "rope_parameters": {
            "rope_type": "proportional",
            "rope_theta": 100.0,
            "partial_rotary_factor": 0.5,
        }
    },
    "linear": {"rope_scaling": {"type": "linear", "factor": 3.0}, "rope_theta": 500.0},
    "dynamic": {"rope_scaling": {"type": "dynamic", "factor": 3.0}},
    "llama3": {
        "rope_theta": 5000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    },
    "yarn": {
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "beta_fast": 16,
            "beta_slow": 2,
            "attention_factor": 1.3,
            "original_max_position_embeddings": 32,
        }
    },
    "yarn, mscale": {
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "mscale": 0.7,
            "mscale_all_dim": 1.4,
            "truncate": False,
            "original_max_position_embeddings": 32,
        }
    },
    "longrope": {
        "original_max_position_embeddings": 32,
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 16,
            "long_factor": LONG,
            "original_max_position_embeddings": 32,
        },
    },
    "odd widths": {"hidden_size": 36, "num_attention_heads": 2, "intermediate_size": 44},
}


def logits(loaded, ids):
    """Of every position, by the engine's own forward pass, in float32."""
    torch.nn.Module.float(loaded.model)
    forward = make_scheduler(loaded, slots=1, chunk=None)._forward
    with torch.inference_mode():
        hidden = forward(torch.tensor([ids]), torch.arange(len(ids))[None], 0, len(ids))
        return forward.logits(hidden)[0]


@pytest.mark.parametrize("field", HONOURED)
def test_the_logits_are_those_of_transformers(tmp_path, tokenizer, field):
    changes = HONOURED[field]
    write_random(tmp_path, tokenizer, **changes)
    edit_json(tmp_path / "config.json", **changes)
    with torch.inference_mode():
        model = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
        expected = model(torch.tensor([IDS])).logits[0]
    seen = logits(load_model(str(tmp_path), quantization="none"), IDS)
    torch.testing.assert_close(seen, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "field", ["gelu", "attention_bias", "rms_norm_eps", "rope_theta", "linear", "yarn", "llama3"]
)
def test_each_of_them_does_change_the_logits(tmp_path, tokenizer, field):
    """Or the comparison would show nothing."""
    write_random(tmp_path, tokenizer, **HONOURED[field])
    edit_json(tmp_path / "config.json", **HONOURED[field])
    changed = logits(load_model(str(tmp_path), quantization="none"), IDS)
    write_random(tmp_path, tokenizer)
    plain = logits(load_model(str(tmp_path), quantization="none"), IDS)
    assert (changed - plain).abs().max() > 1e-3


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 36, "num_attention_heads": 2, "intermediate_size": 44},
        {"hidden_size": 288, "intermediate_size": 768, "num_attention_heads": 6},
        {"hidden_size": 64, "intermediate_size": 172, "num_attention_heads": 8},
        {"hidden_size": 512, "intermediate_size": 1376, "num_attention_heads": 8},
        {"attention_bias": True, "mlp_bias": True},
    ],
)
def test_4_bit_layers_of_any_width_compute_what_their_weights_say(tmp_path, tokenizer, sizes):
    """Against the same weights unpacked: layers whose widths are no multiple of a block of 64."""
    write_random(tmp_path, tokenizer, **{**sizes, "num_key_value_heads": 2})
    loaded = load_model(str(tmp_path), quantization="4bit")
    unpacked = load_model(str(tmp_path), quantization="4bit").model.dequantize().float()
    with torch.inference_mode():
        expected = unpacked(torch.tensor([IDS])).logits[0]
    off = (logits(loaded, IDS) - expected).norm() / expected.norm()
    assert off < 0.05


def problem(config, **changes) -> str:
    with pytest.raises(ModelError) as raised:
        check_supported("a model", {**config, **changes})
    assert raised.value.next_step.endswith(".")
    return raised.value.problem


@pytest.fixture(scope="module")
def plain():
    return LlamaConfig(architectures=["LlamaForCausalLM"]).to_dict()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("embedding_multiplier", 12.0),
        ("attention_multiplier", 0.015625),
        ("residual_multiplier", 0.22),
        ("residual_multiplier", 0),
        ("logits_scaling", 8.0),
        ("logit_scale", 0.0625),
        ("attn_logit_softcapping", 50.0),
        ("final_logit_softcapping", 30.0),
        ("query_pre_attn_scalar", 144),
        ("scale_emb", 12),
        ("scale_depth", 1.4),
        ("sliding_window", 1024),
        ("use_sliding_window", True),
        ("layer_types", ["sliding_attention", "full_attention"]),
        ("no_rope_layers", [1, 1, 1, 0]),
        ("no_rope_layer_interval", 4),
        ("attention_chunk_size", 8192),
        ("partial_rotary_factor", 0.5),
        ("rotary_pct", 0.25),
        ("rope_interleaved", True),
        ("use_qk_norm", True),
        ("clip_qkv", 8.0),
        ("parallel_attn", True),
        ("alibi", True),
        ("norm_type", "layernorm"),
        ("num_local_experts", 8),
        ("num_experts_per_tok", 2),
        ("bias", True),
        ("qkv_bias", True),
        ("position_embedding_type", "alibi"),
        ("add_cross_attention", True),
        ("is_encoder_decoder", True),
        ("per_layer_config", {"0": {"intermediate_size": 4}}),
        ("hidden_activation", "gelu"),
        ("quantization", {"group_size": 64, "bits": 4}),
        ("compression_config", {"format": "pack-quantized"}),
        ("architectures", ["LlamaForSequenceClassification"]),
    ],
)
def test_what_is_not_computed_is_refused_by_its_name(plain, field, value):
    assert field in problem(plain, **{field: value})


@pytest.mark.parametrize(
    ("rope", "named"),
    [
        ({"rope_type": "axial"}, "rope_type"),
        ({"rope_type": "mrope", "mrope_section": [1, 2]}, "rope_type"),
        ({"type": "su", "factor": 2.0}, "rope_type"),
        ({"rope_type": "dynamic", "factor": 2.0, "alpha": 1000.0}, "alpha"),
        ({"rope_type": "default", "mrope_section": [1, 2, 3]}, "mrope_section"),
        ({"rope_type": "linear", "factor": 2.0, "partial_rotary_factor": 0.5}, "partial_rotary"),
        ({"full_attention": {"rope_type": "default"}}, "full_attention"),
        ({"rope_type": "linear", "factor": "two"}, "factor"),
        ({"rope_type": "linear", "factor": -1}, "factor"),
        ("linear", "rope_"),
    ],
)
@pytest.mark.parametrize("place", ["rope_scaling", "rope_parameters"])
def test_rotations_that_are_not_computed_are_refused_by_name(plain, place, rope, named):
    assert named in problem(plain, **{place: rope})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_size", "4096"),
        ("hidden_size", 0),
        ("num_hidden_layers", -1),
        ("vocab_size", 1.5),
        ("num_key_value_heads", 3),
        ("head_dim", 63),
        ("rms_norm_eps", float("nan")),
        ("rms_norm_eps", "1e-5"),
        ("rope_theta", float("inf")),
        ("rope_theta", 0),
        ("attention_bias", "yes"),
        ("tie_word_embeddings", 2),
        ("eos_token_id", "</s>"),
        ("eos_token_id", [2, None, "x"]),
        ("quantization_config", "4bit"),
        ("quantization_config", {"quant_method": "bitsandbytes"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(plain, field, value):
    assert field in problem(plain, **{field: value})


def test_an_activation_that_nobody_knows_is_refused_by_its_name(tmp_path, tokenizer):
    write_random(tmp_path, tokenizer)
    edit_json(tmp_path / "config.json", hidden_act="swishy")
    with pytest.raises(ModelError, match="hidden_act to 'swishy'"):
        prepare(tmp_path)


def test_neutral_values_of_other_families_are_fine(plain):
    neutral = {
        "embedding_multiplier": 1.0,
        "attention_multiplier": 128**-0.5,
        "residual_multiplier": 1,
        "logits_scaling": 1,
        "final_logit_softcapping": None,
        "query_pre_attn_scalar": 128,
        "sliding_window": 4096,
        "layer_types": ["full_attention"] * 32,
        "rope_interleaved": False,
        "num_local_experts": 0,
        "no_rope_layers": [1] * 32,
        "pretraining_tp": 4,
        "use_cache": False,
        "layer_norm_eps": 1e-6,
        "rope_scaling": {"type": "yarn", "factor": 2.0, "finetuned": True},
    }
    assert check_supported("a model", {**plain, "rms_norm_eps": 1e-6, **neutral}) == ()
    assert "sliding_window" in problem(plain, sliding_window=2047)
    unused = {"sliding_window": 8, "use_sliding_window": False}
    assert check_supported("a model", {**plain, **unused}) == ()


def test_unknown_fields_are_named(plain):
    (note,) = check_supported("a model", {**plain, "favourite_colour": "blue", "empty": None})
    assert "favourite_colour" in note
    assert "empty" not in note


def test_what_generate_would_do_is_named():
    asked = {
        "suppress_tokens": [5],
        "begin_suppress_tokens": [6],
        "bad_words_ids": [[7]],
        "min_length": 3,
        "min_new_tokens": 2,
        "forced_eos_token_id": 2,
        "no_repeat_ngram_size": 4,
        "stop_strings": ["\n"],
        "sequence_bias": [[[3], -1.0]],
        "typical_p": 0.9,
        "num_beams": 4,
    }
    usual = {"temperature": 0.6, "top_p": 0.9, "eos_token_id": [2, 3], "num_beams": 1}
    assert generation_notes("a model", usual) == ()
    for field, value in asked.items():
        (note,) = generation_notes("a model", {**usual, field: value})
        assert field in note
    with pytest.raises(ModelError, match="eos_token_id"):
        generation_notes("a model", {"eos_token_id": ["</s>"]})


def test_notes_reach_the_reader_and_all_end_tokens_the_engine(tmp_path, tokenizer):
    write_random(tmp_path, tokenizer)
    edit_json(tmp_path / "config.json", eos_token_id=[5, 6], hue=7)
    edit_json(tmp_path / "generation_config.json", eos_token_id=[8], suppress_tokens=[9])
    loaded = load_model(str(tmp_path), quantization="none")
    assert [note.partition(" ")[0] for note in loaded.info.notes] == [
        "config.json",
        "generation_config.json",
    ]
    ends = make_scheduler(loaded, slots=1, chunk=None)._end_tokens
    assert ends == {5, 6, 8, tokenizer.eos_token_id}


def test_the_bundled_model_has_nothing_to_note():
    folder = Path(MODELS["pocket"])
    assert check_supported("pocket", json.loads((folder / "config.json").read_text())) == ()


def test_tokens_beyond_the_embedding_are_refused_with_both_numbers(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(MODELS["pocket"])
    rows = len(tokenizer)
    write_random(tmp_path, tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|turn|>", "<|end|>"]})
    tokenizer.save_pretrained(tmp_path)
    said = f"tokenizer has {rows + 2:,} tokens, its weights {rows:,}"
    with pytest.raises(ModelError, match=said):
        prepare(tmp_path)


def test_a_token_to_pad_with_may_lie_beyond(tmp_path):
    """It stands in no prompt, also where somebody types it."""
    tokenizer = AutoTokenizer.from_pretrained(MODELS["pocket"])
    write_random(tmp_path, tokenizer)
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    tokenizer.save_pretrained(tmp_path)
    prepared = prepare(tmp_path)
    segments = prepared.format.encode([{"role": "user", "content": "a <pad> b"}])
    assert max(token for s in segments for token in s.ids) < prepared.config.vocab_size


def test_a_token_with_a_huge_id_holds_nothing_up(tmp_path):
    """Written down in the order of its ids, such a vocabulary would take for ever."""
    write_random(tmp_path, AutoTokenizer.from_pretrained(MODELS["pocket"]))
    place = tmp_path / "tokenizer.json"
    saved = json.loads(place.read_text())
    saved["model"]["vocab"]["<0x0A>"] = 4_000_000_000
    place.write_text(json.dumps(saved))
    with pytest.raises(ModelError, match="does not fit its tokenizer"):
        prepare(tmp_path)
