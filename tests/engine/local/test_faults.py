"""Weights that compute no numbers: each reply says so, and the application is not ready."""

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.local.sampler import RowOptions, sample
from llama_ui.errors import EngineError
from tests.checkpoints import write_random

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def broken(tmp_path, tokenizer):
    """A folder with a model, one of whose layers gives these values."""

    def write(value: float, key: str = "model.layers.1.mlp.down_proj.weight", row=slice(None)):
        folder = write_random(tmp_path / "broken", tokenizer)
        weights = load_file(folder / "model.safetensors")
        weights[key][row] = value
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return write


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("top_logprobs", [0, 3])
def test_a_reply_without_numbers_ends_with_a_sentence(broken, value, temperature, top_logprobs):
    engine = LocalEngine(load_model(str(broken(value)), quantization="none"), slots=2)
    sampling = Sampling(temperature=temperature, max_new_tokens=5, top_logprobs=top_logprobs)
    for _ in range(2):
        reply = engine.submit(engine.plan(HELLO, sampling), sampling)
        with pytest.raises(EngineError, match="computes no numbers"):
            list(reply)
    assert engine.load.running == 0
    engine.close()


def test_one_token_that_is_no_number_is_enough(broken):
    folder = broken(float("nan"), "lm_head.weight", row=77)
    engine = LocalEngine(load_model(str(folder), quantization="none"), slots=1)
    sampling = Sampling(max_new_tokens=5)
    with pytest.raises(EngineError, match="computes no numbers"):
        list(engine.submit(engine.plan(HELLO, sampling), sampling))
    engine.close()


def test_a_row_without_numbers_is_told_and_its_neighbours_draw_on():
    logits = torch.randn(4, 50)
    logits[1, 7], logits[2] = float("nan"), float("inf")
    logits[3, 5:] = -float("inf")
    usual = {"uniform": 0.5, "temperature": 1.0, "top_p": 0.9, "top_k": 20.0, "min_p": 0.0}
    none = {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
    options = RowOptions(**{k: torch.full((4,), v) for k, v in {**usual, **none}.items()})
    drawn = sample(logits, options, 64)
    assert drawn[1] == drawn[2] == -1
    assert 0 <= drawn[0] < 50
    assert 0 <= drawn[3] < 5


def test_the_application_is_not_ready(broken, start_app):
    app = start_app("--model", str(broken(float("nan"))))
    while (ready := httpx.get(f"{app.url}/ready", timeout=60)).json()["status"] == "loading":
        pass
    assert (ready.status_code, ready.json()) == (503, {"status": "no token"})
    answer = httpx.post(
        f"{app.url}/v1/chat/completions", json={"messages": HELLO, "max_tokens": 5}, timeout=60
    )
    assert answer.status_code != 200
    assert "computes no numbers" in answer.text
