"""The model that predicts, on made-up measurements."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.advice.facts import ASYNCIO, INTERPRETER, MAIN, THREAD, Call, Facts, Home, Travel
from interlock.advice.model import (
    BATCH_MAX,
    MEMORY_PART,
    best,
    breaks_even,
    curve,
    items_of_a_minute,
    predict,
    workers_possible,
)
from tests.advice.made_up import CALLS, HOMES, MB, SUB, facts

MANY = 100_000
SECONDS = st.floats(1e-7, 10)
PARTS = st.floats(0, 1)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Of any function at all, whose time on the CPU is a part of all its time."""
    wall_s = draw(SECONDS)
    cpu_s = wall_s * draw(PARTS)
    call = Call(wall_s, cpu_s, gil_s=cpu_s * draw(PARTS))
    carried = Travel(10, 10, here_s=draw(PARTS), there_s=draw(PARTS))
    homes = HOMES | {INTERPRETER: SUB}
    return Facts(call, carried, homes, draw(st.integers(1, 64)), draw(st.integers(0, 1 << 40)))


CONTEXTS = st.sampled_from([THREAD, INTERPRETER, "fork", "spawn"])


@given(any_facts(), CONTEXTS, st.integers(1, 63))
def test_one_more_worker_never_slows_a_run_down(some: Facts, context: str, workers: int) -> None:
    """Once it runs; a smaller batch, for more of them, may cost a little."""
    less = predict(some, context, workers, MANY, batch=1)
    assert predict(some, context, workers + 1, MANY, batch=1).rate >= less.rate * (1 - 1e-9)


@given(any_facts(), CONTEXTS, st.integers(1, 64))
def test_no_run_is_faster_than_the_cpus_or_the_workers(
    some: Facts, context: str, workers: int
) -> None:
    """Nor, in threads, than the GIL; whatever was measured."""
    found = predict(some, context, workers, MANY)
    assert found.rate * some.call.wall_s <= workers * (1 + 1e-9)
    assert found.rate * some.call.cpu_s <= some.cores * (1 + 1e-9)
    if context == THREAD:
        assert found.rate * some.call.gil_s <= 1 + 1e-9


@given(any_facts(), CONTEXTS, st.integers(1, 100))
def test_the_workers_that_are_thought_of_fit(some: Facts, context: str, most: int) -> None:
    """In ascending order, one among them, never too many for the memory."""
    numbers = workers_possible(some, context, most)
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    assert numbers[-1] <= most
    each = some.homes[context].memory_bytes
    assert numbers[-1] == 1 or numbers[-1] * each <= some.memory_bytes * MEMORY_PART


@given(any_facts(), st.integers(1, 64), st.integers(1, 10**7))
def test_a_batch_leaves_something_for_each_worker(some: Facts, workers: int, items: int) -> None:
    """And is never without bound."""
    batch = predict(some, "fork", workers, items).batch
    assert 1 <= batch <= BATCH_MAX
    assert batch == 1 or batch * workers <= items


@given(any_facts(), CONTEXTS, st.integers(1, 10**6))
def test_the_best_is_near_the_least_time_with_the_fewest_workers(
    some: Facts, context: str, items: int
) -> None:
    """Nobody with fewer workers is as near."""
    found = curve(some, context, items, 32)
    chosen = best(found, items)
    least = min(each.seconds(items) for each in found)
    assert chosen.seconds(items) <= least * 1.05
    assert all(e.seconds(items) > least * 1.05 for e in found if e.workers < chosen.workers)


def test_a_loop_takes_the_time_of_all_calls() -> None:
    """With no start, and no worker but one."""
    found = predict(facts("python"), MAIN, 1, 10)
    assert found.seconds(10) == pytest.approx(0.1)
    assert found.start_s == 0


