"""Pools of threads: the standard library's, with inputs that may be endless."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.pool as standard
import queue
import sys
import threading
from collections.abc import Iterator

import pytest

from interlock import dummy
from interlock.pool import PoolClosed, PoolTerminated, ThreadPool, ThreadPoolExecutor
from tests.pool import work

LONG_S = 30.0


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_an_endless_input_is_read_no_further_than_needed(method: str) -> None:
    """Four for each thread beyond what was asked for."""
    numbers = itertools.count()
    with ThreadPool(2) as pool:
        results = getattr(pool, method)(work.square, numbers)
        assert len({next(results) for _ in range(100)}) == 100
        assert next(numbers) <= 100 + 8
        assert pool.apply(work.square, (3,)) == 9


def test_a_closed_pool_reads_a_list_to_its_end() -> None:
    """As the standard library does; but not an endless input that was begun."""
    pool = ThreadPool(2)
    whole = pool.imap(work.square, list(range(1000)))
    next(whole)
    untouched = pool.imap(work.square, (n for n in range(1000)))
    endless = pool.imap(work.square, itertools.count())
    next(endless)
    pool.close()
    pool.join()
    assert list(whole) == [n * n for n in range(1, 1000)]
    assert list(untouched) == [n * n for n in range(1000)]
    with pytest.raises(PoolClosed):
        list(endless)


def test_errors_are_raised_in_their_place() -> None:
    """The input's after the results before it; a call's where its result would be."""

    def numbers() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError("input")

    with ThreadPool(2) as pool:
        results = pool.imap(work.square, numbers())
        assert [next(results), next(results)] == [1, 4]
        with pytest.raises(LookupError, match="input"):
            next(results)
        with pytest.raises(StopIteration):
            next(results)
        mixed = pool.imap(lambda n: 1 // n, [1, 0, 1])
        assert next(mixed) == 1
        with pytest.raises(ZeroDivisionError):
            next(mixed)
        assert next(mixed) == 1


@pytest.mark.parametrize("kind", [ThreadPool, standard.ThreadPool])
def test_a_chunk_in_which_the_input_raises_is_not_begun(kind: type[standard.ThreadPool]) -> None:
    """As the standard library: the error comes after the chunks before it, not within one."""

    def numbers() -> Iterator[int]:
        yield from range(5)
        raise LookupError("input")

    called: list[int] = []
    with kind(1) as pool:
        results = pool.imap(called.append, numbers(), 3)
        assert [next(results) for _ in range(3)] == [None] * 3
        with pytest.raises(LookupError, match="input"):
            next(results)
        pool.close()
        pool.join()
    assert called == [0, 1, 2]


def test_a_result_that_does_not_come_can_be_asked_for_again() -> None:
    """The timeout is of the wait, not of the call."""
    gate = threading.Event()
    with ThreadPool(1) as pool:
        results = pool.imap(lambda n: gate.wait(LONG_S) and n, [5])
        with pytest.raises(multiprocessing.TimeoutError):
            results.next(0.01)
        gate.set()
        assert results.next(LONG_S) == 5


@pytest.mark.parametrize("is_closed", [False, True])
def test_an_input_may_wait_for_the_results(is_closed: bool) -> None:
    """As a crawler's does; a thread of its own reads it, not who asks for a result (P3)."""
    numbers: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    numbers.put(2)
    with ThreadPool(2) as pool:
        results = pool.imap_unordered(work.square, iter(numbers.get, None))
        if is_closed:
            pool.close()
        assert results.next(LONG_S) == 4
        numbers.put(4)
        numbers.put(None)
        assert results.next(LONG_S) == 16
        with pytest.raises(StopIteration):
            results.next(LONG_S)


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_a_terminated_pool_leaves_nobody_waiting(method: str) -> None:
    """Who asks for a result that will not come is told (P3)."""
    numbers: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    numbers.put(2)
    with ThreadPool(1) as pool:
        results = getattr(pool, method)(work.square, iter(numbers.get, None))
        assert results.next(LONG_S) == 4
    with pytest.raises(PoolTerminated):
        results.next(LONG_S)
    numbers.put(None)


def test_exit_ends_a_call_and_no_thread() -> None:
    """What it raises is the call's error (P3, P6)."""
    with ThreadPool(1) as pool:
        with pytest.raises(SystemExit):
            pool.apply_async(sys.exit, (3,)).get(LONG_S)
        with pytest.raises(SystemExit):
            pool.map_async(sys.exit, [3]).get(LONG_S)
        with pytest.raises(SystemExit):
            pool.imap(sys.exit, [3]).next(LONG_S)
        assert pool.apply(work.square, (3,)) == 9


def test_an_executor_has_a_buffersize() -> None:
    """As of Python 3.14: so many calls beyond the results that were taken."""
    read = itertools.count()
    with ThreadPoolExecutor(2) as executor:
        results = executor.map(work.square, read, buffersize=3)
        assert [next(results) for _ in range(10)] == [n * n for n in range(10)]
        assert next(read) <= 10 + 3
        assert list(executor.map(work.add, [1, 2], [3, 4])) == [4, 6]
        with pytest.raises(ValueError, match="buffersize"):
            executor.map(work.square, [1], buffersize=0)


def test_dummy_s_pool_is_ours() -> None:
    """multiprocessing.dummy.Pool is a pool of threads."""
    with dummy.Pool(2) as pool:
        assert isinstance(pool, ThreadPool)
        assert pool.map(work.square, range(5)) == [0, 1, 4, 9, 16]
