"""The shipped folder's facts, and the whole training machinery on a tiny scale."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llama_ui.prompt.llama2 import encode_dialog
from training.pocket import tokenizer as pieces
from training.pocket.dialogs import sample_messages
from training.pocket.encode import exchanges
from training.pocket.nf4 import rounded_weights, to_grid
from training.pocket.quantize import LOGIT_SCALE, calibrate
from training.pocket.train import learning_rate, smoke, train

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "pocket-llama"


def test_the_folder_is_small_and_safe() -> None:
    files = [f for f in FOLDER.iterdir() if f.is_file()]
    assert sum(f.stat().st_size for f in files) <= 12_000_000
    assert max(f.stat().st_size for f in files) <= 10_000_000
    assert {f.suffix for f in files} <= {".json", ".jinja", ".safetensors", ".md"}
    assert (FOLDER / "MODEL_CARD.md").exists()


def test_the_config_says_llama_in_nf4() -> None:
    config = json.loads((FOLDER / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["max_position_embeddings"] == 2048
    assert config["tie_word_embeddings"] is True
    assert (config["bos_token_id"], config["eos_token_id"]) == (1, 2)
    packing = config["quantization_config"]
    assert packing["bnb_4bit_quant_type"] == "nf4"
    assert packing["bnb_4bit_use_double_quant"] is True
    assert packing["bnb_4bit_compute_dtype"] == "bfloat16"


def test_the_linear_layers_are_packed() -> None:
    dtypes = {}
    for shard in FOLDER.glob("*.safetensors"):
        with safe_open(shard, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                dtypes[name] = file.get_slice(name).get_dtype()
    packed = [n for n in dtypes if n.endswith("proj.weight")]
    assert len(packed) == 7 * json.loads((FOLDER / "config.json").read_text())["num_hidden_layers"]
    assert all(dtypes[n] == "U8" for n in packed)
    assert dtypes["model.embed_tokens.weight"] == "BF16"


def test_calibration_scales_all_logits_and_keeps_the_likeliest_token() -> None:
    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64}
    config = LlamaConfig(**sizes, num_hidden_layers=1, num_attention_heads=2)
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():
        before = model(ids).logits
        calibrate(model, LOGIT_SCALE)
        after = model(ids).logits
    assert torch.equal(before * LOGIT_SCALE, after)
    assert torch.equal(before.argmax(-1), after.argmax(-1))


def test_temperature_is_felt() -> None:
    """With the page's top_p, 1.2 leaves more than twice the words to choose from that 0.7 does."""
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModelForCausalLM.from_pretrained(FOLDER, device_map="cpu")
    ids = encode_dialog([{"role": "user", "content": "Tell me a story about a llama."}], tokenizer)
    told = model.generate(
        torch.tensor([ids]), do_sample=False, temperature=None, top_p=None, top_k=None,
        max_new_tokens=60, pad_token_id=2,
    )  # fmt: skip
    with torch.inference_mode():
        logits = model(told).logits[0, len(ids) - 1 : -1].float()

    def choices(temperature: float) -> float:
        best = (logits / temperature).softmax(-1).sort(-1, descending=True).values
        return float(((best.cumsum(-1) - best < 0.9).sum(-1).clamp(max=50)).float().mean())

    assert choices(1.2) > 2 * choices(0.7)


def test_rounding_is_a_projection_and_is_undone() -> None:
    weight = torch.randn(8, 128, generator=torch.Generator().manual_seed(0))
    once = to_grid(weight)
    assert torch.allclose(to_grid(once), once)
    assert 0 < (once - weight).abs().max() < 0.3 * weight.abs().max()
    layer = torch.nn.Sequential(torch.nn.Linear(64, 64))
    exact = layer[0].weight.detach().clone()
    with rounded_weights(layer):
        assert not torch.equal(layer[0].weight, exact)
    assert torch.equal(layer[0].weight, exact)


def test_the_learning_rate_rises_holds_and_falls() -> None:
    c = smoke()
    assert learning_rate(c, 0.0) == 0
    assert learning_rate(c, 0.3) == c.lr
    assert learning_rate(c, 1.0) < 0.01 * c.lr


@pytest.mark.parametrize("muon", [True, False])
def test_smoke_training_learns(tmp_path: Path, muon: bool) -> None:
    texts = [f"{p} {r}" for i in range(200) for p, r in exchanges(sample_messages(1, i))]
    pieces.save(pieces.train(texts, vocab_size=1024), tmp_path)
    config = replace(smoke(muon=muon, steps=12, vocab=1024), step_tokens=2048, micro_tokens=2048)
    losses = train(config, tmp_path / "tokenizer.json", tmp_path / "out")
    assert sum(losses[-3:]) / 3 < losses[0] - 0.3
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert json.loads((tmp_path / "out" / "training.json").read_text())["steps_done"] == 12
