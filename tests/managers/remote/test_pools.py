"""Pools of a server by TCP: they run what the program has entered, by name, and nothing else."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from typing import Any

import pytest

from interlock.errors import LimitReached, NotExposed
from interlock.managers.kinds.pools import _places
from interlock.pool.faults import WorkerDied
from tests.managers.remote.programs import (
    BOUND_S,
    KEY,
    Pooling,
    added,
    context_of,
    endless,
    killed,
    squared,
    unheard,
)
from tests.managers.waiting import until


@pytest.fixture
def manager(method: str) -> Iterator[Any]:
    with Pooling(("127.0.0.1", 0), KEY, ctx=context_of(method)) as started:
        yield started


def test_a_pool_runs_named_functions(manager: Any) -> None:
    with manager.Pool(2) as pool:
        assert pool.map(squared, range(10)) == [number**2 for number in range(10)]
        assert pool.starmap(added, [(1, 2), (3, 4)]) == [3, 7]
        assert pool.apply(added, (1,), {"other": 5}) == 6
        result = pool.apply_async(squared, (7,))
        assert (result.get(timeout=BOUND_S), result.ready(), result.successful()) == (
            49,
            True,
            True,
        )
        assert list(pool.imap(squared, [1, 2, 3])) == [1, 4, 9]
        assert sorted(pool.imap_unordered(squared, [1, 2, 3])) == [1, 4, 9]
        with pytest.raises(ValueError, match="negative"):
            pool.map(squared, [1, -1])
        failed = pool.map_async(squared, [-2])
        failed.wait(BOUND_S)
        assert not failed.successful()


def test_what_a_pool_raises_arrives_as_itself(manager: Any) -> None:
    """P6: a worker that dies fails its own task, on another machine as on this."""
    with manager.Pool(1) as pool:
        with pytest.raises(WorkerDied, match="SIGKILL"):
            pool.apply(killed, (1,))
        assert pool.apply(squared, (3,)) == 9
        waits = pool.apply_async(endless, (1,))
        with pytest.raises(multiprocessing.TimeoutError):
            waits.get(timeout=0.01)
        pool.close()
        with pytest.raises(ValueError, match="not running"):
            pool.apply(squared, (1,))


@pytest.mark.parametrize("function", [unheard, os.system, "os.system", 3])
def test_nothing_else_is_run(manager: Any, function: Any) -> None:
    """P4: a name that the program has not entered is refused, whatever it is."""
    with manager.Pool(1) as pool:
        with pytest.raises(NotExposed, match="squared"):
            pool.apply(function, (1,))


def test_a_pool_goes_with_its_proxy(manager: Any) -> None:
    pool = manager.Pool(1)
    assert pool.apply(added, (1, 2)) == 3
    del pool
    until(lambda: manager._number_of_objects() == 0)


def test_a_client_does_not_say_how_many_processes_a_server_has(manager: Any) -> None:
    """Neither by one number nor by many pools; and a pool that has gone counts no more."""
    with pytest.raises(LimitReached, match="workers"):
        manager.Pool(100_000)
    for _ in range(3):
        with pytest.raises(LimitReached):
            manager.Pool(_places.most + 1)
    pool = manager.Pool(1)
    with pytest.raises(LimitReached):
        manager.Pool(_places.most)
    assert pool.apply(added, (1, 2)) == 3
