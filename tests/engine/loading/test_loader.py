"""What can be wrong with a model folder, each with its sentence."""

import json
import shutil

import pytest

from llama_ui.engine.loading.loader import load_model
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS
from tests.checkpoints import write_random


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


def test_a_longer_context_than_trained_is_allowed_with_a_warning(folder, caplog):
    loaded = load_model(str(folder), context_length=3000)
    assert loaded.info.context_length == 3000
    assert "3,000 tokens is longer than the 2,048" in loaded.info.notes[0]
    assert loaded.info.notes[0] in caplog.text


@pytest.fixture
def float_folder(tmp_path):
    """A small checkpoint in bfloat16, not quantised yet."""
    from transformers import AutoTokenizer

    return write_random(tmp_path, AutoTokenizer.from_pretrained(MODELS["pocket"]))


def test_a_float_checkpoint_is_quantised_while_loading(float_folder):
    assert load_model(str(float_folder)).info.quantization == "4-bit NF4"


def test_weights_that_are_missing_are_never_made_up(float_folder):
    edit_config(float_folder, num_hidden_layers=3)
    assert "lacks" in problem(float_folder)


def test_an_empty_folder(tmp_path):
    assert "holds no model: it has no config.json" in problem(tmp_path)


def test_a_missing_weight_file(folder):
    path = next(folder.glob("*.safetensors"))
    path.unlink()
    assert f"lacks {path.name}" in problem(folder)


def test_no_weights_at_all(folder):
    for path in [*folder.glob("*.safetensors"), *folder.glob("*.index.json")]:
        path.unlink()
    assert "has no weights" in problem(folder)


@pytest.mark.parametrize("size", [0, 5, 1000, -1])
def test_a_weight_file_that_is_cut_off(folder, size):
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:size])
    assert f"{path} is damaged" in problem(folder)


def test_a_weight_file_that_is_something_else(folder):
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(b"<html>" + b" " * 5000)
    assert f"{path} is damaged" in problem(folder)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_broken_config(folder, text):
    (folder / "config.json").write_text(text)
    assert "config.json is damaged" in problem(folder)


def refusal(source) -> ModelError:
    with pytest.raises(ModelError) as raised:
        load_model(str(source))
    return raised.value


def test_another_architecture_is_named(folder):
    edit_config(folder, model_type="gpt2", architectures=["GPT2LMHeadModel"])
    assert "'gpt2' model" in problem(folder)
    assert "--server URL" in refusal(folder).next_step


@pytest.mark.parametrize("method", ["gptq", "awq", "fp8", "compressed-tensors", "hqq"])
def test_another_quantisation_is_named(folder, method):
    edit_config(folder, quantization_config={"quant_method": method, "bits": 4})
    assert f"quantised by {method.upper()}" in problem(folder)
    assert "--server URL" in refusal(folder).next_step


def test_gguf_is_refused_as_a_file_and_as_a_folder(tmp_path):
    path = tmp_path / "llama-2-7b.Q4_0.gguf"
    path.write_bytes(b"GGUF")
    for source in (path, tmp_path):
        assert "GGUF format of llama.cpp" in problem(source)
        assert "--server URL" in refusal(source).next_step


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth"])
def test_pickled_weights_are_refused_and_told_why(folder, name):
    for path in [*folder.glob("*.safetensors"), *folder.glob("*.index.json")]:
        path.unlink()
    (folder / name).write_bytes(b"not even looked at")
    assert f"only as {name}: a pickle, which can run any program" in problem(folder)


def test_a_folder_without_tokenizer(folder):
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer" in problem(folder)


def test_a_broken_template(folder):
    (folder / "chat_template.jinja").write_text("{% for m in messages %}")
    assert "The chat template of model cannot be used" in problem(folder)


def test_code_in_the_repository_is_not_run(folder, tmp_path):
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    edit_config(folder, auto_map={"AutoConfig": "evil.X", "AutoModelForCausalLM": "evil.Y"})
    load_model(str(folder))
    assert not (tmp_path / "ran").exists()


def test_pocket_llama_shows_no_licence_wherever_it_lies(tmp_path):
    copy = shutil.copytree(MODELS["pocket"], tmp_path / "llama-2" / "pocket-llama")
    assert load_model(str(copy)).info.licence is None
