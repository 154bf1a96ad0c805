"""Limits for visitors, against a clock that the test turns."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_ui.errors import LimitError
from llama_ui.web.access.limits import (
    ADDRESS_FACTOR,
    DEFAULTS,
    WORK_OF_ONE,
    Buckets,
    Gate,
    Limits,
    Visitor,
    in_words,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


ANN, BOB = Visitor("ann", "10.0.0.1"), Visitor("bob", "10.0.0.1")


def admitted(gate: Gate, visitor: Visitor, times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            gate.admit(visitor, 10, 10)
            count += 1
        except LimitError:
            pass
    return count


def test_requests_a_minute_and_when_to_try_again(clock):
    gate = Gate(Limits(requests=6), clock)
    assert admitted(gate, ANN, 20) == 6
    with pytest.raises(LimitError, match="Try again in 10 seconds") as refused:
        gate.admit(ANN, 10, 10)
    assert refused.value.retry_after_s == pytest.approx(10)
    clock.now += 9.9
    assert admitted(gate, ANN, 5) == 0
    clock.now += 0.2
    assert admitted(gate, ANN, 5) == 1
    clock.now += 3600
    assert admitted(gate, ANN, 20) == 6


def test_visitors_do_not_share_but_an_address_has_its_end(clock):
    gate = Gate(Limits(requests=6), clock)
    assert admitted(gate, ANN, 20) == 6
    assert admitted(gate, BOB, 20) == 6
    others = [Visitor(f"v{number}", "10.0.0.1") for number in range(20)]
    assert sum(admitted(gate, v, 20) for v in others) == 6 * (ADDRESS_FACTOR - 2)
    assert admitted(gate, Visitor("cat", "10.0.0.2"), 20) == 6


def test_tokens_a_day_are_counted_when_they_are_known(clock):
    gate = Gate(Limits(tokens=1000), clock)
    gate.admit(ANN, 1, 1)
    gate.spend(ANN, 900)
    gate.admit(ANN, 1, 1)
    gate.spend(ANN, 600)
    with pytest.raises(LimitError, match=r"daily limit of tokens.*13 hours"):
        gate.admit(ANN, 1, 1)
    gate.admit(BOB, 1, 1)
    clock.now += 43_300
    gate.admit(ANN, 1, 1)


def test_too_long_messages_and_replies_are_never_possible(clock):
    gate = Gate(Limits(requests=1, message_chars=5, new_tokens=7), clock)
    for chars, tokens in ((6, 1), (1, 8)):
        with pytest.raises(LimitError) as refused:
            gate.admit(ANN, chars, tokens)
        assert refused.value.retry_after_s is None
    # Nothing of this was counted.
    gate.admit(ANN, 5, 7)


def test_no_longer_reply_is_offered_than_is_allowed():
    assert DEFAULTS["space"].longest(2_000) == 1_024
    assert DEFAULTS["space"].longest(512) == 512
    assert DEFAULTS["local"].longest(2_000) == 2_000


def test_on_ones_own_machine_nothing_is_rationed():
    assert admitted(Gate(Limits()), Visitor("", ""), 1000) == 1000


def test_what_is_remembered_is_bounded(clock):
    buckets: Buckets[int] = Buckets(1, 60, max_known=3)
    first = buckets.of(0, 0)
    for number in range(1, 4):
        buckets.of(number, 0)
    assert buckets.of(3, 0) is buckets.of(3, 0)
    assert buckets.of(0, 0) is not first


def test_from_many_threads_no_more_get_in(clock):
    gate, counts = Gate(Limits(requests=50), clock), []
    threads = [
        threading.Thread(target=lambda: counts.append(admitted(gate, ANN, 20))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 50


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=60))
def test_in_no_minute_more_than_twice_the_limit(steps):
    """A bucket lets a burst through and then fills: never more than two of them in a period."""
    clock = Clock()
    gate, times = Gate(Limits(requests=6), clock), []
    for wait, tries in steps:
        clock.now += wait
        times += [clock.now] * admitted(gate, ANN, tries)
    for start in times:
        assert sum(start <= at < start + 60 for at in times) <= 12


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (1.1, "2 seconds"), (90, "90 seconds"), (121, "3 minutes")],
)
def test_times_for_people(seconds, words):
    assert in_words(seconds) == words


def test_work_is_counted_and_bounded(clock):
    """Off the loop, so much of one visitor and of one address at a time, so much in a minute."""
    is_open = threading.Event()

    async def ask():
        gate = Gate(Limits(work=12), clock)

        def work():
            assert threading.current_thread() is not threading.main_thread()
            return is_open.wait(60)

        held = [asyncio.ensure_future(gate.bounded(ANN, work)) for _ in range(WORK_OF_ONE)]
        await asyncio.sleep(0)
        with pytest.raises(LimitError, match="many things at once"):
            await gate.bounded(ANN, work)
        other = asyncio.ensure_future(gate.bounded(BOB, work))
        held.pop().cancel()
        await asyncio.sleep(0)
        is_open.set()
        assert all(await asyncio.gather(*held, other))
        for _ in range(12 - WORK_OF_ONE):
            assert await gate.bounded(ANN, work)
        with pytest.raises(LimitError, match="Try again in 5 seconds"):
            await gate.bounded(ANN, work)
        clock.now += 5
        assert await gate.bounded(ANN, work)

    asyncio.run(ask())


def test_a_fault_of_work_is_raised_and_gives_its_place_back():
    async def ask():
        gate = Gate(Limits())
        for _ in range(2 * WORK_OF_ONE):
            with pytest.raises(ZeroDivisionError):
                await gate.bounded(ANN, lambda: 1 // 0)

    asyncio.run(ask())
