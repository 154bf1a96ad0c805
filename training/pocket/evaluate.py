"""Judge the model on the dialogues of `evaluation/`; prints a table.

    python -m training.pocket.evaluate             temperature 0, some minutes on two CPU cores
    python -m training.pocket.evaluate --full      and sampled: at 0.7 and 1.0, twice each
    python -m training.pocket.evaluate --failures  and shows what failed in the development part

Dialogues are played turn by turn through the application's own engine, several at once, with its
prompt format and top_p 0.9, top_k 50. A dialogue passes if every judged reply keeps its rules and
every reply ends by itself (within 320 tokens) without a loop. See `evaluation/cases.py` for the
two parts, and `evaluation/rules.py` for the rules.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.prompt.llama2 import Message
from llama_ui.prompt.plan import PlanOptions

from .evaluation.cases import Case, all_cases
from .evaluation.rules import judge, loops

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "pocket-llama"
LONGEST = 320
AT_ONCE = 8


@dataclass(frozen=True)
class Result:
    """A dialogue as it was played: its replies, whether each was judged good, how each ended."""

    case: Case
    replies: tuple[str, ...]
    good: tuple[bool, ...]
    unended: int
    looping: int

    @property
    def passed(self) -> bool:
        return all(self.good) and not self.unended and not self.looping


def play(engine: LocalEngine, case: Case, sampling: Sampling, owner: str) -> Result:
    """Play one dialogue; the model sees its own earlier replies."""
    messages: list[Message] = []
    if case.system:
        messages.append({"role": "system", "content": case.system})
    replies, good, unended, looping = [], [], 0, 0
    for turn in case.turns:
        messages.append({"role": "user", "content": turn.user})
        plan = engine.plan(messages, sampling, PlanOptions(owner=owner))
        chunks = list(engine.submit(plan, sampling))
        text = "".join(chunk.text for chunk in chunks).strip()
        messages.append({"role": "assistant", "content": text})
        replies.append(text)
        unended += chunks[-1].finish_reason != "stop"
        looping += loops(text)
        good.append(judge(turn, text))
    return Result(case, tuple(replies), tuple(good), unended, looping)


def play_all(
    engine: LocalEngine, cases: Sequence[Case], temperature: float = 0.0, seed: int = 0
) -> list[Result]:
    """Play all dialogues, several at once."""

    def one(number: int) -> Result:
        sampling = Sampling(
            temperature=temperature, top_p=0.9, top_k=50, repetition_penalty=1.0,
            max_new_tokens=LONGEST, seed=1000 * seed + number,
        )  # fmt: skip
        return play(engine, cases[number], sampling, f"evaluation {seed} {number}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(len(cases))))


def share(results: Iterable[Result]) -> float:
    """The share of dialogues that passed."""
    passed = [result.passed for result in results]
    return sum(passed) / len(passed) if passed else 0.0


def print_table(runs: dict[str, list[Result]]) -> None:
    """One row a skill, one column a temperature: the test part, and (all dialogues)."""
    first = next(iter(runs.values()))
    skills = list(dict.fromkeys(result.case.skill for result in first))
    print(f"\n| skill | dialogues | {' | '.join(runs)} |\n|---|---|{'---|' * len(runs)}")
    for skill in [*skills, "all"]:
        cells = []
        for results in runs.values():
            mine = [r for r in results if skill in (r.case.skill, "all")]
            unseen = [r for r in mine if not r.case.development]
            cells.append(f"{share(unseen):.1%} ({share(mine):.1%})")
        count = sum(skill in (r.case.skill, "all") for r in first)
        print(f"| {skill} | {count} | {' | '.join(cells)} |")
    for name, results in runs.items():
        replies = sum(len(r.replies) for r in results)
        cut, looping = sum(r.unended for r in results), sum(r.looping for r in results)
        print(f"\n{name}: of {replies:,} replies {cut} were cut off, {looping} looped", end="")
    print()


def print_failures(results: Iterable[Result]) -> None:
    """What went wrong in the development part; the test part stays unseen."""
    for result in results:
        if result.case.development and not result.passed:
            print(f"\n--- {result.case.skill}  {result.case.system[:100]!r}")
            turns = zip(result.case.turns, result.replies, result.good, strict=True)
            for turn, reply, good in turns:
                rules = "" if good else f"   NOT {turn.has} {turn.lacks} {turn.form}"
                print(f"> {turn.user!r}\n    {reply!r}{rules}")


def evaluate(folder: Path = ASSETS, full: bool = False, failures: bool = False) -> float:
    """Play, print the table, and return the share that passed at temperature 0."""
    started = time.perf_counter()
    engine = LocalEngine(load_model(str(folder)), slots=AT_ONCE, max_waiting=AT_ONCE)
    cases = all_cases()
    runs = {"temperature 0": play_all(engine, cases)}
    if full:
        for temperature in (0.7, 1.0):
            runs[f"temperature {temperature:g}"] = [
                result for seed in (1, 2) for result in play_all(engine, cases, temperature, seed)
            ]
    engine.close()
    if failures:
        print_failures(next(iter(runs.values())))
    print_table(runs)
    print(f"{time.perf_counter() - started:.0f} s")
    return share(runs["temperature 0"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=ASSETS)
    parser.add_argument("--full", action="store_true", help="also at temperatures 0.7 and 1.0")
    parser.add_argument("--failures", action="store_true", help="show the development part's")
    args = parser.parse_args()
    evaluate(args.folder, args.full, args.failures)


if __name__ == "__main__":
    main()
