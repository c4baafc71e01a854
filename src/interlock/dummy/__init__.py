"""Threads under the names of processes: the standard library's, but for the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from multiprocessing.dummy import (
    Array,
    Barrier,
    BoundedSemaphore,
    Condition,
    DummyProcess,
    Event,
    JoinableQueue,
    Lock,
    Manager,
    Namespace,
    Pipe,
    Process,
    Queue,
    RLock,
    Semaphore,
    Value,
    active_children,
    current_process,
    freeze_support,
    shutdown,
)
from typing import TYPE_CHECKING, Any

from interlock._standard import rest_of

if TYPE_CHECKING:
    from interlock.pool import ThreadPool

__all__ = [
    "Array",
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "DummyProcess",
    "Event",
    "JoinableQueue",
    "Lock",
    "Manager",
    "Namespace",
    "Pipe",
    "Pool",
    "Process",
    "Queue",
    "RLock",
    "Semaphore",
    "Value",
    "active_children",
    "current_process",
    "freeze_support",
    "shutdown",
]


def Pool(
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: Iterable[Any] = (),
) -> ThreadPool:
    """A pool of threads; see `interlock.pool.ThreadPool`.

    Raises:
        ValueError: processes is less than 1.
    """
    from interlock.pool import ThreadPool

    return ThreadPool(processes, initializer, initargs)


__getattr__ = rest_of("multiprocessing.dummy")
