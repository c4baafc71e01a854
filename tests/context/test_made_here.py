"""Locks, shared values and managers made by our contexts are the standard library's, and work."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

from interlock.context import BaseContext
from tests.context.work import ROUNDS, announce, count, meet

LONG_S = 30.0
WORKERS = 3


def run_together(context: BaseContext, target: Callable[..., None], *arguments: Any) -> None:
    """Several processes of the context at once; each ends well."""
    processes = start_together(context, target, *arguments)
    join_all(processes)


def start_together(context: BaseContext, target: Callable[..., None], *arguments: Any) -> list[Any]:
    processes = [context.Process(target=target, args=arguments) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    return processes


def join_all(processes: list[Any]) -> None:
    for process in processes:
        process.join(LONG_S)
    assert [process.exitcode for process in processes] == [0] * WORKERS


def test_locks_and_values(context: BaseContext) -> None:
    """P1: each kind of lock keeps others out, in processes of the same context."""
    for lock in context.Lock(), context.RLock(), context.BoundedSemaphore(1), context.Semaphore():
        counter = context.Value("i", 0, lock=False)
        run_together(context, count, lock, counter)
        assert counter.value == WORKERS * ROUNDS


def test_barriers_events_and_arrays(context: BaseContext) -> None:
    """P1: everybody meets, waits, and goes on."""
    barrier, event = context.Barrier(WORKERS + 1), context.Event()
    seen = context.Array("i", WORKERS + 1)
    processes = start_together(context, meet, barrier, event, seen)
    mine = barrier.wait(LONG_S)
    event.set()
    join_all(processes)
    seen[mine] = mine + 1
    assert seen[:] == list(range(1, WORKERS + 2))


def test_conditions_and_raw_values(context: BaseContext) -> None:
    """P1: a notice reaches a waiter in another process."""
    condition, word = context.Condition(), context.RawArray("c", 8)
    with condition:
        processes = start_together(context, announce, condition, word)
        assert condition.wait_for(lambda: word.value == b"said", LONG_S)
    join_all(processes)


def test_managers(context: BaseContext) -> None:
    """P1: the server is a process of this context; its objects and locks are shared."""
    with context.Manager() as manager:
        server: Any = vars(manager)["_process"]
        assert isinstance(server, type(context.Process()))
        run_together(context, count, manager.Lock(), manager.Value("i", 0))
        shared = manager.dict(inner=manager.list([1]))
        shared["inner"].append(2)
        assert list(shared["inner"]) == [1, 2]
        queue = manager.Queue()
        queue.put("held by the server")
        assert queue.get() == "held by the server"
    assert multiprocessing.active_children() == []
