"""The conversation is a value: every step gives a new one, and nothing said is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_ui.chat.conversation import MAX_MESSAGES, Conversation, Facts, Message
from llama_ui.chat.messages import parse_messages
from llama_ui.chat.options import ChatOptions
from llama_ui.chat.text import MAX_TEXT_CHARS
from llama_ui.errors import ChatError, DialogError
from tests.sizes import examples


def chat(*pairs: tuple[str, str], **fields) -> Conversation:
    conversation = Conversation(**fields)
    for user, assistant in pairs:
        conversation = conversation.ask(user).answer(assistant)
    return conversation


def texts(conversation: Conversation) -> list[str]:
    return [conversation.nodes[number].text for number in conversation.path]


def contents(conversation: Conversation) -> list[str]:
    return [message["content"] for message in conversation.messages(conversation.options.system)]


def test_ask_and_answer_leave_the_old_value_alone():
    before = chat(("a", "b"))
    after = before.ask("c")
    assert texts(before) == ["a", "b"]
    assert texts(after) == ["a", "b", "c"]
    assert after.is_waiting
    assert not before.is_waiting


def test_messages_end_with_the_waiting_user_message():
    asked = chat(("a", "b"), options=ChatOptions("Be brief.")).ask("c")
    assert [m["role"] for m in asked.messages("Be brief.")] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert contents(asked) == ["Be brief.", "a", "b", "c"]


def test_a_blank_system_prompt_is_none():
    assert chat().ask("hi").messages("  \n")[0]["role"] == "user"


def test_a_message_that_never_got_a_reply_is_left_out_later():
    assert contents(chat(("lost", ""), ("b", "c")).ask("d")) == ["b", "c", "d"]
    assert contents(chat(("a", "b")).ask("lost").ask("d")) == ["a", "b", "d"]


def test_retry_keeps_the_earlier_reply_as_a_version():
    conversation = chat(("a", "b"), ("c", "d")).retry(3)
    assert texts(conversation) == ["a", "b", "c"]
    again = conversation.answer("e")
    assert texts(again) == ["a", "b", "c", "e"]
    assert [again.nodes[n].text for n in again.versions(4)] == ["d", "e"]
    assert texts(again.select(3)) == ["a", "b", "c", "d"]


def test_going_on_from_an_earlier_version_is_a_branch():
    both = chat(("a", "b")).retry(1).answer("B")
    branch = both.select(1).ask("more").answer("of b")
    assert texts(branch) == ["a", "b", "more", "of b"]
    assert texts(branch.select(2)) == ["a", "B"]
    # Coming back shows what was last said there.
    assert texts(branch.select(2).select(1)) == ["a", "b", "more", "of b"]


def test_an_edited_question_stands_beside_the_old_one():
    conversation = chat(("a", "b"), ("c", "d")).edit(0, "A")
    assert texts(conversation) == ["A"]
    assert conversation.is_waiting
    assert conversation.versions(4) == (0, 4)
    assert texts(conversation.answer("new").select(0)) == ["a", "b", "c", "d"]


def test_an_edited_reply_stands_beside_the_original():
    conversation = chat(("a", "b"), ("c", "d")).edit(1, "B")
    assert texts(conversation) == ["a", "B"]
    assert conversation.versions(4) == (1, 4)
    assert conversation.nodes[4].facts.ending == "edited"
    # The original stays as it is, with what was said after it.
    assert texts(conversation.select(1)) == ["a", "b", "c", "d"]
    assert conversation.nodes[1].facts is None or conversation.nodes[1].facts.ending != "edited"


def test_a_cut_reply_goes_on():
    cut = Conversation().ask("a").answer("one, two", Facts("length"))
    whole = cut.extend(", three", Facts("stop"))
    assert texts(whole) == ["a", "one, two, three"]
    assert contents(cut) == ["a"]


@pytest.mark.parametrize("nothing", [chat(), chat().ask("a"), chat(("a", ""))])
def test_only_a_reply_can_go_on(nothing):
    with pytest.raises(DialogError, match="no reply to continue"):
        nothing.unfinished()


def test_undo_goes_back_before_the_last_question_and_can_be_undone():
    conversation = chat(("a", "b"), (" c\n", "d")).retry(3).answer("e")
    shorter = conversation.undo()
    assert texts(shorter) == ["a", "b"]
    assert shorter.undo().head is None
    assert shorter.select(conversation.head) == conversation
    with pytest.raises(DialogError, match="nothing to undo"):
        Conversation().undo()


def test_pins_are_kept_and_follow_their_message():
    conversation = chat(("a", "b"), ("c", "d")).pin(2).pin(0)
    assert conversation.pinned == (0, 2)
    assert conversation.pin(0).pinned == (2,)
    assert conversation.undo().pinned == (0, 2)
    with pytest.raises(DialogError, match="your own"):
        conversation.pin(1)


def test_undo_leaves_other_branches_whole():
    conversation = chat(("a", "b"), ("c", "d")).edit(0, "A").answer("B")
    shorter = conversation.undo()
    assert texts(shorter) == []
    assert texts(shorter.select(0)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("number", [-1, 9, None, "0", 1.0, True, [0]])
@pytest.mark.parametrize("act", ["retry", "select", "versions", "edit"])
def test_only_real_messages_can_be_named(act, number):
    arguments = (number, "x") if act == "edit" else (number,)
    with pytest.raises(DialogError, match="no such message"):
        getattr(chat(("a", "b")), act)(*arguments)


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_TEXT_CHARS + 1), "a\ud800b", None])
def test_empty_and_endless_messages_are_refused(text):
    with pytest.raises(DialogError):
        Conversation().ask(text)
    with pytest.raises(DialogError):
        chat(("a", "b")).edit(1, text)


def test_a_chat_has_an_end():
    conversation = Conversation(tuple(Message("user", "x") for _ in range(MAX_MESSAGES)), 0)
    with pytest.raises(DialogError, match="more than 2,000 messages"):
        conversation.ask("one more")


def test_the_title_is_the_first_words_or_the_given_name():
    assert chat().title == "New chat"
    assert chat((" What\nis  it? ", "b")).title == "What is it?"
    assert len(chat(("word " * 100, "b")).title) == 80
    assert chat(("a", "b"), name="Mine").title == "Mine"


@pytest.mark.parametrize(
    ("nodes", "head"),
    [
        ((Message("assistant", "a"),), 0),
        ((Message("user", "a", 0),), 0),
        ((Message("user", "a", 5),), 0),
        ((Message("user", "a"), Message("assistant", "b", 0), Message("assistant", "c", 1)), 2),
        ((Message("user", "a", None, Facts()),), 0),
        ((Message("user", "a"),), 1),
        ((Message("user", "a"),), -1),
    ],
)
def test_what_does_not_fit_together_is_no_conversation(nodes, head):
    with pytest.raises(DialogError, match="damaged"):
        Conversation(nodes, head)


STEPS = st.sampled_from(["ask", "answer", "retry", "edit", "select", "undo", "extend"])


@settings(max_examples=examples(150), deadline=None)
@given(steps=st.lists(st.tuples(STEPS, st.integers(0, 12)), max_size=30))
def test_whatever_is_done_the_prompt_alternates_and_ends_with_a_question(steps):
    conversation = Conversation(options=ChatOptions("S"))
    for step, number in steps:
        try:
            if step in ("ask", "answer", "extend"):
                if step == "extend":
                    conversation.unfinished()
                conversation = getattr(conversation, step)(f"text {number}")
            elif step == "undo":
                conversation = conversation.undo()
            elif step == "edit":
                conversation = conversation.edit(number, "edited")
            else:
                conversation = getattr(conversation, step)(number)
        except ChatError:
            continue
        roles = [message["role"] for message in conversation.messages(conversation.options.system)][
            1:
        ]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
        assert bool(roles) == bool(conversation.path)
        for shown in conversation.path:
            assert shown in conversation.versions(shown)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "hi",
        [1],
        [{}],
        [{"role": "user"}],
        [{"role": "user", "content": 5}],
        [{"role": ["user"], "content": "x"}],
        [{"role": "tool", "content": "x"}],
        [{"role": "user", "content": "x" * (MAX_TEXT_CHARS + 1)}],
        [{"role": "user", "content": "x" * 90_000}] * 12,
        [{"role": "user", "content": "x"}] * 2001,
    ],
)
def test_messages_from_outside_are_checked(value):
    with pytest.raises(DialogError):
        parse_messages(value)


def test_good_messages_from_outside_are_kept_as_they_are():
    messages = [{"role": "system", "content": " s "}, {"role": "user", "content": "\tx\n"}]
    assert parse_messages(messages) == messages
