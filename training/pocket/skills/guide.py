# ruff: noqa: E501 - templates, one a line
"""The guide to the application: plays the records of guide_facts."""

from __future__ import annotations

from ..chat import Chat, Reply, Turn
from .controls import CONTROLS
from .guide_facts import BY_KEY as FACTS_BY_KEY
from .guide_facts import COMPARE, Topic
from .guide_facts import TOPICS as FACTS

TOPICS = [*FACTS, *CONTROLS]
BY_KEY = {**FACTS_BY_KEY, **{topic.key: topic for topic in CONTROLS}}

# Ways to ask for any topic by name.
ASK = [
    "{What is|What's|What does <n> mean, what is|whats|what are|What exactly is|So what is|Do you know what <n> is, or what is} <n>?".replace("|What does <n> mean, what is", "").replace("|Do you know what <n> is, or what is", ""),
    "What does <n> {do|mean|change|actually do}?",
    "{Explain|Can you explain|Please explain|Could you explain|Describe|Tell me about|Tell me more about|Say something about|Help me with|Teach me about} <n>{.|?| to me.|}",
    "{How does <n> work|What is <n> {good |used |}for|What do you know about <n>|What can you tell me about <n>|I don't understand <n>|I don't get <n>|Can you help me {with|understand} <n>|I have a question about <n>|Why would I use <n>|How do I use <n>|I need help with <n>|What's the point of <n>}{?|.|}",
    "{What is|What's} {the purpose of|meant by|} <n>{?|}|{What is|Tell me what is} <n>{?| exactly?| in this app?| here?}|{What do you call|Do you know} <n>?|{Why is there|Where is|How does one use} <n>?".replace("|{What do you call|Do you know} <n>?", "|Do you know <n>?"),
    "What is <n>{?|?|}",
    "{<n>|<n>?|{What about|And|How about} <n>?|<n> meaning|define <n>|explain <n>|meaning of <n>}",
]  # fmt: skip
FOLLOW = "{And|What about|And what about|How about|And what is|What's} <n>?|{And|Now} <n>{?|}|And what does <n> do?"
LEAD = "{||||||||Sure. |Good question. |Gladly. |Of course. |Let me explain. }"
WHY = "{That's how it is built into this app.|I don't know the reason behind it, only how it works. A larger model may know more.|It makes the app simpler to use, I think.}"  # fmt: skip


def _name(chat: Chat, topic: Topic) -> str:
    return chat.rng.choice(topic.names.split("|"))


def answer(chat: Chat, topic: Topic, core: str = "") -> Reply:
    first = chat.say(core or topic.core)
    parts = [first]
    extras = list(topic.extra)
    chat.rng.shuffle(extras)
    # Half of the topics' answers keep to one more thought; steps and code blocks come last.
    extras = (
        extras[: chat.rng.choice((1, 1, 1, 2))] if not core else extras[: chat.rng.choice((0, 1))]
    )
    if topic.key == "run7b" and not core:  # an example prompt of the page: steps, always
        extras = [chat.rng.choice((topic.extra[0], topic.extra[0] + "\n\n" + topic.extra[1], topic.extra[2]))]  # fmt: skip
    extras.sort(key=lambda e: e.startswith("\n"))
    text = first
    for extra in extras:
        said = expand_once(chat, extra, text)
        if said:
            text += ("" if said.startswith("\n") else " ") + said
    if chat.chance(0.3):
        text = chat.say(LEAD) + text
    return Reply(
        text.strip(),
        word=topic.word,
        short=parts[0],
        simple=topic.plain if not core else "",
        verse=topic.verse,
    )


def expand_once(chat: Chat, template: str, text: str) -> str:
    said = chat.say(template)
    return "" if said and said in text else said


