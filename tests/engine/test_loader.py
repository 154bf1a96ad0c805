"""What can be wrong with a model folder, each with its sentence."""

import json
import shutil

import pytest

from llama_ui.engine.loader import load_model
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(MODELS["pocket"], copy)
    return copy


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def problem(source, **options) -> str:
    with pytest.raises(ModelError) as raised:
        load_model(str(source), **options)
    assert raised.value.next_step.endswith(".")
    return raised.value.problem


def test_a_shorter_context_can_be_chosen():
    assert load_model(MODELS["pocket"], context_length=512).info.context_length == 512


def test_a_longer_context_than_trained_is_refused(folder):
    assert "2,048 tokens, not 9,000" in problem(folder, context_length=9000)


@pytest.fixture
def float_folder(tmp_path):
    """A small checkpoint in bfloat16, not quantised yet."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(MODELS["pocket"])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_a_float_checkpoint_is_quantised_while_loading(float_folder):
    assert load_model(str(float_folder)).info.quantization == "4-bit NF4"


def test_weights_that_are_missing_are_never_made_up(float_folder):
    edit_config(float_folder, num_hidden_layers=3)
    assert "lacks" in problem(float_folder)


def test_an_empty_folder(tmp_path):
    assert "does not hold a complete model" in problem(tmp_path)


def test_a_missing_weight_file(folder):
    next(folder.glob("*.safetensors")).unlink()
    assert "does not hold a complete model" in problem(folder)


def test_a_broken_weight_file(folder):
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:1000])
    assert "does not hold a complete model" in problem(folder)


def test_a_broken_config(folder):
    (folder / "config.json").write_text("{")
    assert "does not hold a complete model" in problem(folder)


def test_another_architecture_is_named(folder):
    edit_config(folder, model_type="gpt2", architectures=["GPT2LMHeadModel"])
    assert "'gpt2' model" in problem(folder)


def test_pickled_weights_are_refused(folder):
    for path in [*folder.glob("*.safetensors"), *folder.glob("*.index.json")]:
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"not even looked at")
    assert "does not hold a complete model" in problem(folder)


def test_code_in_the_repository_is_not_run(folder, tmp_path):
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    edit_config(folder, auto_map={"AutoConfig": "evil.X", "AutoModelForCausalLM": "evil.Y"})
    load_model(str(folder))
    assert not (tmp_path / "ran").exists()
