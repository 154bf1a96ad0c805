"""How often a reply depends on its neighbours or on what the cache already holds.

    python -m benchmarks.exactness [--prompts 200] [--float32]

In float32 never. In NF4 with bfloat16 the matrix kernels differ with the size of the batch and
round differently; where two tokens are nearly equally likely, the other one may win. Prints a
table: of so many replies of Pocket Llama, how many differ from the reply to the same prompt alone
and from an empty cache.
"""

import argparse
import random
from dataclasses import replace

import torch

from benchmarks.models import load
from llama_ui.engine.base import PlanOptions, Reply
from llama_ui.engine.local import LocalEngine
from llama_ui.sampling import Sampling

QUESTIONS = (
    "What does {} do?",
    "Tell me a tiny story about a llama called {}.",
    "My favourite thing is {}. Do you like it?",
    "Explain {} in one sentence, please.",
    "hello, i am {}",
)
THINGS = ("temperature", "top_p", "Sam", "the sea", "a system prompt", "Bella", "blue", "4-bit")


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--float32", action="store_true", help="weights in float32, not in NF4")
    given = parser.parse_args()
    loaded = load("pocket", 1)
    if given.float32:
        loaded = replace(loaded, model=loaded.model.dequantize().float())
    engine = LocalEngine(loaded, slots=8, max_waiting=10_000)
    kind = "float32" if given.float32 else "NF4, bfloat16"
    print(f"{loaded.info.name}, {kind}, {loaded.info.device}, torch {torch.__version__}\n")
    print("| | greedy | temperature 1, seeded |\n|---|---|---|")
    greedy = Sampling(temperature=0, max_new_tokens=80)
    seeded = Sampling(temperature=1, max_new_tokens=80, seed=1)
    results = [measure(engine, sampling, given.prompts) for sampling in (greedy, seeded)]
    for number, name in enumerate(("in a batch of 8", "retried, prompt in the cache")):
        shares = " | ".join(f"{100 * result[number] / given.prompts:.1f} %" for result in results)
        print(f"| {name} | {shares} |")
    engine.close()


def measure(engine: LocalEngine, sampling: Sampling, prompts: int) -> tuple[int, int]:
    """How many replies differ in a batch, and how many when the prompt is in the cache."""
    chance = random.Random(1)
    texts = [chance.choice(QUESTIONS).format(chance.choice(THINGS)) for _ in range(prompts)]

    def ask(text: str, owner: str = "") -> Reply:
        messages = [{"role": "user", "content": text}]
        return engine.submit(engine.plan(messages, sampling, PlanOptions(owner)), sampling)

    alone = [said(ask(text)) for text in texts]
    together = [said(reply) for reply in [ask(text) for text in texts]]
    retried = []
    for number, text in enumerate(texts):
        said(ask(text, f"owner {number}"))
        retried.append(said(ask(text, f"owner {number}")))
    return differing(alone, together), differing(alone, retried)


def said(reply: Reply) -> str:
    return "".join(chunk.text for chunk in reply)


def differing(one: list[str], other: list[str]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main()
