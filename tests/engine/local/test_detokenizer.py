"""The stream of text is lossless and linear."""

from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.engine.local.detokenizer import Detokenizer
from tests.sizes import examples

PIECES = [
    "a",
    " ",
    "    ",
    "\n",
    "\n\n",
    "\t",
    "é",
    "😀",
    "👩‍👩‍👧",
    "中文",
    "  return 1",
    "<s>",
    "\ufffd",
    "\x00",
    "אב",
]


def pieces(tokenizer, ids: list[int]) -> list[str]:
    decoder = Detokenizer(tokenizer)
    return [decoder.add(token) for token in ids] + [decoder.finish()]


def encode(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@settings(max_examples=examples(400), deadline=None)
@given(text=st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_pieces_join_to_the_decoding_of_all_ids(tokenizer, text):
    ids = encode(tokenizer, text)
    assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids, skip_special_tokens=True)


@settings(max_examples=examples(400), deadline=None)
@given(data=st.data())
def test_any_ids_at_all_join_to_their_decoding(tokenizer, data):
    """Wild sampling yields broken bytes and control tokens in any order."""
    ids = data.draw(st.lists(st.integers(0, 300) | st.integers(0, len(tokenizer) - 1)))
    assert "".join(pieces(tokenizer, ids)) == tokenizer.decode(ids, skip_special_tokens=True)


@settings(max_examples=examples(200), deadline=None)
@given(text=st.lists(st.sampled_from(["😀", "é", "中", "👩‍👩‍👧", "x ", "\n"])).map("".join))
def test_no_replacement_character_in_mid_stream(tokenizer, text):
    assert not any("\ufffd" in piece for piece in pieces(tokenizer, encode(tokenizer, text)))


def test_text_comes_with_its_token_not_at_the_next_space(tokenizer):
    ids = encode(tokenizer, "one two three")
    assert all(pieces(tokenizer, ids)[:-1])


def test_the_cost_is_linear(tokenizer):
    """Counts decoded ids, not seconds: twice the reply, twice the work."""

    class Counting:
        all_special_ids = tokenizer.all_special_ids
        convert_ids_to_tokens = staticmethod(tokenizer.convert_ids_to_tokens)
        decoded = 0

        def decode(self, ids, **options):
            self.decoded += len(ids)
            return tokenizer.decode(ids, **options)

    ids = encode(tokenizer, "A llama walks over the hill and looks at the sea. " * 400)
    costs = []
    for length in (len(ids) // 2, len(ids)):
        counting = Counting()
        pieces(counting, ids[:length])
        costs.append(counting.decoded)
    assert costs[1] < 2.3 * costs[0]
