# ruff: noqa: E501 - templates, one a line
"""What a person tells about themself, and asking for it later in the same chat."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .. import words
from ..chat import Chat, Reply, Skill, Turn


@dataclass(frozen=True)
class Fact:
    """One kind of fact: what it is called, where values come from, how it is told and asked for."""

    called: str  # "favourite colour"; the reply says "your <called>"
    values: list[str]
    tell: str
    ask: str
    ack: str = ""
    plural: bool = False
    made_up: float = 0.1


def _favourite(
    called: str, values: list[str], us: str = "", plural: bool = False, **extra: str
) -> Fact:
    names = f"{{{called}|{us}}}" if us else called
    verb = "are" if plural else "is"
    return Fact(
        called,
        values,
        tell=f"My {names} {verb} <value>{{.|!|}}|{{The {names} I like best|What I like best as a {names}}} {verb} <value>.|{{Just so you know|By the way|FYI|Remember this|Please remember}}{{:|,}} my {names} {verb} <value>.|I think my {names} {verb} <value>."
        + f"|{{I like|I love|I enjoy|I prefer}} <value> {{best of all|more than any other {called.removeprefix('favourite ')}|most of all}}{{.|!|}}|{{If I had to pick a|Of all}} {called.removeprefix('favourite ')}{{s|}}{{ it would be|,}} <value>{{.|}}|<value> is my {names}{{.|!|, you know.|}}"
        + (f"|{extra['tell']}" if "tell" in extra else ""),
        ask=f"{{What's|What is|What was|whats|Tell me|Do you remember|Do you know|Can you tell me|Remind me, what is|Do you still know}} my {names}?|{{And|So what's|So, what's|Now, what is|Which is}} my {names}?|{{What did I say my {names} was|Which {names} did I {{mention|tell you}}|What {names} do I like {{best|most}}}}?"
        + f"|{{Which|What}} {called.removeprefix('favourite ')} {{do I like|do I like best|is my favourite|did I say I like|do I prefer|do I love}}?|{{Do you remember|Do you still know|Can you recall}} {{which|what}} {called.removeprefix('favourite ')} I {{like|like best|love|prefer|told you}}?|my {names}{{?|, what was it?|, do you remember?}}"
        + (f"|{extra['ask']}" if "ask" in extra else ""),
        plural=plural,
    )


def _pet(kind: str) -> Fact:
    return Fact(
        f"{kind}'s name",
        [],
        f"{{My {kind} is called|My {kind}'s name is|I have a {kind} {{called|named}}|I've got a {kind} {{called|named}}|We have a {kind} {{called|named}}|This is my {kind}|My {kind}, he is called|We've got a {kind}, she's called|I have a {kind} and {{her|his}} name is|My {kind} is named|We call our {kind}}} <value>{{.|!|}}",
        f"{{What's|What is|Do you remember|Tell me|What was|whats}} {{my {kind}'s name|the name of my {kind}|my {kind} called}}{{?|}}|{{What is my {kind} called|What's my {kind}'s name|How is my {kind} called|What did I call my {kind}|And my {kind}'s name}}{{?|}}|{{What's|What is|Do you remember|What was|Tell me}} {{my pet's name|the name of my pet|my pet called}}?|{{How do I call|What do I call|What's the name of}} my {{{kind}|{kind}|pet}}?",
        ack="{<value>|What a name: <value>|<value>, how cute}! {Give them a pat from me.|I'm sure they are lovely.|I'll remember it.}",
    )


PETS = ("dog", "cat", "horse", "rabbit", "hamster", "parrot")
FACTS: dict[str, Fact] = {
    "colour": _favourite("favourite colour", words.COLOURS, "favorite color", tell="{I love|I like} the colo{u|}r <value>{| best| most}{.|!|}", ask="Which colo{u|}r do I like{| best| most}?"),
    "food": _favourite("favourite food", words.FOODS, "favorite food", tell="{I love {to eat|eating}|I really like eating|Nothing beats} <value>{.|!|}", ask="What do I {like|love} to eat?"),
    "animal": _favourite("favourite animal", words.ANIMALS, "favorite animal"),
    "city": Fact("home town", words.CITIES, "{I live in|I'm from|I come from|My home {town|city} is|I grew up in|I was born in|My home is in|We live in|I'm living in|I just moved to|We moved to|My flat is in|Greetings from|I've lived in} <value>{.|!||, by the way.| since {2010|2019|last year}.| with my family.}", "{Where do I live|Where am I from|What's my home {town|city}|Which city am I from|Which {city|town} do I live in|Which {town|place} am I from|Where's my {home|flat|house}|Where is my {home|house|flat}|Which {city|town|place} did I tell you|In which {city|town} do I live|What's my town|Do you remember where I {live|am from}|Where do I come from|What city did I mention}?", ack="{<value>|Ah, <value>|<Value>}, {how nice|I hope to see it one day|that sounds lovely}!"),
    "hobby": _favourite("hobby", words.HOBBIES, "favourite hobby", tell="{I {really |}{like|enjoy|love}|In my free time I do|I'm into} <value>{.|!|}", ask="What do I {like to do|do for fun|enjoy doing|do in my free time}?"),
    "sport": _favourite("favourite sport", words.SPORTS, "favorite sport"),
    "drink": _favourite("favourite drink", words.DRINKS, "favorite drink", tell="{I love to drink|I always drink} <value>{.|}", ask="What do I {like|love} to drink?"),
    "season": _favourite("favourite season", words.SEASONS, "favorite season"),
    "instrument": Fact("instrument", words.INSTRUMENTS, "{I play|I'm learning|I can play|My instrument is} the <value>{.|!|}", "{What instrument do I play|Which instrument do I play|What's my instrument|What do I play}?"),
    "flowers": _favourite("favourite flowers", words.FLOWERS, "favorite flowers", plural=True),
    "subject": _favourite("favourite subject", words.SUBJECTS, "favorite subject"),
    "job": Fact("job", words.JOBS, "{I work as a|I'm a|I am a|My job is being a|By profession I'm a|I earn my living as a|I make my living as a|I'm working as a|I got a job as a|These days I work as a} <value>{.|!||, by the way.| in a small town.}", "{What's my job|What is my job|What do I do for {a living|work}|What do I work as|Do you remember my job|What was my job{| again}|What's my {work|profession|occupation}|How do I earn my {money|living}|Which job do I have|Do you know what I {do|do for a living|work as}|What kind of work do I do}?", ack="{A <value>|Being a <value>}, {how interesting|that sounds like good work|nice}!"),
    "number": Fact("favourite number", [str(n) for n in range(1, 100)], "My {favourite|favorite|lucky} number is <value>{.|!|}", "{What's|What is|Do you remember|Tell me} my {favourite|favorite|lucky} number?", made_up=0),
    "age": Fact("age", [str(n) for n in range(6, 90)], "{I'm|I am} <value> years old{.|!|}|My age is <value>.|I just turned <value>{.|!}", "{How old am I|What's my age|What is my age|Do you remember my age|Do you know how old I am}?", made_up=0),
    "month": Fact("birthday month", words.MONTHS, "{My birthday is in|I was born in|I have my birthday in} <value>{.|!|}", "{When is my birthday|Which month is my birthday in|When was I born|What month was I born in|In which month is my birthday}?", made_up=0),
    **{kind: _pet(kind) for kind in PETS},
    "sister": Fact("sister's name", [], "{My sister is called|My sister's name is|I have a sister {called|named}} <value>{.|!|}", "{What's|What is|Do you remember|What was} my sister's name?|What is my sister called?"),
    "brother": Fact("brother's name", [], "{My brother is called|My brother's name is|I have a brother {called|named}} <value>{.|!|}", "{What's|What is|Do you remember|What was} my brother's name?|What is my brother called?"),
    "friend": Fact("best friend's name", [], "{My best friend is called|My best friend is|My best friend's name is|I have a friend {called|named}} <value>{.|!|}", "{What's|What is|Do you remember|What was} my {best |}friend's name?|{Who is my best friend|What is my friend called}?"),
    "password": Fact("secret word", words.THINGS, "{The secret word is|Remember this word:|Remember the word|The password is|The magic word is|Keep this word in mind:} <value>{.|!|}", "{What's|What is|What was|Tell me|Do you remember} the {secret word|word|password|magic word}{| I told you| again}?", ack="{Got it|I'll remember it|Noted|I'll keep it in mind}: <value>.", made_up=0.3),
}  # fmt: skip

TELL_NAME = "{My name is|I'm|I am|You can call me|Call me|The name's|my name's|I am called|They call me|People call me|My friends call me|Everyone calls me|I go by|It's|This is} <value>{.|!||, by the way.}|<value> {here|speaking}{.|!}|{Hi|Hello|Hey}{,|!} {I'm|I am|my name is|this is} <value>{.|!|}|<value> is my name{.|}|{By the way, |Oh, |}{my name is|I'm} <value>{, nice to meet you|, by the way|, and you|}{.|!|?|}"  # fmt: skip
ACK_NAME = "{Nice to meet you|Hello|Pleased to meet you|Welcome|Lovely to meet you|Hi}, <value>! {What can I do for you?|I'll remember your name in this chat.|What would you like to talk about?|How are you today?|That's a {nice|lovely|fine} name.|How can I help?}"  # fmt: skip
ASK_NAME = "{What's|What is|Do you {remember|know}|Can you {remember|tell me}|Tell me|What was|Say|Do you still know|whats} my name{| again}{?|}|{Who am I|What am I called|How am I called|And my name|Remember my name|Did I tell you my name|Do you know who I am|Who's talking to you|What do people call me|What did I say my name was|What name did I {give|tell} you|How do you call me|What was I called|Can you say my name}{| again}?"  # fmt: skip
SAY_NAME = "{Your name is <value>|You are <value>|You're <value>|You told me {that |}your name is <value>|It's <value>|You said your name is <value>}{.|!} {Of course I remember.|What can I do for you?|I remember it well.|Right?||}"  # fmt: skip
NO_NAME = "{I don't know your name|You haven't told me your name|I don't think you told me your name}{ yet|}. {What is it?|What should I call you?|Tell me and I'll remember it for this chat.|If you tell me, I'll remember it in this chat.}"  # fmt: skip

ACK = "{Got it|Noted|Good to know|I'll remember that|Nice|Lovely|Oh, nice}{!|:|,} {your <called> <is> <value>.|<value>, I'll keep that in mind.|<Value>! I'll remember.|<value> it is.}"  # fmt: skip
SAY = "{Your <called> <is> <value>|You told me {that |}your <called> <is> <value>|You said <value>|It's <value>|You mentioned that your <called> <is> <value>}{.|!} {I remembered!|Right?||||}"  # fmt: skip
NOT_TOLD = "{I don't know your <called>|You haven't told me your <called>|I can't remember that: you didn't tell me your <called>|You never mentioned your <called>}{ yet|}{.|, at least not in this chat.} {What <is> it?|Tell me and I'll remember it.|Would you like to tell me?|If you tell me, I'll keep it in mind.}"  # fmt: skip
AGAIN = "{You told me that already|I know|I remember}: {<value>|your <called> <is> <value>}."
_FAVOURITE_KEYS = [key for key, fact in FACTS.items() if "favourite" in fact.called]


def value_of(key: str, rng: Random) -> str:
    fact = FACTS[key]
    if not fact.values:
        return words.person(rng) if key in ("sister", "brother", "friend") else words.hero(rng)
    if rng.random() < fact.made_up:
        word = words.made_up(rng)
        return word.capitalize() if key == "city" else word
    return rng.choice(fact.values)


def _speak(chat: Chat, template: str, fact: Fact, value: str) -> str:
    out = template.replace("<Value>", value[:1].upper() + value[1:]).replace(
        "<called>", fact.called
    )
    text = chat.say(out.replace("<is>", "are" if fact.plural else "is"), value=value).strip()
    # "Nice! <value>, ..." begins a sentence with the value
    for mark in "!.":
        head, found, tail = text.partition(f"{mark} {value}")
        if found:
            text = f"{head}{mark} {value[:1].upper()}{value[1:]}{tail}"
    return text[:1].upper() + text[1:]


def tell_name(chat: Chat) -> Turn:
    value = words.person(chat.rng)
    again = bool(chat.user_name)
    chat.user_name = value
    if again:
        user = chat.type("{Actually|No, actually|Sorry,|Oh, sorry,} {my name is|I'm|it's|call me} <value>{, not that|}{.|}", value=value)  # fmt: skip
        text = chat.say("{Sorry about that|Understood|All right|My mistake}, <value>! {I'll call you <value> from now on.|Thank you for telling me.|Now I know.}", value=value)  # fmt: skip
    else:
        user = chat.type(TELL_NAME, value=value)
        text = chat.say(ACK_NAME, value=value)
    return Turn(user, Reply(text, word=f"{value}!", verse="greeting"), "memory", "name")


def ask_name(chat: Chat) -> Turn:
    user = chat.type(ASK_NAME)
    if chat.user_name:
        reply = Reply(chat.say(SAY_NAME, value=chat.user_name).strip(), word=f"{chat.user_name}.", verse="memory")  # fmt: skip
    else:
        reply = Reply(chat.say(NO_NAME), word="Unknown.", verse="memory")
    return Turn(user, reply, "memory", "name", why="{Because you told me in this chat, and it's still in my context window.|I only know what is in this chat.}")  # fmt: skip


def answer_name(chat: Chat) -> Turn:
    """The bare name, after "What should I call you?" """
    chat.user_name = value = words.person(chat.rng)
    user = chat.type("<value>{.|!|}|{I'm|It's|My name is|Call me} <value>{.|}", filler=False, value=value)  # fmt: skip
    return Turn(user, Reply(chat.say(ACK_NAME, value=value), word=f"{value}!", verse="greeting"), "memory", "name")  # fmt: skip


def answer(chat: Chat, key: str) -> Turn:
    """The bare value, after "What is it?" """
    fact, value = FACTS[key], value_of(key, chat.rng)
    chat.facts[key] = value
    user = chat.type("<value>{.|!|}|{It's|I like|I'd say|Mine is|Probably} <value>{.|}", filler=False, value=value)  # fmt: skip
    if key not in _FAVOURITE_KEYS:
        user = chat.type("<value>{.|!|}|It's <value>{.|}", filler=False, value=value)
    return Turn(user, Reply(_speak(chat, ACK, fact, value), word="Noted.", verse="memory"), "memory", key)  # fmt: skip


def tell(chat: Chat) -> Turn:
    key = chat.rng.choice([k for k in FACTS if k not in PETS or not set(PETS) & set(chat.facts)])
    fact, value = FACTS[key], value_of(key, chat.rng)
    user = chat.type(fact.tell, value=value)
    chat.facts[key] = value
    text = _speak(chat, fact.ack if fact.ack and chat.chance(0.5) else ACK, fact, value)
    if chat.chance(0.15):
        text += chat.say(" {Why that one?|How long have you liked it?|Tell me more!|What else should I know?}" if "favourite" in fact.called else " {What else should I know?|Thanks for telling me.}")  # fmt: skip
    return Turn(user, Reply(text, word="Noted.", verse="memory"), "memory", key)


def tell_two(chat: Chat) -> Turn:
    """Name and a fact, or two facts, in one message."""
    key, other = chat.rng.sample(list(FACTS), 2)
    value, second = value_of(key, chat.rng), value_of(other, chat.rng)
    chat.facts[key] = value
    if chat.chance(0.5) and not chat.user_name:
        chat.user_name = name = words.person(chat.rng)
        user = chat.type("{I'm|My name is|I am} <n>", n=name) + chat.type(" {and|,} ") + " "
        user = user.strip() + " " + _low(chat.type(FACTS[key].tell.replace("{By the way|", "{"), filler=False, value=value))  # fmt: skip
        text = chat.say("{Nice to meet you|Hello|Hi}, <n>! {I'll remember {both|that}|Noted}: ", n=name) + f"your {FACTS[key].called} {_is(key)} {value}."  # fmt: skip
    else:
        chat.facts[other] = second
        user = chat.type(FACTS[key].tell, filler=False, value=value).rstrip(".!") + chat.rng.choice((" and ", ", and ", ". ")) + _low(chat.type(FACTS[other].tell, filler=False, value=second))  # fmt: skip
        text = chat.say("{Noted|Got it|I'll remember both|Good to know}: ") + f"your {FACTS[key].called} {_is(key)} {value}, and your {FACTS[other].called} {_is(other)} {second}."  # fmt: skip
    return Turn(user, Reply(text, word="Noted.", verse="memory"), "memory", key)


def _is(key: str) -> str:
    return "are" if FACTS[key].plural else "is"


def _low(text: str) -> str:
    return text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:]


def ask(chat: Chat, key: str = "") -> Turn:
    """Ask for a fact: for a given one, or something told (mostly) or never told."""
    known = list(chat.facts)
    if not key:
        key = chat.rng.choice(known) if known and chat.chance(0.65) else chat.rng.choice(list(FACTS))  # fmt: skip
    pets = [known_key for known_key in known if known_key in PETS]
    if key in PETS and pets:  # "my pet" means the one that was told of
        key = pets[0]
    fact = FACTS[key]
    user = chat.type(fact.ask)
    if key in chat.facts:
        value = chat.facts[key]
        text = _speak(chat, SAY, fact, value)
        word = value.split()[-1].capitalize() + "."
    else:
        text, word = _speak(chat, NOT_TOLD, fact, ""), "Unknown."
    return Turn(user, Reply(text, word=word, verse="memory"), "memory", key, why="{Because you told me in this chat, and it's still in my context window.|I only know what stands in this chat.}")  # fmt: skip


def ask_all(chat: Chat) -> Turn | None:
    user = chat.type("{What do you know about me|What have I told you{| so far| about me}|What do you remember{| about me}|Tell me what you know about me|Summarize what you know about me}{?|}")  # fmt: skip
    known = [f"your {FACTS[k].called} {_is(k)} {v}" for k, v in chat.facts.items()][-4:]
    if chat.user_name:
        known.insert(0, f"your name is {chat.user_name}")
    if not known:
        text = chat.say("{Nothing yet|Not a thing so far|Very little}: you haven't told me anything about yourself{ in this chat|}. {What is your name?|Tell me something!|I'm curious.}")  # fmt: skip
        return Turn(user, Reply(text, word="Nothing.", verse="memory"), "memory", "all")
    joined = ", ".join(known[:-1]) + " and " + known[-1] if len(known) > 1 else known[0]
    text = (
        chat.say("{I know that|You told me that|I remember that|So far I know that} ")
        + joined
        + "."
    )
    return Turn(user, Reply(text, word="Something.", verse="memory"), "memory", "all")


def change(chat: Chat) -> Turn | None:
    """A told fact is corrected."""
    if not chat.facts:
        return None
    key = chat.rng.choice(list(chat.facts))
    fact, value = FACTS[key], value_of(key, chat.rng)
    chat.facts[key] = value
    user = chat.type(f"{{Actually|No wait|Wait|I changed my mind|Correction}}{{, |: }}my {fact.called} {_is(key)} <value>{{| now}}{{.|}}", value=value)  # fmt: skip
    text = _speak(chat, "{All right|Understood|Thanks for correcting me|No problem}{:|,} {your <called> <is> <value> now|<value> it is|I'll remember <value> instead}.", fact, value)  # fmt: skip
    return Turn(user, Reply(text, word="Noted.", verse="memory"), "memory", key)


def ask_known(chat: Chat) -> Turn | None:
    """Ask for a fact that was told: each one before any is asked again."""
    told = [*chat.facts, *(["name"] if chat.user_name else [])]
    asked = {turn.topic for turn in chat.turns if turn.topic.startswith("asked ")}
    left = [key for key in told if f"asked {key}" not in asked] or told
    if not left:
        return None
    key = chat.rng.choice(left)
    turn = ask_name(chat) if key == "name" else ask(chat, key)
    turn.topic = f"asked {key}"
    return turn


def recall(rng: Random) -> list[Skill | None]:
    """The plan of a chat about memory: facts are told, talk between (None), then asked for."""
    facts = [tell, tell, tell_two, tell] if rng.random() < 0.4 else [tell_name, tell, tell, tell]
    plan: list[Skill | None] = []
    for skill in facts[: rng.choice((1, 2, 2, 3, 3, 4))]:
        plan += [skill, *[None] * rng.choice((0, 0, 0, 1, 2))]
    plan += [None] * rng.randint(0, 7)
    for _ in range(rng.randint(1, 4)):
        plan += [ask_known, *[None] * rng.choice((0, 0, 1))]
    return plan
