"""Another server: its own client against ours, in one run: python -m benchmarks.served URL

Both ask the server's own endpoint for the same tokens, in turns; what is printed is the ratio of
the median speeds, ours by the client's.
"""

import argparse
import asyncio
import statistics
import time

import httpx

from llama_ui.chat.sampling import Sampling
from llama_ui.engine.served.engine import RemoteEngine, connect

ASK = [{"role": "user", "content": "Tell me a long story about a llama."}]


async def ours(engine: RemoteEngine, sampling: Sampling) -> float:
    """Tokens a second, from the request to the end, planning included."""
    started = time.perf_counter()
    plan = await asyncio.to_thread(engine.plan, ASK, sampling)
    async for chunk in engine.submit(plan, sampling):
        last = chunk
    assert last.stats is not None
    return last.stats.reply_tokens / (time.perf_counter() - started)


async def plain(engine: RemoteEngine, url: str, body: dict, tokens: int) -> float:
    """The same by a client that only reads lines."""
    started = time.perf_counter()
    async with (
        httpx.AsyncClient(timeout=600) as client,
        client.stream("POST", url, json=body) as answer,
    ):
        async for _ in answer.aiter_lines():
            pass
    return tokens / (time.perf_counter() - started)


async def compare(engine: RemoteEngine, rounds: int, tokens: int) -> None:
    """Measure and print."""
    sampling = Sampling(temperature=1.5, max_new_tokens=tokens, seed=3)
    plan = await asyncio.to_thread(engine.plan, ASK, sampling)
    dialect = engine._dialect
    last = [chunk async for chunk in engine.submit(plan, sampling)][-1]
    count = last.stats.reply_tokens if last.stats else tokens
    speeds: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(rounds):
        speeds["ours"].append(await ours(engine, sampling))
        body = dialect.body(plan, sampling, ())
        speeds["plain"].append(await plain(engine, dialect.url, body, count))
    own, other = (statistics.median(speeds[name]) for name in ("ours", "plain"))
    print(f"{count} tokens: {own:.1f}/s, a plain client {other:.1f}/s, ratio {own / other:.3f}")


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("url")
    flags.add_argument("--rounds", type=int, default=7)
    flags.add_argument("--tokens", type=int, default=200)
    given = flags.parse_args()
    asyncio.run(compare(connect(given.url), given.rounds, given.tokens))
