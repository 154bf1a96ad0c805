"""The conversation is a value: every step gives a new one."""

import pytest

from llama_ui.conversation import MAX_MESSAGE_CHARS, Conversation, parse_messages
from llama_ui.errors import DialogError


def chat(*pairs: tuple[str, str]) -> Conversation:
    conversation = Conversation()
    for user, assistant in pairs:
        conversation = conversation.ask(user).answer(assistant)
    return conversation


def test_ask_and_answer_leave_the_old_value_alone():
    before = chat(("a", "b"))
    after = before.ask("c")
    assert len(before.exchanges) == 1
    assert [e.user for e in after.exchanges] == ["a", "c"]


def test_messages_end_with_the_waiting_user_message():
    messages = chat(("a", "b")).ask("c").messages("Be brief.")
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == "Be brief."


def test_a_blank_system_prompt_is_none():
    assert chat().ask("hi").messages("  \n")[0]["role"] == "user"


def test_a_message_that_never_got_a_reply_is_left_out_later():
    messages = chat(("lost", ""), ("b", "c")).ask("d").messages()
    assert [m["content"] for m in messages] == ["b", "c", "d"]


def test_retry_takes_only_the_reply_back():
    conversation = chat(("a", "b"), ("c", "d")).retry()
    assert conversation.exchanges[-1].user == "c"
    assert conversation.exchanges[-1].assistant is None


def test_undo_returns_the_typed_text():
    conversation, text = chat(("a", "b"), (" c\n", "d")).undo()
    assert text == " c\n"
    assert len(conversation.exchanges) == 1


@pytest.mark.parametrize("step", [Conversation.retry, Conversation.undo])
def test_nothing_to_take_back(step):
    with pytest.raises(DialogError):
        step(Conversation())


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_MESSAGE_CHARS + 1), "a\ud800b", None])
def test_empty_and_endless_messages_are_refused(text):
    with pytest.raises(DialogError):
        Conversation().ask(text)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "hello",
        5,
        {"role": "user"},
        [None],
        ["x"],
        [{"role": "user"}],
        [{"role": "user", "content": 5}],
        [{"role": 1, "content": "x"}],
        [{"role": "tool", "content": "x"}],
        [{"role": "user", "content": "\ud800"}],
        [{"role": "user", "content": "x" * 90_000}] * 20,
        [{"role": "user", "content": "x" * (MAX_MESSAGE_CHARS + 1)}],
        [{"role": "user", "content": "x"}] * 3000,
    ],
)
def test_messages_from_outside_are_checked(value):
    with pytest.raises(DialogError):
        parse_messages(value)


def test_only_role_and_content_are_taken_over():
    taken = parse_messages([{"role": "user", "content": "x", "metadata": {"evil": 1}}])
    assert taken == [{"role": "user", "content": "x"}]
