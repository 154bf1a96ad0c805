"""Exports lose nothing, and what is no export is refused in words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.chat.attachments import Attachment
from llama_ui.chat.conversation import Conversation, Facts, Step
from llama_ui.chat.export import from_json, to_json, to_markdown
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.sampling import Sampling
from llama_ui.errors import ChatError, DialogError
from tests.sizes import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SOME = TEXT.filter(str.strip)
NUMBERS = st.floats(0, 2**52, allow_nan=False)
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.floats(0, 2),
    top_p=st.floats(0.05, 1),
    top_k=st.integers(1, 1000),
    repetition_penalty=st.floats(1, 2),
    max_new_tokens=st.integers(1, 4096),
    seed=st.none() | st.integers(0, 2**31 - 1),
    stop=st.lists(st.text('a"\\\n\u2028é🦙', min_size=1, max_size=5), max_size=3).map(tuple),
)
OPTIONS = st.builds(
    ChatOptions, TEXT, SAMPLINGS, st.none() | st.integers(0, 1000), TEXT, st.booleans()
)
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
ATTACHED = st.lists(st.builds(Attachment, NAMES, TEXT), max_size=2).map(tuple)
STEPS = st.lists(st.builds(Step, TEXT, TEXT, TEXT, TEXT, NUMBERS), max_size=3).map(tuple)
FACTS = st.none() | st.builds(
    Facts,
    st.sampled_from(["stop", "length", "cancelled", "error", "edited"]),
    TEXT,
    TEXT,
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    NUMBERS,
    NUMBERS,
    st.none() | OPTIONS,
    STEPS,
)


@st.composite
def conversations(draw) -> Conversation:
    chat = Conversation(options=draw(OPTIONS), name=draw(TEXT))
    for _ in range(draw(st.integers(0, 6))):
        last = len(chat.nodes) - 1
        number = draw(st.integers(0, last)) if last >= 0 else 0
        step = draw(st.sampled_from(["ask", "ask", "select", "edit", "retry"]))
        if step == "ask" or last < 0:
            chat = chat.ask(draw(SOME), draw(ATTACHED))
        elif step == "edit":
            chat = chat.edit(number, draw(SOME))
        else:
            chat = getattr(chat, step)(number)
        if chat.is_waiting and draw(st.booleans()):
            chat = chat.answer(draw(TEXT), draw(FACTS))
    return chat


@settings(max_examples=examples(500), deadline=None)
@given(chats=st.lists(conversations(), max_size=2))
def test_an_export_read_back_is_the_same_to_the_byte(chats):
    for chat in chats:
        assert from_json(to_json(chat)) == ([chat], 0)
        assert to_json(from_json(to_json(chat))[0][0]) == to_json(chat)
    several = [json.loads(to_json(chat))["chat"] for chat in chats]
    file = {"format": "llama-ui-chats", "version": 1, "chats": several}
    assert from_json(json.dumps(file)) == (chats, 0)


def test_the_file_says_what_it_is():
    content = json.loads(to_json(Conversation().ask("hi")))
    assert (content["format"], content["version"]) == ("llama-ui-chat", 1)
    assert content["chat"]["nodes"][0]["text"] == "hi"


GOOD = to_json(Conversation().ask("hi").answer("yo", Facts(first_token_s=0.125)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '"llama-ui-chat"',
        "[" * 100_000,
        '{"a":' * 50_000,
        GOOD.replace("llama-ui-chat", "other"),
        GOOD.replace('"version":1', '"version":2'),
        GOOD.replace('"role":"user"', '"role":"system"'),
        GOOD.replace('"parent":0', '"parent":1'),
        GOOD.replace('"parent":0', '"parent":"0"'),
        GOOD.replace('"head":1', '"head":7'),
        GOOD.replace('"text":"hi"', '"text":5'),
        GOOD.replace('"text":"hi"', '"text":"\\ud800"'),
        GOOD.replace('"text":"hi"', f'"text":"{"x" * 100_001}"'),
        GOOD.replace("0.125", "1e999"),
        GOOD.replace("0.125", "-1"),
        GOOD.replace('"temperature":0.7', '"temperature":70'),
        GOOD.replace('"stop":[]', '"stop":[""]'),
        GOOD.replace('"keep_last":null', '"keep_last":-1'),
        GOOD[:-20],
    ],
)
def test_what_is_no_export_is_refused(text):
    assert text != GOOD
    with pytest.raises(ChatError):
        from_json(text)


def test_numbers_beyond_all_reason_are_damage():
    for field in ("prompt_tokens", "reused_tokens", "reply_tokens"):
        huge = GOOD.replace(f'"{field}":0', f'"{field}":1{"0" * 400}')
        assert huge != GOOD
        with pytest.raises(DialogError, match="impossible statistics"):
            from_json(huge)
    with pytest.raises(DialogError, match="damaged"):
        from_json(GOOD.replace('"name":""', '"name":7'))


def test_an_option_of_a_later_version_is_refused_and_an_earlier_file_is_read():
    for options in ("options", "sampling"):
        file = json.loads(GOOD)
        chosen = file["chat"]["options"]
        chosen = chosen if options == "options" else chosen["sampling"]
        kept = chosen.popitem()
        assert from_json(json.dumps(file)) == from_json(GOOD)
        chosen |= dict([kept]) | {"of_tomorrow": 1}
        with pytest.raises(DialogError, match=r"another version.*Update"):
            from_json(json.dumps(file))


def test_too_many_chats_are_refused():
    chat = json.loads(GOOD)["chat"]
    many = {"format": "llama-ui-chats", "version": 1, "chats": [chat] * 1001}
    with pytest.raises(DialogError, match="more than 1,000"):
        from_json(json.dumps(many))


def test_markdown_shows_the_steps_before_an_answer():
    steps = (Step("Let me see.", "Calculator", "12*7", "84", 3.0), Step("", "", "Hm\nno", "Error"))
    chat = Conversation().ask("12 times 7?").answer("It is 84.", Facts(steps=steps))
    assert to_markdown(chat).endswith(
        "**Reply**\n\n    Let me see.\n    Calculator: 12*7\n    -> 84\n\n"
        "    No action: Hm\n    no\n    -> Error\n\nIt is 84.\n"
    )


def test_markdown_shows_the_open_branch():
    chat = Conversation(options=ChatOptions("Be kind.")).ask("one").answer("first")
    chat = chat.retry(1).answer("second")
    text = to_markdown(chat)
    assert text.startswith("# one\n\n**System prompt**\n\nBe kind.\n\n**You**\n\none\n\n")
    assert text.endswith("**Reply**\n\nsecond\n")
    assert "first" not in text


def test_damaged_chats_among_whole_ones_are_left_out_and_counted():
    whole = json.loads(GOOD)["chat"]
    damaged = {**whole, "head": 99}
    file = {"format": "llama-ui-chats", "version": 1, "chats": [damaged, whole, 7]}
    chats, lost = from_json(json.dumps(file))
    assert [to_json(chat) for chat in chats] == [to_json(from_json(GOOD)[0][0])]
    assert lost == 2
