"""Server-sent events, whichever pieces they come in."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.engine.served.stream import (
    MAX_EVENT_BYTES,
    EventParser,
    ServerEvent,
    TextJoiner,
)
from tests.sizes import examples

TEXTS = st.text(st.characters() | st.sampled_from("é€😀\ud83d\ude00\udc80\u2028\x85"))
SIZES = st.lists(st.integers(1, 9), min_size=1)


def cut(whole, sizes):
    """The whole in pieces of these sizes, again and again."""
    at = 0
    while at < len(whole):
        for size in sizes:
            yield whole[at : at + size]
            at += size


def parse(stream, sizes=(9,)):
    parser = EventParser()
    found = [event for piece in cut(stream, sizes) for event in parser.add(piece)]
    return [*found, *parser.finish()], parser


@settings(max_examples=examples(200), deadline=None)
@given(
    texts=st.lists(st.text(min_size=1), min_size=1),
    end=st.sampled_from(["\n", "\r", "\r\n"]),
    blank=st.booleans(),
    bom=st.booleans(),
    sizes=SIZES,
)
def test_events_arrive_whole_however_they_are_cut(texts, end, blank, bom, sizes):
    lines = [f"data: {json.dumps({'text': text}, ensure_ascii=False)}" for text in texts]
    # Line breaks of Unicode, which end no line here, stand in the JSON as they are.
    stream = "".join(f": alive{end}{line}{end}{end * blank}" for line in lines)
    found, _ = parse(b"\xef\xbb\xbf" * bom + stream.encode(), sizes)
    assert [json.loads(event.data)["text"] for event in found] == texts


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("event: error\ndata: {}\n\n", [("error", "{}")]),
        ("event:error\ndata:no\n\ndata: yes\n\n", [("error", "no"), ("", "yes")]),
        ('error: {"code":400}\n\n', [("error", '{"code":400}')]),
        ('{"error": "x"}\n', [("", '{"error": "x"}')]),
        ('data: {\ndata:  "a": 1\ndata: }\n\n', [("", '{\n "a": 1\n}')]),
        ("data: [DONE]", [("", "[DONE]")]),
        ("data: last", [("", "last")]),
        ("id: 1\nretry: 5\n:\n\n\n\ndata\n\n", []),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_kind_of_line(stream, expected, size):
    found, parser = parse(stream.encode(), [size])
    assert [(event.name, event.data) for event in found] == expected
    assert not parser.stray


def test_what_a_server_says_outside_its_events_is_kept_in_part():
    found, parser = parse(b"data: {}\n\nInternal Server Error\n" + b"x\n" * 100_000)
    assert found == [ServerEvent("", "{}")]
    assert parser.stray.startswith("Internal Server Error\n")
    assert len(parser.stray) < 5000


@pytest.mark.parametrize("endless", [b"x", b"data: x\n", b"data:\n", b"data: {\n", b"data: x"])
@pytest.mark.parametrize("pieces", [100, 100_000])
def test_what_does_not_end_is_given_up(endless, pieces):
    parser = EventParser()
    with pytest.raises(ValueError, match="without an end"):
        for _ in range(2 * MAX_EVENT_BYTES):
            parser.add(endless * pieces)


@settings(max_examples=examples(500), deadline=None)
@given(text=TEXTS, sizes=SIZES)
def test_halves_of_characters_are_joined(text, sizes):
    """Pieces of UTF-16, as JSON's escapes name them."""
    halves = "".join(
        chr(int.from_bytes(pair, "little"))
        for pair in cut(text.encode("utf-16-le", "surrogatepass"), [2])
    )
    joiner = TextJoiner()
    joined = "".join(map(joiner.add, cut(halves, sizes))) + joiner.finish()
    joined.encode()
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert joined == whole or any("\udc80" <= c <= "\udcff" for c in text)


@settings(max_examples=examples(500), deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])), sizes=SIZES)
def test_bytes_of_characters_are_joined(text, sizes):
    """Each piece is decoded by itself, as the lines of a stream are."""
    joiner = TextJoiner()
    pieces = (piece.decode(errors="surrogateescape") for piece in cut(text.encode(), sizes))
    assert "".join(map(joiner.add, pieces)) + joiner.finish() == text


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (["a\ud83d", "\ude00b"], "a😀b"),
        (["\ud83d", "", "\udc80"], "💀"),
        (["\ud83d", "x\ude00"], "\ufffdx\ufffd"),
        (["\ud83d", "\ud83d\ude00"], "\ufffd😀"),
        (["\udcf0\udc9f", "\udc98\udc80!"], "😀!"),
        (["\udcf0\udc9f", "x"], "\ufffdx"),
        (["\udcff\udce2"], "\ufffd\ufffd"),
        (["\ud83d"], "\ufffd"),
    ],
)
def test_what_never_becomes_whole_is_marked(pieces, joined):
    joiner = TextJoiner()
    assert "".join(map(joiner.add, pieces)) + joiner.finish() == joined


def test_whole_characters_are_not_held_back():
    joiner = TextJoiner()
    assert joiner.add("é😀") == "é😀"
    assert joiner.add("\ud83d\ude00") == "😀"
    assert joiner.add("a\ud83d") == "a"
