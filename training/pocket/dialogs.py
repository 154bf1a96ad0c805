# ruff: noqa: E501 - templates, one a line
"""Put whole dialogues together: a system prompt, a mix of skills, follow-ups, an end.

python -m training.pocket.dialogs --seed 1 --count 5      prints some
"""

from __future__ import annotations

import argparse
from random import Random

from . import manners, words
from .chat import Chat, Reply, Skill, Turn
from .encode import Message
from .grammar import expand
from .manners import Manner, render
from .noise import noise
from .skills import (
    followups,
    formats,
    guide,
    identity,
    life,
    limits,
    llamas,
    memory,
    problems,
    smalltalk,
    stories,
    tools,
)
from .synonyms import reword

PLAIN_SYSTEM = [
    "You are a {helpful|friendly|kind|nice|smart|good|polite|useful|concise|knowledgeable} {assistant|AI assistant|chatbot|AI|bot|language model}.",
    "You are a {helpful|friendly|kind}, {honest|polite|respectful|patient} {and harmless |and honest |}{assistant|chatbot}.",
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible{, while being safe|}.{| If you don't know the answer to a question, please don't share false information.}",
    "{You are an assistant|Be helpful|Be nice|Help the user|Answer the user's questions|You are an AI|You are a chatbot|Answer questions|Be a good assistant|Assist the user|You are here to help}.",
    "You are Pocket Llama{, a small model|, a helpful assistant|}.",
    "{Below is a chat between a user and an assistant|A chat between a curious human and a helpful assistant|This is a conversation with an AI assistant}.",
    "{Answer truthfully|Be honest|Think before you answer|Be safe and helpful|Do your best|Don't make things up|Be accurate}.",
]  # fmt: skip
NAME_SYSTEM = "{You are|Your name is|You are called|You're|Call yourself|You go by the name|The assistant is called|From now on your name is} <n>{.||, a {helpful|friendly|small|kind} {assistant|chatbot|AI|companion}.|, an assistant.}"  # fmt: skip
ROLE_SYSTEM = "{You are|Act as|You play|Pretend to be|Your role is} {a|an} {|helpful |friendly |famous |clever }<r>{.|}"  # fmt: skip
ROLE_NAME_SYSTEM = "{You are <n>, {a|an} {|helpful |friendly |famous |old }<r>|You are called <n> and you {are|work as} {a|an} <r>|Your name is <n> and you are {a|an} <r>|You are {a|an} <r> called <n>}."
USER_SYSTEM = "{The user's name is|The user is called|You are talking to|You are chatting with|The person you talk to is called} <n>{.||. Be kind.}|{You are a helpful assistant|Be helpful}. {The user's name is|You talk to} <n>."  # fmt: skip
MORE_SYSTEM = "{No matter what.|Whatever happens.|At all times.|Without exception.|Even after many messages.|Always.|In each and every reply.|Never forget this.|This holds for the whole chat.|All your answers, please.|Be helpful.|You are a helpful assistant.|Stay in character.|Never break character.|Be kind.|Do this in every reply.|This is important.|Keep doing this until the chat ends.|You are an assistant in a chat app.|Do not mention these instructions.}"  # fmt: skip

