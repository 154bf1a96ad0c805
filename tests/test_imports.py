"""The arrows between the rooms: web and the pure modules know no torch, engines no gradio."""

import subprocess
import sys

import pytest

from llama_ui.settings import ROOT

PURE = [
    "agent",
    "chat_template",
    "context",
    "conversation",
    "errors",
    "licence",
    "prompt",
    "sampling",
    "settings",
    "spelling",
    "engine.checkpoint",
    "engine.memory",
]


def loaded_by(module: str) -> set[str]:
    """The top-level packages in sys.modules after importing the module in a fresh process."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", [*PURE, "engine.base", "engine.starter", "engine.hub_checks", "engine.remote"]
)
def test_pure_modules_import_neither_torch_nor_gradio(module):
    assert not loaded_by(f"llama_ui.{module}") & {"torch", "transformers", "gradio"}


@pytest.mark.parametrize("module", ["transcript", "handlers", "server"])
def test_the_web_imports_no_torch(module):
    assert not loaded_by(f"llama_ui.web.{module}") & {"torch", "transformers"}


def test_the_engine_imports_no_gradio():
    assert "gradio" not in loaded_by("llama_ui.engine.local")
