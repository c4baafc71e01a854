"""A task's thread in a worker: how it leaves its slot, and how it is interrupted."""

# Of what it calls, distributed types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from distributed import secede

from interlock._raising import let_in, raise_in_thread
from interlock.pool.watch import Ended

__all__ = ["Interrupted", "interrupt", "interrupt_one", "interruptible", "leave_slot"]


UNWANTED_MAX = 10_000  # tasks that were given up before they came; most never come


class Interrupted(Ended):
    """What is raised in a thread from outside; its subclass says why."""


class _Entry:
    """A task that runs in this process."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.is_shielded = False
        self.owed: type[Interrupted] | None = None


class _Place(threading.local):
    entry: _Entry | None = None  # while this thread has a slot


_place = _Place()
_running: dict[Any, _Entry] = {}
_unwanted: OrderedDict[Any, type[Interrupted]] = OrderedDict()
_lock = threading.Lock()


@contextlib.contextmanager
def interruptible(key: Any) -> Iterator[None]:
    """This thread runs the task of that key, and has a slot of its worker.

    Raises:
        Interrupted: It was interrupted before it began.
    """
    entry = _Entry(threading.get_ident())
    try:  # from here on it may be raised at any step
        with _lock:
            unwanted = _unwanted.pop(key, None)
            if unwanted is None:
                _running[key] = entry
        if unwanted is not None:
            raise unwanted
        _place.entry = entry
        yield
    finally:
        _end(key, entry)


def _end(key: Any, entry: _Entry) -> None:
    """From here on nothing is raised: what was sent late must not hit the thread's next task."""
    while True:
        try:
            with _lock:
                if _running.get(key) is entry:
                    del _running[key]
            let_in()
            _place.entry = None
            return
        except Interrupted:
            continue


def interrupt(keys: list[Any], kind: type[Interrupted]) -> int:
    """Raise it in the threads of those of these tasks that run in this process; how many did.

    One that has not come yet gets it when it begins: Dask may have sent it already. A thread
    notices when it comes back to Python code: code in C that waits or computes goes on.
    """
    with _lock:
        for key in keys:
            if key not in _running:
                _unwanted[key] = kind
        while len(_unwanted) > UNWANTED_MAX:
            _unwanted.popitem(last=False)
    return sum(interrupt_one(key, kind) for key in keys)


def interrupt_one(key: Any, kind: type[Interrupted]) -> bool:
    """Raise it in the thread of that task; whether it runs in this process."""
    with _lock:
        entry = _running.get(key)
        if entry is not None:
            if entry.is_shielded:
                entry.owed = kind
            else:
                raise_in_thread(entry.thread, kind)
    return entry is not None


def leave_slot() -> None:
    """Let the worker run another task beside this one, which waits; it keeps no slot from then on.

    It does not come back for one: what it waited for may be waited for, in turn, by a task that
    looks again and again and never gives its slot away.
    """
    entry, _place.entry = _place.entry, None
    if entry is not None:
        with _shielded(entry):
            secede()


@contextlib.contextmanager
def _shielded(entry: _Entry) -> Iterator[None]:
    """Nothing is raised in the block: an executor that is interrupted there has a thread less."""
    try:
        with _lock:
            entry.is_shielded = True
        let_in()
        yield
    finally:
        with _lock:
            entry.is_shielded = False
            owed, entry.owed = entry.owed, None
        if owed is not None:
            raise owed
