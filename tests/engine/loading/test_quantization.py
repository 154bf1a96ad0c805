"""Weights in 4-bit, 8-bit and as they are: the engine says what generate says."""

import pytest
import torch

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from tests.checkpoints import write_plain_pocket
from tests.engine.local.test_scheduler import collect, generate, question
from tests.sizes import examples


@pytest.fixture(scope="module")
def plain_pocket(tmp_path_factory):
    """Pocket Llama in bfloat16."""
    return write_plain_pocket(tmp_path_factory.mktemp("models") / "plain-pocket")


@pytest.mark.parametrize(
    ("quantization", "held_as"), [("none", "bfloat16"), ("8bit", "8-bit"), ("4bit", "4-bit NF4")]
)
def test_a_plain_checkpoint_is_held_as_asked(plain_pocket, quantization, held_as):
    loaded = load_model(str(plain_pocket), quantization=quantization)
    assert loaded.info.quantization == held_as
    assert loaded.info.notes == ()


@pytest.mark.parametrize("quantization", ["none", "8bit"])
def test_the_engine_says_what_generate_says(plain_pocket, quantization):
    """What is not quantised runs in float32, where equal prompts give equal replies."""
    loaded = load_model(str(plain_pocket), quantization=quantization)
    torch.nn.Module.float(loaded.model)  # transformers refuses it for a quantised model
    engine = LocalEngine(loaded, slots=3, chunk=32)
    sampling = Sampling(temperature=0, max_new_tokens=20)
    plans = [engine.plan(question(number), sampling) for number in range(examples(6))]
    replies = [engine.submit(plan, sampling) for plan in plans]
    for plan, reply in zip(plans, replies, strict=True):
        assert collect(reply)[0] == generate(loaded, plan.ids, 20)
    engine.close()


def test_a_quantised_checkpoint_keeps_its_own_and_says_so():
    from llama_ui.settings import MODELS

    loaded = load_model(MODELS["pocket"], quantization="none")
    assert loaded.info.quantization == "4-bit NF4"
    assert "--quantization none has no effect" in loaded.info.notes[0]
