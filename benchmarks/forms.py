"""What an answer form costs one user: python -m benchmarks.forms [--model smollm2] [--pairs 12]

The same seed and the same number of tokens, free and as a JSON text that does not end, by turns;
the median of the ratios of their speeds. Prints Markdown.
"""

import argparse
import statistics

from benchmarks.tools import load_engine
from llama_ui.chat.form import AnswerForm
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.local.engine import LocalEngine

TOKENS = 64
LONG = {
    "type": "object",
    "properties": {"story": {"type": "string", "minLength": 2_000}},
    "required": ["story"],
}
ASKED = [{"role": "user", "content": "Tell me a long story about a llama."}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("pocket", "smollm2"), default="pocket")
    parser.add_argument("--pairs", type=int, default=12)
    given = parser.parse_args()
    engine = load_engine(given.model)
    form = AnswerForm.of_schema(LONG)
    speed(engine, form, 0)  # compiled once
    pairs = [(speed(engine, None, n), speed(engine, form, n)) for n in range(given.pairs)]
    engine.close()
    free, kept = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(kept / free for free, kept in pairs)
    print("| model | free | kept to a form | ratio |\n|---|---|---|---|")
    print(f"| {given.model} | {free:.1f} tokens/s | {kept:.1f} tokens/s | {ratio:.3f} |")


def speed(engine: LocalEngine, form: AnswerForm | None, seed: int) -> float:
    """Tokens a second of one reply."""
    sampling = Sampling(temperature=1, max_new_tokens=TOKENS, seed=seed).with_form(form)
    chunks = list(engine.submit(engine.plan(ASKED, sampling), sampling))
    stats = chunks[-1].stats
    assert stats is not None
    return stats.tokens_per_s


if __name__ == "__main__":
    main()
