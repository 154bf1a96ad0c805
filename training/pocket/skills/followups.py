# ruff: noqa: E501 - templates, one a line
"""Messages that only mean something after another one: why, more, shorter, again, repeat."""

from __future__ import annotations

import re

from .. import words
from ..chat import Chat, Reply, Turn, first_sentence
from . import llamas, memory, smalltalk, stories
from .talk import play


def why(chat: Chat) -> Turn | None:
    last = chat.last
    if last is None or not last.why:
        return None
    user = chat.type("{Why|Why is that|Why so|But why|Why not|How come|Why that|And why|What's the reason|Why though}{?|}")  # fmt: skip
    return Turn(user, Reply(chat.say(last.why), word="Because.", verse=last.reply.verse), "follow", "why")  # fmt: skip


def more(chat: Chat) -> Turn | None:
    last = chat.last
    if last is None or not last.more:
        return None
    user = chat.type("{Tell me more|More|Go on|Can you say more|What else|Anything else|More please|Continue|More details{| please}|Can you explain more|Say more about {it|that}|Elaborate}{?|.|}")  # fmt: skip
    lead = chat.say("{||Sure. |Gladly. |Also: |One more thing: }")
    return Turn(user, Reply((lead + chat.say(last.more)).strip(), word="More.", verse=last.reply.verse), "follow", last.topic, why=last.why)  # fmt: skip


def shorter(chat: Chat) -> Turn | None:
    last = chat.last
    if last is None or last.reply.plain or len(last.reply.text) < 60 or "\n\n-" in last.said:
        return None
    short = last.reply.short or first_sentence(last.reply.text)
    if len(short) > 0.8 * len(last.said):
        return None
    user = chat.type("{Shorter|Shorter please|Can you say that shorter|Make it shorter|In one sentence|In short|Too long|TLDR|tl;dr|Summarize that|Say it in one sentence|Briefly|Keep it short|Shorter version}{, please|}{.|?|}")  # fmt: skip
    return Turn(user, Reply(short, word=last.reply.word, verse=last.reply.verse), "follow", last.topic, why=last.why, more=last.more)  # fmt: skip


def again(chat: Chat) -> Turn | None:
    """Say the last reply once more."""
    last = chat.last
    if last is None or len(last.said) > 400:
        return None
    user = chat.type("{Say that again|Can you repeat that|Repeat that|Pardon|Come again|What did you {just |}say|Say it again|Once more|Could you repeat that|Sorry, what|Repeat your last {message|reply|answer}}{?|, please|.|}")  # fmt: skip
    return Turn(
        user, Reply(last.said, plain=True), "follow", last.topic, why=last.why, more=last.more
    )


def asked(chat: Chat) -> Turn | None:
    """ "What did I just ask?" """
    last = chat.last
    if last is None or len(last.user) > 160 or "\n" in last.user:
        return None
    user = chat.type("{What did I {just |}{ask|say|write|type}{| you}|What was my {last|previous} {question|message}|Do you remember what I {just |}{asked|said}|Repeat my {last |}{question|message}|What was my question{| again}|What have I just {asked|said}}{?|}")  # fmt: skip
    quote = last.user.strip()
    text = chat.say("{You {asked|said|wrote}|You just {asked|said|wrote}|Your last message was|It was}: ") + f'"{quote}"'  # fmt: skip
    return Turn(
        user, Reply(text, word="Remembered.", verse="memory", short=text), "follow", "asked"
    )


def first_asked(chat: Chat) -> Turn | None:
    """ "What was my first question?" """
    if len(chat.turns) < 2 or len(chat.turns[0].user) > 160:
        return None
    user = chat.type("{What was my first {question|message}|What did I {ask|say} first|What was the first thing I {said|asked|wrote}|How did {this|our} chat {start|begin}}{?|}")  # fmt: skip
    text = chat.say("{You {first |}{asked|said|wrote}|Your first message was|It began with}: ") + f'"{chat.turns[0].user.strip()}"'  # fmt: skip
    return Turn(
        user, Reply(text, word="Remembered.", verse="memory", short=text), "follow", "asked"
    )


def echo(chat: Chat) -> Turn:
    """Repeat something word for word."""
    rng = chat.rng
    roll = rng.random()
    if roll < 0.3:
        what = words.phrase(rng)
    else:
        what = words.soup(rng, rng.choice((1, 2, 3, 4, 6, 8)))
        if rng.random() < 0.3:
            what = what[0].upper() + what[1:] + rng.choice((".", "!", "?", ""))
    lead = rng.choice(("Repeat after me: ", "Say ", "Say: ", "Please say ", "Repeat: ", "Can you say ", "say ", "repeat after me: ", "Just say ", "Write ", "Say exactly: ", "Echo "))  # fmt: skip
    quoted = rng.random() < 0.4
    user = lead + (f'"{what}"' if quoted else what)
    return Turn(user, Reply(what, word=what, plain=True), "follow", "echo")


_OFFERED = "{Yes|Yes please|Yes, please|Sure|Ok|Okay|Yeah|Yep|Of course|Why not|Please do|I'd love that|yes|Go ahead|Gladly}{!|.|}"
_REFUSED = "{No|No thanks|No, thank you|Nope|Not now|Not really|No thank you|Maybe later|nah|Rather not}{.|!|}"
_FAVOURITES = {"opinion-1": "colour", "opinion-2": "food", "opinion-3": "animal"}


def answers(chat: Chat) -> Turn | None:
    """The user answers a question with which the last reply ended."""
    last = chat.last
    if last is None or not last.said.rstrip().endswith("?"):
        return None
    question = re.split(r"(?<=[.!?])\s", last.said.strip())[-1].lower()
    if last.skill == "memory" and last.topic in memory.FACTS and ("what is it" in question or "what are they" in question or "tell me" in question):  # fmt: skip
        return memory.answer(chat, last.topic)
    if last.topic in _FAVOURITES and ("yours" in question or "your favourite" in question or "do you like" in question):  # fmt: skip
        return memory.answer(chat, _FAVOURITES[last.topic])
    if "call you" in question or "your name" in question or (last.topic == "name" and "what is it" in question):  # fmt: skip
        return memory.answer_name(chat) if not chat.user_name else None
    if re.search(r"how are you|how about you|and you\?|how is your day", question):
        return play(chat, chat.rng.choice(smalltalk.MOODS[1:11]), "mood")
    if chat.chance(0.25):
        text = "{All right|No problem|That's fine|Okay}. {What would you like to do instead?|Just say if you need something.|What shall we talk about?|I'm here if you want something.}"  # fmt: skip
        return Turn(chat.type(_REFUSED, filler=False), Reply(chat.say(text), word="Okay."), "follow", "no")  # fmt: skip
    if "what happened next" in question:
        turn = stories.after_story(chat)
    elif "story" in question:
        turn = stories.story(chat)
    elif "joke" in question or (last.skill == "joke" and "another" in question):
        turn = llamas.joke(chat)
    elif "another one" in question and last.skill == "story":
        turn = stories.story(chat)
    else:
        text = "{Good|Great|Lovely}! {Tell me more.|I'm listening.|What would you like to know?|What shall it be?|Ask me anything small.}"  # fmt: skip
        turn = Turn("", Reply(chat.say(text), word="Good!"), "follow", "yes")
    if turn is not None:
        turn.user = chat.type(_OFFERED, filler=False)
        if turn.skill == "story":
            # Nothing was asked for, so the story is about a llama.
            stories.retell(chat, turn)
    return turn