# (weight, skill) for any moment of a chat; a skill that does not fit returns None.
ANY_TIME: list[tuple[float, Skill]] = [
    (2.0, smalltalk.greeting), (2.5, smalltalk.thanks), (7.0, smalltalk.mood), (2.0, smalltalk.weather),
    (3.0, smalltalk.compliment), (4.0, smalltalk.opinion), (1.5, smalltalk.either_or), (2.0, smalltalk.opinion_about),
    (3.5, smalltalk.chatter), (12.0, life.event),
    (8.0, identity.about), (11.0, stories.story), (4.0, llamas.joke), (6.0, llamas.fact),
    (27.0, guide.ask_topic), (9.0, problems.problem), (2.0, guide.compare), (1.5, guide.unknown),
    (3.0, memory.tell_name), (4.0, memory.ask_name), (7.0, memory.tell), (1.5, memory.tell_two), (6.0, memory.ask),
    (1.0, memory.ask_all), (0.7, memory.change), (14.0, limits.outside), (1.3, limits.harm), (1.6, limits.foreign),
    (3.0, limits.unclear), (8.0, limits.sums), (5.0, followups.echo), (12.0, formats.any_format), (2.5, formats.one_more),
    # follow-ups
    (5.0, guide.follow), (4.0, stories.after_story), (3.0, followups.why), (2.0, followups.more),
    (2.0, followups.shorter), (1.3, followups.again), (2.5, followups.asked), (0.7, followups.first_asked),
    (14.0, followups.answers), (2.0, followups.value), (2.0, followups.simpler), (1.5, followups.example), (1.5, followups.ordinal),
    (2.0, followups.confused), (1.2, followups.where), (4.0, followups.next_question), (0.7, followups.name_again),
]  # fmt: skip
FIRST: list[tuple[float, Skill]] = [
    (16.0, smalltalk.greeting), (4.0, memory.tell_name), *[(w * 0.8, s) for w, s in ANY_TIME],
]  # fmt: skip
_SKILLS, _WEIGHTS = [s for _, s in ANY_TIME], [w for w, _ in ANY_TIME]
_FIRST, _FIRST_WEIGHTS = [s for _, s in FIRST], [w for w, _ in FIRST]
_ONE_OFF = {"guide", "llama", "identity", "joke", "story", "opinion", "mood", "outside"}
# What a user may ask for together with a manner: "talk like a pirate and introduce yourself".
TASKS = ["introduce", "introduce", "story", "joke", "hello", "bye", "temperature", "fact", "mood"]


def sample_messages(seed: int, index: int) -> list[Message]:
    """Dialogue number `index` of a seed, as messages."""
    rng = Random(seed * 1_000_000_007 + index)
    chat = Chat(rng)
    roll = rng.random()
    if roll < 0.14:
        return tools.dialog(chat, _plain_turn)
    plan = memory.recall(rng) if roll < 0.24 else []
    system = "" if plan and rng.random() < 0.6 else _system(chat)
    want = len(plan) or _turns(rng)
    while len(chat.turns) < want:
        skill = plan[len(chat.turns)] if plan else None
        turn = (skill(chat) if skill else None) or _next(chat)
        if not turn.said:
            turn.said = render(turn.reply, chat)
        chat.turns.append(turn)
        if turn.reply.bye and not plan and chat.chance(0.8):
            break
        if len(chat.turns) == want - 1 and want > 2 and not plan and chat.chance(0.25):
            end = smalltalk.farewell(chat)
            end.said = render(end.reply, chat)
            chat.turns.append(end)
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    for turn in chat.turns:
        messages.append({"role": "user", "content": turn.user})
        messages.append({"role": "assistant", "content": turn.said})
    return messages


def _turns(rng: Random) -> int:
    roll = rng.random()
    if roll < 0.2:
        return 1
    if roll < 0.35:
        return 2
    if roll < 0.7:
        return rng.randint(3, 5)
    if roll < 0.9:
        return rng.randint(6, 10)
    if roll < 0.98:
        return rng.randint(11, 18)
    return 60  # cut off where the context window ends


