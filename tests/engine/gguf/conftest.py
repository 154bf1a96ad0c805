"""GGUF files for tests: a real model, Pocket Llama, and one small enough to be damaged often."""

from pathlib import Path
from typing import Any

import pytest
import torch

from llama_ui.engine.gguf.loader import load_gguf
from tests.gguf import llama_metadata, llama_tensors, pocket_vocabulary, write_gguf, write_pocket
from tests.smollm2 import smollm2 as path_of_smollm2


@pytest.fixture(scope="session")
def smollm2() -> Any:
    return load_gguf(path_of_smollm2(), context_length=2048)


@pytest.fixture(scope="session")
def pocket_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path_of_smollm2()  # without llama.cpp there is nothing to test
    return write_pocket(tmp_path_factory.mktemp("gguf") / "Pocket-Llama-16M.gguf")


@pytest.fixture(scope="session")
def tiny_model() -> Any:
    """A LlamaForCausalLM with random weights and Pocket Llama's vocabulary."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=4096,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory, tiny_model: Any) -> Path:
    path_of_smollm2()
    metadata = {**llama_metadata(tiny_model.config), **pocket_vocabulary()}
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return write_gguf(path, metadata, llama_tensors(tiny_model, torch.float16))
