"""What a worker tells while it works, in a page that outlives it.

    word    written by  what
    BEGUN   worker      the ticket it has begun last, before anything of the task runs
    SINCE   worker      when what has a timeout was begun, or its reading was, in nanoseconds of
                        CLOCK_MONOTONIC; written before BEGUN; 0 once the answer is sent
    RUNNING worker      the ticket while the task's own code runs, else 0
    FROM,TO parent      tickets that the worker shall skip (work taken back)
    CANCEL  parent      a ticket whose task shall end
    INIT    worker      1 from when the initializer begins
    STACK   worker      which of the two texts of the stack is whole: 1 or 2; 0 for none

Behind the words two texts of the worker's stack, written in turn, so that a death leaves one of
them whole; then what faulthandler writes when the worker crashes.

I1. A task of which the parent has no result and whose ticket is BEGUN was at work when the worker
    died; every other task of that worker was not begun.
"""

from __future__ import annotations

import mmap
import os
from typing import Any, Final

from interlock._handover import Passage, pack
from interlock.shared_memory import segment

__all__ = ["BEGUN", "CANCEL", "FROM", "INIT", "READING", "RUNNING", "SINCE", "TO", "Status"]

BEGUN: Final = 0
SINCE: Final = 1
RUNNING: Final = 2
FROM: Final = 3
TO: Final = 4
CANCEL: Final = 5
_STACK: Final = 6
INIT: Final = 7
READING: Final = 1 << 63  # in BEGUN: the message is being read, none of its tasks has begun

_TEXTS_AT = 4096
_TEXT_BYTES = 12 * 1024
_FAULT_AT = 32 * 1024
_BYTES = 64 * 1024


class Status:
    """The page; one for each worker.

    Args:
        fd: Of a page that exists; None to make one.

    Attributes:
        words: The words, as integers of 64 bits.

    Raises:
        OutOfSharedMemory: The kernel has no memory for it.
    """

    def __init__(self, fd: int | None = None) -> None:
        self._fd = segment.create("worker", _BYTES) if fd is None else fd
        self._memory = mmap.mmap(self._fd, _BYTES)
        self.words: memoryview = memoryview(self._memory).cast("Q")

    def write_stack(self, text: str) -> None:
        """Put down where the worker is."""
        data = text.encode("utf-8", "replace")[-_TEXT_BYTES + 8 :]
        turn = 2 if self.words[_STACK] == 1 else 1
        at = _TEXTS_AT + (turn - 1) * _TEXT_BYTES
        self.words[at // 8] = len(data)
        self._memory[at + 8 : at + 8 + len(data)] = data
        self.words[_STACK] = turn

    def forget_stack(self) -> None:
        """The task is over, and its stack with it."""
        self.words[_STACK] = 0

    def stack(self) -> str:
        """What a crash has left, else where the worker was when it looked last."""
        fault = bytes(self._memory[_FAULT_AT:]).split(b"\0", 1)[0]
        if fault:
            return fault.decode("utf-8", "replace")
        turn = self.words[_STACK]
        if turn not in (1, 2):
            return ""
        at = _TEXTS_AT + (turn - 1) * _TEXT_BYTES
        size = min(self.words[at // 8], _TEXT_BYTES - 8)
        return bytes(self._memory[at + 8 : at + 8 + size]).decode("utf-8", "replace")

    def fault_fd(self) -> int:
        """A descriptor for faulthandler, which writes where nothing else does."""
        own = os.open(f"/proc/self/fd/{self._fd}", os.O_RDWR)
        os.lseek(own, _FAULT_AT, os.SEEK_SET)
        return own

    def close(self) -> None:
        """Give the page back."""
        self.words.release()
        self._memory.close()
        os.close(self._fd)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (pack([self._fd]),)


def _received(passage: Passage) -> Status:
    (fd,) = passage.redeem()
    return Status(fd)
