"""Train the model: one file, one loop; the same loop runs a smoke configuration on a CPU.

    python -m training.pocket.train --tokenizer DIR --out DIR --steps 2200
    torchrun --nproc-per-node 4 -m training.pocket.train ...      on four GPUs of one machine

Worker processes write and tokenise dialogues while the model trains, in the order of their seeds,
so that a run is decided by its seed. Each row of a batch is one dialogue, padded on the right; rows
of like length go together, so little is wasted and no dialogue sees another. In the last part of
the run the weights are rounded to the 4-bit grid before each forward pass while the gradient goes
to the unrounded ones, so that the shipped 4-bit weights lose next to nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from .dialogs import sample_messages
from .encode import BOS, EOS, IGNORE, encode_training
from .nf4 import rounded_weights

Rows = list[tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Config:
    seed: int = 1
    steps: int = 2200
    step_tokens: int = 131_072  # padded tokens an optimiser step sees on each GPU
    micro_tokens: int = 131_072  # padded tokens in one forward pass
    pool: int = 24_576  # dialogues held back to sort by length
    chunk: int = 1024  # dialogues made by one worker call
    workers: int = 14
    lr: float = 3e-3
    warmup: float = 0.03
    decay: float = 0.4  # last part of the run, over which the rate falls to nothing
    four_bit: float = 0.25  # last part of the run, on weights rounded to 4 bits
    weight_decay: float = 0.1
    vocab: int = 4096
    hidden: int = 512
    inner: int = 1088
    layers: int = 6
    kv_heads: int = 2  # heads of 64 share so many keys and values: a CPU step costs less
    context: int = 2048
    muon: bool = True  # for the matrices of the layers; AdamW takes the rest (and all, if off)
    compile: bool = False
    first_weights: str = ""  # a folder of weights to go on from; empty: from nothing
    minutes: float = 0.0  # stop making progress by the clock instead of by steps (0: off)


def model_config(c: Config) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=c.vocab,
        hidden_size=c.hidden,
        intermediate_size=c.inner,
        num_hidden_layers=c.layers,
        num_attention_heads=c.hidden // 64,
        num_key_value_heads=min(c.kv_heads, c.hidden // 64),
        head_dim=64,
        max_position_embeddings=c.context,
        rms_norm_eps=1e-5,
        rope_theta=10_000.0,
        tie_word_embeddings=True,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=None,
        initializer_range=0.02,
        use_cache=True,
    )


# --- data -------------------------------------------------------------------------------------

_tokenizer: Tokenizer | None = None


def _start_worker(tokenizer_file: str) -> None:
    global _tokenizer
    _tokenizer = Tokenizer.from_file(tokenizer_file)


def _make_chunk(job: tuple[int, int, int]) -> Rows:
    """Dialogues `first .. first + count - 1` of a seed, as arrays."""
    seed, first, count = job
    assert _tokenizer is not None
    dialogs = [sample_messages(seed, first + i) for i in range(count)]
    rows = encode_training(dialogs, _tokenizer)
    return [(np.array(i, np.int16), np.array(t, np.int16)) for i, t in rows]


def _rank() -> tuple[int, int]:
    """(this process, how many there are), one a GPU; torchrun says so."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def _rows(c: Config, tokenizer_file: str) -> Iterator[Rows]:
    """Chunks of rows for ever, always in the same order; each GPU takes its own."""
    rank, world = _rank()
    firsts = range(rank * c.chunk, 2**40, world * c.chunk)
    jobs = ((c.seed, first, c.chunk) for first in firsts)
    if c.workers == 0:
        _start_worker(tokenizer_file)
        yield from map(_make_chunk, jobs)
    context = multiprocessing.get_context("spawn")
    with context.Pool(c.workers, _start_worker, (tokenizer_file,)) as pool:
        # A window of pending results rather than imap, which would run ahead without end.
        pending = [pool.apply_async(_make_chunk, (next(jobs),)) for _ in range(4 * c.workers)]
        while True:
            rows = pending.pop(0).get()
            pending.append(pool.apply_async(_make_chunk, (next(jobs),)))
            yield rows


