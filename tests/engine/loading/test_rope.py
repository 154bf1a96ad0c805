"""Contexts longer than the model was trained for: the same numbers as transformers' own."""

import json

import pytest
import torch
from transformers import LlamaForCausalLM

from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.scheduler import make_scheduler
from llama_ui.errors import ModelError
from tests.checkpoints import write_random

TRAINED, CONTEXT = 64, 256


@pytest.fixture
def folder(tmp_path, tokenizer):
    return write_random(tmp_path, tokenizer, max_position_embeddings=TRAINED, hidden_size=64)


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def hidden_states(loaded, ids):
    """Of the last layer, at every position, by the engine."""
    torch.nn.Module.float(loaded.model)
    batch = make_scheduler(loaded, slots=1, chunk=None)
    with torch.inference_mode():
        places = torch.arange(len(ids))[None]
        hidden = batch._forward(torch.tensor([ids]), places, 0, len(ids))
        return loaded.model.model.norm(hidden)


def expected(folder, ids, parameters):
    """By transformers, with the scaling written into the config by hand."""
    if parameters:
        edit_config(folder, rope_parameters={"rope_theta": 10_000.0, **parameters})
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        return model.model(torch.tensor([ids])).last_hidden_state


PARAMETERS = {
    None: {},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": TRAINED},
}


@pytest.mark.parametrize("rope", PARAMETERS)
def test_positions_beyond_the_trained_ones_are_those_of_transformers(folder, rope):
    ids = torch.randint(3, 400, (CONTEXT,), generator=torch.Generator().manual_seed(1)).tolist()
    loaded = load_model(str(folder), CONTEXT, quantization="none", rope=rope)
    assert loaded.info.context_length == CONTEXT
    seen = hidden_states(loaded, ids)
    # transformers computes dynamic scaling for the length it sees: here it is the whole context.
    torch.testing.assert_close(seen, expected(folder, ids, PARAMETERS[rope]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rope", ["linear", "dynamic", "yarn"])
def test_it_says_what_it_did(folder, rope, caplog):
    notes = load_model(str(folder), CONTEXT, quantization="none", rope=rope).info.notes
    assert f"stretched from 64 to 256 tokens ({rope}, 4 times)" in notes[0]
    assert notes[0] in caplog.text


def test_without_scaling_it_warns(folder):
    notes = load_model(str(folder), CONTEXT, quantization="none").info.notes
    assert "256 tokens is longer than the 64" in notes[0]


@pytest.mark.parametrize("context", [None, 32, 64])
def test_nothing_to_stretch_is_refused(folder, context):
    with pytest.raises(ModelError, match="--rope linear has nothing to stretch"):
        load_model(str(folder), context, quantization="none", rope="linear")


def test_a_model_keeps_its_own_scaling(folder):
    own = {"rope_type": "linear", "factor": 8.0, "rope_theta": 10_000.0}
    edit_config(folder, rope_parameters=own)
    loaded = load_model(str(folder), CONTEXT, quantization="none", rope="yarn")
    assert loaded.model.config.rope_parameters["rope_type"] == "linear"
    assert "its own position scaling (linear), which is kept" in loaded.info.notes[0]
    assert load_model(str(folder), CONTEXT, quantization="none").info.notes == ()
