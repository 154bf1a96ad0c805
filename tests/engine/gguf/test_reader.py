"""What a GGUF file says, and that none can do harm by what it claims."""

import contextlib
import random
import struct

import pytest
import torch

from llama_ui.engine.gguf.loader import load_gguf
from llama_ui.engine.gguf.reader import read_gguf
from llama_ui.errors import ModelError
from tests.gguf import llama_metadata, llama_tensors, pocket_vocabulary, write_gguf
from tests.sizes import examples
from tests.smollm2 import smollm2

U64 = struct.Struct("<Q")
U32 = struct.Struct("<I")


def test_what_a_real_file_says():
    file = read_gguf(smollm2())
    assert file.name == "SmolLM2-135M-Instruct.Q4_1"
    assert file.quantization == "Q4_1"
    assert file.count("llama.context_length", 10_000) == 8192
    assert file.tensors["token_embd.weight"].shape == (49_152, 576)
    assert len(file.array("tokenizer.ggml.tokens", str)) == 49_152


def damage(path, tmp_path, at: int, value: bytes):
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(data)
    return broken


def problem(path) -> str:
    with pytest.raises(ModelError) as caught:
        load_gguf(path)
    return str(caught.value)


# Offsets: magic, version, tensors, keys, then the first key ("general.architecture").
CLAIMS = [
    (0, b"GGML", "does not begin with GGUF"),
    (4, U32.pack(1), "unknown version 1"),
    (4, struct.pack(">I", 3), "unknown version"),
    (8, U64.pack(2**63), "claims"),
    (16, U64.pack(2**40), "claims"),
    (24, U64.pack(2**50), "claims 1,125,899,906,842,624 bytes"),
    (24, U64.pack(10**6), "cut off"),
    (32, b"\xff\xfe", "no UTF-8"),
    (52, U32.pack(77), "unknown type 77"),
    (52, U32.pack(9) + U32.pack(9) + U64.pack(1), "unknown type 9"),  # a list of lists
    (52, U32.pack(9) + U32.pack(0) + U64.pack(2**62), "lists claim"),
    (52, U32.pack(9) + U32.pack(12) + U64.pack(2**22), "cut off"),
]


@pytest.mark.parametrize(("at", "value", "said"), CLAIMS)
def test_a_claim_is_held_against_the_file(tiny_path, tmp_path, at, value, said):
    assert said in problem(damage(tiny_path, tmp_path, at, value))


def test_a_file_that_is_cut_off_is_told(tiny_path, tmp_path):
    data = tiny_path.read_bytes()
    for length in (0, 3, 20, 200, 5000, len(data) // 2, len(data) - 1):
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(data[:length])
        assert "is damaged" in problem(broken)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"general.architecture": "mamba"}, "holds 'mamba'"),
        ({"general.architecture": 3}, "general.architecture is no str"),
        ({"llama.block_count": 0}, "block_count is 0"),
        ({"llama.context_length": True}, "context_length is no int"),
        ({"llama.embedding_length": 1.5}, "embedding_length is no int"),
        ({"general.alignment": 3}, "alignment makes no sense"),
        ({"tokenizer.ggml.model": "bert"}, "a tokenizer of the kind 'bert'"),
        ({"tokenizer.ggml.tokens": ["a"]}, "vocabulary is incomplete"),
        ({"tokenizer.ggml.tokens": "a"}, "tokens is no list"),
        ({"tokenizer.ggml.scores": [0.5]}, "vocabulary is incomplete"),
        ({"tokenizer.ggml.bos_token_id": 4096}, "bos_token_id is 4,096"),
        ({"tokenizer.ggml.model": "gpt2"}, "does not say how it cuts texts"),
        (
            {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "new"},
            "cuts texts in the way 'new'",
        ),
        (
            {
                "tokenizer.ggml.model": "gpt2",
                "tokenizer.ggml.pre": "smollm",
                "tokenizer.ggml.merges": ["a"],
            },
            "a merge in its vocabulary makes no sense",
        ),
        ({"tokenizer.chat_template": "{{ messages"}, "chat template of"),
        (
            {"tokenizer.chat_template": "{{ messages.__class__.__mro__ }}"},
            "chat template of",
        ),
        (
            {"tokenizer.chat_template": "{% set n = namespace(__class__=1) %}{{ messages }}"},
            "chat template of",
        ),
    ],
)
def test_metadata_that_makes_no_sense_is_told(tiny_path, tiny_model, tmp_path, changes, said):
    metadata = {**llama_metadata(tiny_model.config), **pocket_vocabulary(), **changes}
    path = write_gguf(tmp_path / "odd.gguf", metadata, llama_tensors(tiny_model, torch.float16))
    assert said in problem(path)


def test_mutations_never_break_more_than_the_file(tiny_path, tmp_path):
    """Any number of wrong bytes: a sentence, or a model; whether llama.cpp then takes it, its
    child finds out (test_forward)."""
    chance, data = random.Random(5), tiny_path.read_bytes()
    header = data.index(b"output_norm.weight") + 100
    path = tmp_path / "broken.gguf"
    for _ in range(examples(200)):
        broken = bytearray(
            data[: chance.choice([len(data), len(data), chance.randrange(len(data))])]
        )
        for _ in range(chance.randrange(1, 6)):
            at = chance.choice([chance.randrange(24, 900), chance.randrange(header)])
            number = chance.choice([0, 1, 2**31, 2**32 - 1, 2**63, chance.randrange(10**6)])
            value = chance.choice([chance.randbytes(1), U64.pack(number), U32.pack(number % 2**32)])
            broken[at : at + len(value)] = value
        path.write_bytes(broken)
        with contextlib.suppress(ModelError):
            load_gguf(path, slots=1)


def test_what_a_file_says_reaches_no_log_as_it_stands(tiny_path, tmp_path):
    twice = "general.\x1b[31m\n"
    path = write_gguf(tmp_path / "odd.gguf", {twice: 1, f"{twice} ": 2}, {})
    data = path.read_bytes()
    path.write_bytes(
        data.replace(f"{twice} ".encode(), twice.encode() + b"\0").replace(b"\0", b" ")
    )
    assert problem(path).isprintable()
