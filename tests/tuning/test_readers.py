"""Files with chats, of every kind, and broken ones."""

import json
from dataclasses import replace

import pytest

from llama_ui.chat.attachments import Attachment
from llama_ui.chat.conversation import Conversation, Facts, Step
from llama_ui.chat.export import to_json
from llama_ui.chat.options import ChatOptions
from llama_ui.errors import ChatError
from llama_ui.tuning.export import export_dataset
from llama_ui.tuning.readers import Rejected, Skipped, read_chat
from llama_ui.tuning.source import read_files
from tests.tuning.chats import edited, taught, with_ending, write

HELLO = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ahoy!"}]


def lines(path, *rows):
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return str(path)


def read(path, *rows):
    """The messages of each dialog of a file with these rows."""
    dialogs, skipped = read_files([lines(path, *rows)])
    return [[*dialog.messages] for dialog in dialogs], skipped


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"messages": HELLO}, HELLO),
        (
            {
                "conversations": [
                    {"from": "system", "value": "Be brief."},
                    {"from": "human", "value": "Hi"},
                    {"from": "gpt", "value": "Ahoy!"},
                ]
            },
            [{"role": "system", "content": "Be brief."}, *HELLO],
        ),
        ({"instruction": "Hi", "input": "", "output": "Ahoy!"}, HELLO),
        ({"text": "### Human: Hi### Assistant: Ahoy!"}, HELLO),
        ({"text": "<s>[INST] Hi [/INST] Ahoy! </s>"}, HELLO),
        (
            {
                "text": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Ahoy! </s>"
                "<s>[INST] Hi [/INST] Ahoy! </s>"
            },
            [{"role": "system", "content": "Be brief."}, *HELLO, *HELLO],
        ),
        (
            {"instruction": "Add", "input": "1 and 2", "output": "3"},
            [
                {"role": "user", "content": "Add\n\n1 and 2"},
                {"role": "assistant", "content": "3"},
            ],
        ),
    ],
)
def test_every_kind_of_row_becomes_the_same_dialog(tmp_path, row, messages):
    assert read(tmp_path / "a.jsonl", row, row) == ([messages, messages], [])
    (tmp_path / "b.json").write_text(json.dumps([row]))
    [dialog], _ = read_files([str(tmp_path / "b.json")])
    assert [*dialog.messages] == messages
    replies = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
    assert [*dialog.learned] == replies


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Ahoy!", "rejected": "Hello."},
        {
            "prompt": HELLO[:1],
            "chosen": HELLO[1:],
            "rejected": [{"role": "assistant", "content": "Hello."}],
        },
        {"chosen": HELLO, "rejected": [HELLO[0], {"role": "assistant", "content": "Hello."}]},
    ],
)
def test_pairs_with_and_without_a_prompt_of_their_own(tmp_path, row):
    [dialog], skipped = read_files([lines(tmp_path / "a.jsonl", row)])
    assert not skipped
    assert [*dialog.messages] == HELLO
    assert dialog.rejected == (Rejected(1, "Hello."),)


