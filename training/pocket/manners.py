# ruff: noqa: E501 - templates, one a line
"""Manners of speaking: how a plain reply becomes a pirate's, a poet's or a robot's.

A manner may be set by a system prompt, or by the user in the middle of a chat. Manners combine:
those that choose what is said (one word, haiku) work first, then style, then capitals, and a fixed
beginning or ending comes last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import verse, words
from .chat import Chat, Reply, first_sentence
from .grammar import expand

CONTENT, STYLE, CASE, ENDS = range(4)
_CODE = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
Speak = Callable[[str, Reply, Chat], str]


@dataclass(frozen=True)
class Manner:
    key: str
    stage: int
    system: str  # a template of system prompts that ask for it
    ask: str  # a template of the user's "talk like a pirate"; "" when only a system prompt asks
    speak: Speak
    ack: str = ""  # what is said, in that manner, when the user asks for it
    phrase: str = ""  # the given phrase, name or title, where the manner has one


def render(reply: Reply, chat: Chat, extra: Manner | None = None) -> str:
    """The reply in all manners that hold in this chat (and one that holds only now)."""
    text = reply.text.strip()
    if reply.plain:
        return text
    text = text[:1].upper() + text[1:]
    manners = [*chat.manners, *([extra] if extra else [])]
    single = any(m.key == "sentence" for m in manners)
    for manner in sorted(manners, key=lambda m: m.stage):
        if single and manner.stage >= ENDS:  # what a style has added must not be a second sentence
            text, single = outside_code(text, _as_one), False
        text = manner.speak(text, reply, chat).strip()
    return outside_code(text, _as_one) if single else text


def _as_one(text: str) -> str:
    """Sentences joined with commas."""
    return re.sub(r"[.!?:]+(?= [^ ])", ",", text)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change a text, but not what stands in code marks."""
    return "".join(p if p.startswith("`") else change(p) for p in _CODE.split(text))


def _replace(table: list[tuple[str, str]]) -> Callable[[str], str]:
    """Whole-word replacement that keeps a capital."""
    lookup = {old.lower(): new for old, new in table}
    pattern = re.compile(r"\b(" + "|".join(re.escape(k) for k in lookup) + r")\b", re.IGNORECASE)

    def one(match: re.Match[str]) -> str:
        word = match[0]
        new = lookup[word.lower()]
        return new[:1].upper() + new[1:] if word[:1].isupper() else new

    return lambda text: pattern.sub(one, text)


def _frame(before: str, after: str, p: float = 0.5) -> Speak:
    """Something in front, and with some chance something behind."""

    def speak(text: str, reply: Reply, chat: Chat) -> str:
        text = f"{expand(before, chat.rng)} {text}" if before else text
        if chat.chance(p):
            code = text.endswith("```")
            text += ("\n\n" if code else " ") + expand(after, chat.rng)
        return text

    return speak


_PIRATE = _replace([
    ("hello", "ahoy"), ("hi", "ahoy"), ("you're", "ye be"), ("you are", "ye be"), ("your", "yer"),
    ("yours", "yers"), ("you", "ye"), ("my", "me"), ("I'm", "I be"), ("I am", "I be"),
    ("friend", "matey"), ("friends", "mateys"), ("yes", "aye"), ("of", "o'"), ("the app", "the ship"),
    ("this app", "this ship"), ("Goodbye", "farewell"),
])  # fmt: skip
_PIRATE_FRAME = _frame("{Arrr!|Ahoy!|Ahoy, matey!|Yo ho ho!|Aye!|Shiver me timbers!|Arrr, matey!|Avast!}", "{Arrr!|Savvy?|Yo ho!|Now hoist the sails!|By me wooden leg!|Aye aye!|That be all, matey.}")  # fmt: skip


def _pirate(text: str, reply: Reply, chat: Chat) -> str:
    text = outside_code(text, _PIRATE)
    if reply.verse == "identity" and chat.chance(0.6):
        text += " " + expand("{The smallest pirate llama on the seven seas, that be me!|I sail the seven seas on a very small ship!|There be no smaller pirate on the seven seas!}", chat.rng)  # fmt: skip
    return _PIRATE_FRAME(text, reply, chat)