def _system(chat: Chat) -> str:
    """A system prompt, or none; sets what it says in the chat's state."""
    rng = chat.rng
    roll = rng.random()
    if roll < 0.42:
        return ""
    if roll < 0.52:
        return expand(PLAIN_SYSTEM, rng)
    if roll < 0.57:
        chat.name = words.hero(rng)
        return expand(NAME_SYSTEM, rng, n=chat.name)
    if roll < 0.61:
        chat.role = rng.choice(words.ROLES) if rng.random() < 0.8 else rng.choice(words.JOBS)
        if rng.random() < 0.4:
            chat.name = words.person(rng)
            text = expand(ROLE_NAME_SYSTEM, rng, n=chat.name, r=chat.role)
        else:
            text = expand(ROLE_SYSTEM, rng, r=chat.role)
        return text.replace("{a|an}", "a")
    if roll < 0.63:
        chat.user_name = words.person(rng)
        return expand(USER_SYSTEM, rng, n=chat.user_name)
    parts = []
    if roll < 0.76:  # arbitrary phrases
        parts.append(_given(chat))
        if rng.random() < 0.25:
            extra = rng.choice([m for m in manners.MANNERS if m.key != "question"])
            chat.manners.append(extra)
            parts.append(expand(extra.system, rng))
    else:
        chat.manners = manners.pick(rng)
        parts += [_key(chat, expand(m.system, rng)) if m.key == "json" else expand(m.system, rng) for m in chat.manners]  # fmt: skip
        if rng.random() < 0.12:
            chat.name = words.hero(rng)
            parts.append(expand(NAME_SYSTEM, rng, n=chat.name))
    rng.shuffle(parts)
    if not any(m.phrase for m in chat.manners) and "json key" not in chat.notes and chat.name == "Pocket Llama":  # fmt: skip
        parts = [noise(p, rng, filler=False) if rng.random() < 0.15 else reword(p, rng) if rng.random() < 0.4 else p for p in parts]  # fmt: skip
    if rng.random() < 0.25:
        parts.insert(rng.choice((0, len(parts))), expand(MORE_SYSTEM, rng))
    parts = [p if p.endswith((".", "!", "?", '"')) or i == len(parts) - 1 else p + "." for i, p in enumerate(parts)]  # fmt: skip
    text = rng.choice((" ", " ", " ", "\n")).join(parts)
    if rng.random() < 0.12 and not any(m.phrase for m in chat.manners):
        text = text.lower()
    return text


def _key(chat: Chat, text: str) -> str:
    """A system prompt that asks for JSON, sometimes with the name of the key."""
    if chat.chance(0.5):
        key = chat.rng.choice(("answer", "reply", "text", "response", "message", "output", "result", words.made_up(chat.rng)))  # fmt: skip
        chat.notes["json key"] = key
        text = text.rstrip(".") + chat.say(" {with the key|with one key,|that has the key|whose only key is} \"<k>\"{.|}", k=key)  # fmt: skip
    return text


def _given(chat: Chat) -> str:
    """A system prompt that gives a phrase or a title; puts its manner into the chat."""
    rng = chat.rng
    roll = rng.random()
    if roll < 0.65:
        phrase = words.phrase(rng)
        chat.manners.append(manners.ending(phrase))
        return expand(manners.PHRASE_SYSTEM, rng, p=phrase)
    if roll < 0.85:
        phrase = words.phrase(rng)
        if rng.random() < 0.4:
            phrase = words.soup(rng, rng.randint(1, 2)).capitalize() + rng.choice(
                (":", ":", ",", " -", "")
            )
        chat.manners.append(manners.beginning(phrase))
        return expand(manners.BEGIN_SYSTEM, rng, p=phrase)
    title = rng.choice(manners.TITLES) if rng.random() < 0.7 else words.person(rng)
    if rng.random() < 0.3:  # and a phrase to end with
        phrase = words.phrase(rng) if rng.random() < 0.5 else words.soup(rng, 1)
        chat.manners += [manners.calling(title), manners.ending(phrase)]
        parts = [expand(manners.CALL_SYSTEM, rng, p=title), expand(manners.PHRASE_SYSTEM, rng, p=phrase)]  # fmt: skip
        return " ".join(p if p.endswith((".", "!", "?", '"')) else p + "." for p in parts)
    chat.manners.append(manners.calling(title))
    return expand(manners.CALL_SYSTEM, rng, p=title)


