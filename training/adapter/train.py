"""Train a small LoRA that makes Pocket Llama talk like a pirate without being asked to.

    python -m training.adapter.train --out assets/pirate-adapter

The model is its own teacher: asked with a system prompt, it answers like a pirate; the adapter
learns to give these answers without the system prompt. The questions are first messages of the
generator's dialogues. Some minutes on one CPU core; the adapter has 160 KB.

What is left out: held-out loss, a learning-rate search, anything that a real adapter needs.
"""

import argparse
import time
from pathlib import Path
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import load_model
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.settings import MODELS
from training.pocket.dialogs import sample_messages

SYSTEM = "You are a pirate. Talk like a pirate."
Example = tuple[list[int], int]  # ids of prompt and answer, and where the answer begins


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rank", type=int, default=4)
    given = parser.parse_args()
    torch.manual_seed(0)

    loaded = load_model(MODELS["pocket"])
    examples = teach(loaded, questions(given.questions))
    print(f"{len(examples)} answers, for example: {loaded.tokenizer.decode(examples[0][0])}")

    loaded = load_model(MODELS["pocket"])
    config = LoraConfig(
        r=given.rank,
        lora_alpha=2 * given.rank,
        target_modules=["q_proj", "v_proj", "down_proj"],
        task_type="CAUSAL_LM",
    )
    # The gradient needs plain weights; the adapter is for the 4-bit ones they came from.
    model = get_peft_model(loaded.model.dequantize().float(), config)
    train(model, examples, given.epochs)
    model.peft_config["default"].base_model_name_or_path = "pocket-llama"
    to_half(model)
    model.save_pretrained(given.out)
    (given.out / "README.md").unlink(missing_ok=True)


def questions(count: int) -> list[str]:
    """First messages of generated dialogues, without those that set a manner themselves."""
    found: dict[str, None] = {}
    for index in range(20 * count):
        messages = sample_messages(11, index)
        if messages[0]["role"] == "user" and "like" not in messages[0]["content"].lower():
            found[messages[0]["content"]] = None
        if len(found) == count:
            break
    return list(found)


def teach(loaded: Any, texts: list[str]) -> list[Example]:
    """The pirate's answer to each text, behind the prompt without the system prompt."""
    engine = LocalEngine(loaded, slots=8, max_waiting=len(texts))
    sampling = Sampling(temperature=0, max_new_tokens=80)
    examples = []
    asked = []
    for text in texts:
        user = {"role": "user", "content": text}
        plan = engine.plan([{"role": "system", "content": SYSTEM}, user], sampling)
        asked.append((engine.plan([user], sampling).ids, engine.submit(plan, sampling)))
    for prompt, reply in asked:
        chunks = list(reply)
        answer = [token.id for chunk in chunks for token in chunk.tokens]
        if chunks[-1].finish_reason == "stop":
            examples.append(([*prompt, *answer], len(prompt)))
    engine.close()
    return examples


def train(model: Any, examples: list[Example], epochs: int, rows: int = 16) -> None:
    """AdamW on the answers' tokens, rows of like length together."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=4e-3, weight_decay=0.0)
    batches = [
        sorted(examples, key=lambda example: len(example[0]))[start : start + rows]
        for start in range(0, len(examples), rows)
    ]
    steps = epochs * len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    chance, started = Random(0), time.perf_counter()
    for epoch in range(epochs):
        total = 0.0
        for batch in chance.sample(batches, len(batches)):
            loss = answer_loss(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1}: loss {total / len(batches):.3f}, {seconds:.0f} s", flush=True)


def answer_loss(model: Any, batch: list[Example]) -> torch.Tensor:
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), longest), 2)
    targets = torch.full((len(batch), longest), -100)
    for row, (tokens, start) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, start - 1 : len(tokens) - 1] = torch.tensor(tokens[start:])
    return F.cross_entropy(model(ids).logits.flatten(0, 1), targets.flatten())


def to_half(model: Any) -> None:
    """The adapter's matrices in 16 bits: half the file, and no answer changes."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.bfloat16()


if __name__ == "__main__":
    main()
