"""Pools of threads: who gets which task, and how threads come and go."""

from __future__ import annotations

import threading
from typing import Any

import interlock

LONG_S = 20.0
context: Any = interlock.get_context("thread")


def test_what_waits_behind_a_long_task_goes_to_one_that_is_idle() -> None:
    """P3: of the same portion, too."""
    done = threading.Event()

    def wait_for_the_next(number: int) -> bool:
        if number == 1:
            done.set()
        return done.wait(LONG_S)

    with context.Pool(2) as pool:
        result = pool.map_async(wait_for_the_next, range(2), chunksize=2)
        assert result.get(LONG_S / 2) == [True, True]


def test_what_is_tried_again_goes_before_what_waits() -> None:
    """P2: it was given out first."""
    begun: list[str] = []
    go = threading.Event()

    def fail_once(name: str) -> None:
        go.wait(LONG_S)
        begun.append(name)
        if begun == ["first"]:
            raise OSError

    with context.Pool(1, retries=1, retry_on=OSError) as pool:
        results = [pool.apply_async(fail_once, (name,)) for name in ("first", "second")]
        go.set()
        for result in results:
            result.get(LONG_S)
    assert begun == ["first", "first", "second"]


def test_an_initializer_may_fail_now_and_then() -> None:
    """P3: three times in a row are the pool's end, two are not, however often."""
    tries: list[int] = []

    def fail_twice() -> None:
        tries.append(len(tries))
        if len(tries) % 3:
            raise OSError

    with context.Pool(1, fail_twice, maxtasksperchild=1) as pool:
        assert [pool.apply_async(abs, (-n,)).get(LONG_S) for n in range(3)] == [0, 1, 2]
    assert len(tries) >= 9


def test_a_pool_that_is_made_smaller_ends_those_too_many() -> None:
    """P5: they end when they have no task."""
    begun, go = threading.Barrier(4), threading.Event()

    def wait() -> None:
        begun.wait(LONG_S)
        go.wait(LONG_S)

    with context.Pool(3) as pool:
        results = [pool.apply_async(wait) for _ in range(3)]
        threads = pool._pool
        begun.wait(LONG_S)
        pool.resize(1)
        go.set()
        for result in results:
            result.get(LONG_S)
        assert pool.apply(abs, (-1,)) == 1
        (kept,) = pool._pool
        for thread in threads:
            if thread is not kept:
                thread.join(LONG_S)
        assert [thread.is_alive() for thread in threads].count(True) == 1