@pytest.mark.parametrize(
    ("kind", "context", "workers", "limit"),
    [
        ("waits", THREAD, 8, "workers"),
        ("waits", THREAD, 1000, "gil"),
        ("waits", "fork", 32, "workers"),
        ("waits", "fork", 1000, "cpus"),
        ("python", THREAD, 4, "gil"),
        ("python", "fork", 2, "workers"),
        ("python", "fork", 8, "cpus"),
        ("releases", THREAD, 8, "cpus"),
        ("tiny", "fork", 4, "parent"),
        ("spreads", THREAD, 4, "cpus"),
        ("coroutine", ASYNCIO, 32, "workers"),
        ("coroutine", ASYNCIO, 100, "cpus"),
    ],
)
def test_what_bounds_a_run_is_named(kind: str, context: str, workers: int, limit: str) -> None:
    """The scarcest of all."""
    assert predict(facts(kind), context, workers, MANY).limit == limit


def test_threads_of_python_code_take_turns() -> None:
    """However many there are."""
    some = facts("python")
    assert predict(some, THREAD, 32, MANY).rate * some.call.wall_s < 1.0


def test_processes_are_as_many_times_as_fast_as_there_are_cpus() -> None:
    """Nearly, where little has to be brought there."""
    some = facts("python")
    assert predict(some, "fork", 4, MANY).rate * some.call.wall_s == pytest.approx(4, rel=0.01)


def test_what_travels_bounds_processes() -> None:
    """One process sends all inputs and reads all results."""
    some = facts("python", travel=Travel(10 * MB, 10, here_s=0.02, there_s=0.005))
    found = predict(some, "fork", 4, MANY)
    assert found.limit == "parent"
    assert found.rate < 1 / 0.02


def test_a_batch_is_large_where_the_work_is_small() -> None:
    """And one where the work is long; the message is a twentieth of it at the most."""
    assert predict(facts("tiny"), "fork", 2, MANY).batch > 20
    assert predict(facts("python"), "fork", 2, MANY).batch == 1
    assert predict(facts("tiny"), "fork", 2, 16).batch == 2


def test_memory_bounds_the_workers() -> None:
    """Half of what is free is theirs."""
    some = facts("waits", memory_bytes=400 * MB)
    assert workers_possible(some, "fork", 32)[-1] == 5
    assert workers_possible(some, THREAD, 32)[-1] == 32
    hungry = replace(some, call=replace(some.call, memory_bytes=60 * MB))
    assert workers_possible(hungry, "fork", 32)[-1] == 2
    assert workers_possible(hungry, THREAD, 32)[-1] == 3


def test_where_nothing_can_run_nothing_is_predicted() -> None:
    """A home that is refused, and one that is not there."""
    some = facts("python")
    some.homes["spawn"] = replace(some.homes["spawn"], refused="no")
    assert curve(some, "spawn", MANY, 8) == []
    assert curve(some, INTERPRETER, MANY, 8) == []


@pytest.mark.parametrize("kind", ["waits", "python", "releases"])
def test_from_where_on_workers_pay(kind: str) -> None:
    """At that number of inputs they are as fast as a loop, and before it they are not."""
    some = facts(kind)
    chosen = predict(some, "spawn", 4, MANY)
    even = breaks_even(some, chosen, chosen.rate)
    assert even is not None
    loop = predict(some, MAIN, 1, even)
    assert chosen.start_s + even / chosen.rate <= loop.seconds(even) * (1 + 1e-9)
    if even > 2:
        assert chosen.start_s + (even - 1) / chosen.rate > loop.seconds(even - 1) * (1 - 1e-9)


def test_what_is_no_faster_never_pays() -> None:
    """Threads of Python code."""
    some = facts("python")
    chosen = predict(some, THREAD, 4, MANY)
    assert breaks_even(some, chosen, chosen.rate) is None


def test_a_long_job_takes_a_minute_in_a_loop() -> None:
    """Of calls of any length."""
    for kind, call in CALLS.items():
        assert math.isclose(items_of_a_minute(facts(kind)) * call.wall_s, 60, rel_tol=0.01)


def test_no_run_is_shorter_than_one_call() -> None:
    """With as many workers as one likes."""
    some = facts("waits")
    assert predict(some, THREAD, 32, 1).seconds(1) >= some.call.wall_s


def test_a_function_that_takes_no_time_at_all_divides_by_nothing() -> None:
    """Clocks are coarse."""
    some = Facts(Call(0.0, 0.0), homes={MAIN: Home(MAIN), THREAD: Home(THREAD)})
    assert predict(some, THREAD, 1, 1).rate > 0
    assert predict(some, MAIN, 1, 1).rate > 0
