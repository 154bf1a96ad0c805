"""What there is to choose from, and what of it fits, in words."""

import shutil
from pathlib import Path

from llama_ui.doctor.listing import listing
from llama_ui.engine.gguf.memory import BATCH, gguf_need
from llama_ui.engine.gguf.reader import read_gguf
from llama_ui.engine.hub.catalogue import catalogue
from llama_ui.engine.hub.fit import Machine, fit_gguf, fit_safetensors
from llama_ui.engine.loading.memory import Device
from llama_ui.engine.models import list_models
from llama_ui.settings import MODELS, Settings
from tests.smollm2 import smollm2

GB = 10**9


def cpu(free: int, problem: str = "") -> Machine:
    return Machine(Device("CPU", 0, free), free, problem)


def gpu(free: int) -> Machine:
    return Machine(Device("A GPU", 1, free), 16 * GB)


def words(machine: Machine, **chosen: str) -> dict[str, str]:
    menu = list_models(Settings(**chosen), machine)
    return {choice.name: choice.fit.words for choice in (*menu.here, *menu.proposed)}


def test_what_fits_is_said_and_what_does_instead():
    found = words(cpu(6 * GB))
    assert found["Llama 3.2 3B Instruct"] == "fits"
    assert found["Llama 2 7B Chat"] == "fits with 2,048 tokens"
    assert found["Llama 2 70B Chat"] == (
        "does not fit: it takes 42.2 GB, 6.0 GB are free; Llama 2 7B Chat does fit"
    )
    assert words(gpu(9 * GB))["Llama 2 7B Chat"] == "fits"
    assert words(gpu(7 * GB))["Llama 2 7B Chat"] == "fits with 2,048 tokens"


def test_the_window_that_fits_is_asked_for():
    menu = list_models(Settings(), gpu(9 * GB))
    chosen = {choice.name: choice.settings for choice in menu.proposed}
    assert chosen["Llama 2 7B Chat"].context is None
    assert chosen["Llama 2 7B Chat"].model == MODELS["7b"]
    assert chosen["Llama 3.1 8B Instruct"].context == 8192


def test_the_offer_is_the_best_that_is_quick_and_open():
    def offers(machine: Machine) -> list[str]:
        names = [choice.name for choice in list_models(Settings(), machine).offers]
        return [name for name in names if name != "SmolLM2 135M Instruct"]

    assert offers(cpu(64 * GB)) == ["Llama 3.2 3B Instruct"]
    assert offers(cpu(2 * GB)) == ["SmolLM2 1.7B Instruct"]
    assert offers(gpu(80 * GB)) == ["SmolLM2 1.7B Instruct"]
    no_llama_cpp = list_models(Settings(), cpu(64 * GB, "No llama.cpp here"))
    assert no_llama_cpp.offers[0].settings.model == "HuggingFaceTB/SmolLM2-1.7B-Instruct"


def test_models_of_a_folder_are_found_if_they_are_whole(tmp_path):
    shutil.copytree(MODELS["pocket"], tmp_path / "mine")
    for name in ("a.Q4_K_M.gguf", "mmproj-a.gguf", "whole-00001-of-00002.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    (tmp_path / "whole-00002-of-00002.gguf").write_bytes(b"GGUF")
    (tmp_path / "half-00001-of-00002.gguf").write_bytes(b"GGUF")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    menu = list_models(Settings(models=str(tmp_path)), cpu(8 * GB))
    found = {choice.id: choice for choice in menu.here if choice.id.startswith("folder/")}
    assert set(found) == {"folder/a.Q4_K_M.gguf", "folder/whole-00001-of-00002.gguf", "folder/mine"}
    assert found["folder/whole-00001-of-00002.gguf"].size == 8
    assert Path(found["folder/mine"].settings.model) == tmp_path / "mine"


def test_the_model_that_the_page_was_started_with_keeps_its_settings():
    settings = Settings(model="someone/model", context=1024, revision="v2")
    first, *others = list_models(settings, cpu(8 * GB)).here
    assert first.settings is settings
    assert first.label == "model"
    assert all(choice.settings.context is None for choice in others)
    menu = list_models(Settings(adapter="mine"), cpu(8 * GB))
    assert menu.here[0].settings.adapter == "mine"


def test_the_estimate_before_a_download_is_that_of_the_file():
    proposal = next(p for p in catalogue() if p.sources[0].model == "smollm2")
    file = read_gguf(smollm2())
    assert proposal.sources[0].bytes == file.size
    need = gguf_need(file, 2048, 1, BATCH).total
    for free, fits in ((need + 300 * 10**6, False), (need + 450 * 10**6, True)):
        fit = fit_gguf(proposal.shape, proposal.merges, file.size, cpu(free))
        assert fit.is_possible is fits, fit.words


def test_the_catalogue_says_what_was_tried_and_every_entry_can_be_judged():
    tried = {source.model for p in catalogue() for source in p.sources if source.tried}
    assert tried == {"pocket", "smollm2"}
    for proposal in catalogue():
        for source in proposal.sources:
            if source.format == "gguf":
                assert fit_gguf(proposal.shape, proposal.merges, source.bytes, cpu(99 * GB)).words
        assert fit_safetensors(proposal.shape, gpu(200 * GB)).is_possible
        assert proposal.licence["url"].startswith("https://")


def test_the_list_in_the_terminal():
    text = listing(list_models(Settings(), cpu(6 * GB)), 80)
    assert "On this machine:\n\n  Pocket Llama\n    11 MB, Apache 2.0, fits\n" in text
    assert "--model bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M" in text
    assert "not tried by us" in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_impossible_model_hides_no_other(tmp_path):
    folder = shutil.copytree(MODELS["pocket"], tmp_path / "endless")
    config = (folder / "config.json").read_text(encoding="utf-8")
    config = config.replace('"max_position_embeddings": 2048', '"max_position_embeddings": 1e999')
    (folder / "config.json").write_text(config, encoding="utf-8")
    settings = Settings(models=str(tmp_path))
    found = {c.name: c.fit.words for c in list_models(settings, cpu(6 * GB)).here}
    assert found["endless"] == "its config.json has impossible sizes"
    assert "Pocket Llama" in found
    shutil.rmtree(tmp_path)
    assert "Pocket Llama" in {c.name for c in list_models(settings, cpu(6 * GB)).here}
