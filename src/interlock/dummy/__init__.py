"""Threads under the names of processes: the thread context by multiprocessing.dummy's interface.

Its processes, queues and lists of children are those of ``get_context("thread")``; so is whatever
`multiprocessing.dummy` has not (`SimpleQueue`, `RWLock`, `SharedDict` ...). What has another
interface there than between processes (locks with ``blocking=``, a `Value` of anything, an end of
a pipe that cannot be closed) stays the standard library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from multiprocessing.dummy import (
    Array,
    Barrier,
    BoundedSemaphore,
    Condition,
    Event,
    Lock,
    Manager,
    Namespace,
    Pipe,
    RLock,
    Semaphore,
    Value,
    freeze_support,
    shutdown,
)
from typing import TYPE_CHECKING, Any

from interlock._standard import rest_of
from interlock.context.capabilities import INTERFACE
from interlock.context.default import get_context
from interlock.context.threads.process import ThreadProcess as DummyProcess
from interlock.context.threads.process import active_children, current_process
from interlock.context.threads.queues import ThreadJoinableQueue as JoinableQueue

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

Process = DummyProcess
Queue = JoinableQueue


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


_rest_of_theirs = rest_of("multiprocessing.dummy")


def __getattr__(name: str) -> Any:
    try:
        return _rest_of_theirs(name)
    except AttributeError:
        if name not in INTERFACE:
            raise
        return getattr(get_context("thread"), name)
