"""Holds: how the kernel counts who has a referent.

A referent is a memfd, or several. Whoever has a proxy of it has a *hold* on the first of them: a
descriptor opened anew (its own open file description) with a shared lock on it (F_OFD_SETLK). Such
a lock belongs to the description: duplicates, forked children and descriptors under way in a
socket have it too, and the kernel takes it away with the last of them, however its process ends.
The server asks with F_OFD_GETLK whether anybody is left. So no count is kept that a killed process
could leave wrong, and nothing has to be sent when a proxy is copied or dropped.

Source: fcntl(2), open file description locks; proc_pid_fd(5) for opening a memfd anew.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable

__all__ = ["Hold", "is_held", "new_hold"]

_FLOCK = struct.Struct("hhqqi4x")  # struct flock: type, whence, start, length, pid
_SHARED = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
_EXCLUSIVE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def new_hold(fd: int) -> int:
    """A descriptor of the same memory that counts as a holder until its last copy is closed."""
    hold = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.fcntl(hold, fcntl.F_OFD_SETLK, _SHARED)
    except BaseException:
        os.close(hold)
        raise
    return hold


def is_held(fd: int) -> bool:
    """Whether anybody has a hold on the memory; the descriptor is none itself."""
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _EXCLUSIVE)
    kind: int = _FLOCK.unpack(answer)[0]
    return kind != fcntl.F_UNLCK


class Hold:
    """One process's hold, closed with this object."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        close(self.fd)
