"""Across a fork: a child works though other threads of its parent were logging or importing (P3).

Imports. Who imports a module has its lock, and CPython renews in a child only the lock of all
imports. The first import of that module in the child would wait for a thread that is not there. So
a child forgets the modules that others were importing, and their locks, and imports them itself.

Logging. The standard library gives a child new locks for the handlers. But who was writing a line
had also the lock inside the file object, which nothing can renew, and the child's first line would
wait for it for ever. So before a fork we wait until no handler is at work, and keep them from it
until the fork is over.

Logging's own lock is taken first, as logging.config does it. A handler that somebody has for long
(one that sends mails, or waits for another handler) is not waited for.

Source: logging/__init__.py, _after_at_fork_child_reinit_locks; bpo-6721;
importlib/_bootstrap.py, _ModuleLock.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib import _bootstrap
from typing import Any

__all__ = ["Logging", "forget_imports"]

# For all handlers together. A thread that writes a line may be off the CPU for long where there
# is much to run: at a load of 12 and more on 2 CPUs, 0.1 s left a hung child in 6 of 16 runs of 80
# forks.
WITHIN_S = 2.0


class Logging:
    """The handlers of this process, held while it forks."""

    def __init__(self) -> None:
        self._held: list[Any] = []  # guarded by the first lock in it

    def hold(self) -> None:
        """Wait until no thread is inside a handler."""
        logging = sys.modules.get("logging")
        lock = getattr(logging, "_lock", None)
        if lock is None:  # nobody logs in this program
            return
        lock.acquire()
        held = [lock]
        deadline = time.monotonic() + WITHIN_S
        for reference in list(getattr(logging, "_handlerList", ())):
            lock = getattr(reference(), "lock", None)
            if lock is not None and lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
                held.append(lock)
        self._held = held

    def let_go(self) -> None:
        """In the parent: they go on."""
        held, self._held = self._held, []
        for lock in reversed(held):
            lock.release()

    def forget(self) -> None:
        """In the child, in which logging has made all these locks anew."""
        self._held = []


_logging = Logging()
os.register_at_fork(
    before=_logging.hold, after_in_parent=_logging.let_go, after_in_child=_logging.forget
)


def forget_imports() -> None:
    """In the child: what other threads were importing is to be imported anew."""
    me = threading.get_ident()
    locks: dict[str, Any] = getattr(_bootstrap, "_module_locks", {})
    for name, reference in list(locks.items()):
        owner = getattr(reference(), "owner", None)
        if owner is None or owner == me:
            continue
        locks.pop(name, None)
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if getattr(spec, "_initializing", False):
            del sys.modules[name]


os.register_at_fork(after_in_child=forget_imports)
