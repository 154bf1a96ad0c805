"""How often a reply depends on its neighbours or on what the cache already holds.

    python -m benchmarks.exactness [--prompts 200] [--float32] [--shape 7b]

In float32 never. In NF4 with bfloat16 the matrix kernels differ with the size of the batch and
round differently; where two tokens are nearly equally likely, the other one may win. Prints a
table: of so many replies, how many differ from the reply to the same prompt alone and from an empty
cache. Pocket Llama is sure of most of its tokens; a shape with random weights is sure of none, so
it shows the worst case.
"""

import argparse
import random
from dataclasses import replace

import torch

from benchmarks.engine import plan_of
from benchmarks.models import VOCABULARY, load
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import LoadedModel
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.reply import Reply
from llama_ui.prompt.llama2 import encode_dialog

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
    parser.add_argument("--shape", default="pocket", choices=["pocket", "7b", "13b"])
    given = parser.parse_args()
    loaded = load(given.shape, 1)
    if given.float32:
        loaded = replace(loaded, model=loaded.model.dequantize().float())
    engine = LocalEngine(loaded, slots=8, max_waiting=10_000)
    small = LocalEngine(replace(loaded, kv_cache="8bit"), slots=8, max_waiting=10_000)
    kind = "float32" if given.float32 else "NF4, bfloat16"
    print(f"{loaded.info.name}, {kind}, {loaded.info.device}, torch {torch.__version__}\n")
    print("| | greedy | temperature 1, seeded |\n|---|---|---|")
    greedy = Sampling(temperature=0, max_new_tokens=80)
    seeded = Sampling(temperature=1, max_new_tokens=80, seed=1)
    chance = random.Random(1)
    prompts = [make_prompt(loaded, chance) for _ in range(given.prompts)]
    results = [measure(engine, small, sampling, prompts) for sampling in (greedy, seeded)]
    names = ("in a batch of 8", "retried, prompt in the cache", "keys and values in 8 bits")
    for number, name in enumerate(names):
        shares = " | ".join(f"{100 * result[number] / given.prompts:.1f} %" for result in results)
        print(f"| {name} | {shares} |")
    engine.close()
    small.close()


def make_prompt(loaded: LoadedModel, chance: random.Random) -> list[int]:
    """A question that Pocket Llama knows; random tokens for a shape with random weights."""
    if loaded.model.config.vocab_size == VOCABULARY:
        return [1, *chance.choices(range(300, VOCABULARY), k=chance.randrange(20, 200))]
    text = chance.choice(QUESTIONS).format(chance.choice(THINGS))
    return encode_dialog([{"role": "user", "content": text}], loaded.tokenizer)


def measure(
    engine: LocalEngine, small: LocalEngine, sampling: Sampling, prompts: list[list[int]]
) -> tuple[int, int, int]:
    """How many replies differ in a batch, when the prompt is in the cache, and in 8 bits."""

    def ask(ids: list[int], owner: str = "", engine: LocalEngine = engine) -> Reply:
        return engine.submit(plan_of(ids, owner), sampling)

    alone = [said(ask(ids)) for ids in prompts]
    together = [said(reply) for reply in [ask(ids) for ids in prompts]]
    retried = []
    for number, ids in enumerate(prompts):
        said(ask(ids, f"owner {number}"))
        retried.append(said(ask(ids, f"owner {number}")))
    rough = [said(ask(ids, engine=small)) for ids in prompts]
    return differing(alone, together), differing(alone, retried), differing(alone, rough)


def said(reply: Reply) -> list[int]:
    return [token.id for chunk in reply for token in chunk.tokens]


def differing(one: list[list[int]], other: list[list[int]]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main()
