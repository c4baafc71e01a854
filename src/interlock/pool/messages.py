"""What a pool and its workers send each other.

To a worker, each through a queue of its own:

    (DEFINE, function id, bytes)                       before the first batch that needs it
    (kind, function id, ticket, bytes, buffers, how)   a batch: CALL, MAP or STARMAP
    (FORGET, function id)                              it will not be named again
    (ENTER, folder)                                    move into this cgroup (`cgroup.py`)
    (STOP,)                                            end when all before it is done

To the pool, through one queue that all its workers share, a message for each task (but those
that take a few microseconds):

    (ticket, value)                    a plain value
    (ticket, bytes, buffers)           any other value
    (ticket, bytes, buffers, n, None)  the values of n tasks in a row, of a GATHERED batch
    (ticket, answer, bytes, worker)    one of the answers below
    (worker,)                          from the pool itself: the worker is gone, and nothing of it
                                       comes after this; NOBODY: there is something to tell

A ticket is a batch's number and the task's place in it. Numbers grow and are never used again.
What people gave is bytes within a message, so that a task that cannot be read fails alone.
"""

from __future__ import annotations

from typing import Any, Final

from interlock._handover import noted, revoke
from interlock.serialize.encoding import dumps

__all__ = [
    "CALL",
    "CANCELLED",
    "DEFINE",
    "ENTER",
    "FAILED",
    "FORGET",
    "GATHERED",
    "LOG",
    "MAP",
    "NOBODY",
    "NOT_SENT",
    "PLACES",
    "PLACE_BITS",
    "PLAIN",
    "READY",
    "SIMPLE",
    "SKIPPED",
    "STARMAP",
    "STOP",
    "TIMED",
    "UNFIT",
    "UNKNOWN",
    "UNREAD",
    "UNREADABLE",
    "Encoded",
    "encoded",
]

CALL: Final = 0
MAP: Final = 1
STARMAP: Final = 2
DEFINE: Final = 3
FORGET: Final = 4
STOP: Final = 5
ENTER: Final = 6

SIMPLE: Final = 0  # how a batch is run
TIMED: Final = 1  # its tasks put down when they begin
GATHERED: Final = 2  # the values of its tasks are sent together

FAILED: Final = 0  # the task raised; bytes of pack_exception
UNREADABLE: Final = 1  # the batch cannot be read; the same
UNKNOWN: Final = 2  # the function must come by value
SKIPPED: Final = 3  # the task was taken back, and not begun
CANCELLED: Final = 4  # the task was told to end while it ran, and did
NOT_SENT: Final = 5  # the result cannot be sent; bytes of (why, what, what was raised)
READY: Final = 6  # the worker's initializer is through
UNFIT: Final = 7  # the initializer raised; bytes of pack_exception
LOG: Final = 8  # a log record; bytes of its attributes
UNREAD: Final = 9  # the batch was taken back, and not read

# Bytes, buffers, and the tickets for descriptors, to be revoked if nobody reads the message.
Encoded = tuple[bytes, list[memoryview], list[bytes]]

NOBODY: Final = 0  # no worker's number

PLACE_BITS: Final = 16
PLACES: Final = 1 << PLACE_BITS  # tasks in one batch at the most

# Types whose values are part of a message as they are.
PLAIN: Final = frozenset({type(None), bool, int, float, str})


def encoded(value: Any) -> Encoded:
    """What people gave, for a message: its bytes, its large buffers, the tickets in it.

    Raises:
        SerializationError: A part of it cannot be sent.
    """
    buffers: list[Any] = []
    with noted() as tickets:
        try:
            data = dumps(value, trust="process", buffers=buffers)
        except BaseException:
            revoke(tickets)
            raise
    return data, [memoryview(buffer) for buffer in buffers], tickets
