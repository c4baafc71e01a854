"""Taking turns between processes: nobody stays stuck behind the dead.

Barriers are the standard library's, on our conditions, until a release brings our own.
"""

from multiprocessing.synchronize import Barrier, SemLock

from interlock._standard import rest_of
from interlock.synchronize.condition import Condition
from interlock.synchronize.event import Event
from interlock.synchronize.lock import Lock
from interlock.synchronize.owner import Abandonment, Holder
from interlock.synchronize.rlock import RLock
from interlock.synchronize.semaphore import BoundedSemaphore, PlaceHolder, Semaphore

__all__ = [
    "Abandonment",
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Holder",
    "Lock",
    "PlaceHolder",
    "RLock",
    "SemLock",
    "Semaphore",
]

__getattr__ = rest_of("multiprocessing.synchronize")
