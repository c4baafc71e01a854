"""Locks between processes: the standard library's, until a release brings our own."""

from multiprocessing.synchronize import (
    Barrier,
    BoundedSemaphore,
    Condition,
    Event,
    Lock,
    RLock,
    Semaphore,
    SemLock,
)

from interlock._standard import rest_of

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Lock",
    "RLock",
    "SemLock",
    "Semaphore",
]

__getattr__ = rest_of("multiprocessing.synchronize")
