"""What is given out: functions of every kind, lazy inputs, work that is taken back."""

from __future__ import annotations

import functools
import itertools
import os
import queue
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock.context import BaseContext
from interlock.pool import Pool, PoolClosed, PoolTerminated, ProcessPoolExecutor
from interlock.pool.member import KNOWN_MAX
from interlock.shared_memory import AtomicInt
from interlock.testing.trial import Trial
from tests.conftest import METHODS
from tests.pool import endless, shares, work

LONG_S = 30.0


def test_lambdas_and_closures_are_functions(pool: Pool) -> None:
    """By value, under every start method."""
    added = 5
    assert pool.map(lambda number: number + added, range(10)) == list(range(5, 15))

    def local(number: int) -> int:
        return number * added

    assert list(pool.imap(local, range(4))) == [0, 5, 10, 15]
    assert pool.apply(functools.partial(work.add, right=2), (3,)) == 5


@pytest.mark.parametrize("method", METHODS)
def test_functions_of_main_are_functions(method: str, tmp_path: Path) -> None:
    """Of a script, and those written after the workers began, as in a notebook."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import interlock
            state = 1
            def early(x): return x + state
            if __name__ == "__main__":
                with interlock.get_context({method!r}).Pool(2) as pool:
                    print(pool.map(early, range(3)))
                    def late(x): return x * 2
                    print(pool.map(late, range(3)))
                    def late(x): return x * 3
                    print(pool.map(late, range(3)))
            """
        )
    )
    source = str(Path(interlock.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert done.stderr == ""
    assert done.stdout == "[1, 2, 3]\n[0, 2, 4]\n[0, 3, 6]\n"


def test_a_function_is_sent_to_a_worker_once(pool: Pool) -> None:
    """However many messages name it, and how often it is given."""
    counts = shares.CountsReads()
    for _ in range(3):
        assert {read for _, read in pool.map(counts, range(100), 1)} == {1}


def test_a_worker_keeps_so_many_functions(context: BaseContext) -> None:
    """One that it has forgotten is sent again."""
    with Pool(1, context=context) as pool:
        adding = [functools.partial(work.add, number) for number in range(KNOWN_MAX + 20)]
        for _ in range(2):
            assert [pool.apply(each) for each in adding] == list(range(KNOWN_MAX + 20))
        (member,) = pool._engine.members.values()
        assert len(member._known) == KNOWN_MAX


def test_who_waits_for_a_result_hears_of_the_end_of_the_input(pool: Pool, trial: Trial) -> None:
    """Though no result comes with it; and close() waits for an input that goes on."""
    gate = threading.Event()

    def numbers() -> Iterator[int]:
        yield 3
        gate.wait(LONG_S)

    results = pool.imap(work.square, numbers())
    assert next(results) == 9
    waiting = trial.thread(list, results)
    waiting.wait_asleep()
    gate.set()
    assert waiting.result() == []
    gate.clear()
    untouched = pool.imap(work.square, numbers())
    pool.close()
    joining = trial.thread(pool.join)
    joining.wait_asleep()
    assert not joining.is_over()
    gate.set()
    joining.result()
    assert list(untouched) == [9]


def test_an_endless_input_is_read_no_further_than_needed(pool: Pool) -> None:
    """A bounded number is in flight, and a slow reader has no more piled up."""
    numbers = itertools.count()
    results = pool.imap(work.square, numbers)
    assert [next(results) for _ in range(1000)] == [n * n for n in range(1000)]
    results.close()
    assert next(numbers) < 1000 + 8192 + 2
    unordered = pool.imap_unordered(work.square, itertools.count())
    assert len({next(unordered) for _ in range(100)}) == 100


def test_an_input_may_wait_for_the_results(pool: Pool) -> None:
    """What was read is not held back until there is more (P3)."""
    numbers: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    pool.map(work.square, range(1000))  # the pool knows that they are short
    results = pool.imap_unordered(work.square, iter(numbers.get, None))
    for number in range(30):
        numbers.put(number)
        numbers.put(-number)
        assert [results.next(LONG_S), results.next(LONG_S)] == [number**2] * 2
    numbers.put(None)
    with pytest.raises(StopIteration):
        results.next(LONG_S)


def test_a_buffersize_bounds_what_is_read(context: BaseContext) -> None:
    """As in Python 3.14: so many items beyond the results that were taken."""
    read = AtomicInt()

    def numbers() -> Iterator[int]:
        while True:
            yield int(read.add(1))

    with ProcessPoolExecutor(2, context) as executor:
        results = executor.map(work.square, numbers(), buffersize=3)
        for taken in range(1, 20):
            next(results)
            assert read.load() <= taken + 3


def test_an_input_that_raises_does_so_in_its_place(pool: Pool) -> None:
    """After the results before it."""

    def numbers() -> Iterator[int]:
        yield from range(5)
        raise LookupError("input")

    results = pool.imap(work.square, numbers())
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    with pytest.raises(LookupError, match="input"):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_what_waits_behind_a_long_task_goes_to_others(pool: Pool) -> None:
    """Work is taken back; each task runs once."""
    flag, seen = AtomicInt(), AtomicInt()
    pool.map(work.square, range(5000))
    task = functools.partial(work.hold_then, flag, seen)
    short = pool.map_async(work.square, range(10))
    result = pool.map_async(task, range(200), chunksize=200)
    while seen.load() < 199:
        seen.wait(seen.load(), 1.0)
    assert not result.ready()
    flag.store(1)
    assert result.get(LONG_S) == list(range(200))
    assert seen.load() == 199
    assert short.get(LONG_S) == [n * n for n in range(10)]


def test_the_last_that_waits_behind_a_long_task_goes_to_an_idle_worker(
    context: BaseContext,
) -> None:
    """Not back to the busy one, though that is known to be quick with such tasks."""
    flag, seen = AtomicInt(), AtomicInt()
    with Pool(2, context=context, initializer=work.made, initargs=((flag, seen),)) as pool:
        pool.map(work.hold_first, range(1, 5000))
        seen.store(0)
        result = pool.map_async(work.hold_first, [0, 1], chunksize=2)
        assert seen.wait(0, LONG_S)
        assert not result.ready()
        flag.store(1)
        assert result.get(LONG_S) == [0, 1]


def test_a_pool_has_another_size(pool: Pool) -> None:
    """More at once, fewer when they have no task."""
    pool.resize(4)
    pool._repopulate_pool()
    assert len(pool._pool) == 4
    pool.resize(1)
    while len(pool._pool) > 1:
        pool.apply(work.square, (2,))
    assert pool.map(work.square, range(100)) == [n * n for n in range(100)]


def test_workers_idle_out(context: BaseContext) -> None:
    """And come back when there is work."""
    with Pool(2, context=context, idle_timeout=0.1) as pool:
        for _ in range(3):
            assert pool.map(work.square, range(100)) == [n * n for n in range(100)]
            while pool._pool:
                interlock.connection.wait([p.sentinel for p in pool._pool], 1.0)


def test_a_nested_pool_has_its_share_of_the_cores(context: BaseContext) -> None:
    """Workers are not multiplied beyond the cores; and it works at all."""
    cores = interlock.pool.limits.cpu_count()
    with Pool(cores, context=context) as pool:
        for size, *squares in pool.map(work.nested, [3] * cores, 1):
            assert size == 1
            assert squares == [0, 1, 4]


def test_a_process_forked_while_calls_are_submitted_ends() -> None:
    """P2: it leaves the executor alone, whose lock another thread had when it was forked."""
    context = interlock.get_context("fork")
    with ProcessPoolExecutor(1, context) as executor:
        with executor._engine.lock:
            forked = context.Process(target=work.square, args=(1,))
            forked.start()
        forked.join(LONG_S)
        assert forked.exitcode == 0


def test_a_terminated_pool_leaves_nobody_waiting(pool: Pool) -> None:
    """P3: who waits gets an error."""
    result = pool.map_async(endless.for_ever, range(10))
    lazy = pool.imap(endless.for_ever, itertools.count())
    pool.terminate()
    with pytest.raises(PoolTerminated):
        result.get(LONG_S)
    with pytest.raises(PoolTerminated):
        lazy.next(LONG_S)
    with pytest.raises(ValueError, match="not running"):
        pool.apply(work.square, (1,))


def test_an_input_under_way_ends_with_the_pool(context: BaseContext) -> None:
    """P3: results that were not begun to be taken all come; an endless input ends."""
    executor = ProcessPoolExecutor(2, context)
    untouched = executor.map(work.square, (n for n in range(5000)))
    endless = executor.map(work.square, itertools.count())
    assert [next(endless) for _ in range(10)] == [n * n for n in range(10)]
    executor.shutdown()
    assert list(untouched) == [n * n for n in range(5000)]
    with pytest.raises(PoolClosed):
        list(endless)


def test_an_item_that_comes_after_the_end_is_not_waited_for(pool: Pool) -> None:
    """P3: the input was at its next item when the results were closed."""
    began, gate = threading.Event(), threading.Event()

    def gated() -> Iterator[int]:
        yield 0
        began.set()
        assert gate.wait(LONG_S)
        yield 1

    results = pool.imap(work.square, gated())
    assert results.next(LONG_S) == 0
    assert began.wait(LONG_S)
    results.close()
    gate.set()
    while pool._engine.feeders:
        os.sched_yield()
    with pytest.raises(StopIteration):
        results.next(LONG_S)
