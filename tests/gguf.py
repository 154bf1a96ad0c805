"""Writes GGUF files for tests: docs/gguf.md in github.com/ggml-org/ggml."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from llama_ui.settings import MODELS

_TYPES = {torch.float32: 0, torch.float16: 1}
_LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def write_gguf(
    path: Path, metadata: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> Path:
    """Write a file; whole numbers become uint32, lists of them int32, as llama.cpp wants it."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        short = key in ("split.no", "split.count")
        signed = struct.pack("<Ii", 5, value) if key == "split.tensors.count" else b""
        head += _text(key) + (signed or (struct.pack("<IH", 2, value) if short else _value(value)))
    offset, data = 0, b""
    for name, tensor in tensors.items():
        shape = tuple(reversed(tensor.shape))
        head += _text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", _TYPES[tensor.dtype], offset)
        raw = tensor.contiguous().numpy().tobytes()
        data += raw + bytes(-len(raw) % 32)
        offset = len(data)
    path.write_bytes(head + bytes(-len(head) % 32) + data)
    return path


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if all(isinstance(item, str) for item in value):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    kind, code = (6, "f") if any(isinstance(item, float) for item in value) else (5, "i")
    return struct.pack(f"<IIQ{len(value)}{code}", 9, kind, len(value), *value)


def llama_metadata(config: Any, **changes: Any) -> dict[str, Any]:
    """The metadata of a model with this transformers config, without a vocabulary."""
    return {
        "general.architecture": "llama",
        "general.name": "A test",
        "llama.block_count": config.num_hidden_layers,
        "llama.context_length": config.max_position_embeddings,
        "llama.embedding_length": config.hidden_size,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.attention.key_length": config.head_dim,
        "llama.attention.value_length": config.head_dim,
        "llama.attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "llama.rope.freq_base": 10_000.0,
        "llama.rope.dimension_count": config.head_dim,
        **changes,
    }


def pocket_vocabulary() -> dict[str, Any]:
    """Pocket Llama's vocabulary as SentencePiece has one: a merge that comes first scores best."""
    described = json.loads((Path(MODELS["pocket"]) / "tokenizer.json").read_text())
    vocabulary: dict[str, int] = described["model"]["vocab"]
    scores = dict.fromkeys(vocabulary, -1e6)
    for rank, (left, right) in enumerate(described["model"]["merges"]):
        scores[left + right] = max(scores[left + right], -float(rank + 1))
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    kinds = [
        {"<unk>": 2, "<s>": 3, "</s>": 3}.get(token, 6 if token.startswith("<0x") else 1)
        for token in tokens
    ]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [scores[token] for token in tokens],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def llama_tensors(model: Any, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """The weights of a LlamaForCausalLM under llama.cpp's names."""
    config = model.config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    found = {}
    for name, weight in model.state_dict().items():
        weight = weight.detach().float().cpu()
        parts = name.removesuffix(".weight").split(".")
        if parts[:2] == ["model", "layers"]:
            short = _LAYER[".".join(parts[3:])]
            if short in heads:  # llama.cpp rotates neighbours, transformers halves
                pairs = weight.view(heads[short], 2, -1, weight.shape[1])
                weight = pairs.transpose(1, 2).reshape(weight.shape)
            name = f"blk.{parts[2]}.{short}.weight"
        else:
            ends = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
            name = f"{ends[parts[-1]]}.weight"
        found[name] = weight.to(dtype) if weight.dim() > 1 else weight
    if config.tie_word_embeddings:
        found.pop("output.weight", None)
    return found


def write_pocket(path: Path, dtype: torch.dtype = torch.float16, **changes: Any) -> Path:
    """Pocket Llama, with its Llama 2 chat template."""
    from llama_ui.engine.loading.loader import load_model

    folder = Path(MODELS["pocket"])
    model = load_model(str(folder)).model.dequantize()
    metadata = {
        **llama_metadata(model.config),
        **pocket_vocabulary(),
        "tokenizer.chat_template": (folder / "chat_template.jinja").read_text(),
        **changes,
    }
    return write_gguf(path, metadata, llama_tensors(model, dtype))
