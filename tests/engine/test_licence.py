"""Whose terms are shown, by the names of a model."""

import pytest

from llama_ui.engine.licence import licence_of
from llama_ui.settings import MODELS

LLAMA_2 = (
    "Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. "
    "All Rights Reserved."
)


@pytest.mark.parametrize(
    "name",
    [MODELS["7b"], "Llama-2-13b-chat-hf", "llama2-70b", "my/llama_2_7b", "CodeLlama-7b-Instruct"],
)
def test_llama_2_is_attributed(name):
    licence = licence_of("folder", name)
    assert licence.text == LLAMA_2
    assert licence.url.startswith("https://ai.meta.com/")
    assert "use-policy" in licence.policy_url


@pytest.mark.parametrize(
    ("name", "text", "url"),
    [
        ("Meta-Llama-3-8B-Instruct", "Built with Meta Llama 3", "llama.com/llama3/"),
        ("Llama-3.1-8B-Instruct", "Built with Llama", "llama.com/llama3_1/"),
        ("Llama-3.2-1B", "Built with Llama", "llama.com/llama3_2/"),
    ],
)
def test_llama_3_is_attributed(name, text, url):
    licence = licence_of(name)
    assert licence.text == text
    assert url in licence.url


@pytest.mark.parametrize(
    "name",
    ["Pocket Llama", "pocket-llama", "TinyLlama-1.1B-Chat", "vicuna-7b", "TinyLlama-2", "llama-20"],
)
def test_others_have_no_line(name):
    assert licence_of(name) is None
