"""Files as transformers finds them, the same for folders and for the Hub."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from llama_ui.engine.hub.snapshot import weight_files as weight_files_of_hub
from llama_ui.engine.loading.checkpoint import INDEX, WEIGHTS, check_weights, weight_files
from llama_ui.engine.loading.loader import load_model
from llama_ui.errors import ModelError
from llama_ui.settings import MODELS
from tests.checkpoints import edit_json, write_random


@pytest.fixture
def folder(tmp_path, tokenizer):
    return write_random(tmp_path / "model", tokenizer)


def add_index(folder, shard: object = "model-00001-of-00001.safetensors") -> None:
    """An index that says that all weights are in this shard."""
    keys = load_file(folder / WEIGHTS) if (folder / WEIGHTS).exists() else {"weight": 0}
    index = {"metadata": {}, "weight_map": dict.fromkeys(keys, shard)}
    (folder / INDEX).write_text(json.dumps(index))


def names(folder) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_whole_file_goes_before_an_index(folder):
    """As in transformers: the shards of the index would give another model."""
    add_index(folder)
    other = {key: torch.zeros_like(value) for key, value in load_file(folder / WEIGHTS).items()}
    save_file(other, folder / "model-00001-of-00001.safetensors", metadata={"format": "pt"})
    assert weight_files("it", folder, names(folder)) == [WEIGHTS]
    assert weight_files_of_hub("it", folder, names(folder), "model") == [WEIGHTS]
    loaded = load_model(str(folder), quantization="none")
    assert loaded.model.model.embed_tokens.weight.abs().sum() > 0


def test_a_whole_file_needs_no_shard_of_an_index_beside_it(folder):
    add_index(folder)
    assert load_model(str(folder), quantization="none")


def test_any_other_name_is_no_weight_file(folder):
    (folder / WEIGHTS).rename(folder / "weights.safetensors")
    with pytest.raises(ModelError, match="has no weights"):
        check_weights(folder)


def test_an_adapter_in_the_place_of_a_model_is_told(folder):
    (folder / WEIGHTS).rename(folder / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="is an adapter, not a whole model"):
        load_model(str(folder))


@pytest.mark.parametrize(
    "shard",
    [
        "/etc/passwd",
        "/etc/passwd.safetensors",
        "../outside.safetensors",
        "a/../../outside.safetensors",
        "..\\outside.safetensors",
        "C:\\outside.safetensors",
        "config.json",
        "pytorch_model.bin",
        "",
        7,
        None,
        ["model.safetensors"],
    ],
)
def test_an_index_names_nothing_outside_and_nothing_else(folder, shard):
    """And what is said never has a person delete a file that is not of the model."""
    (folder / WEIGHTS).rename(folder.parent / "outside.safetensors")
    add_index(folder, shard)
    for look in (
        lambda: load_model(str(folder)),
        lambda: weight_files("it", folder, names(folder)),
        lambda: weight_files_of_hub("it", folder, [*names(folder), str(shard)], "model"),
    ):
        with pytest.raises(ModelError, match="cannot be trusted") as raised:
            look()
        assert "elete" not in str(raised.value)


@pytest.mark.parametrize("weights", [None, {}, [], "all", 7])
def test_an_index_without_files_is_damaged(folder, weights):
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": weights}))
    for look in (lambda: load_model(str(folder)), lambda: weight_files("it", folder, [INDEX])):
        with pytest.raises(ModelError, match="is damaged"):
            look()


def test_shards_may_lie_in_a_folder_of_the_model(folder):
    (folder / "parts").mkdir()
    (folder / WEIGHTS).rename(folder / "parts" / "one.safetensors")
    keys = load_file(folder / "parts" / "one.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(keys, "parts/one.safetensors")}
    (folder / INDEX).write_text(json.dumps(index))
    assert load_model(str(folder), quantization="none")


def test_weights_that_the_config_has_no_place_for_are_told(folder):
    """A config that names fewer layers, or no biases, would leave them out in silence."""
    edit_json(folder / "config.json", num_hidden_layers=1)
    with pytest.raises(ModelError, match=r"weights that its config\.json has no place for"):
        load_model(str(folder))


def test_frequencies_in_old_checkpoints_are_no_fault(folder):
    weights = load_file(folder / WEIGHTS)
    for layer in range(2):
        weights[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.ones(16)
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    assert load_model(str(folder), quantization="none")


def test_a_git_lfs_pointer_is_told_apart(tmp_path):
    copy = Path(shutil.copytree(MODELS["pocket"], tmp_path / "pocket"))
    for name in ("tokenizer.json", "generation_config.json", "config.json"):
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0")
        with pytest.raises(ModelError, match="Git LFS pointer"):
            load_model(str(copy))
        (copy / name).write_bytes(whole)
