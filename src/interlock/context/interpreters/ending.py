"""When an interpreter may end: not before what it put has been taken.

Of a message whose interpreter has ended Python gives `UNBOUND` to whoever takes it, so the message
would be lost. An interpreter that has done its work is therefore kept until each queue that had
messages then was seen empty; that is looked at whenever a queue is made, or another one ends.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

__all__ = ["end", "known"]

_lock = threading.RLock()  # what is freed with it may come back
_queues: weakref.WeakSet[Any] = weakref.WeakSet()
_kept: list[tuple[Any, weakref.WeakSet[Any]]] = []  # interpreters, and the queues they wait for


def known(queue: Any) -> Any:
    """A queue that may have messages of interpreters; the same."""
    with _lock:
        _queues.add(queue)
    _look()
    return queue


def end(interpreter: Any) -> None:
    """Close it, now or when nobody waits for what it put."""
    with _lock:
        _kept.append((interpreter, weakref.WeakSet(_queues)))
    _look()


def _look() -> None:
    with _lock:
        for _, waits_for in _kept:
            waits_for.difference_update([queue for queue in waits_for if queue.empty()])
        over = [interpreter for interpreter, waits_for in _kept if not waits_for]
        _kept[:] = [each for each in _kept if each[1]]
    for interpreter in over:
        interpreter.close()
