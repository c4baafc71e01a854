"""A task's thread in a worker: how it leaves its slot, and how it is interrupted."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any

from distributed import secede

from interlock.pool.watch import Ended

__all__ = ["Interrupted", "interrupt", "interruptible", "leave_slot"]


class Interrupted(Ended):
    """What is raised in a thread from outside; its subclass says why."""


class _Place(threading.local):
    has_slot = False


class _Entry:
    """A task that runs in this process."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.sent: type[Interrupted] | None = None


_place = _Place()
_running: dict[Any, _Entry] = {}
_lock = threading.Lock()
_raise = ctypes.pythonapi.PyThreadState_SetAsyncExc


@contextlib.contextmanager
def interruptible(key: Any) -> Iterator[None]:
    """This thread runs the task of that key, and has a slot of its worker."""
    entry = _Entry(threading.get_ident())
    with _lock:
        _running[key] = entry
    _place.has_slot = True
    try:
        yield
    finally:
        _end(key, entry)


def _end(key: Any, entry: _Entry) -> None:
    """From here on nothing is raised: what was sent late must not hit the thread's next task."""
    while True:
        try:
            with _lock:
                _running.pop(key, None)
                if entry.sent is not None:
                    _raise(ctypes.c_ulong(entry.thread), None)
            _place.has_slot = False
            return
        except Interrupted:
            continue


def interrupt(keys: list[Any], kind: type[Interrupted]) -> int:
    """Raise it in the threads of those of these tasks that run in this process; how many did.

    A thread notices when it comes back to Python code: code in C that waits or computes goes on.
    """
    with _lock:
        found = [_running[key] for key in keys if key in _running]
        for entry in found:
            entry.sent = kind
            _raise(ctypes.c_ulong(entry.thread), ctypes.py_object(kind))
    return len(found)


def leave_slot() -> None:
    """Let the worker run another task beside this one, which waits; it keeps no slot from then on.

    It does not come back for one: what it waited for may be waited for, in turn, by a task that
    looks again and again and never gives its slot away.
    """
    if _place.has_slot:
        _place.has_slot = False
        secede()