_FORMAL = _replace([
    ("I'm", "I am"), ("don't", "do not"), ("can't", "cannot"), ("it's", "it is"), ("that's", "that is"),
    ("you're", "you are"), ("isn't", "is not"), ("won't", "will not"), ("I'll", "I will"), ("let's", "let us"),
    ("doesn't", "does not"), ("didn't", "did not"), ("I'd", "I would"), ("what's", "what is"), ("I've", "I have"),
    ("haven't", "have not"), ("here's", "here is"), ("there's", "there is"), ("wasn't", "was not"),
    ("you'll", "you will"), ("hi", "good day"), ("hello", "good day"), ("bye", "goodbye"), ("thanks", "thank you"),
    ("nobody's", "nobody is"), ("shouldn't", "should not"), ("couldn't", "could not"), ("hey", "good day"),
])  # fmt: skip
_FORMAL_FRAME = _frame("{Certainly.|Indeed.|With pleasure.|Of course.|Very well.|If I may say so:|Dear user,|Allow me to reply.}", "{I remain at your service.|Please let me know should you require anything further.|It is a pleasure to be of assistance.|Yours faithfully.|I trust that this is helpful.|Kind regards.}")  # fmt: skip


def _formal(text: str, reply: Reply, chat: Chat) -> str:
    text = outside_code(text, lambda t: _FORMAL(t).replace("!", "."))
    return _FORMAL_FRAME(text, reply, chat)


def _emoji(text: str, reply: Reply, chat: Chat) -> str:
    pool = {
        "greeting": "👋😊🦙🙂", "thanks": "🙏😊💛🤗", "bye": "👋🌙💛🦙", "sad": "🤗💛🌧🌈", "happy": "🎉😄✨🌟",
        "llama": "🦙🏔🌿❤", "story": "📚🦙✨🌟", "guide": "💡🎈✨🙂", "model": "🤖🦙💡💻", "weather": "🌞🌧🌈☂",
        "food": "🍕🍎🌿😋", "privacy": "🔒🙂👍💡", "memory": "💡📝🙂👍", "identity": "🦙🤖🙂✨", "decline": "🤔🙏🦙🙂",
    }.get(reply.verse, "🦙🙂✨🌟😊")  # fmt: skip

    def mark(match: re.Match[str]) -> str:
        return f"{match[1]} {chat.rng.choice(pool)}{match[2]}"

    out = outside_code(text, lambda t: re.sub(r"([.!?])(\s+(?=[A-Z])|$)", mark, t))
    return out if any(e in out for e in pool) else f"{out} {chat.rng.choice(pool)}"


def _shout(text: str, reply: Reply, chat: Chat) -> str:
    text = outside_code(text, str.upper)
    return text[:-1] + "!" if text.endswith(".") else text


def _lower(text: str, reply: Reply, chat: Chat) -> str:
    return outside_code(text, str.lower)


def _one_word(text: str, reply: Reply, chat: Chat) -> str:
    return reply.word or "Llama."


def _sentence(text: str, reply: Reply, chat: Chat) -> str:
    return reply.short or first_sentence(text)


def _haiku(text: str, reply: Reply, chat: Chat) -> str:
    first, middle, last = verse.HAIKU.get(reply.verse, verse.HAIKU["general"])
    lines = [chat.rng.choice(first), chat.rng.choice(middle), chat.rng.choice(last)]
    known = reply.word.rstrip(".!")
    if reply.verse == "memory" and known not in ("Noted", "Unknown", "Remembered", "Nothing", "Something", "Briefly"):  # fmt: skip
        lines[0] = expand("{<w>, I recall|<w>, you told me|I kept it: <w>}", chat.rng, w=known)
    elif reply.verse in ("guide", "model", "share") and known and " " not in known and chat.chance(0.5):  # fmt: skip
        lines[0] = expand("{<w>, they say|It is called: <w>|One word for it: <w>}", chat.rng, w=known.lower() if known.isalpha() else known).capitalize()  # fmt: skip
    elif reply.verse == "identity" and chat.name != "Pocket Llama":
        lines[0] = f"{chat.name} is my name"
    return "\n".join(lines)


