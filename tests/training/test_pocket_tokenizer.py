"""The shipped tokenizer and the prompt format: nothing lost, nothing forged, one truth."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from llama_ui.prompt.llama2 import encode_dialog
from training.pocket.dialogs import sample_messages
from training.pocket.encode import BOS, EOS, IGNORE, encode_training

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "pocket-llama"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(FOLDER)


SHARED = AutoTokenizer.from_pretrained(FOLDER)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_round_trips(text: str) -> None:
    ids = SHARED(text, add_special_tokens=False, split_special_tokens=True).input_ids
    assert SHARED.decode(ids) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "  two  spaces ",
        "\n\n\tdef f():\n    pass\n",
        "🦙 naïve ▁ mark \ue000\ue001",
        "12,048",
    ],
)
def test_awkward_text_round_trips(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


def test_special_tokens_and_bytes(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, 258]) == [
        "<unk>", "<s>", "</s>", "<0x00>", "<0xFF>",
    ]  # fmt: skip
    typed = tokenizer("<s>hi</s>", add_special_tokens=False, split_special_tokens=True).input_ids
    assert not {1, 2} & set(typed)


def test_digits_stand_alone_and_tags_are_cheap(tokenizer: PreTrainedTokenizerFast) -> None:
    pieces = tokenizer.tokenize("port 7860")
    assert pieces[-4:] == ["7", "8", "6", "0"]
    for tag in ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"):
        assert 2 <= len(tokenizer.tokenize(tag)) <= 4
        assert tag not in tokenizer.all_special_tokens


def test_training_sees_what_the_application_sends(tokenizer: PreTrainedTokenizerFast) -> None:
    dialogs = [sample_messages(11, i) for i in range(150)]
    raw = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    asked = raw.encode("[INST] and now? [/INST]", add_special_tokens=False).ids
    for dialog, (ids, _) in zip(dialogs, encode_training(dialogs, raw, limit=10**6), strict=True):
        messages = [*dialog, {"role": "user", "content": "and now?"}]
        assert encode_dialog(messages, tokenizer) == [*ids, BOS, *asked]


def test_only_replies_and_their_end_are_learned(tokenizer: PreTrainedTokenizerFast) -> None:
    raw = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    dialog = [
        {"role": "user", "content": "Hi!"},
        {"role": "assistant", "content": "Hello there!"},
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "See you."},
    ]
    [(_, targets)] = encode_training([dialog], raw)
    learned = [t for t in targets if t != IGNORE]
    assert learned.count(EOS) == 2
    assert tokenizer.decode(learned) == "Hello there!</s> See you.</s>"


def test_the_chat_template_is_the_same_prompt(tokenizer: PreTrainedTokenizerFast) -> None:
    for index in range(60):
        messages = [*sample_messages(13, index), {"role": "user", "content": " and now? "}]
        ids = tokenizer.apply_chat_template(messages, tokenize=True)["input_ids"]
        assert ids == encode_dialog(messages, tokenizer)
