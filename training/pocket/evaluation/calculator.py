"""Dialogues with the Calculator tool: questions, observations and follow-ups, all scripted.

Numbers are drawn with a fixed seed; the observation that follows a question is the right one, as
the application would give it, so that each turn is judged whatever the model said before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from ..tool_prompt import REMINDER, TOOLS, observed, system
from .cases import Case, Turn

Number = int | float

OTHER_SYSTEM = """\
You help people and have one tool, called Calculator, which evaluates arithmetic such as "3*(4+1)".
Always respond with a JSON blob that has the keys "action" and "action_input".
Set action to "Calculator" to calculate, or to "Final Answer" to reply."""

# (ways to ask, value)
QUESTIONS: tuple[tuple[tuple[str, ...], Callable[[Number, Number], Number]], ...] = (
    (("what do i get for {a} times {b}", "Multiply {a} and {b}, please.", "{a} x {b} = ?"),
     lambda a, b: a * b),
    (("If I add {a} to {b}, what's the total?", "sum of {a} and {b}?", "{a}+{b} pls"),
     lambda a, b: a + b),
    (("take {b} away from {a}", "how much is {a} less {b}?", "What's {a} - {b}?"),
     lambda a, b: a - b),
    (("split {a} into {b} equal parts", "{a} over {b}?", "Could you divide {a} by {b} for me?"),
     lambda a, b: a / b),
    (("{a} raised to the {p}", "what is {a} to the power of {p}?", "compute {a}^{p}"),
     lambda a, p: a**p),
    (("how much is {q}% of {a}?", "{q} percent of {a} please", "I need {q} % of {a}."),
     lambda a, q: a * q / 100),
)  # fmt: skip
# (ways to ask with "that", value)
FOLLOW_UPS: tuple[tuple[tuple[str, ...], Callable[[Number, Number], Number]], ...] = (
    (("can you multiply that by {k}?", "times {k}?", "now {k} times that"), lambda x, k: x * k),
    (("add {k} to the result", "plus {k}?", "and if i add {k}"), lambda x, k: x + k),
    (("minus {k}, please", "subtract {k} from it"), lambda x, k: x - k),
    (("and divided by {k}?", "split that by {k}"), lambda x, k: x / k),
)  # fmt: skip
SMALL_TALK = (
    "hi there", "how are you today?", "thanks a lot", "what's your name?", "tell me a joke",
    "what can you do?", "good morning", "who are you", "bye", "do you like llamas?",
    "you are clever", "I'm Petra", "lovely weather", "what is a token?",
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Questions with their answers, follow-ups, small talk before and between."""
    rng = Random(10)
    for number in range(96):
        offered = [TOOLS, {"Calculator": TOOLS["Calculator"]}, None][number % 3]
        prompt = OTHER_SYSTEM if offered is None else system(offered)
        reminder = "" if number % 4 == 3 else REMINDER
        turns = []
        if number % 5 == 0:
            turns.append(Turn(_with(rng.choice(SMALL_TALK), reminder), form="final"))
        ways, value = QUESTIONS[number % len(QUESTIONS)]
        a, b = _number(rng), _number(rng)
        small = rng.choice((2, 3, 2.5, 2.1, 0.5, 4))
        share = rng.choice((5, 12, 15, 17.5, 30, 75))
        second = {4: small, 5: share}.get(number % len(QUESTIONS), b)
        question = rng.choice(ways).format(a=a, b=second, p=second, q=second)
        result = value(a, second)
        turns += _steps(question, result, reminder)
        if number % 2 == 0:
            for _ in range(1 + number % 4 // 2):
                if number % 8 == 0:
                    turns.append(Turn(_with("ok, thanks", reminder), form="final"))
                ways, then = rng.choice(FOLLOW_UPS)
                k = rng.choice((2, 3, 7, 12, 1.5, 40))
                result = then(result, k)
                turns += _steps(rng.choice(ways).format(k=k), result, reminder)
        yield Case("calculator", tuple(turns), prompt)
    for number, talk in enumerate(SMALL_TALK):
        prompt = OTHER_SYSTEM if number % 4 == 1 else system()
        yield Case("calculator", (Turn(_with(talk, REMINDER), form="final"),), prompt)


def _steps(question: str, result: Number, reminder: str) -> list[Turn]:
    said = repr(result)
    seen = observed(said, reminder) if reminder else f"Observation: {said}"
    return [
        Turn(_with(question, reminder), form=f"calculates:{said}"),
        Turn(seen, form=f"final:{said}"),
    ]


def _with(text: str, reminder: str) -> str:
    return f"{text}\n\n{reminder}" if reminder else text


def _number(rng: Random) -> Number:
    kind = rng.random()
    if kind < 0.35:
        return rng.randint(2, 99)
    if kind < 0.7:
        return rng.randint(100, 9999)
    return round(rng.uniform(1, 300), rng.randint(1, 2))
