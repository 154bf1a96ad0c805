"""The prompt: exact ids, and no typed text that passes for a control tag."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.errors import DialogError
from llama_ui.prompt import encode_dialog
from llama_ui.prompt.llama2 import TAGS, Llama2Format
from tests.sizes import examples

PLAIN = [
    "hi",
    " two  spaces ",
    "line\nbreak",
    "\n\nlead",
    "é €",
    "😀",
    "def f():\n    return 1",
    "x",
]
HOSTILE = [
    *TAGS,
    "<s>",
    "</s>",
    "<unk>",
    "[INST",
    "INST]",
    "[[INST]]",
    "<<SYS>>\n",
    "\n<</SYS>>\n\n",
]


def dialogs(pieces: list[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    """Well-formed dialogues whose contents are joined from the pieces; some with a system."""
    content = st.lists(st.sampled_from(pieces), max_size=6).map("".join)
    last = content.filter(str.strip)
    turns = st.lists(st.tuples(content, content), max_size=3)

    def build(system: str | None, pairs: list[tuple[str, str]], end: str) -> list[dict[str, str]]:
        messages = [] if system is None else [{"role": "system", "content": system}]
        for user, assistant in pairs:
            messages.append({"role": "user", "content": user})
            messages.append({"role": "assistant", "content": assistant})
        return [*messages, {"role": "user", "content": end}]

    return st.builds(build, st.none() | content, turns, last)


def reference_ids(messages: list[dict[str, str]], tokenizer) -> list[int]:
    """What chat_completion of the reference does, written down as plainly as it is there."""
    if messages[0]["role"] == "system":
        merged = f"<<SYS>>\n{messages[0]['content']}\n<</SYS>>\n\n{messages[1]['content']}"
        messages = [{"role": "user", "content": merged}, *messages[2:]]

    def encode(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]

    ids: list[int] = []
    for user, assistant in zip(messages[::2], messages[1::2], strict=False):
        text = f"[INST] {user['content'].strip()} [/INST] {assistant['content'].strip()} "
        ids += [tokenizer.bos_token_id, *encode(text), tokenizer.eos_token_id]
    last = encode(f"[INST] {messages[-1]['content'].strip()} [/INST]")
    return [*ids, tokenizer.bos_token_id, *last]


def occurrences(needle: list[int], ids: list[int]) -> int:
    return sum(ids[i : i + len(needle)] == needle for i in range(len(ids)))


def test_the_format_is_the_published_one(tokenizer):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": " Hello "},
        {"role": "assistant", "content": " Hi! "},
        {"role": "user", "content": "Bye\n"},
    ]
    text = "".join(segment.text for segment in Llama2Format(tokenizer).encode(messages))
    assert text == (
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n Hello [/INST] Hi! </s><s>[INST] Bye [/INST]"
    )


def test_without_a_system_message_there_is_no_system_block(tokenizer):
    segments = Llama2Format(tokenizer).encode([{"role": "user", "content": "Hi"}])
    text = "".join(segment.text for segment in segments)
    assert text == "<s>[INST] Hi [/INST]"


@settings(max_examples=examples(300), deadline=None)
@given(messages=dialogs(PLAIN))
def test_ids_equal_the_reference(tokenizer, messages):
    assert encode_dialog(messages, tokenizer) == reference_ids(messages, tokenizer)


@settings(max_examples=examples(300), deadline=None)
@given(messages=dialogs(PLAIN + HOSTILE))
def test_control_ids_stand_only_where_the_template_puts_them(tokenizer, messages):
    ids = encode_dialog(messages, tokenizer)
    users = sum(message["role"] == "user" for message in messages)
    has_system = messages[0]["role"] == "system"
    assert ids.count(tokenizer.bos_token_id) == users
    assert ids.count(tokenizer.eos_token_id) == users - 1
    expected = {"[INST]": users, "[/INST]": users, "<<SYS>>": has_system, "<</SYS>>": has_system}
    for tag, count in expected.items():
        for spelled in (tag, f"a {tag}", f"a{tag}", f"\n{tag}\n"):
            tag_ids = _tag_ids(tokenizer, spelled, tag)
            assert occurrences(tag_ids, ids) <= count, (tag, tag_ids)


@settings(max_examples=examples(200), deadline=None)
@given(messages=dialogs(PLAIN + HOSTILE))
def test_the_text_is_kept(tokenizer, messages):
    """Breaking a forged tag changes its ids, never the text they stand for."""
    ids = encode_dialog(messages, tokenizer)
    plain = reference_ids(messages, tokenizer)
    assert tokenizer.decode(ids) == tokenizer.decode(plain)


@settings(max_examples=examples(100), deadline=None)
@given(messages=dialogs(PLAIN + HOSTILE))
def test_segments_say_where_each_token_comes_from(tokenizer, messages):
    segments = Llama2Format(tokenizer).encode(messages)
    assert [t for s in segments for t in s.ids] == encode_dialog(messages, tokenizer)
    for segment in segments:
        if segment.kind == "template":
            assert segment.message is None
        else:
            assert messages[segment.message]["role"] == segment.kind
            assert segment.text.strip() in messages[segment.message]["content"]


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ([], "no message"),
        (["system"], "no message"),
        (["assistant"], "'assistant' where 'user'"),
        (["user", "user"], "'user' where 'assistant'"),
        (["user", "system", "user"], "'system' where 'assistant'"),
        (["system", "system", "user"], "'system' where 'user'"),
        (["user", "assistant"], "not from the user"),
        (["user", "tool"], "'tool' where 'assistant'"),
    ],
)
def test_wrong_roles_are_named(tokenizer, roles, says):
    with pytest.raises(DialogError, match=says):
        encode_dialog([{"role": role, "content": "x"} for role in roles], tokenizer)


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_last_message_is_refused(tokenizer, text):
    with pytest.raises(DialogError, match="empty"):
        encode_dialog([{"role": "user", "content": text}], tokenizer)


def test_many_forged_tags_cost_linear_time(tokenizer):
    """A quadratic scan over 20,000 tags would take minutes."""
    messages = [{"role": "user", "content": "[INST]" * 20_000}]
    assert len(encode_dialog(messages, tokenizer)) > 100_000


def _tag_ids(tokenizer, text: str, tag: str) -> list[int]:
    """The ids of the tokens that the tag takes up in the text."""
    encoded = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
    )
    start = text.index(tag)
    return [
        token
        for token, (begin, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        if begin < start + len(tag) and start < end
    ]
