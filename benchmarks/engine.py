"""How fast the engine is, against plain generate on the same machine in the same run.

    python -m benchmarks.engine                    Pocket Llama on the CPU
    python -m benchmarks.engine --shape 7b         a Llama 2 7B shape on one GPU (13b, 70b)
    python -m benchmarks.engine --shape 70b --gpus 2

Prints a Markdown table. Sampling is on (temperature, top_p) everywhere.
"""

import argparse
import gc
import statistics
import time
from dataclasses import replace

import torch

from benchmarks.models import load
from llama_ui.chat.sampling import Sampling
from llama_ui.engine.loading.loader import LoadedModel
from llama_ui.engine.local.engine import LocalEngine
from llama_ui.engine.local.kv_cache import bytes_per_token
from llama_ui.engine.reply import Reply, Stats
from llama_ui.prompt.llama2 import Segment
from llama_ui.prompt.plan import PromptPlan

PROMPT, REPLY = 512, 200
SAMPLING = Sampling(temperature=0.7, top_p=0.9, top_k=50)


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="pocket", choices=["pocket", "7b", "13b", "70b"])
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--users", type=int, nargs="+")
    parser.add_argument("--no-plain", action="store_true", help="leave plain generate out")
    parser.add_argument("--profile", action="store_true", help="where the time of a step goes")
    given = parser.parse_args()
    on_gpu = given.shape != "pocket"
    users = given.users or ([1, 8, 32] if on_gpu else [1, 2, 4])

    loaded = load_endless(given.shape, given.gpus)
    threads = "" if on_gpu else f", {torch.get_num_threads()} thread(s)"
    print(f"{loaded.info.name} on {loaded.info.device}, torch {torch.__version__}{threads}")
    if on_gpu:
        print(f"weights: {allocated_gb():.2f} GB")

    plain = 0.0 if given.no_plain else plain_generate(load_endless(given.shape, 1))
    free()
    rows = [("plain generate, 1 user", plain)] if plain else []
    for count in users:
        engine = LocalEngine(loaded, slots=count, max_waiting=64)
        rows.append((f"engine, {count} user(s) at once", throughput(loaded, engine, count)))
        explained = throughput(loaded, engine, count, replace(SAMPLING, top_logprobs=5))
        rows.append((f"engine, {count} user(s), with probabilities", explained))
        if given.profile:
            profile(loaded, engine, count)
        engine.close()
        del engine
        free()
    print("\n| what | tokens/s in all | against plain generate |\n|---|---|---|")
    for name, speed in rows:
        print(f"| {name} | {speed:.1f} | {f'{speed / plain:.2f} x' if plain else ''} |")
    print()
    turns(loaded)
    if on_gpu:
        memory(loaded)


def load_endless(shape: str, gpus: int) -> LoadedModel:
    """A model whose replies go on to their limit: every user draws the same number of tokens."""
    loaded = load(shape, gpus)
    loaded.tokenizer.eos_token = None
    loaded.model.generation_config.eos_token_id = None
    loaded.model.config.eos_token_id = None
    return loaded


def plan_of(ids: list[int], owner: str = "") -> PromptPlan:
    return PromptPlan((Segment("user", 0, "", tuple(ids)),), (), owner)


def prompt(loaded: LoadedModel, length: int, seed: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    top = loaded.model.config.vocab_size
    return [1, *torch.randint(300, top, (length - 1,), generator=generator).tolist()]


def plain_generate(loaded: LoadedModel) -> float:
    """Tokens a second of transformers' generate for one user, the prompt's time taken off."""
    ids = torch.tensor([prompt(loaded, PROMPT, 0)], device=loaded.model.device)

    def seconds(tokens: int) -> float:
        started = time.perf_counter()
        with torch.inference_mode():
            loaded.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=tokens,
                pad_token_id=2,
                do_sample=True,
                temperature=SAMPLING.temperature,
                top_p=SAMPLING.top_p,
                top_k=SAMPLING.top_k,
            )
        return time.perf_counter() - started

    seconds(4)
    count = 60 if ids.is_cuda else REPLY
    return statistics.median((count - 1) / (seconds(count) - seconds(1)) for _ in range(3))


