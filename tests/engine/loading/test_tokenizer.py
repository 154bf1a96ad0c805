"""A tokenizer from tokenizer.model alone, against SentencePiece's own rule written down plainly."""

import json
import random
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.engine.loading.tokenizer import build_tokenizer, load_tokenizer
from llama_ui.errors import ModelError
from llama_ui.prompt.formats import CompletionFormat
from tests.sizes import examples

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
ALPHABET = "▁abehlnot\n1"
# Scores that do not follow the ids: order by id, and these come out otherwise.
JOINED = ["▁▁", "he", "▁the", "th", "▁t", "lla", "▁▁▁▁", "an", "la", "ll", "▁a", "ba", "▁l", "ee"]


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def model_file(pieces: list[tuple[str, float, int]], kind: int = 2) -> bytes:
    """What sentencepiece writes, as far as it matters: pieces, then the kind of model."""
    out = b""
    for text, score, piece_kind in pieces:
        encoded = field(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score)
        out += field(1, encoded + field(3, piece_kind))
    return out + field(2, field(3, kind)) + field(3, field(1, b"identity") + field(3, 1))


def pieces() -> list[tuple[str, float, int]]:
    special = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    special += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    ranks = random.Random(5).sample(range(len(JOINED)), len(JOINED))
    joined = [(text, -float(rank), NORMAL) for text, rank in zip(JOINED, ranks, strict=True)]
    return special + joined + [(letter, -1000.0, NORMAL) for letter in ALPHABET]


def reference_ids(text: str) -> list[int]:
    """SentencePiece's BPE: join the neighbours whose joined piece scores best, leftmost first."""
    known = {piece: (number, score) for number, (piece, score, _) in enumerate(pieces())}
    symbols = list("▁" + text.replace(" ", "▁"))
    while True:
        pairs = [
            (-known[one + other][1], at)
            for at, (one, other) in enumerate(pairwise(symbols))
            if one + other in known
        ]
        if not pairs:
            break
        _, at = min(pairs)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
    return [
        number
        for symbol in symbols
        for number in (
            [known[symbol][0]]
            if symbol in known
            else [known[f"<0x{byte:02X}>"][0] for byte in symbol.encode()]
        )
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "tokenizer.model").write_bytes(model_file(pieces()))
    return folder


def test_the_ids_are_those_of_sentencepiece(folder):
    tokenizer = load_tokenizer(folder)

    @settings(max_examples=examples(300), deadline=None)
    @given(st.text(alphabet=ALPHABET.replace("▁", " ") + "é€", min_size=1, max_size=40))
    def check(text):
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == reference_ids(text)
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text

    check()


def test_scores_decide_and_not_ids(folder):
    """transformers' own reading orders the merges by id: here that gives other ids."""
    from tokenizers import Tokenizer
    from transformers.tokenization_utils_base import generate_merges

    exact = build_tokenizer(folder / "tokenizer.model")
    by_id = json.loads(exact.to_str())
    vocabulary = by_id["model"]["vocab"]
    by_id["model"]["merges"] = generate_merges(vocabulary)
    wrong = Tokenizer.from_str(json.dumps(by_id))
    chance = random.Random(1)
    texts = ["".join(chance.choices(" abehlnot", k=30)) for _ in range(200)]
    assert [exact.encode(text).ids for text in texts] != [wrong.encode(text).ids for text in texts]


def test_control_tokens_and_the_template_come_from_its_config(folder, tmp_path):
    (tmp_path / "tokenizer.model").write_bytes((folder / "tokenizer.model").read_bytes())
    config = {"eos_token": {"content": "</s>", "lstrip": False}, "chat_template": "{{ 'x' }}"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = load_tokenizer(tmp_path)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (1, 2)
    assert tokenizer.chat_template == "{{ 'x' }}"
    assert tokenizer("a</s>", add_special_tokens=False)["input_ids"][-1] == 2
    typed = tokenizer("a</s>", add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert 2 not in typed


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("text", ["the", " the", "  the", "    an", " ", "\nthe", "a  b "])
def test_a_space_comes_in_front_of_every_text(folder, tmp_path, text, legacy):
    """Also of one that begins with a space: wherever a text stands as it is."""
    (tmp_path / "tokenizer.model").write_bytes((folder / "tokenizer.model").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"legacy": legacy}))
    tokenizer = load_tokenizer(tmp_path)
    wanted = reference_ids(text)
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == wanted
    assert tokenizer.decode(wanted) == text
    segments = CompletionFormat(tokenizer).encode([{"role": "user", "content": f"{text}b"}])
    assert [i for s in segments if s.kind == "user" for i in s.ids] == reference_ids(f"{text}b")
    assert CompletionFormat(tokenizer).encode_reply(text) == tuple(wanted)


def test_a_text_that_is_cut_anywhere_has_offsets_inside_it(folder):
    for legacy in (False, True):
        for text in (" the", "the  an", "▁the"):
            encoded = build_tokenizer(folder / "tokenizer.model", legacy).encode(text)
            assert [end for _, end in encoded.offsets][-1] == len(text)


def test_spaces_are_joined_where_the_model_says_so(tmp_path):
    """remove_extra_whitespaces, SentencePiece's own default, which Llama's models switch off."""
    rules = field(1, b"identity") + field(3, 1) + field(4, 1)
    parts = model_file(pieces())
    path = tmp_path / "tokenizer.model"
    path.write_bytes(parts + field(3, rules))
    tokenizer = build_tokenizer(path)
    assert tokenizer.encode("  the   an ").ids == reference_ids("the an")


def test_after_a_control_token_a_space_comes_only_in_the_old_manner(folder):
    path = folder / "tokenizer.model"
    assert "▁t" not in build_tokenizer(path).encode("a<s>t").tokens
    assert "▁t" in build_tokenizer(path, legacy=True).encode("a<s>t").tokens


@pytest.mark.parametrize("cut", [1, 10, 1001, -3])
def test_a_damaged_file_is_told(folder, tmp_path, cut):
    path = tmp_path / "tokenizer.model"
    path.write_bytes((folder / "tokenizer.model").read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"is damaged|no SentencePiece BPE"):
        build_tokenizer(path)


def test_any_bytes_are_told_apart(tmp_path):
    chance = random.Random(3)
    path = tmp_path / "tokenizer.model"
    for _ in range(examples(200)):
        path.write_bytes(chance.randbytes(chance.randrange(200)))
        with pytest.raises(ModelError):
            build_tokenizer(path)


def test_a_unigram_model_is_refused(tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(model_file(pieces(), kind=1))
    with pytest.raises(ModelError, match="no SentencePiece BPE"):
        build_tokenizer(path)