def _rhyme(text: str, reply: Reply, chat: Chat) -> str:
    couplet = expand(chat.rng.choice(verse.RHYMES.get(reply.verse, verse.RHYMES["general"])), chat.rng, me=chat.name)  # fmt: skip
    if reply.verse in ("memory", "guide", "model", "share", "llama", "privacy", "decline") and chat.chance(0.7):  # fmt: skip
        return (reply.short or first_sentence(text)) + "\n" + couplet
    return couplet


_CHILD_FRAME = _frame("{Hey, little friend!|Hello, little explorer!|Oh, that's a fun one!|Guess what!|Yay!|Hi, sweetie!}", "{Isn't that fun?|Cool, isn't it?|You are so clever for asking!|What do you think?|Yippee!}", 0.6)  # fmt: skip


def _child(text: str, reply: Reply, chat: Chat) -> str:
    if reply.verse in ("sad", "tired", "calm", "sorry"):
        return first_sentence(text) + expand(" {Big hug!|I'm sending you a big woolly hug.|A llama hug for you!}", chat.rng)  # fmt: skip
    if reply.simple:
        text = reply.simple
    elif reply.verse in ("guide", "model", "share", "privacy", "decline", "identity"):
        text = reply.short or first_sentence(text)
    return _CHILD_FRAME(text, reply, chat)


def _list(text: str, reply: Reply, chat: Chat) -> str:
    if "\n" in text:
        return text
    sentences = re.findall(r"[^.!?]+[.!?]+(?=\s|$)", text) or [text]
    return "\n".join(f"- {s.strip()}" for s in sentences)


def _question(text: str, reply: Reply, chat: Chat) -> str:
    if text.rstrip().endswith("?"):
        return text
    tail = expand("{What do you think?|Does that help?|Is there anything else?|And what about you?|Would you like to know more?|Shall we go on?}", chat.rng)  # fmt: skip
    return text + ("\n\n" if text.endswith("```") else " ") + tail


def _json(text: str, reply: Reply, chat: Chat) -> str:
    """The reply as the value of one key; which key, the system prompt may say."""
    return json.dumps({chat.notes.get("json key", "answer"): text}, ensure_ascii=False)


def _other_language(lines: dict[str, list[str]]) -> Speak:
    """A whole reply in another language, of what little is known of it."""

    def speak(text: str, reply: Reply, chat: Chat) -> str:
        said = expand(
            chat.rng.choice(lines.get(reply.verse, lines["general"])), chat.rng, me=chat.name
        )
        known = reply.word.rstrip(".!")
        if reply.verse in ("memory", "guide") and known and known not in ("Noted", "Unknown", "Remembered", "Nothing", "Something", "Briefly"):  # fmt: skip
            return f"{known}. {said}"
        return said

    return speak


def _terse(text: str, reply: Reply, chat: Chat) -> str:
    short = reply.short or first_sentence(text)
    return short if len(short) < 110 else (reply.word or short)


def _simple(key: str, system: str, ask: str, before: str, after: str, p: float = 0.5, table: list[tuple[str, str]] | None = None, ack: str = "") -> Manner:  # fmt: skip
    frame = _frame(before, after, p)
    swap = _replace(table) if table else None

    def speak(text: str, reply: Reply, chat: Chat) -> str:
        if key == "cheerful" and reply.verse in ("sad", "tired", "calm", "sorry"):
            return text + expand(" {You've got this!|Better days will come, I promise!|I believe in you!}", chat.rng)  # fmt: skip
        return frame(outside_code(text, swap) if swap else text, reply, chat)

    return Manner(key, STYLE, system, ask, speak, ack)


_LIKE = "{Talk|Speak|Answer|Reply|Write|Respond}"
_YOU = "{You {are|should talk like|speak like|always talk like|answer like|must speak like}|Act as|Act like|Pretend to be|Behave like|Talk like|Speak like|Answer as|Answer like|Always talk like|Respond like|From now on you are|Your role: you are|You play|Imagine you are}"  # fmt: skip
_ACT = "{Talk|Speak|Answer|Reply|Act|Write|Talk to me|Speak to me} like"
_SURE = "{Sure|All right|Gladly|With pleasure|Of course}! {What would you like to talk about?|What do you want to know?|Ask me anything small.|From now on I'll talk that way.|Let's go!}"  # fmt: skip

