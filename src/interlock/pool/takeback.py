"""Taking work back from a worker that is held up, while it may just be about to begin it.

The worker stores BEGUN and then loads FROM and TO; the pool stores FROM and TO and then loads
BEGUN. If neither saw the other's store, a task would run twice: membarrier(2) in the pool puts a
full barrier into every registered process, so that the worker needs none of its own.

After the barrier, tickets above BEGUN within [FROM, TO) will not be begun: the worker sees the
words before each. One that it skips it reports (SKIPPED), as the pool may have taken it for begun.

Source: membarrier(2), GLOBAL_EXPEDITED.
"""

from __future__ import annotations

import ctypes
import platform

__all__ = ["barrier", "register"]

_NUMBER = {"x86_64": 324, "aarch64": 283}.get(platform.machine(), -1)
_GLOBAL, _GLOBAL_EXPEDITED, _REGISTER = 1, 2, 4

_syscall = ctypes.CDLL(None, use_errno=True).syscall


def register() -> None:
    """In the worker: take part in the expedited barrier."""
    _syscall(_NUMBER, _REGISTER, 0, 0)


def barrier() -> bool:
    """In the pool: what was stored before is seen by all; False where the kernel has none."""
    return any(_syscall(_NUMBER, how, 0, 0) == 0 for how in (_GLOBAL_EXPEDITED, _GLOBAL))