def test_broken_rows_are_skipped_with_their_line(tmp_path):
    rows = [
        {"messages": HELLO},
        '{"messages": [',
        "",
        "[1, 2]",
        {"text": "x"},
        {"messages": [*HELLO, *HELLO[1:]]},
        {"messages": HELLO[:1]},
        {"messages": "Hi"},
        {"messages": [{"role": "tool", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"conversations": [1]},
        {"chosen": HELLO, "rejected": HELLO[:1]},
        {"messages": [{"role": "user", "content": "\ud800"}]},
    ]
    found, skipped = read(tmp_path / "a.jsonl", *rows)
    assert found == [HELLO]
    assert skipped[0] == Skipped("a.jsonl, line 2", "It is no JSON")
    assert [one.place.rpartition(" ")[2] for one in skipped] == ["2", *map(str, range(4, 14))]


def test_a_separator_inside_a_text_ends_no_line(tmp_path):
    said = "one\u2028two"
    row = {"instruction": "Say", "output": said}
    line = json.dumps(row, ensure_ascii=False)
    found, skipped = read(tmp_path / "a.jsonl", line, line)
    assert [messages[1]["content"] for messages in found] == [said, said]
    assert skipped == []


@pytest.mark.parametrize("content", [b"", b"nothing\nat all", b"\xff\xfe\x00", b"{}", b"[]"])
def test_a_file_with_nothing_to_learn_is_told_in_a_sentence(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ChatError) as fault:
        read_files([str(path)])
    assert str(path) in fault.value.problem
    assert "docs/tuning.md" in fault.value.next_step


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ChatError, match=r"cannot be read \(No such file or directory\)"):
        read_files([str(tmp_path / "a.json")])


def test_one_chat_and_several_are_read(tmp_path):
    one, all_30 = taught()[0], taught()
    (tmp_path / "one.json").write_text(to_json(one))
    dialogs, skipped = read_files([str(tmp_path / "one.json")])
    assert [d.messages[0]["content"] for d in dialogs] == ["Who is Mira?"]
    dialogs, skipped = read_files([str(write(tmp_path / "all.json", all_30))])
    assert (len(dialogs), skipped) == (30, [])


def test_what_is_attached_is_read_as_the_page_sends_it():
    chat = Conversation().ask("What is in it?", (Attachment("a.txt", "Lund"),)).answer("A town.")
    [dialog] = read_chat("here", chat)
    assert [*dialog.messages][:1] == chat.retry(1).messages("")


def test_system_prompt_and_reminder_are_where_the_page_sends_them():
    chat = replace(taught()[0], options=ChatOptions(system="Be brief.", reminder="In English."))
    [dialog] = read_chat("here", chat)
    assert [message["content"] for message in dialog.messages[:2]] == [
        "Be brief.",
        "Who is Mira?\n\nIn English.",
    ]
    assert dialog.learned == (2,)


@pytest.mark.parametrize("ending", ["length", "time", "cancelled", "error"])
def test_a_reply_that_did_not_end_by_itself_is_not_learned(ending):
    cut = with_ending(taught()[0], ending)
    assert read_chat("here", cut) == []
    [dialog] = read_chat("here", cut.ask("Go on.").answer("Ahoy again!", Facts()))
    assert dialog.learned == (3,)


def test_a_reply_made_with_tools_is_not_learned():
    facts = Facts(steps=(Step("", "calculator", "1+2", "3"),))
    assert read_chat("here", Conversation().ask("1+2?").answer("3", facts)) == []


def test_an_edited_reply_is_preferred_to_what_stood_before():
    [dialog] = read_chat("here", edited(taught()[0], "Aye!"))
    assert dialog.messages[1]["content"] == "Aye!"
    assert dialog.rejected == (Rejected(1, taught()[0].nodes[1].text),)


def test_of_two_versions_the_one_that_was_edited_is_rejected():
    chat = Conversation().ask("Hi").answer("One", Facts(prompt_tokens=1))
    chat = chat.retry(1).answer("Two", Facts(prompt_tokens=2))
    for number, text in ((1, "One"), (2, "Two")):
        [dialog] = read_chat("here", chat.edit(number, "Aye!"))
        assert dialog.rejected == (Rejected(1, text),)


def test_of_a_reply_edited_twice_the_last_is_preferred_to_the_models_own():
    chat = edited(edited(taught()[0], "Aye!"), "Aye, aye!")
    [dialog] = read_chat("here", chat)
    assert dialog.messages[1]["content"] == "Aye, aye!"
    assert dialog.rejected == (Rejected(1, taught()[0].nodes[1].text),)


def test_an_edit_that_is_not_shown_any_more_still_counts():
    chat = edited(taught()[0], "Aye!")
    first, second = read_chat("here", chat.select(1))
    assert (first.messages[1]["content"], first.rejected) == (chat.nodes[1].text, ())
    assert (second.messages[1]["content"], len(second.rejected)) == ("Aye!", 1)


def test_a_cut_reply_is_rejected_without_its_end():
    [dialog] = read_chat("here", edited(with_ending(taught()[0], "length"), "Aye!"))
    assert not dialog.rejected[0].is_whole


def test_an_exported_dataset_reads_as_the_chats_it_was_made_from(tmp_path):
    cut = with_ending(taught()[1], "length").ask("Go on.").answer("Ahoy!", Facts())
    source = str(write(tmp_path / "chats.json", [taught()[0], cut]))
    said = export_dataset(str(tmp_path / "out.jsonl"), [source], "auto")
    assert said.startswith("2 chats written to")
    wanted, _ = read_files([source])
    found, _ = read_files([str(tmp_path / "out.jsonl")])
    assert [(d.messages, d.learned) for d in found] == [(d.messages, d.learned) for d in wanted]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chats.json", "out.jsonl"]


def test_edited_chats_are_exported_as_pairs(tmp_path):
    source = str(write(tmp_path / "chats.json", [edited(chat, "Aye!") for chat in taught()]))
    said = export_dataset(str(tmp_path / "out.jsonl"), [source], "auto")
    assert said.startswith("30 pairs written to")
    wanted, _ = read_files([source])
    found, _ = read_files([str(tmp_path / "out.jsonl")])
    assert [(d.messages, d.rejected) for d in found] == [(d.messages, d.rejected) for d in wanted]


def test_chats_without_edits_are_no_pairs(tmp_path):
    source = str(write(tmp_path / "chats.json", taught()))
    with pytest.raises(ChatError, match="No reply in these chats was edited"):
        export_dataset(str(tmp_path / "out.jsonl"), [source], "dpo")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    source = str(write(tmp_path / "chats.json", taught()))
    with pytest.raises(ChatError, match="cannot be written"):
        export_dataset(str(tmp_path / "none" / "out.jsonl"), [source], "auto")