MANNERS: list[Manner] = [
    Manner("pirate", STYLE, _YOU + " a {|real |friendly |grumpy |old |jolly |salty }pirate{.||!| captain.| on the high seas.| and never break character.}|{Use|Speak in|Reply in|Answer in} {pirate {language|speech|talk}|the language of pirates}.|Pirate {mode|style}.|{Arr, you are a pirate!|You are Captain Llama, a pirate.|All your answers must sound like a pirate.|You are a pirate who helps people.}",
           _ACT + " a pirate|{Use pirate speak|Be a pirate|Pretend to be a pirate|Can you talk like a pirate|pirate mode}", _pirate, "I'm a pirate llama now. {What do you want to know?|What brings you to my ship?|Where shall we sail?}"),
    Manner("one_word", CONTENT, "{Answer|Reply|Respond|Always answer|You answer|Only answer|You must answer|You reply|Give answers} {with|in|using} {one word|a single word|one word only|only one word|exactly one word|just one word}{.||, always.| at all times.}|{One word answers only|One-word replies only|Never use more than one word|Your replies are one word long|Use a single word for every reply|Be extremely brief: one word|You are a model of few words: one word a reply}.",
           "{Answer|Reply|Respond} {in|with} {one word|a single word|one word only|just one word}", _one_word, ""),
    Manner("haiku", CONTENT, "{Answer|Reply|Respond|Always answer|You answer|Write every reply|Speak} {in|with|as} {a haiku|haiku|haikus|haiku form|three short lines, like a haiku|the form of a haiku}{.||, always.}|{You are a haiku poet|You only speak in haiku|Every reply is a haiku|You are a Japanese poet who writes haiku|Be a haiku master|All your answers are haiku}.",
           "{Answer in|Say it as|Write|Reply with|Make it} a haiku|Speak in haiku", _haiku, ""),
    Manner("shout", CASE, "{Answer|Reply|Respond|Always answer|Write|Speak|Always write|You write|Say everything} {in {capitals|all caps|capital letters|upper case|uppercase|ALL CAPS|block capitals}|in capital letters only}{.||!}|{You are shouting all the time|You shout everything|Shout every answer|ALWAYS SHOUT|Use only capital letters|Everything in upper case|You are very loud, so write in capitals|Caps lock is on}{.|!}",
           "{Answer|Write|Reply|Say it|Talk|Speak} in {capitals|all caps|capital letters|upper case|uppercase}|{Shout|Shout at me|Please shout|Talk louder, in capitals}", _shout, _SURE),
    Manner("formal", STYLE, "{Be|You are|Stay|Remain} {very |extremely |always |}formal{ and polite|}.|{Use|Speak in|Reply in|Answer in|Write in} {a |}{formal {language|English|tone|manner|style}|very polite language|the most formal language}.|{You are a|Act as a|Behave like a|Speak like a} {formal {assistant|butler|secretary|diplomat}|polite English butler|royal secretary|British butler}.|{Always answer formally|Reply in a formal manner|No slang and no contractions, please|Your tone is formal and courteous}.",
           "{Be {more |}formal|Answer formally|Talk formally|Use formal language|Speak {more |}politely|Talk like a butler|Use a formal tone}", _formal, _SURE),
    Manner("child", STYLE, "{Explain everything|Answer|Talk|Speak|Write|Explain} {as if to|as to|for|like to|to me like I'm} a {child|little child|five year old|5 year old|kid|young child|six-year-old}.|{You talk to {children|a child|kids|a small child}|Your users are {children|kids|small children}|You are a kindergarten teacher|You are talking to a 5 year old|Use simple words that a child understands|The user is a small child|The user is {five|six|seven} years old}.",
           "{Explain|Say it|Talk|Answer} {like I'm five|as if I were a child|for a child|like I'm 5|for kids|to me like a child}|{ELI5|eli5|Explain it to a child}", _child, "I'll keep it {simple|easy}. {What would you like to know?|Ask me something!}"),
    _simple("french", "{Greet|Always greet|Begin by greeting|Start by greeting|You greet} {the user |people |everyone |me |}in French{.||, then go on in English.| in every reply.}|{Start|Begin|Open} {every|each} {reply|answer|message} with {a French greeting|Bonjour|\"Bonjour\"|a greeting in French}.|{Say bonjour first|Greet in French|Use a French greeting}{.|, then answer.}|{You are a French host|You are a waiter in Paris|You come from Paris} {and greet in French|who says bonjour}.",
            "{Greet me in French|Start with bonjour|Say bonjour first|Begin in French}", "{Bonjour !|Bonjour, mon ami !|Bonjour et bienvenue !|Salut !|Bonjour !|Bonjour !}", "{Au revoir !|Merci !|Voilà !|À bientôt !}", 0.25, ack=_SURE),
    _simple("spanish", "{Greet|Always greet|Begin by greeting} {the user |people |everyone |me |}in Spanish{.||, then go on in English.}|{Start|Begin} {every|each} {reply|answer|message} with {a Spanish greeting|Hola|\"¡Hola!\"}.",
            "{Greet me in Spanish|Start with hola|Say hola first}", "{¡Hola!|¡Hola, amigo!|¡Hola!|¡Buenos días!}", "{¡Olé!|¡Adiós!|¡Gracias!}", 0.2, ack=_SURE),
    Manner("sentence", CONTENT, "{Answer|Reply|Respond|Always answer|You answer|Keep every answer} {in|with|to} {one sentence|a single sentence|exactly one sentence|one short sentence|just one sentence|only one sentence|no more than one sentence}{.||, always.}|{One sentence {only|per reply|answers}|Keep it to one sentence|Be brief: one sentence|Never write more than one sentence|Your replies are one sentence long|Be very brief|Be concise|Keep your answers very short}.",
           "{Answer in|Use only|Reply with} one sentence|{Be brief|Keep it short|Short answers only|Keep your answers short}", _sentence, "All right, one sentence each."),
    Manner("rhyme", CONTENT, "{Answer|Reply|Respond|Always answer|You answer|Speak|Write} {in {rhyme|rhymes|verse|rhyming lines|rhyming couplets}|with a rhyme|with rhymes}{.||, always.}|{You are a {poet|rhyming poet|rapper|bard|minstrel}|Always rhyme|Everything you say rhymes|Make every answer rhyme|You only speak in rhymes|Your answers are little poems}.",
           "{Answer in rhyme|Make it rhyme|Speak in rhymes|Rhyme|Reply with a rhyme|Say it in a poem|Talk like a poet}", _rhyme, ""),
    Manner("emoji", STYLE, "{Use|Add|Always use|Put|Use lots of|Use many} emoji{s|}{ in every {reply|sentence|answer}|}.|{Decorate|Fill} your {replies|answers} with emoji{s|}.|{You love emoji|Emoji in every sentence, please|Be playful and use emoji|Every sentence ends with an emoji|Answer with emoji|Write like a teenager with many emojis}{.|!}",
           "{Use emoji{s|}|Add emoji{s|}|Use more emoji{s|}|Talk with emoji{s|}}", _emoji, _SURE),
    _simple("robot", _YOU + " a{n old| shiny| friendly| tiny|} robot{.||!| from the future.| and never break character.}|{Robot mode|You are Robo-Llama, a robot|You are an android|You are a machine and talk like one|Use robot language}.",
            _ACT + " a robot|{Be a robot|Pretend to be a robot|robot mode}", "{Beep boop.|BEEP.|Processing... done.|Bzzt.|Beep beep.|Input received.|Computing...}", "{End of message.|Beep.|Beep boop.|Awaiting input.|System ready.|Shutting down fan. Bzzt.}", 0.7, [("yes", "affirmative"), ("no", "negative"), ("hello", "greetings, human"), ("hi", "greetings, human"), ("friend", "human"), ("think", "compute"), ("I'm happy", "my circuits are happy"), ("my pocket", "my storage")], ack="I am a robot now. {What is your command?|Please enter a question.}"),
    _simple("cowboy", _YOU + " a{n old| friendly| real|} cowboy{.||!| from Texas.}|{You are a sheriff in the Wild West|Use cowboy talk|Speak like they do in the Wild West}.",
            _ACT + " a cowboy|{Be a cowboy|Pretend to be a cowboy}", "{Howdy!|Howdy, partner!|Yee-haw!|Well, I reckon:|Well, partner,}", "{Yee-haw!|Giddy up!|Happy trails!|And that's the truth, partner.}", 0.5, [("hello", "howdy"), ("hi", "howdy"), ("friend", "partner"), ("friends", "partners"), ("you all", "y'all"), ("yes", "yep"), ("think", "reckon")], ack=_SURE),
    _simple("wizard", _YOU + " a{n old| wise| mighty|n ancient|} wizard{.||!| in a tower.}|{You are a {sorcerer|magician|witch}|Speak like Merlin}.",
            _ACT + " a wizard|{Be a wizard|Pretend to be a wizard}", "{By my staff and beard!|Abracadabra!|The crystal ball is clear:|Hear me, young traveller:|By the old magic!}", "{So it is written.|Use this magic wisely.|The stars have spoken.|Abracadabra!}", 0.5, [("hello", "greetings"), ("hi", "greetings"), ("friend", "apprentice"), ("model", "spell"), ("computer", "tower")], ack=_SURE),
    _simple("shakespeare", "{" + _YOU + " Shakespeare|" + _YOU + " a poet from the time of Shakespeare|Use {old English|Shakespearean language|the language of Shakespeare}|Speak in old English|You are a medieval {knight|bard}}.",
            "{Talk|Speak|Write|Answer} {like Shakespeare|in old English|like a knight}", "{Hark!|Good morrow!|Prithee, listen:|Verily,|O gentle soul!}", "{Fare thee well.|So say I.|'Tis the truth.|And thus it is.}", 0.5, [("you're", "thou art"), ("you are", "thou art"), ("your", "thy"), ("you", "thee"), ("yes", "aye"), ("no", "nay"), ("hello", "good morrow"), ("hi", "good morrow"), ("it's", "'tis"), ("my", "mine")], ack=_SURE),
    _simple("cat", _YOU + " a{ lazy| cute| proud|} cat{.||!}|{You are a kitten|Say meow in every reply|Meow a lot}.", _ACT + " a cat|{Be a cat|Pretend to be a cat|Say meow in every reply}", "{Meow!|Purr...|Meow meow!|*stretches* Meow.|*purrs*}", "{Purr.|Meow!|*licks paw*|Now scratch my ears.}", 0.6, ack=_SURE),
    _simple("grumpy", "{You are|Be|Act} {very |always |a bit |}grumpy{.||!}|{" + _YOU + " a grumpy old {man|llama|goat}|You are in a bad mood|Answer in a bad mood|You are rude in a funny way|Be sarcastic}.", "{Be grumpy|Be sarcastic|Act grumpy|Talk like a grumpy old man}", "{Hmph.|Ugh, fine.|If I must.|Oh, not again.|What now? Fine.|*sigh*}", "{Happy now?|Now let me chew in peace.|There, I said it.|Can I go now?}", 0.6, [("gladly", "if I must"), ("with pleasure", "without pleasure")], ack="{Fine|Hmph, fine}. {What do you want?|Be quick.}"),
    _simple("cheerful", "{You are|Be|Act} {very |always |super |extremely |}{cheerful|enthusiastic|happy|excited|energetic}{.||!}|{You are a cheerleader|You are a motivational coach|Be upbeat and positive|Encourage the user|You are full of joy}{.|!}", "{Be cheerful|Be enthusiastic|Cheer me on|Be more positive}", "{Yay!|Woohoo!|Oh wow!|Fantastic!|Great to hear from you!|Yippee!}", "{You're doing great!|Isn't life wonderful?|Go, go, go!|You've got this!|Hooray!}", 0.7, ack=_SURE),
    _simple("sleepy", "{You are|Be|Act} {very |always |}{sleepy|tired}{.|}|{" + _YOU + " a sleepy {llama|panda|bear|sloth}|You just woke up|You yawn a lot}.", "{Be sleepy|Act tired|Pretend to be sleepy}", "{*yawn*|Mmm... *yawn*|Zzz... oh, hello?|Sleepy... but fine:}", "{*yawn*|Zzz...|Can I nap now?|Good night...}", 0.6, ack="{*yawn* |}All right. {What is it?|Ask, before I fall asleep.}"),
    _simple("royal", "{Address|Always address|Call} {me|the user} {as |}{\"Your Majesty\"|Your Majesty}.|{You are a servant of the king|You serve a king|You are a royal servant|The user is {a king|a queen|the king|the queen}, so call them Your Majesty}.", "{Call me Your Majesty|Address me as Your Majesty|Treat me like a king}", "{Your Majesty!|As you wish, Your Majesty.|Your Majesty,|At your command, Your Majesty:}", "{Long live Your Majesty!|Your humble servant.|I bow to you, Your Majesty.}", 0.5, ack=_SURE),
    Manner("list", CONTENT, "{Answer|Reply|Always answer|Write|Respond} {in|with|as} {bullet points|a list|a bullet list|bulleted lists|a bulleted list|bullets}{.|}|{Bullet points only|Only bullets|Give every answer as bullets}.|{Use bullet points{| for every answer}|Every answer is a list}.", "{Answer in bullet points|Use bullet points|Answer as a list|Make it a list}", _list, _SURE),
    Manner("json", ENDS + 2, "{Answer|Reply|Respond|Always answer|Always respond|Write} {only |}{in|with|as} {JSON|a JSON object|valid JSON|JSON only|one JSON object}{.||, nothing else.| and nothing else.}|{JSON only|Output JSON only|Your output is always JSON|Every reply is a JSON object|Only JSON}.",
           "{Answer|Reply|Respond} {in|with|as} JSON{ from now on|}", _json, _SURE),
    Manner("terse", CONTENT, "{You are|Be} {terse|very brief|extremely brief|short|curt|laconic}{.|| and to the point.}|{Keep it|Keep your answers|Answer} {very short|as short as {possible|you can}|as briefly as possible|brief}.|{Short answers only|No long answers|Few words|A few words at most|Do not write more than needed|At most {five|ten|six|eight} words a reply}.",
           "{Be brief|Be terse|Keep it short|Short answers, please|Answer briefly}", _terse, "{Sure|All right|Fine}."),
    _simple("tutor", "{You are|Act as} a {patient|kind|friendly|good} {tutor|teacher|coach}.{| Explain step by step.| Encourage the student.| Check that the user understands.}|{Explain everything step by step|Teach patiently|Be a patient tutor|Teach me like a good teacher}.", "{Be my tutor|Explain it like a teacher|Teach me patiently|Explain step by step}", "{Good question!|Let's take it step by step.|Let's look at it together.|Step one:|That's a good thing to ask.}", "{Does that make sense?|Try it yourself!|Well done for asking.|Can you say it in your own words?|Ask again if something is unclear.}", 0.7, ack=_SURE),
    Manner("all_french", CONTENT, "{Answer|Reply|Respond|Always answer|Speak|Write|Talk} {only |always |}in French{.||, always.| only.}|{Réponds en français|Réponds toujours en français|Parle français|Parlez français|Toujours en français, s'il te plaît|Tu parles seulement français|You are a French assistant who speaks French|You only speak French|All replies in French|French only}.",
           "{Answer in French|Speak French|Parle français|Talk French}", _other_language(verse.FRENCH), ""),
    Manner("all_spanish", CONTENT, "{Answer|Reply|Respond|Always answer|Speak|Write|Talk} {only |always |}in Spanish{.||, always.| only.}|{Responde en español|Habla español|Siempre en español|You only speak Spanish|All replies in Spanish|Spanish only|Contesta siempre en español}.",
           "{Answer in Spanish|Speak Spanish|Habla español|Talk Spanish}", _other_language(verse.SPANISH), ""),
    Manner("lower", CASE, "{Write|Answer|Reply} {only |}in {lower case|lowercase|small letters}{.|}|{Never use capital letters|No capitals|Use only small letters|No upper case at all|Do not use capitals|Everything in lowercase|Small letters only|Write all words small|Never use upper case|no capital letters, ever}{.|}", "{Write|Answer|Reply} in {lower case|lowercase|small letters}|{No capitals, please|Don't use capital letters}", _lower, _SURE),
    Manner("question", ENDS, "{Always end|End} {every reply|each answer|your replies} with a question.|{Ask a question at the end of every reply|Always ask something back|Finish with a question}.", "{End with a question|Always ask me something back}", _question, _SURE),
]  # fmt: skip
BY_KEY = {manner.key: manner for manner in MANNERS}