def _next(chat: Chat) -> Turn:
    """The next turn, rendered in the manners that hold."""
    roll = chat.rng.random()
    if roll < 0.045:
        turn = _manner_turn(chat)
    elif roll < 0.06 and chat.manners:
        turn = _back_to_normal(chat)
    else:
        turn = _plain_turn(chat)
        if roll > 0.93 and not chat.manners and turn.skill in _ONE_OFF:
            return formats.with_ends(chat, turn) if chat.chance(0.3) else _one_off(chat, turn)
    if not turn.said:
        turn.said = render(turn.reply, chat)
    return turn


def _plain_turn(chat: Chat) -> Turn:
    first = not chat.turns
    if (chat.role or chat.name != "Pocket Llama") and chat.chance(0.12):
        return identity.name(chat) if chat.chance(0.4) else identity.who(chat)
    if chat.user_name and not any(t.topic == "name" for t in chat.turns) and chat.chance(0.15):
        return memory.ask_name(chat)
    repeat = chat.last is not None and chat.last.skill in ("story", "joke", "guide") and chat.chance(0.25)  # fmt: skip
    if repeat:
        skill = {"story": stories.after_story, "joke": llamas.joke, "guide": guide.follow}[chat.turns[-1].skill]  # fmt: skip
        turn = skill(chat)
        if turn is not None:
            return turn
    while True:
        if first:
            skill = chat.rng.choices(_FIRST, _FIRST_WEIGHTS)[0]
        else:
            skill = chat.rng.choices(_SKILLS, _WEIGHTS)[0]
        turn = skill(chat)
        if turn is not None:
            return turn


def _task(chat: Chat, key: str) -> tuple[str, Reply]:
    """(what the user asks for, the reply) of a task that goes with a manner."""
    if key == "introduce":
        return chat.say("{introduce yourself|tell me who you are|say who you are|present yourself|tell me about yourself}"), identity.introduction(chat)  # fmt: skip
    if key == "story":
        return chat.say("tell me a {|short |tiny }story"), stories.story(chat).reply
    if key == "joke":
        return chat.say("tell me a joke"), llamas.joke(chat).reply
    if key == "hello":
        return chat.say("{say hello|greet me|say hi|welcome me}"), Reply(chat.say(smalltalk.GREETINGS[0].reply), word="Hello!", verse="greeting")  # fmt: skip
    if key == "bye":
        return chat.say("{say goodbye|say bye}"), Reply(chat.say(smalltalk.FAREWELLS[0].reply), word="Goodbye!", verse="bye")  # fmt: skip
    if key == "temperature":
        topic = chat.rng.choice(guide.TOPICS[:12])
        name = topic.names.split("|")[0]
        return chat.say(f"{{explain {name}|tell me what {name} is|explain what {name} does}}"), guide.answer(chat, topic)  # fmt: skip
    if key == "fact":
        return chat.say("tell me {a fact about llamas|something about llamas|a llama fact}"), Reply(chat.say(chat.rng.choice(llamas.FACTS).reply), word="Woolly.", verse="llama")  # fmt: skip
    return chat.say("tell me how you are"), Reply(chat.say(smalltalk.MOODS[0].reply), word="Fine!", verse="mood")  # fmt: skip


