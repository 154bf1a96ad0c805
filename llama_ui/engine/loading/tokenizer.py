"""The tokenizer of a checkpoint: its tokenizer.json, or SentencePiece's tokenizer.model alone."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from llama_ui.engine.loading.checkpoint import read_json
from llama_ui.engine.loading.sentencepiece import build_tokenizer
from llama_ui.errors import ModelError


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load it from its files; from tokenizer.model where there is no tokenizer.json.

    Raises:
        ModelError: its files are damaged or of another kind.
    """
    model = folder / "tokenizer.model"
    if not (folder / "tokenizer.json").is_file() and model.is_file():
        return _from_model(folder, model)
    try:
        loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False
        )
        if not loaded.is_fast:
            raise ValueError("it is none of the tokenizers library")
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The tokenizer in {folder} cannot be read ({first[:200]}).",
            "Copy or download tokenizer.json and tokenizer_config.json again.",
        ) from error
    return loaded


def check_vocabulary(name: str, tokenizer: PreTrainedTokenizerBase, rows: int) -> None:
    """Raises ModelError when the embedding has no row for one of the tokens.

    Args:
        rows: of the embedding.
    """
    beyond = {text: token for text, token in tokenizer.get_vocab().items() if token >= rows}
    # Many fine-tunes add a token to pad with, which stands in no prompt.
    ends = {tokenizer.bos_token, tokenizer.eos_token}
    if not beyond or (beyond.keys() == {tokenizer.pad_token} and not beyond.keys() & ends):
        return
    raise ModelError(
        f"{name} does not fit its tokenizer: its tokenizer has "
        f"{max(beyond.values()) + 1:,} tokens, its weights {rows:,}.",
        "Copy or download the tokenizer that belongs to its weights.",
    )


def _from_model(folder: Path, path: Path) -> PreTrainedTokenizerBase:
    place = folder / "tokenizer_config.json"
    config: dict[str, Any] = read_json(place) if place.is_file() else {}
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": None}
    template = folder / "chat_template.jinja"
    legacy = bool(config.get("legacy", False))
    return PreTrainedTokenizerFast(
        tokenizer_object=build_tokenizer(path, legacy),
        chat_template=template.read_text(encoding="utf-8")
        if template.is_file()
        else config.get("chat_template"),
        **{name: _text(config.get(name, usual)) for name, usual in names.items()},
    )


def _text(token: Any) -> Any:
    """A special token is written as its text, or as an object with more about it."""
    return token.get("content") if isinstance(token, dict) else token
