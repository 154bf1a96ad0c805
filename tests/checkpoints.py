"""Small real checkpoints, written where a test needs them."""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from llama_ui.engine.loading.loader import load_model
from llama_ui.settings import MODELS


def write_plain_pocket(folder: Path) -> Path:
    """Pocket Llama in bfloat16, as a checkpoint that is not quantised."""
    loaded = load_model(MODELS["pocket"])
    config = json.loads((Path(MODELS["pocket"]) / "config.json").read_text())
    del config["quantization_config"]
    model = LlamaForCausalLM(LlamaConfig(**config)).to(torch.bfloat16)
    model.load_state_dict(loaded.model.dequantize().state_dict())
    model.generation_config = loaded.model.generation_config
    model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    return folder


def write_random(folder: Path, tokenizer: Any, **sizes: Any) -> Path:
    """Random weights in bfloat16; small, unless told otherwise."""
    torch.manual_seed(0)
    usual = {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
    }
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **{**usual, **sizes}))
    for parameter in model.parameters():
        if parameter.ndim == 1:
            # Norms begin as ones and biases as zeros, which would hide that they are left out.
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def edit_json(path: Path, **changes: Any) -> None:
    """Change fields of a JSON object in a file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
