"""What is sent: memory, pins, reminder and window."""

import pytest

from llama_ui.prompt.llama2 import Llama2Format, Segment
from llama_ui.prompt.plan import PlanOptions, plan_prompt

ANSWERED = [
    message
    for number in range(6)
    for message in (
        {"role": "user", "content": f"question {number}"},
        {"role": "assistant", "content": f"answer {number}"},
    )
]
MESSAGES = [
    {"role": "system", "content": "Be kind."},
    *ANSWERED,
    {"role": "user", "content": "now"},
]


@pytest.fixture
def plan(tokenizer):
    def plan(window=4096, reply_tokens=10, messages=MESSAGES, **options):
        encode = Llama2Format(tokenizer).encode
        return plan_prompt(encode, messages, PlanOptions(**options), window, reply_tokens)

    return plan


def answers(plan) -> list[int]:
    return [number for number in range(6) if f"answer {number}" in plan.text]


def test_all_that_fits_is_sent(plan):
    assert plan().dropped == ()
    assert answers(plan()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("keep", [0, 1, 4, 6, 99])
def test_only_the_last_exchanges_are_remembered(plan, keep):
    kept = [0, 1, 2, 3, 4, 5][max(0, 6 - keep) :]
    remembered = plan(keep_last=keep)
    assert answers(remembered) == kept
    assert remembered.dropped == tuple(number for number in range(6) if number not in kept)
    assert "Be kind." in remembered.text
    assert remembered.text.endswith("now [/INST]")


def test_what_is_dropped_takes_the_system_prompt_along_to_the_next_exchange(plan):
    text = plan(keep_last=1).text
    assert text == (
        "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nquestion 5 [/INST] answer 5 </s>"
        "<s>[INST] now [/INST]"
    )


def test_the_reminder_stands_in_every_user_turn_and_nowhere_else(plan):
    text = plan(reminder="Answer in JSON.").text
    assert text.count("\n\nAnswer in JSON. [/INST]") == 7
    assert plan(reminder=" ").text == plan().text


def test_what_is_pinned_is_dropped_last(plan):
    whole = len(plan().ids)
    window = whole * 2 // 3
    oldest_gone = plan(window=window, reply_tokens=1)
    assert oldest_gone.dropped == tuple(range(len(oldest_gone.dropped)))
    pinned = plan(window=window, reply_tokens=1, pinned=frozenset({0, 2}))
    assert {0, 2} <= set(answers(pinned))
    assert not {0, 2} & set(pinned.dropped)
    assert len(pinned.ids) + 1 <= window


def test_what_is_pinned_is_remembered_beyond_the_last_exchanges(plan):
    pinned = plan(keep_last=2, pinned=frozenset({0}))
    assert answers(pinned) == [0, 4, 5]
    assert pinned.dropped == (1, 2, 3)


def test_segments_name_the_messages_of_the_whole_conversation(plan):
    for segment in plan(keep_last=2).segments:
        if segment.message is not None:
            assert MESSAGES[segment.message]["content"] == segment.text


def test_the_window_is_kept_free_for_a_reply_that_has_begun(plan, tokenizer):
    encode = Llama2Format(tokenizer).encode
    begun = Segment("reply", None, " a b", (300,) * 40)
    window = len(plan().ids) + 20
    sent = plan_prompt(encode, MESSAGES, PlanOptions(), window, 10, begun)
    assert sent.dropped
    assert len(sent.ids) + 10 <= window
    assert sent.ids[-40:] == [300] * 40