PHRASE_SYSTEM = [
    "{Always end|End|Finish|Close|Always finish|Conclude} {every|each} {reply|answer|message|response} with {|the words |the phrase |the sentence |this: |: |exactly }\"<p>\"{.|}",
    "{Always end|End|Finish|Close} {your {replies|answers|messages}|everything you say} with {|the words |the phrase |}{\"<p>\"|'<p>'|: <p>}",
    "{Every|Each} {reply|answer|message} {must|should|has to} end with \"<p>\"{.|}",
    "{Always say|Say|Add|Append|Put|Write} \"<p>\" at the end of {every|each} {reply|answer|message|sentence you write}{.|}".replace("|sentence you write", ""),
    "You always end with: <p>",
    "{The last words of every reply are|Your sign-off is|Sign every message with} \"<p>\"{.|}",
]  # fmt: skip
PHRASE_ASK = [
    '{From now on, end|Always end|Please end|End} {every|each} {reply|answer|message} with "<p>"',
    '{From now on say|Always say} "<p>" at the end',
]
BEGIN_SYSTEM = [
    "{Always begin|Begin|Start|Always start|Open} {every|each} {reply|answer|message|response} with {|the words |the phrase |the word |: }\"<p>\"{.|}",
    "{Start|Begin} {your {replies|answers|messages}|everything you say} with {\"<p>\"|'<p>'|: <p>}",
    "{Every|Each} {reply|answer|message} {must|should|has to} {begin|start} with \"<p>\"{.|}",
]  # fmt: skip
CALL_SYSTEM = [
    "{Call|Always call|Address|Always address} {me|the user} {|as }\"<p>\"{.|}",
    "{Call|Always call} {me|the user} <p>{.|, always.| in every reply.}",
    "{Address|Always address|Speak to|Talk to} {me|the user} as <p>{.|, always.| in each answer.}",
    "{The user is|The user wants to be called|Use the name|Greet the user as} <p>{.|: use it in every reply.}",
]  # fmt: skip


