"""What config.json and generation_config.json ask for: done, or refused by its name. No torch.

The fields are those of transformers' LlamaConfig and of its relatives (Granite, MiniCPM, Cohere,
Gemma, Phi, Mistral, SmolLM3), whose checkpoints are converted to `"model_type": "llama"`. A field
that changes what the layers compute, and that this page and transformers' LlamaForCausalLM leave
out, would give replies that are wrong in silence.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llama_ui.errors import ModelError

SERVE_IT = "Serve it with vLLM or llama.cpp, and start this page with --server URL."

_SIZES = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("vocab_size", "max_position_embeddings"),
)
_MAYBE_SIZES = ("num_key_value_heads", "head_dim")
# Read by transformers' LlamaConfig, and honoured.
_HONOURED = {
    *(*_SIZES, *_MAYBE_SIZES, "hidden_act", "attention_bias", "mlp_bias", "rms_norm_eps"),
    *("tie_word_embeddings", "rope_theta", "rope_scaling", "rope_parameters"),
    *("partial_rotary_factor", "original_max_position_embeddings", "quantization_config"),
    *("bos_token_id", "eos_token_id", "pad_token_id", "dtype", "torch_dtype"),
}
# For training, for other programs, or without effect on what is computed.
_HARMLESS = {
    *("architectures", "model_type", "transformers_version", "use_cache", "initializer_range"),
    *("pretraining_tp", "attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop"),
    *("attn_pdrop", "hidden_dropout_prob", "mlp_dropout", "unk_token_id", "sep_token_id"),
    *("cls_token_id", "mask_token_id", "decoder_start_token_id", "return_dict"),
    *("output_hidden_states", "output_attentions", "id2label", "label2id", "num_labels"),
    *("problem_type", "task_specific_params", "finetuning_task", "tokenizer_class", "prefix"),
    *("torchscript", "chunk_size_feed_forward", "gradient_checkpointing", "is_decoder"),
    *("use_flash_attention", "attn_implementation", "is_llama_config", "transformers.js_config"),
    *("unsloth_version", "unsloth_fixed", "max_sequence_length", "model_max_length"),
    *("max_window_layers", "name_or_path", "use_bfloat16", "pruned_heads", "ignore_index"),
    *("tie_encoder_decoder", "remove_invalid_values", "keys_to_ignore_at_inference"),
    *("temperature", "top_p", "top_k", "do_sample", "max_length", "num_return_sequences"),
}
# The words in the names of fields that change what is computed.
_ARITHMETIC = re.compile(
    r"multipl|scal|softcap|soft_cap|logit|sliding|window|expert|moe|norm|alibi|rotary|rope|clip"
    r"|residual|mup|bias|position|encoder|cross_attention|layer_type|per_layer|chunk_size|interleav"
    r"|activation|quant|compress|tempera|sink|parallel|skip|prune|mixture|recurr|lora|adapter|cap$"
)
_ROPE_TYPES = ("default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional")
_ROPE_KEYS = {
    *("rope_type", "type", "rope_theta", "factor", "original_max_position_embeddings"),
    *("attention_factor", "beta_fast", "beta_slow", "short_factor", "long_factor", "truncate"),
    *("low_freq_factor", "high_freq_factor", "mscale", "mscale_all_dim", "finetuned"),
    "partial_rotary_factor",
}
# What generate would do with a reply and this page does not, unless it has one of these values.
_GENERATION = {
    **dict.fromkeys(("min_length", "min_new_tokens", "no_repeat_ngram_size"), 0),
    **dict.fromkeys(("min_p", "epsilon_cutoff", "eta_cutoff", "penalty_alpha"), 0),
    **dict.fromkeys(("num_beams", "typical_p", "top_h", "encoder_repetition_penalty"), 1),
    **dict.fromkeys(("guidance_scale", "num_beam_groups"), 1),
    **dict.fromkeys(("suppress_tokens", "begin_suppress_tokens", "bad_words_ids"), None),
    **dict.fromkeys(("forced_bos_token_id", "forced_eos_token_id", "force_words_ids"), None),
    **dict.fromkeys(("stop_strings", "sequence_bias", "exponential_decay_length_penalty"), None),
    **dict.fromkeys(("constraints", "dola_layers", "watermarking_config"), None),
    **dict.fromkeys(("token_healing", "encoder_no_repeat_ngram_size"), 0),
}


def check_supported(name: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Refuse, by its config.json, what this page cannot run; says what it leaves aside.

    Args:
        name: of the model, for faults.

    Returns:
        What a reader should know, one sentence each.

    Raises:
        ModelError: names the field.
    """
    kind = config.get("model_type")
    if kind != "llama":
        raise ModelError(
            f"{name} is a {kind!r} model; this page runs the Llama architecture.", SERVE_IT
        )
    _check_quantization(name, config.get("quantization_config"))
    _check_sizes(name, config)
    for field, value in _numbers("", config):
        if not math.isfinite(value):
            raise _damaged(name, field, value)
    for field in ("attention_bias", "mlp_bias", "tie_word_embeddings"):
        if not isinstance(config.get(field, False), bool):
            raise _damaged(name, field, config[field])
    epsilon = config.get("rms_norm_eps", 1e-6)
    if not _is_number(epsilon) or epsilon < 0:
        raise _damaged(name, "rms_norm_eps", epsilon)
    for field in ("rope_theta", "original_max_position_embeddings"):
        if config.get(field) is not None and not (_is_number(config[field]) and config[field] > 0):
            raise _damaged(name, field, config[field])
    _check_rope(name, config)
    _check_end_tokens(name, "config.json", config)
    unknown = []
    for field, value in config.items():
        if field in _HONOURED or field in _HARMLESS or field.startswith("_"):
            continue
        if _is_neutral(field, value, config):
            continue
        if _ARITHMETIC.search(field):
            raise _unsupported(name, field, value)
        unknown.append(field)
    _check_architecture(name, config)
    return (_note_on("config.json", unknown),) if unknown else ()


