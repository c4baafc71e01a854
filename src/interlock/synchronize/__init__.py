"""Taking turns between processes: nobody stays stuck behind the dead."""

from multiprocessing.synchronize import SemLock

from interlock._standard import rest_of
from interlock.synchronize.barrier import Barrier
from interlock.synchronize.condition import Condition
from interlock.synchronize.event import Event
from interlock.synchronize.lock import Lock
from interlock.synchronize.owner import Abandonment, Holder
from interlock.synchronize.rlock import RLock
from interlock.synchronize.rwlock import RWLock
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
    "RWLock",
    "SemLock",
    "Semaphore",
]

__getattr__ = rest_of("multiprocessing.synchronize")
