"""Threads under the names of processes: the standard library's, until a release brings ours."""

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
    Pool,
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

from interlock._standard import rest_of

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

__getattr__ = rest_of("multiprocessing.dummy")
