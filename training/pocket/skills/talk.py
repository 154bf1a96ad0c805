"""A question and its answer as one record, and the skill that plays a table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..chat import Chat, Reply, Skill, Turn


@dataclass(frozen=True)
class Talk:
    """Templates for one thing people say and what is answered."""

    ask: str
    reply: str
    word: str = ""
    verse: str = "general"
    short: str = ""
    why: str = ""
    more: str = ""
    bye: bool = False


def play(chat: Chat, talk: Talk, skill: str, topic: str = "", ask: str = "") -> Turn:
    return Turn(
        user=chat.type(ask or talk.ask),
        reply=Reply(
            chat.say(talk.reply),
            word=chat.say(talk.word),
            short=chat.say(talk.short) if talk.short else "",
            verse=talk.verse,
            bye=talk.bye,
        ),
        skill=skill,
        topic=topic,
        why=talk.why,
        more=talk.more,
    )


def table(skill: str, talks: Sequence[Talk]) -> Skill:
    """A skill that plays any record of the table."""

    def run(chat: Chat) -> Turn:
        index = int(chat.rng.random() * len(talks))
        return play(chat, talks[index], skill, f"{skill}-{index}")

    run.__name__ = skill
    return run
