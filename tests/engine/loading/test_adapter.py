"""A LoRA on the 4-bit model: it changes the manner, and what does not belong is refused."""

import json
import shutil
import subprocess
import sys

import pytest
import torch

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS, ROOT
from tests.checkpoints import write_random
from tests.engine.local.test_scheduler import collect, generate
from tests.sizes import examples

pytest.importorskip("peft")

PIRATE = ROOT / "assets" / "pirate-adapter"
QUESTIONS = [
    "Hello there!",
    "What does temperature do?",
    "I'm Sam.",
    "Tell me a joke.",
    "Do you like the sea?",
    "Who are you?",
]
GREEDY = Sampling(temperature=0, max_new_tokens=24)


@pytest.fixture(scope="module")
def pirate():
    return load_model(MODELS["pocket"], adapter=str(PIRATE))


def answers(loaded) -> list[str]:
    """What the engine says to each question."""
    engine = LocalEngine(loaded, slots=3, chunk=16)
    plans = [engine.plan([{"role": "user", "content": text}], GREEDY) for text in QUESTIONS]
    replies = [engine.submit(plan, GREEDY) for plan in plans]
    said = [collect(reply)[0] for reply in replies]
    engine.close()
    return said


def generated(loaded) -> list[str]:
    """What generate says; it packs 4-bit weights in another way, so only for plain ones."""
    engine = LocalEngine(loaded)
    plans = [engine.plan([{"role": "user", "content": text}], GREEDY) for text in QUESTIONS]
    engine.close()
    return [generate(loaded, plan.ids, 24) for plan in plans]


def test_it_changes_the_manner_of_the_4_bit_model(pirate, loaded):
    assert pirate.info.adapter == "pirate-adapter"
    assert pirate.info.quantization == "4-bit NF4"
    assert loaded.info.adapter == ""
    assert all("Arrr" in text for text in answers(pirate))
    assert not any("Arrr" in text for text in answers(loaded))


def test_it_is_not_merged(pirate):
    from peft.tuners.lora import LoraLayer

    layers = [module for module in pirate.model.modules() if isinstance(module, LoraLayer)]
    assert layers
    assert not any(layer.merged for layer in layers)


def test_the_engine_says_what_generate_says(tmp_path, tokenizer):
    """On plain weights in float32, where equal prompts give equal replies."""
    folder = write_random(tmp_path / "base", tokenizer)
    adapter = random_adapter(tmp_path / "adapter", folder)
    loaded = load_model(str(folder), quantization="none", adapter=str(adapter))
    torch.nn.Module.float(loaded.model)
    without = load_model(str(folder), quantization="none")
    torch.nn.Module.float(without.model)
    said = answers(loaded)
    assert said == generated(loaded)
    assert all(a != b for a, b in zip(said, answers(without), strict=True))


def random_adapter(folder, base, targets=("q_proj", "gate_proj", "o_proj"), **options):
    """An adapter with random matrices, saved by peft."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, target_modules=list(targets), init_lora_weights=False, **options)
    torch.manual_seed(1)
    get_peft_model(load_model(str(base), quantization="none").model, config).save_pretrained(folder)
    return folder


def problem(source, adapter) -> str:
    with pytest.raises(ModelError) as raised:
        load_model(str(source), adapter=str(adapter))
    assert raised.value.next_step.endswith(".")
    return raised.value.problem


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(PIRATE, tmp_path / "copy")


def edit(folder, **changes):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_adapter_for_another_model_is_refused_by_name(copy):
    edit(copy, base_model_name_or_path="meta-llama/Llama-2-7b-hf")
    assert "was made for meta-llama/Llama-2-7b-hf, not for" in problem(MODELS["pocket"], copy)


def test_an_adapter_for_another_model_is_refused_by_shape(tmp_path, tokenizer, copy):
    edit(copy, base_model_name_or_path="")
    base = write_random(tmp_path / "base", tokenizer)
    assert "does not fit this model: model.layers." in problem(base, copy)


def test_an_adapter_for_more_layers_is_refused(tmp_path, tokenizer):
    deep = write_random(tmp_path / "deep", tokenizer, num_hidden_layers=3)
    adapter = random_adapter(tmp_path / "adapter", deep)
    edit(adapter, base_model_name_or_path="")
    base = write_random(tmp_path / "base", tokenizer)
    assert "does not fit this model: model.layers.2" in problem(base, adapter)


def test_another_kind_of_adapter_is_refused(copy):
    edit(copy, peft_type="PREFIX_TUNING")
    assert "'PREFIX_TUNING'; this page runs LoRA" in problem(MODELS["pocket"], copy)


def test_a_pickled_adapter_is_refused(copy):
    (copy / "adapter_model.safetensors").rename(copy / "adapter_model.bin")
    assert "a pickle (*.bin) can run any program" in problem(MODELS["pocket"], copy)


def test_a_damaged_adapter_is_told(copy):
    for size in [10, 1000, 100_000][: examples(3)]:
        whole = (PIRATE / "adapter_model.safetensors").read_bytes()
        (copy / "adapter_model.safetensors").write_bytes(whole[:size])
        assert "is damaged" in problem(MODELS["pocket"], copy)


def test_a_folder_without_adapter_is_told(tmp_path):
    assert "it has no adapter_config.json" in problem(MODELS["pocket"], tmp_path)


def test_without_peft_the_command_to_install_it_is_told():
    code = (
        "import sys; sys.modules['peft'] = None\n"
        "from llama_ui.engine.loading.loader import load_model\n"
        f"load_model({MODELS['pocket']!r}, adapter={str(PIRATE)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    last = done.stderr.strip().splitlines()[-1]
    assert "--adapter needs the package peft." in last
    assert "pip install -r requirements-adapters.txt" in last
