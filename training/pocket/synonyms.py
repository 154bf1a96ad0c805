# ruff: noqa: E501 - one entry a line
"""Other words for the same thing, so that one template is asked in many more ways."""

from __future__ import annotations

import re
from random import Random

# Beginnings of questions.
_OPENINGS: list[tuple[str, list[str]]] = [
    ("How do I", ["How to", "how can I", "How would I", "How should I", "How does one", "What's the way to", "What do I do to", "I need to know how to", "Tell me how to", "Show me how to", "I want to know how to", "Is there a way to", "Any idea how to", "What's the best way to", "Could you tell me how to", "How is it possible to", "What must I do to"]),
    ("How can I", ["How do I", "How to", "How could I", "Is there a way to", "What's the way to", "Please tell me how to", "How might I", "What should I do to"]),
    ("What is", ["What's", "Whats", "So what's", "What exactly is", "Can you tell me what's", "Could you tell me what is", "I wonder what is", "Tell me what's", "Please tell me what is", "Do you know what is", "I'd like to know what is", "wat is", "What would be", "Say, what is"]),
    ("What's", ["What is", "Whats", "And what's", "So what's", "Do you know what's", "Tell me what's", "Say, what's"]),
    ("What are", ["Tell me what are", "What exactly are", "So what are", "Can you tell me what are", "whatre"]),
    ("Who are you", ["Who might you be", "Who r u", "So who are you", "And who are you", "Tell me who you are", "Say who you are", "May I ask who you are", "Who do I have here", "Who am I speaking with", "Who am I chatting with", "With whom am I talking", "What are you exactly", "What sort of thing are you", "Who's this", "you are?", "Who're you", "What model is it", "Which AI are you", "What is it I'm talking with"]),
    ("How are you", ["How are you doing", "How's everything", "How is everything with you", "Everything okay", "You alright", "All good", "How goes it", "How do you do", "How are things going", "How are you feeling", "How have things been", "hru", "You doing okay", "How's your day"]),
    ("Can you", ["Could you", "Would you", "Will you", "Please can you", "Can u", "Are you able to", "Could u"]),
    ("Tell me", ["Give me", "Show me", "Let me hear", "I want to hear", "Let me have", "Could you tell me", "Can you tell me", "tell us", "I'd love to hear", "Share"]),
    ("Explain", ["Describe", "Clarify", "Can you explain", "Could you explain", "Please explain", "Tell me about", "Give me an explanation of", "Help me understand", "I need an explanation of", "Make clear to me", "can u explain"]),
    ("I'm", ["I am", "Im", "I feel", "I'm feeling"]),
    ("I want to", ["I wanna", "I'd like to", "I would like to", "I'm trying to", "I need to", "Let me"]),
    ("Where is", ["Where's", "Where do I find", "Where can I find", "I can't find", "Where would I see"]),
    ("Do you", ["Do u", "So do you", "Would you", "And do you"]),
    ("Do I need", ["Must I have", "Is it necessary to have", "Do i really need", "Does it need", "Does one need", "Do you need"]),
    ("Which", ["What", "Which of the"]),
]  # fmt: skip
_INSIDE: dict[str, list[str]] = {
    "chat": ["conversation", "dialogue", "talk", "discussion", "thread"],
    "reply": ["answer", "response", "message", "output"], "answer": ["reply", "response"], "replies": ["answers", "responses"],
    "delete": ["wipe", "erase", "remove", "get rid of", "throw away"], "clear": ["wipe", "empty", "erase", "reset"],
    "app": ["application", "program", "tool", "page", "thing", "software"], "model": ["AI", "model", "LLM", "network"],
    "bigger": ["larger", "stronger", "smarter", "huge", "better"], "larger": ["bigger", "stronger", "smarter", "huge"],
    "run": ["use", "start", "launch", "try", "load", "get"], "start": ["begin", "launch", "open", "run"], "load": ["use", "run", "open"],
    "change": ["set", "modify", "adjust", "alter", "switch"], "stop": ["interrupt", "halt", "end", "cut off", "pause"],
    "friend": ["buddy", "mate", "colleague", "pal", "friends"], "share": ["send", "show", "publish", "give"],
    "computer": ["laptop", "PC", "machine"], "GPU": ["graphics card", "video card", "gpu", "graphics chip"],
    "memory": ["VRAM", "RAM", "GPU memory", "space"], "slider": ["knob", "setting", "option", "dial", "control", "parameter", "thing"],
    "button": ["key", "thing", "control"], "story": ["tale", "storie", "story"], "tiny": ["small", "short", "little", "mini", "quick"],
    "joke": ["pun", "funny thing", "gag", "joke"], "called": ["named", "with the name", "by the name of"], "named": ["called", "with the name"],
    "mean": ["stand for", "refer to", "signify"], "happens": ["will happen", "occurs"], "create": ["make", "built"], "made": ["built", "created", "trained", "developed"],
    "sad": ["down", "unhappy", "low", "gloomy", "blue"], "tired": ["worn out", "knackered", "sleepy", "beat"], "bored": ["bored to death", "so bored", "bored out of my mind"],
    "today": ["this morning", "this evening", "right now", "tonight", "at the moment", ""], "bad": ["awful", "terrible", "horrible", "dreadful"],
    "great": ["wonderful", "super", "fantastic", "brilliant"], "funny": ["hilarious", "amusing", "fun"], "really": ["truly", "so", "very", ""],
    "password": ["login", "passcode", "password"], "licence": ["license", "permission", "terms"], "access": ["permission", "approval", "access rights"],
    "parameters": ["params", "weights", "parameters"], "remember": ["recall", "still know", "know"], "favourite": ["favorite", "fav", "favourite", "most loved"],
    "tell": ["say to", "tell"], "write": ["create", "make up", "invent", "compose", "write down"], "about": ["on", "about", "regarding"],
    "too": ["also", "as well", "to"], "please": ["pls", "plz", "kindly"], "live": ["come from", "live", "grow"], "eat": ["feed on", "consume", "eat"],
    "good": ["fine", "decent", "great", "good"], "bye": ["goodbye", "bye now", "cya", "see ya"], "leave": ["run", "head out", "get going"],
    "messages": ["texts", "words"], "options": ["settings", "controls", "parameters"], "settings": ["options", "controls", "sliders"],
    "difference": ["distinction", "difference", "gap"], "data": ["words", "messages", "text", "info"], "abilities": ["talents", "features", "powers"],
    "Thanks": ["Thank u", "Thankyou", "Thx", "Thank you very much", "Thanks so much", "Thanks my friend"], "deploy": ["host", "install", "put", "run"],
}  # fmt: skip
_OPENING = [(re.compile(re.escape(old) + r"\b", re.IGNORECASE), new) for old, new in _OPENINGS]
_WORD = re.compile(r"\b(" + "|".join(sorted(_INSIDE, key=len, reverse=True)) + r")\b")
_SMALL = re.compile(r"\b(the|a|an|do|is|are|to|of|me|you|it|can|does) ")


def reword(text: str, rng: Random) -> str:
    """The text with some words exchanged or a small word dropped."""
    if rng.random() < 0.35:
        for pattern, options in _OPENING:
            if pattern.match(text):
                text = rng.choice(options) + text[pattern.match(text).end() :]  # type: ignore[union-attr]
                break
    if rng.random() < 0.5:
        text = _WORD.sub(lambda m: rng.choice(_INSIDE[m[0]]) if rng.random() < 0.4 else m[0], text)
    if rng.random() < 0.07:
        text = _SMALL.sub("", text, count=1)
    return text
