"""Taking turns between processes: locks whose dead owner is noticed.

Semaphores, conditions, events and barriers are the standard library's, until a release brings
our own.
"""

from multiprocessing.synchronize import (
    Barrier,
    BoundedSemaphore,
    Condition,
    Event,
    Semaphore,
    SemLock,
)

from interlock._standard import rest_of
from interlock.synchronize.lock import Lock
from interlock.synchronize.owner import Abandonment, Holder
from interlock.synchronize.rlock import RLock

__all__ = [
    "Abandonment",
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Holder",
    "Lock",
    "RLock",
    "SemLock",
    "Semaphore",
]

__getattr__ = rest_of("multiprocessing.synchronize")
