"""The tokenizer of a checkpoint."""

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from llama_ui.engine.loading.sentencepiece import build_tokenizer


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load it from its files; from tokenizer.model where there is no tokenizer.json.

    transformers would order the merges of a bare tokenizer.model by id, not by score: runs of
    spaces then get other ids than the model was trained with.

    Raises:
        ModelError: tokenizer.model is damaged or of another kind.
    """
    model = folder / "tokenizer.model"
    if (folder / "tokenizer.json").is_file() or not model.is_file():
        loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False
        )
        return loaded
    config = _config(folder)
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": None}
    return PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(model, legacy=bool(config.get("legacy", False))),
        chat_template=_template(folder, config),
        **{name: _text(config.get(name, usual)) for name, usual in names.items()},
    )


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return config


def _template(folder: Path, config: dict[str, Any]) -> Any:
    path = folder / "chat_template.jinja"
    return path.read_text(encoding="utf-8") if path.is_file() else config.get("chat_template")


def _text(token: Any) -> Any:
    """A special token is written as its text, or as an object with more about it."""
    return token["content"] if isinstance(token, dict) else token
