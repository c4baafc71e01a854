"""Who uses a board: a process, and which of its threads or tasks."""

from __future__ import annotations

import time
from typing import NamedTuple

__all__ = ["Left", "Seat", "Who"]


class Who(NamedTuple):
    """A thread or task of a process.

    Attributes:
        seat: The process's, as the board knows it.
        lane: Which of its threads or tasks.
    """

    seat: str
    lane: str


class Left(NamedTuple):
    """Somebody who is gone and had something.

    Attributes:
        pid: Its process.
        process: That process's name.
        host: The machine that it was on.
        lane: Which of its threads or tasks.
        held_s: How long it had had it.
        noticed: When its end was noticed, in seconds since the epoch.
    """

    pid: int
    process: str
    host: str
    lane: str
    held_s: float
    noticed: float


class Seat:
    """A process that uses the board.

    Attributes:
        key: By which the board knows it.
        pid: The process.
        process: Its name.
        host: Its machine.
    """

    def __init__(self, key: str, pid: int, process: str, host: str) -> None:
        self.key = key
        self.pid = pid
        self.process = process
        self.host = host

    def left(self, lane: str, since: float) -> Left:
        """It is gone, and had something since then (on the monotonic clock)."""
        held_s = time.monotonic() - since
        return Left(self.pid, self.process, self.host, lane, held_s, time.time())