def generation_notes(name: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """What a generation_config.json asks for that this page does not do, as a note.

    Temperature, top-p and the like are the reader's to choose; the tokens that end a reply are
    honoured.

    Raises:
        ModelError: the tokens that end a reply are none.
    """
    _check_end_tokens(name, "generation_config.json", config)
    left_aside = [
        field
        for field, neutral in _GENERATION.items()
        if config.get(field) not in (None, False, [], {}, "", neutral)
    ]
    return (_note_on("generation_config.json", left_aside),) if left_aside else ()


def _check_end_tokens(name: str, file: str, config: Mapping[str, Any]) -> None:
    named = config.get("eos_token_id")
    ids = named if isinstance(named, list) else [] if named is None else [named]
    if not all(isinstance(token, int) and not isinstance(token, bool) for token in ids):
        raise _damaged(name, "eos_token_id", named, file)


def _check_sizes(name: str, config: Mapping[str, Any]) -> None:
    for field in (*_SIZES, *_MAYBE_SIZES):
        value = config.get(field)
        if value is None and (field in _MAYBE_SIZES or field not in config):
            continue  # a missing one has LlamaConfig's default; memory counts with all of them
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _damaged(name, field, value)
    heads, kv_heads = config.get("num_attention_heads"), config.get("num_key_value_heads")
    if heads is not None and kv_heads is not None and heads % kv_heads:
        raise ModelError(
            f"{name} cannot be computed: num_attention_heads ({heads}) is no multiple of "
            f"num_key_value_heads ({kv_heads}) in its config.json.",
            "Copy or download its config.json again.",
        )
    if config.get("head_dim") is not None and config["head_dim"] % 2:
        raise _damaged(name, "head_dim", config["head_dim"])


def _check_quantization(name: str, saved: Any) -> None:
    if saved is None or saved == {}:
        return
    if not isinstance(saved, Mapping):
        raise _damaged(name, "quantization_config", saved)
    method = str(saved.get("quant_method", "bitsandbytes"))
    if method != "bitsandbytes":
        raise ModelError(
            f"{name} is quantised by {method.upper()[:40]}; this page runs plain checkpoints and "
            "those of bitsandbytes.",
            SERVE_IT,
        )
    if not saved.get("load_in_4bit") and not saved.get("load_in_8bit"):
        raise _damaged(name, "quantization_config", "neither 4-bit nor 8-bit")
    if saved.get("bnb_4bit_quant_type", "nf4") not in ("nf4", "fp4"):
        raise _unsupported(name, "bnb_4bit_quant_type", saved["bnb_4bit_quant_type"])


def _check_rope(name: str, config: Mapping[str, Any]) -> None:
    """How positions are rotated: what transformers' rotary embedding computes for Llama."""
    factor = config.get("partial_rotary_factor")
    for field in ("rope_scaling", "rope_parameters"):
        rope = config.get(field)
        if rope is None or rope == {}:
            continue
        if not isinstance(rope, Mapping):
            raise _damaged(name, field, rope)
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind not in _ROPE_TYPES:
            raise _unsupported(name, f"{field}.rope_type", kind)
        for key, value in rope.items():
            if key not in _ROPE_KEYS and value is not None:
                raise _unsupported(name, f"{field}.{key}", value)
            is_list = key in ("short_factor", "long_factor")
            is_word = key in ("rope_type", "type", "truncate", "finetuned")
            if value is None or is_word:
                continue
            numbers = value if is_list and isinstance(value, list) else [value]
            if not all(_is_number(number) and number > 0 for number in numbers):
                raise _damaged(name, f"{field}.{key}", value)
        factor = rope.get("partial_rotary_factor", factor)
        if kind == "proportional":
            factor = None
    # transformers' Llama rotates whole heads.
    if factor not in (None, 1):
        raise _unsupported(name, "partial_rotary_factor", factor)


def _check_architecture(name: str, config: Mapping[str, Any]) -> None:
    architectures = config.get("architectures") or ["LlamaForCausalLM"]
    if not isinstance(architectures, list):
        raise _damaged(name, "architectures", architectures)
    # Old checkpoints write LLaMAForCausalLM.
    if not any(str(each).lower() == "llamaforcausallm" for each in architectures):
        raise _unsupported(name, "architectures", architectures[0])


def _is_neutral(field: str, value: Any, config: Mapping[str, Any]) -> bool:
    """Whether a field that Llama does not have says what Llama does anyway."""
    if value is None or value is False or value in ("", [], {}):
        return True
    if _is_number(value) and (value == 1 or (value == 0 and not _is_factor(field))):
        return True
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    head_dim = config.get("head_dim") or (hidden // heads if heads and hidden else 0)
    longest = config.get("max_position_embeddings") or 0
    if field == "attention_multiplier":
        return bool(_is_number(value) and head_dim and math.isclose(value, head_dim**-0.5))
    if field in ("query_pre_attn_scalar", "rotary_dim"):
        return bool(value == head_dim)
    if field == "sliding_window":
        return config.get("use_sliding_window") is False or (_is_number(value) and value >= longest)
    if field == "sliding_window_pattern":
        return _is_neutral("sliding_window", config.get("sliding_window"), config)
    if field == "layer_types":
        return isinstance(value, list) and {*map(str, value)} == {"full_attention"}
    if field == "no_rope_layers":
        return isinstance(value, list) and all(each == 1 for each in value)
    if field in ("layer_norm_eps", "norm_eps", "layer_norm_epsilon"):
        return bool(value == config.get("rms_norm_eps"))
    if field == "hidden_activation":
        return bool(value == config.get("hidden_act", "silu"))
    return field == "position_embedding_type" and value in ("rope", "rotary")


def _is_factor(field: str) -> bool:
    return "multipl" in field or "scal" in field


def _numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:
    """Every fraction in a config, with the path to it."""
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(f"{path}.{key}".lstrip("."), item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(path, item)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _note_on(file: str, fields: list[str]) -> str:
    names = ", ".join(field[:40] for field in fields[:8]) + ", ..." * (len(fields) > 8)
    return f"{file} sets what this page does not use: {names}."


def _unsupported(name: str, field: str, value: Any) -> ModelError:
    return ModelError(
        f"{name} sets {field[:60]} to {str(value)[:60]!r} in its config.json; this page does not "
        "compute that.",
        SERVE_IT,
    )


def _damaged(name: str, field: str, value: Any, file: str = "config.json") -> ModelError:
    return ModelError(
        f"{name} sets {field[:60]} to {str(value)[:60]!r} in its {file}, which cannot be.",
        f"Copy or download its {file} again.",
    )
