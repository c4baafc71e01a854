"""The hot paths whose instructions are counted, one operation at a time in one process.

Run by instructions.py under callgrind: `hot_paths.py NAME COUNT`. Nothing here
imports numpy, and no other process takes part, so that a count repeats exactly.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from itertools import repeat
from typing import Any

RECORD = {"id": 4711, "name": "sensor-17", "value": 21.5, "valid": True}
BATCH = 100
FLOATS = [number / 7 for number in range(100)]


def _context() -> Any:
    import interlock

    return interlock.get_context("fork")


def _queue(message: object, count: int) -> None:
    queue = _context().Queue()
    put, get = queue.put, queue.get
    for _ in repeat(None, count):
        put(message)
        get()


def _queue_many(count: int) -> None:
    queue = _context().Queue()
    batch = list(range(BATCH))
    for _ in repeat(None, count // BATCH):
        queue.put_many(batch)
        queue.get_many(BATCH)


def _queue_lease(count: int) -> None:
    queue = _context().Queue()
    for _ in repeat(None, count):
        queue.put(17)
        with queue.lease():
            continue


def _pipe(count: int) -> None:
    near, far = _context().Pipe()
    send, receive = near.send, far.recv
    for _ in repeat(None, count):
        send(17)
        receive()


def _pipe_bytes(count: int) -> None:
    near, far = _context().Pipe()
    message = bytes(64)
    send, receive = near.send_bytes, far.recv_bytes
    for _ in repeat(None, count):
        send(message)
        receive()


def _round_trips(value: object, count: int) -> None:
    """Under the default trust, "registered"; what only one path needs it imports itself."""
    from interlock.serialize import dumps, loads

    for _ in repeat(None, count):
        loads(dumps(value))


def _dataclass(count: int) -> None:
    from dataclasses import dataclass

    import interlock

    @interlock.serializable(name="hot_paths.Reading")
    @dataclass
    class Reading:
        id: int
        name: str
        value: float
        valid: bool

    _round_trips(Reading(**RECORD), count)  # type: ignore[arg-type]
    interlock.unregister(Reading)


def _datetime(count: int) -> None:
    from datetime import UTC, datetime

    _round_trips(datetime(2026, 3, 14, 15, 9, 26, 535897, UTC), count)


def _turns(count: int, fair: bool = False) -> None:
    """A free lock is taken and given up."""
    import interlock

    lock = interlock.Lock(fair=fair)
    acquire, release = lock.acquire, lock.release
    for _ in repeat(None, count):
        acquire()
        release()


def _control(count: int) -> None:
    for _ in repeat(None, count):
        pickle.loads(pickle.dumps(RECORD, protocol=5))


def _places(count: int) -> None:
    """A free place is taken and given back."""
    import interlock

    semaphore = interlock.Semaphore(2)
    acquire, release = semaphore.acquire, semaphore.release
    for _ in repeat(None, count):
        acquire()
        release()


def _reading(count: int) -> None:
    """A free lock is had to read."""
    import interlock

    reader = interlock.RWLock().reader
    for _ in repeat(None, count):
        with reader:
            continue


def _shared_dict(count: int) -> None:
    """One of 64 keys gets a new value, and is read."""
    import interlock

    shared: interlock.SharedDict[int] = interlock.SharedDict()
    keys = [f"key {number}" for number in range(64)]
    for number in range(count):
        key = keys[number % 64]
        shared[key] = number
        shared[key]


def _atomic(count: int) -> None:
    """A number that nobody waits for is added to."""
    import interlock

    add = interlock.AtomicInt().add
    for _ in repeat(None, count):
        add(1)


# One operation each: a message in and out again, a turn, or an object to bytes and back.
PATHS: dict[str, Callable[[int], None]] = {
    "control: pickle a dict": _control,
    "queue: int": lambda count: _queue(17, count),
    "queue: 4-field dict": lambda count: _queue(RECORD, count),
    "queue: 64 KiB of bytes": lambda count: _queue(bytes(1 << 16), count),
    "queue: int in put_many of 100": _queue_many,
    "queue: int under a lease": _queue_lease,
    "pipe: int": _pipe,
    "pipe: 64 bytes by send_bytes": _pipe_bytes,
    "lock: acquire and release": _turns,
    "lock: fair, acquire and release": lambda count: _turns(count, fair=True),
    "semaphore: acquire and release": _places,
    "rwlock: with lock.reader": _reading,
    "shared dict: set and get": _shared_dict,
    "atomic int: add": _atomic,
    "dumps+loads: 4-field dict (registered)": lambda count: _round_trips(RECORD, count),
    "dumps+loads: dataclass": _dataclass,
    "dumps+loads: datetime": _datetime,
    "dumps+loads: list of 100 floats": lambda count: _round_trips(FLOATS, count),
}

if __name__ == "__main__":
    # By it the import asks how old the kernel is; valgrind 3.19 does not know the call, and
    # answers as an old kernel would.
    vars(os).pop("pidfd_open", None)
    PATHS[sys.argv[1]](int(sys.argv[2]))
