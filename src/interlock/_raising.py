"""An exception in another thread of this process, at its next step in Python code.

Source: the C API's PyThreadState_SetAsyncExc, and what native/bind/bind_raise.cpp says of it.
"""

from __future__ import annotations

import time

from interlock import _native

__all__ = ["raise_in_thread"]

_AGAIN_S = 0.0001


def raise_in_thread(thread: int, kind: type[BaseException] | None) -> None:
    """Raise it there; no matter if the thread has ended.

    While that thread starts another one this waits: until the other one runs.

    Args:
        thread: As `threading.get_ident` gives it.
        kind: Its class, of which an instance is made there; None to take back what was to be raised
            and has not been yet.
    """
    while not _native.raise_in_thread(thread, kind):
        time.sleep(_AGAIN_S)  # the kernel lets the other one begin; nothing tells of it