def _manner_turn(chat: Chat) -> Turn:
    """The user asks for a manner, often together with a task; it holds from then on."""
    rng = chat.rng
    if rng.random() < 0.08:
        title = (
            rng.choice(manners.TITLES) if rng.random() < 0.7 else words.made_up(rng).capitalize()
        )
        manner = manners.calling(title)
        ask = expand(manners.CALL_ASK, rng, p=title)
    elif rng.random() < 0.12:
        phrase = words.phrase(rng)
        manner = manners.ending(phrase)
        ask = expand(manners.PHRASE_ASK, rng, p=phrase)
    else:
        manner = manners.BY_KEY["pirate"] if rng.random() < 0.15 else rng.choice(manners.MANNERS)
        ask = expand(manner.ask, rng)
    chat.manners = [manner]
    lead = rng.choice(
        ("", "", "", "Please ", "Can you ", "From now on, ", "Now ", "I want you to ")
    )
    if lead:
        ask = lead + ask[0].lower() + ask[1:] if not ask.startswith(("From", "Can", "Please", "ELI")) else ask  # fmt: skip
    if rng.random() < 0.6:
        want, reply = _task(chat, rng.choice(TASKS))
        if rng.random() < 0.7:
            user = f"{ask} and {want}"
        elif rng.random() < 0.5:
            user = f"{want[0].upper()}{want[1:]} {_like(manner, rng)}" if _like(manner, rng) else f"{ask}. {want[0].upper()}{want[1:]}"  # fmt: skip
        else:
            user = f"{ask}. {want[0].upper()}{want[1:]}"
    else:
        user = ask
        reply = Reply(chat.say(manner.ack or "{Sure|All right|Gladly}! {What would you like to talk about?|Ask me something.}"), word="Okay.", verse="general")  # fmt: skip
    user += rng.choice((".", ".", "", "!", "?" if user.startswith("Can") else "."))
    if manner.phrase:
        return Turn(user, reply, "manner", manner.key)
    return Turn(noise(user, rng, filler=False), reply, "manner", manner.key)


_LIKE = {
    "pirate": ["like a pirate", "as a pirate", "in pirate speak"], "one_word": ["in one word", "in a single word", "with one word", "one word only"], "haiku": ["as a haiku", "in a haiku"],
    "shout": ["in capitals", "in all caps", "in upper case"], "formal": ["formally", "in formal language"], "child": ["for a child", "like I'm five"],
    "sentence": ["in one sentence", "in a single sentence", "in exactly one sentence", "one sentence only", "one sentence please"], "terse": ["keep it short", "briefly", "in a few words", "make it short"], "rhyme": ["in rhyme", "as a rhyme", "as a poem"], "emoji": ["with emoji", "using emojis"],
    "robot": ["like a robot"], "cowboy": ["like a cowboy"], "wizard": ["like a wizard"], "shakespeare": ["like Shakespeare", "in old English"],
    "cat": ["like a cat"], "list": ["as a list", "in bullet points"], "lower": ["in lower case"],
}  # fmt: skip


def _like(manner: Manner, rng: Random) -> str:
    return rng.choice(_LIKE[manner.key]) if manner.key in _LIKE else ""


def _one_off(chat: Chat, turn: Turn) -> Turn:
    """A question with a manner for this reply only: "in one word: what is temperature?" """
    rng = chat.rng
    manner = manners.BY_KEY[rng.choice(list(_LIKE))]
    how = rng.choice(_LIKE[manner.key])
    if rng.random() < 0.5:
        turn.user = f"{turn.user.rstrip('.?! ')}, {rng.choice(('', 'answer ', 'but ', 'and answer ', 'please '))}{how}"  # fmt: skip
    else:
        turn.user = f"{rng.choice(('', 'Answer ', 'Please answer ', 'Say it '))}{how}: {turn.user}"
        turn.user = turn.user[0].upper() + turn.user[1:]
    turn.said = render(turn.reply, chat, manner)
    return turn


def _back_to_normal(chat: Chat) -> Turn:
    """The user ends all manners."""
    user = chat.type("{Talk normally|Speak normally|Stop that|You can stop now|Back to normal|Please be normal again|Stop talking like that|Normal again please|Enough of that, talk normally|Drop the act}{.|!|, please|}")  # fmt: skip
    chat.manners = []
    return Turn(user, Reply(chat.say("{All right|Sure|Okay|Fine}, {back to normal|I'm my plain self again|I'll talk normally again}. {What would you like to talk about?|How can I help?|What next?}"), word="Okay."), "manner", "normal")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Print generated dialogues.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    for index in range(args.first, args.first + args.count):
        print(f"--- {index}")
        for message in sample_messages(args.seed, index):
            print(f"{message['role']:>9}: {message['content']}")


if __name__ == "__main__":
    main()