def _batches(c: Config, tokenizer_file: str) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Micro-batches of (ids, targets), rows of like length together, batches in random order."""
    rng = Random(c.seed)
    source = _rows(c, tokenizer_file)
    while True:
        pool: Rows = []
        while len(pool) < c.pool:
            pool += next(source)
        rng.shuffle(pool)
        pool.sort(key=lambda row: len(row[0]))
        batches: list[Rows] = [[]]
        for row in pool:
            width = _padded(len(row[0]))
            if batches[-1] and width * (len(batches[-1]) + 1) > c.micro_tokens:
                batches.append([])
            batches[-1].append(row)
        rng.shuffle(batches)
        for batch in batches:
            yield _pad(batch)


def _padded(length: int) -> int:
    return -(-length // 32) * 32


def _pad(rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
    width = _padded(max(len(ids) for ids, _ in rows))
    ids = torch.full((len(rows), width), EOS, dtype=torch.long)
    targets = torch.full((len(rows), width), IGNORE, dtype=torch.long)
    for i, (row_ids, row_targets) in enumerate(rows):
        ids[i, : len(row_ids)] = torch.from_numpy(row_ids)
        targets[i, : len(row_targets)] = torch.from_numpy(row_targets)
    return ids, targets


# --- the loop ---------------------------------------------------------------------------------


def learning_rate(c: Config, done: float) -> float:
    """Warm up, hold, then fall along a quarter cosine; `done` runs from 0 to 1."""
    if done < c.warmup:
        return c.lr * done / c.warmup
    if done < 1 - c.decay:
        return c.lr
    return c.lr * (0.5 + 0.5 * math.cos(math.pi * (done - (1 - c.decay)) / c.decay)) + 1e-6


def _optimizers(c: Config, model: LlamaForCausalLM, device: str) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for the layers' matrices and AdamW for the rest."""
    inner = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    embedding = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" in name]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    muon = torch.optim.Muon(
        inner,
        lr=c.lr,
        weight_decay=c.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    adamw = torch.optim.AdamW(
        [
            {"params": embedding + ([] if c.muon else inner), "weight_decay": c.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        betas=(0.9, 0.95),
        fused=device == "cuda",
    )
    return [muon, adamw] if c.muon else [adamw]


def _add_up(model: LlamaForCausalLM, loss: torch.Tensor) -> None:
    """Sum gradients and loss over all GPUs, in one message."""
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([loss.reshape(1), *(grad.reshape(-1) for grad in grads)])
    dist.all_reduce(flat)
    loss.copy_(flat[0])
    start = 1
    for grad in grads:
        grad.copy_(flat[start : start + grad.numel()].view_as(grad))
        start += grad.numel()


def train(c: Config, tokenizer_file: Path, out: Path | None = None) -> list[float]:
    """Run the whole training; returns the loss of every step and saves bfloat16 weights."""
    rank, world = _rank()
    if world > 1:
        torch.cuda.set_device(rank)
        dist.init_process_group("nccl")
    torch.manual_seed(c.seed)  # the same first weights everywhere
    torch.set_float32_matmul_precision("high")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = LlamaForCausalLM._from_config(model_config(c), attn_implementation="sdpa").to(device)
    if c.first_weights:
        model.load_state_dict(LlamaForCausalLM.from_pretrained(c.first_weights).state_dict())
    optimizers = _optimizers(c, model, device)
    body = torch.compile(model.model, dynamic=True) if c.compile else model.model
    size = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"{size:.2f} M parameters, {world} x {device}")
    batches = _batches(c, str(tokenizer_file))
    losses: list[torch.Tensor] = []
    seen, start, mark, mark_seen, done = 0, time.time(), time.time(), 0, 0.0
    step = 0
    while done < 1.0:
        if step == 3:  # the clock starts when the machinery is warm
            start = mark = time.time()
        done = (
            max(step + 1, 1) / c.steps
            if not c.minutes
            else min((time.time() - start) / (60 * c.minutes), 1.0)
        )
        group_batches, tokens = [], 0
        while tokens < c.step_tokens:
            group_batches.append(next(batches))
            tokens += group_batches[-1][0].numel()
        targets_in_step = sum(int((t != IGNORE).sum()) for _, t in group_batches)
        if world > 1:  # one clock and one count for all
            mine = [targets_in_step, done, tokens]
            shared = torch.tensor(mine, dtype=torch.float64, device=device)
            dist.all_reduce(shared)
            targets_in_step, tokens = int(shared[0]), int(shared[2])
            done = float(shared[1]) / world
        rate = learning_rate(c, min(done, 1.0))
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = rate
        four_bit = done > 1 - c.four_bit
        with rounded_weights(model if four_bit else None):
            total = torch.zeros((), device=device)
            for ids, targets in group_batches:
                ids = ids.to(device, non_blocking=True)
                targets = targets.to(device, non_blocking=True)
                with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                    hidden = body(input_ids=ids, use_cache=False).last_hidden_state
                    wanted = targets != IGNORE
                    logits = model.lm_head(hidden[wanted])
                loss = F.cross_entropy(logits.float(), targets[wanted], reduction="sum")
                loss = loss / targets_in_step
                loss.backward()
                total += loss.detach()
        if world > 1:
            _add_up(model, total)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(total)
        seen += tokens
        step += 1
        if rank == 0 and (step % 100 == 0 or done >= 1.0 or step in (1, 10)):
            now = time.time()
            speed = (seen - mark_seen) / max(now - mark, 1e-9)
            print(
                f"step {step} {done:6.1%} loss {float(torch.stack(losses[-50:]).mean()):.4f} "
                f"lr {rate:.2e} {speed / 1e3:.0f}k tok/s "
                f"{seen / 1e6:.0f}M tokens {now - start:.0f}s{' 4-bit' if four_bit else ''}",
                flush=True,
            )
            mark, mark_seen = now, seen
    batches.close()
    if world > 1:
        dist.destroy_process_group()
    if out is not None and rank == 0:
        model.to(torch.bfloat16).save_pretrained(out, max_shard_size="14MB")
        values = [float(x) for x in losses]
        (out / "training.json").write_text(
            json.dumps(
                {
                    **dataclasses.asdict(c),
                    "steps_done": step,
                    "tokens": seen,
                    "seconds": round(time.time() - start, 1),
                    "final_loss": round(sum(values[-50:]) / len(values[-50:]), 4),
                },
                indent=2,
            )
            + "\n"
        )
    return [float(x) for x in losses]


def smoke(**changes: object) -> Config:
    """A configuration that trains in seconds on a CPU."""
    small = Config(
        steps=30,
        step_tokens=4096,
        micro_tokens=4096,
        pool=64,
        chunk=64,
        workers=0,
        hidden=64,
        inner=128,
        layers=2,
        lr=5e-3,
    )
    return dataclasses.replace(small, **changes)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of tokenizer.json")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true", help="tiny model, seconds on a CPU")
    for field in dataclasses.fields(Config):
        kind = {"int": int, "float": float, "str": str}.get(str(field.type))
        if kind:
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind)
        else:
            parser.add_argument(f"--{field.name}", action=argparse.BooleanOptionalAction)
    args = vars(parser.parse_args())
    given = {f.name: args[f.name] for f in dataclasses.fields(Config) if args[f.name] is not None}
    config = smoke(**given) if args["smoke"] else dataclasses.replace(Config(), **given)
    train(config, args["tokenizer"] / "tokenizer.json", args["out"])


if __name__ == "__main__":
    main()
