"""The models that the engine is tested with: torch's forward pass, and llama.cpp's."""

from typing import Any

import pytest

from tests.smollm2 import smollm2


def load_smollm2() -> Any:
    from llama_ui.engine.gguf.loader import load_gguf

    return load_gguf(smollm2(), context_length=2048)


@pytest.fixture(scope="session", params=["pocket", "smollm2"])
def loaded(request: pytest.FixtureRequest) -> Any:
    """Pocket Llama in 4-bit, or SmolLM2 in GGUF; parametrise indirectly where one will not do."""
    if request.param == "smollm2":
        return load_smollm2()
    from llama_ui.engine.loading.loader import load_model
    from llama_ui.settings import MODELS

    return load_model(MODELS["pocket"])


@pytest.fixture(scope="session", params=["pocket", "smollm2"])
def exact(request: pytest.FixtureRequest) -> Any:
    """A model with which equal prompts give equal replies, whatever runs beside them."""
    if request.param == "smollm2":
        return load_smollm2()
    from dataclasses import replace

    from llama_ui.engine.loading.loader import load_model
    from llama_ui.settings import MODELS

    loaded = load_model(MODELS["pocket"])
    return replace(loaded, model=loaded.model.dequantize().float())
