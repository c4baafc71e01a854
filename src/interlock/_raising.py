"""An exception in another thread of this process, at its next step in Python code.

Source: the C API's PyThreadState_SetAsyncExc, and what native/bind/bind_raise.cpp says of it.
"""

from __future__ import annotations

import time

from interlock import _native

__all__ = ["raise_in_thread", "take_back"]

_AGAIN_S = 0.0001


def raise_in_thread(thread: int, kind: type[BaseException]) -> None:
    """Raise it there; no matter if the thread has ended.

    While that thread starts another one this waits: until the other one runs.

    Args:
        thread: As `threading.get_ident` gives it.
        kind: Its class, of which an instance is made there.
    """
    while not _native.raise_in_thread(thread, kind):
        time.sleep(_AGAIN_S)


def take_back(thread: int) -> None:
    """Of what was to be raised there, and has not been yet, raise nothing."""
    while not _native.raise_in_thread(thread, None):
        time.sleep(_AGAIN_S)