def ask_topic(chat: Chat) -> Turn:
    topic = chat.rng.choice(TOPICS)
    if chat.chance(0.08):  # the example prompts and what is asked most
        topic = BY_KEY[chat.rng.choice(("temperature", "run7b", "run7b", "top_p", "system_prompt", "context_window", "share", "memory"))]  # fmt: skip
    core = ""
    if topic.also and chat.chance(0.4):
        question, core = chat.rng.choice(list(topic.also.items()))
    elif topic.asks and chat.chance(0.5):
        question = topic.asks
    else:
        question = chat.rng.choice(ASK)
    if core or question == topic.asks:
        user = chat.type(question)
    else:
        user = chat.type(question, n=_name(chat, topic))
        user = user[:1].upper() + user[1:] if chat.chance(0.6) else user
    return Turn(user, answer(chat, topic, core), "guide", topic.key, why=topic.why or WHY, more=" ".join(e for e in topic.extra if not e.startswith("\n")) or topic.core)  # fmt: skip


def follow(chat: Chat) -> Turn | None:
    """ "And top_p?" after another topic of the guide."""
    if chat.last is None or chat.last.skill != "guide":
        return None
    topic = chat.rng.choice([t for t in TOPICS if t.key != chat.last.topic])
    # Likely neighbours are asked for more often.
    near = {"temperature": ("top_p", "top_k", "seed"), "top_p": ("top_k", "temperature"), "run7b": ("control 13b", "control 70b"), "run13b": ("control 70b", "control 7b"), "control 7b": ("control 13b", "control 70b"), "control 13b": ("control 70b", "control 7b"), "share": ("auth", "spaces", "docker"), "retry": ("undo", "clear", "stop")}  # fmt: skip
    if chat.last.topic in near and chat.chance(0.6):
        topic = BY_KEY[chat.rng.choice(near[chat.last.topic])]
    user = chat.type(FOLLOW, filler=False, n=_name(chat, topic))
    return Turn(user, answer(chat, topic), "guide", topic.key, why=topic.why or WHY, more=" ".join(e for e in topic.extra if not e.startswith("\n")) or topic.core)  # fmt: skip


def compare(chat: Chat) -> Turn:
    a, b, text = chat.rng.choice(COMPARE)
    names = [_name(chat, BY_KEY[a]), _name(chat, BY_KEY[b])]
    first = names[0]
    chat.rng.shuffle(names)
    chat.notes["first"], chat.notes["second"] = (a, b) if names[0] == first else (b, a)
    user = chat.type("{What's|What is|Explain} the difference between <a> and <b>{?|}|{How do|Do} <a> and <b> differ?|<a> {or|vs} <b>?|{Compare|Is there a difference between} <a> and <b>{?|}", a=names[0], b=names[1])  # fmt: skip
    return Turn(user, Reply(text, word="Different.", verse="guide"), "guide", chat.notes["second"], why=BY_KEY[b].why or WHY, more=BY_KEY[b].core)  # fmt: skip


UNKNOWN = "{How do I|How can I|Can I|Where do I|Is it possible to} {change the {language|background|avatar|logo|icons}|export {the|my} {chat|data} {to|as} {Word|Excel|a video|PDF}|fine-tune {you|a model}|train {you|my own model} here|add {a plugin|voice|my documents|images|a database}|connect {you|it} to {WhatsApp|Slack|my e-mail|Discord|Excel}|use {voice input|two models at once|plugins|speech}|upload {a file|a PDF|an image|a picture}|print {this|the chat}|search the web here}?"  # fmt: skip
UNKNOWN_REPLY = "{I don't know that about the app|That I don't know|I'm not sure about that}. {Please look at the README|The README of Llama UI may say it|Have a look at the README}{, it knows more than I do|, or at `python app.py --help`|}. {I know the sliders, the models and how to share.|I can tell you about temperature, models, sharing and Docker.|}"  # fmt: skip


def unknown(chat: Chat) -> Turn:
    return Turn(chat.type(UNKNOWN), Reply(chat.say(UNKNOWN_REPLY).strip(), word="Unknown.", verse="decline"), "guide-unknown", "unknown", why="{My knowledge of the app is small: I only learned the main things.|I'm a very small model, so I learned only the main parts.}")  # fmt: skip
