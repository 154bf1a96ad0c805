"""Make Pocket Llama from nothing: tokenizer, training, 4-bit packing, evaluation.

    python -m training.pocket.make --seed 1                      everything (minutes on one GPU)
    python -m training.pocket.make --seed 1 --only tokenizer  only one part

Parts leave their files in --work, so that they can run on different machines.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
from pathlib import Path

from . import tokenizer as pieces
from .dialogs import sample_messages
from .encode import exchanges

PARTS = ("tokenizer", "train", "quantize", "evaluate")
ASSETS = Path(__file__).resolve().parents[2] / "assets" / "pocket-llama"


def _texts(job: tuple[int, int]) -> list[str]:
    seed, index = job
    return [f"{prompt} {reply}" for prompt, reply in exchanges(sample_messages(seed, index))]


def make_tokenizer(seed: int, folder: Path, dialogs: int = 40_000) -> None:
    with multiprocessing.Pool() as pool:
        jobs = ((seed, 2**41 + i) for i in range(dialogs))  # apart from the training dialogues
        texts = [t for chunk in pool.imap(_texts, jobs, chunksize=500) for t in chunk]
    pieces.save(pieces.train(texts), folder)
    print(f"tokenizer from {len(texts):,} exchanges in {folder}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--out", type=Path, default=ASSETS)
    parser.add_argument("--only", choices=PARTS, action="append", help="only these parts")
    parser.add_argument("--steps", type=int, default=0, help="another number of training steps")
    parser.add_argument("--smoke", action="store_true", help="a tiny model, to try the machinery")
    args = parser.parse_args()
    parts = args.only or PARTS
    if "tokenizer" in parts:
        make_tokenizer(args.seed, args.work / "tokenizer", 2_000 if args.smoke else 40_000)
    if "train" in parts:
        from .train import Config, smoke, train

        config = smoke(seed=args.seed) if args.smoke else Config(seed=args.seed)
        if args.steps:
            config = dataclasses.replace(config, steps=args.steps)
        train(config, args.work / "tokenizer" / "tokenizer.json", args.work / "weights")
    if "quantize" in parts:
        from .quantize import quantize

        quantize(args.work / "weights", args.work / "tokenizer", args.out)
    if "evaluate" in parts:
        from .evaluate import evaluate

        evaluate(args.out)


if __name__ == "__main__":
    main()
