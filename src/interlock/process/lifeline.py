"""A line from a process to its children that kills them when it is gone, however it went (P5).

A pipe, of which only the parent holds the writing end. A child opens the reading end anew and
asks the kernel for SIGKILL when it is hung up (F_SETSIG with O_ASYNC): no thread of the child
has to look, and one that is busy in C code ends as well.

Why not PR_SET_PDEATHSIG: it is sent when the *thread* that forked ends, and under forkserver
the parent is the server. Why a new description: the owner of a signal is one a description, and
those of a fork share one.

Source: fcntl(2) F_SETSIG, F_SETOWN; pipe(7).
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock._handover import Passage

__all__ = ["Lifeline", "for_a_child", "lifeline"]

_follows = False  # whether this process ends with another


class Lifeline:
    """The reading end, to be passed to a child as an argument."""

    def __init__(self, reader: int) -> None:
        self._reader = reader

    def follow(self) -> None:
        """From now on this process is killed when the one that made the line is gone.

        What it starts in its turn ends with it (`for_a_child`).
        """
        global _follows
        if self._reader < 0:  # a forked worker has it twice: as a child, and as a worker
            return
        mine = os.open(f"/proc/self/fd/{self._reader}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(mine, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(mine, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(mine, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        hung_up = select.poll()
        hung_up.register(mine, select.POLLIN)
        if hung_up.poll(0):  # it died before the line above
            os.kill(os.getpid(), signal.SIGKILL)
        os.close(self._reader)
        self._reader = -1
        _follows = True

    def __reduce__(self) -> tuple[Any, ...]:
        from interlock._handover import pack  # sockets: not with `import interlock`

        return _received, (pack([self._reader]),)


def _received(passage: Passage) -> Lifeline:
    (reader,) = passage.redeem()
    return Lifeline(reader)


class _Own:
    """This process's line, made when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer: int | None = None
        self._line: Lifeline | None = None

    def line(self) -> Lifeline:
        with self._lock:
            if self._line is None:
                reader, self._writer = os.pipe2(os.O_CLOEXEC)
                self._line = Lifeline(reader)
            return self._line

    def forget(self) -> None:
        """In a forked child, which must not keep its siblings alive."""
        if self._writer is not None:
            os.close(self._writer)
        self.__init__()  # type: ignore[misc]


_own = _Own()
os.register_at_fork(after_in_child=_own.forget)


def for_a_child() -> Lifeline | None:
    """The line for a child, if this process ends with another itself; None if it does not."""
    return _own.line() if _follows else None


def lifeline() -> Lifeline:
    """The line of this process: one for all its children."""
    return _own.line()
