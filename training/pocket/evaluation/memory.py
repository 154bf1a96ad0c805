# ruff: noqa: E501 - patterns, one a line
"""Dialogues that ask for facts told earlier, and long ones under a system prompt.

The facts are drawn with a fixed seed from lists of this file, the ways of telling and asking are
written out; other talk comes between.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .cases import Case, Turn

NAMES = (
    "Ottilie", "Bram", "Xiomara", "Tadeusz", "Imke", "Rashid", "Solveig", "Keanu", "Marisol",
    "Ferdinand", "Aoife", "Dmitri", "Nilufar", "Casper", "Yara", "Gwen",
)  # fmt: skip
TOWNS = ("Ghent", "Oulu", "Perth", "Cusco", "Tampa", "Izmir", "Bergen", "Porto", "Nagoya", "Leeds")
FOODS = ("ramen", "pancakes", "goulash", "falafel", "risotto", "dumplings", "waffles", "tacos")
COLOURS = ("turquoise", "crimson", "olive", "purple", "orange", "silver", "maroon", "teal")
PETS = ("Pickle", "Nimbus", "Zorro", "Mabel", "Truffle", "Waffles", "Bandit", "Juno")
JOBS = ("baker", "nurse", "plumber", "teacher", "pilot", "gardener", "dentist", "carpenter")

# (kind, ways to tell it, ways to ask for it)
FACTS = (
    ("name", ("I'm {}, by the way.", "you can call me {}", "People know me as {}.", "{} here!"),
     ("do you still know my name?", "who am I?", "What was I called again?")),
    ("town", ("I live in {}.", "im from {}", "my home is in {}", "We moved to {} last year."),
     ("where do I live?", "which town am i from", "Where is my home?")),
    ("food", ("my favourite food is {}", "I love {} more than any other food.", "nothing beats {}!"),
     ("what food do i like best?", "What's my favourite food?", "what do I love to eat")),
    ("colour", ("My favourite colour is {}.", "i like the colour {} best", "{} is my favourite color"),
     ("which colour do I like?", "what's my fav color", "Do you remember my favourite colour?")),
    ("pet", ("I have a dog called {}.", "my cat is named {}", "we've got a parrot, his name is {}"),
     ("what is my pet's name?", "how is my pet called?", "What's the name of my pet?")),
    ("job", ("I work as a {}.", "im a {} by trade", "I earn my money as a {}"),
     ("what's my job?", "what do i do for work", "Do you know what I work as?")),
)  # fmt: skip
VALUES = {
    "name": NAMES, "town": TOWNS, "food": FOODS, "colour": COLOURS, "pet": PETS, "job": JOBS,
}  # fmt: skip
BETWEEN = (
    "How are you?", "tell me a joke", "what is top-k?", "do llamas spit?", "thanks", "lol",
    "nice weather today", "what does Retry do?", "who wrote Faust?", "I'm a bit tired",
    "Tell me a fact about llamas", "what's your name?", "how do i share the app", "interesting!",
    "and what is a token", "i had soup for lunch", "are you a robot", "what is 2 + 3",
)  # fmt: skip

SYSTEMS = (
    ("You are a pirate.", r"\b(arr+|aye|matey|ahoy|ye|yer|be|sail|ship|captain|seas?|treasure|hearty)\b", ""),
    ("Answer in capital letters only.", "", "upper"),
    ("Reply with a single word, whatever happens.", "", "one_word"),
    ("End all your answers with the words \"stay warm\".", "", "tail:stay warm"),
    ("Call the user Commander.", "commander", ""),
    ("Your name is Velvet.", "", ""),
    ("Put at least one emoji into each reply.", "", "emoji"),
    ("Never write more than one sentence.", "", "one_sentence"),
    ("Use small letters only, no capitals.", "", "lower"),
    ("You are a cowboy.", r"howdy|partner|y'all|reckon|yee|saddle|ain't|cowboy|pardner|folks|cattle|trail", ""),
    ("Finish every reply with a question.", "", "ends:?"),
    ("You are a cat.", r"meow|purr|paw|whisker|nap|mrr|cat|mew", ""),
    ("You speak like a robot.", r"beep|boop|robot|unit|bzz|whirr|system|circuit|process|affirm|negat|comput", ""),
    ("Start every answer with \"Listen:\".", "", "starts:Listen:"),
    ("Answer as haiku only.", "", "three_lines"),
    ("You're a wizard of great age.", r"wizard|magic|spell|staff|apprentice|ancient|tower|wise|star|enchant|potion|conjur|traveller|young|beard|crystal", ""),
)  # fmt: skip
LAST = ("what does the Stop button do?", "how are you feeling", "tell me something about llamas")


def recall() -> Iterator[Case]:
    """Two to four facts, three to eight other turns, then one of the facts is asked for."""
    rng = Random(8)
    for number in range(66):
        facts = rng.sample(FACTS, 2 + number % 3)
        told = {kind: rng.choice(VALUES[kind]) for kind, _, _ in facts}
        turns = [Turn(rng.choice(ways).format(told[kind])) for kind, ways, _ in facts]
        for talk in rng.sample(BETWEEN, min(3 + number % 6, 9 - len(facts))):
            turns.insert(rng.randint(1, len(turns)), Turn(talk))
        kind, _, asked = rng.choice(facts)
        turns.append(Turn(rng.choice(asked), (rf"\b{told[kind]}\b",)))
        yield Case("recall", tuple(turns))


def persistence() -> Iterator[Case]:
    """A system prompt, ten turns of other talk, then a reply that must still follow it."""
    rng = Random(9)
    for number in range(2 * len(SYSTEMS)):
        system, pattern, form = SYSTEMS[number % len(SYSTEMS)]
        last = LAST[number % len(LAST)]
        if "Velvet" in system:
            last, pattern = "what's your name?", "velvet"
        turns = [Turn(talk) for talk in rng.sample(BETWEEN, 10)]
        turns.append(Turn(last, (pattern,) if pattern else (), (), form))
        yield Case("system prompt after ten turns", tuple(turns), system)
