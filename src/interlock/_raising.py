"""An exception in another thread of this process, at its next step in Python code.

Source: the C API's PyThreadState_SetAsyncExc, and what native/bind/bind_raise.cpp says of it.
"""

from __future__ import annotations

import time

from interlock import _native

__all__ = ["let_in", "raise_in_thread"]

_AGAIN_S = 0.0001


def raise_in_thread(thread: int, kind: type[BaseException]) -> None:
    """Raise it there; no matter if the thread has ended.

    While that thread starts another one this waits: until the other one runs.

    Args:
        thread: As `threading.get_ident` gives it.
        kind: Its class, of which an instance is made there.
    """
    while not _native.raise_in_thread(thread, kind):
        time.sleep(_AGAIN_S)  # the kernel lets the other one begin; nothing tells of it


def let_in() -> None:
    """Raise now what was to be raised in this thread, if there is something.

    It is raised at the thread's first step in Python after it has got the GIL: the interpreter asks
    for that whenever a thread gets it. So this has only to be a step. Taking it back instead, by
    PyThreadState_SetAsyncExc with NULL, would leave the interpreter asked for ever: up to CPython
    3.11 a function that is called under a profiler or debugger would never begin then.
    """