def throughput(
    loaded: LoadedModel, engine: LocalEngine, users: int, options: Sampling = SAMPLING
) -> float:
    """Tokens a second over all users at once, the prompts' time taken off."""

    def seconds(tokens: int, seed: int) -> float:
        sampling = replace(options, max_new_tokens=tokens)
        started = time.perf_counter()
        plans = [plan_of(prompt(loaded, PROMPT, seed + user)) for user in range(users)]
        for reply in [engine.submit(plan, sampling) for plan in plans]:
            assert list(reply)[-1].stats.reply_tokens == tokens
        return time.perf_counter() - started

    seconds(REPLY, 0)  # graphs are captured
    speeds = []
    for attempt in range(1, 4):
        seed = 1000 * attempt
        decoding = seconds(REPLY, seed) - seconds(1, seed)
        speeds.append(users * (REPLY - 1) / decoding)
    return statistics.median(speeds)


def turns(loaded: LoadedModel) -> None:
    """Time to the first token of a late turn: with its history in the cache, and without."""
    length = min(3_500, loaded.info.context_length - 400)
    engine = LocalEngine(loaded, slots=2)
    sampling = replace(SAMPLING, max_new_tokens=20)
    history = prompt(loaded, length - 60, 1)
    for attempt in range(2):  # the first one captures graphs
        list(engine.submit(plan_of(history, owner=f"kept {attempt}"), sampling))
        turn = [*history, *prompt(loaded, 60, 2 + attempt)]
        with_history = last(engine.submit(plan_of(turn, owner=f"kept {attempt}"), sampling))
        without = last(engine.submit(plan_of(turn, owner=f"new {attempt}"), sampling))
    engine.close()
    ratio = with_history.first_token_s / without.first_token_s
    print("| turn of a long chat | prompt | reused | first token |\n|---|---|---|---|")
    for name, stats in (("full prefill", without), ("history in the cache", with_history)):
        print(
            f"| {name} | {stats.prompt_tokens:,} | {stats.reused_tokens:,} "
            f"| {stats.first_token_s * 1000:.0f} ms |"
        )
    print(f"\nratio {ratio:.2f}\n")


def last(reply: Reply) -> Stats:
    stats = list(reply)[-1].stats
    assert stats is not None
    return stats


def memory(loaded: LoadedModel) -> None:
    """GPU memory with 4 slots of the whole context, after a reply, against the arithmetic."""
    free()
    weights = allocated_gb()
    engine = LocalEngine(loaded, slots=4)
    ids = prompt(loaded, PROMPT, 9)
    list(engine.submit(plan_of(ids), replace(SAMPLING, max_new_tokens=50)))
    per_token = bytes_per_token(loaded.model.config, loaded.model.dtype)
    cache = per_token * 4 * loaded.info.context_length / 1e9
    reserved = sum(
        torch.cuda.memory_reserved(device) for device in range(torch.cuda.device_count())
    )
    print(
        f"memory: weights {weights:.2f} GB + cache {cache:.2f} GB = {weights + cache:.2f} GB; "
        f"measured {allocated_gb():.2f} GB allocated, {reserved / 1e9:.2f} GB reserved"
    )
    engine.close()


def profile(loaded: LoadedModel, engine: LocalEngine, users: int) -> None:
    """Print the kernels that a decode step spends its time in."""
    sampling = replace(SAMPLING, max_new_tokens=REPLY)
    plans = [plan_of(prompt(loaded, PROMPT, 50_000 + user)) for user in range(users)]
    replies = [engine.submit(plan, sampling) for plan in plans]
    for reply in replies:
        next(chunk for chunk in reply if chunk.text)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        time.sleep(0.5)
        torch.cuda.synchronize()
    for reply in replies:
        list(reply)
    table = seen.key_averages().table(sort_by="cuda_time_total", row_limit=14)
    lines = [line for line in table.splitlines() if "void" in line or "%" in line or "::" in line]
    print(f"\nprofile, {users} user(s)")
    for line in lines:
        columns = line.split("  ")
        print(columns[0][:70], *[column for column in columns[1:] if column.strip()][-5:])


def free() -> None:
    """Give the memory of what is no longer used back to the GPU."""
    gc.collect()
    torch.cuda.empty_cache()


def allocated_gb() -> float:
    """Memory in use on all GPUs."""
    devices = range(torch.cuda.device_count())
    return sum(torch.cuda.memory_allocated(device) for device in devices) / 1e9


if __name__ == "__main__":
    main()