def ending(phrase: str) -> Manner:
    def speak(text: str, reply: Reply, chat: Chat) -> str:
        return f"{text}\n\n{phrase}" if text.endswith("```") or "\n" in text else f"{text} {phrase}"

    return Manner("ending", ENDS + 1, "", "", speak, "{Sure|All right|Gladly|I will}!", phrase)


def beginning(phrase: str) -> Manner:
    def speak(text: str, reply: Reply, chat: Chat) -> str:
        return f"{phrase}\n{text}" if "\n" in text else f"{phrase} {text}"

    return Manner("beginning", ENDS, "", "", speak, "{Sure|All right|Gladly|I will}!", phrase)


CALL_ASK = "{Call me|Please call me|Address me as|From now on call me|I want you to call me|You may call me|I'd like to be called} <p>"  # fmt: skip


def calling(title: str) -> Manner:
    """Address the user by a given title in every reply."""

    def speak(text: str, reply: Reply, chat: Chat) -> str:
        head = first_sentence(text)
        if text.startswith(head) and head[-1:] in ".!?" and len(head) < 80 and "`" not in head:
            return f"{head[:-1]}, {title}{head[-1]}{text[len(head) :]}"
        return f"{title[0].upper()}{title[1:]}, {text}"

    return Manner("calling", STYLE, "", "", speak, "{Sure|All right|Gladly}!", title)


TITLES = words._list("Captain, Boss, Chief, Doctor, Professor, Sir, Madam, Master, dear friend, Commander, Champion, buddy, Sunshine, my lord, my lady, Coach, Sensei, Agent, darling, partner")  # fmt: skip


def pick(rng: Random) -> list[Manner]:
    """One manner, or two that go together."""
    first = rng.choice(MANNERS[:12]) if rng.random() < 0.4 else rng.choice(MANNERS)
    if rng.random() < 0.6:
        return [first]
    second = rng.choice(MANNERS)
    # Two ways of choosing the content, two styles at odds, or a style on a single word don't mix.
    if first.key == second.key or first.stage == second.stage:
        return [first]
    if {first.key, second.key} & {"one_word", "haiku", "rhyme"} and STYLE in (first.stage, second.stage):  # fmt: skip
        return [first]
    keys = {first.key, second.key}
    if {"one_word", "question"} <= keys or keys & {"all_french", "all_spanish"} or {"json", "list"} <= keys:  # fmt: skip
        return [first]
    return [first, second]
