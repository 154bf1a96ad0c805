"""Does Pocket Llama recall a name beyond the 2,048 tokens that it was trained for?

    python -m benchmarks.needle

A name is told at the beginning, other talk follows up to a length, then the name is asked for
(greedy). Prints, for each way to reach a context of 4,096, how many of the names come back.
"""

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.settings import MODELS

NAMES = ["Sam", "Noor", "Ida", "Tom", "Lena", "Max", "Mia", "Paul"]
LENGTHS = (500, 1_500, 2_500, 3_500)
TALK = [
    ("What does temperature do?", "It sets how adventurously the model picks its next word."),
    ("Do you like the sea?", "I have no taste of my own, but I like the idea. What about you?"),
    ("Tell me a joke.", "What do you call a llama who reads a lot? A llama-nary."),
    ("Thank you!", "You're welcome! Is there anything else?"),
]
GREEDY = Sampling(temperature=0, max_new_tokens=24)


def main() -> None:
    print(f"| context 4,096 | {' | '.join(f'{n:,} tokens' for n in LENGTHS)} |")
    print("|---" * (len(LENGTHS) + 1) + "|")
    for rope in (None, "linear", "dynamic", "yarn"):
        engine = LocalEngine(load_model(MODELS["pocket"], 4_096, rope=rope), slots=1)
        counts = [sum(recalls(engine, name, length) for name in NAMES) for length in LENGTHS]
        engine.close()
        cells = " | ".join(f"{count} of {len(NAMES)}" for count in counts)
        print(f"| {f'--rope {rope}' if rope else 'no scaling'} | {cells} |", flush=True)


def recalls(engine: LocalEngine, name: str, length: int) -> bool:
    """Whether the reply to the question at the end holds the name."""
    told = [("user", f"Hi, my name is {name}."), ("assistant", f"Nice to meet you, {name}!")]
    asked = [("user", "What is my name?")]
    talk: list[tuple[str, str]] = []
    number = 0
    while True:
        pairs = [*told, *talk, *asked]
        messages = [{"role": role, "content": content} for role, content in pairs]
        plan = engine.plan(messages, GREEDY)
        if len(plan.ids) >= length:
            return name in "".join(chunk.text for chunk in engine.submit(plan, GREEDY))
        question, answer = TALK[number % len(TALK)]
        talk += [("user", question), ("assistant", answer)]
        number += 1


if __name__ == "__main__":
    main()
