"""The generator of Pocket Llama's dialogues: repeatable, well-formed, varied."""

import re
from random import Random

import pytest

from training.pocket.chat import Chat, Reply
from training.pocket.dialogs import sample_messages
from training.pocket.encode import exchanges
from training.pocket.grammar import count, expand
from training.pocket.manners import BY_KEY, MANNERS, render
from training.pocket.noise import guard, noise
from training.pocket.skills import stories
from training.pocket.skills.controls import CONTROLS
from training.pocket.skills.guide import TOPICS

TAGS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>")


def test_a_seed_decides_the_dialogues() -> None:
    assert [sample_messages(7, i) for i in range(50)] == [sample_messages(7, i) for i in range(50)]
    assert sample_messages(7, 0) != sample_messages(8, 0)


def test_dialogues_are_well_formed() -> None:
    for index in range(1500):
        messages = sample_messages(3, index)
        turns = messages[1:] if messages[0]["role"] == "system" else messages
        assert [m["role"] for m in turns] == ["user", "assistant"] * (len(turns) // 2)
        for message in messages:
            text = message["content"]
            assert text.strip(), messages
            assert not any(tag in text for tag in TAGS), text
            assert not set("\x0e\x0f") & set(text), text
            # A brace or a slot that a template left behind; JSON has braces of its own.
            assert "{" not in text or "}" in text, text
            assert "|" not in text, text
            assert not re.search("<(?!open|tool|input)[a-z_]+>", text), text


def test_openings_are_varied() -> None:
    firsts = {sample_messages(5, i)[-2]["content"] for i in range(2000)}
    assert len(firsts) > 1200


def test_the_system_prompt_is_merged_into_the_first_message() -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": " Hi "},
        {"role": "assistant", "content": "Hello! "},
    ]
    assert exchanges(messages) == [
        ("[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\n Hi [/INST]", "Hello!"),
    ]


def test_templates() -> None:
    rng = Random(0)
    seen = {expand("{Hi|Hello}{, <name>|}!", rng, name="Ada") for _ in range(200)}
    assert seen == {"Hi!", "Hello!", "Hi, Ada!", "Hello, Ada!"}
    assert count("{Hi|Hello}{, <name>|}!") == 4
    assert expand("a|b", Random(1)) in {"a", "b"}
    with pytest.raises(ValueError, match="brace"):
        expand("{a", rng)


def test_every_manner_has_system_prompts() -> None:
    assert len(MANNERS) >= 20
    for manner in MANNERS:
        assert count(manner.system) >= 8, manner.key
        assert expand(manner.system, Random(0))


def test_noise_never_misspells_a_guarded_value() -> None:
    rng = Random(0)
    for _ in range(500):
        text = noise(f"My favourite animal is {guard('Quokka')}, please remember.", rng)
        assert "quokka" in text.lower()


def test_every_control_has_one_row() -> None:
    keys = [topic.key for topic in TOPICS]
    assert len(keys) == len(set(keys))
    for topic in CONTROLS:
        names = topic.names.split("|")
        assert all(names), topic.key
        assert topic.core
        assert topic.word


def test_what_a_story_is_asked_for_is_in_it() -> None:
    for seed in range(300):
        chat = Chat(Random(seed))
        turn = stories.story(chat)
        asked = re.search(r"(?:called|named) ([A-Z]\w+)", turn.user)
        if asked:
            assert asked[1] in turn.reply.text


def test_one_sentence_stays_one_in_any_style() -> None:
    for seed in range(200):
        chat = Chat(Random(seed), manners=[BY_KEY["sentence"], BY_KEY["pirate"]])
        text = render(Reply("I am well. And you? All is fine."), chat)
        assert len(re.findall(r"[.!?](?=\s|$)", text)) == 1, text
