"""Items of an input that are held back, for more to come together: they are not held for long.

Who reads the input hands on what has come together; but the next item may be long in coming, or
wait for the result of those held. So the supervisor looks after a moment.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.pool.lazy import IMapJob

__all__ = ["Held"]

HOLD_S = 0.01


class Held:
    """Jobs that hold something back.

    Args:
        wake: Lets the thread that calls `hand_on` look again.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._jobs: deque[tuple[float, IMapJob]] = deque()

    def add(self, job: IMapJob) -> None:
        """Let a job hand on what it has, unless it does so by itself meanwhile."""
        if not job.is_held:
            job.is_held = True
            self._jobs.append((time.monotonic() + HOLD_S, job))
            self._wake()

    def waits(self) -> list[float]:
        """Seconds until something is due; none if there is nothing."""
        return [max(0.0, due - time.monotonic()) for due, _ in list(self._jobs)[:1]]

    def hand_on(self) -> None:
        """What is due."""
        while self._jobs and self._jobs[0][0] <= time.monotonic():
            job = self._jobs.popleft()[1]
            job.is_held = False  # first: what is read after this is added again
            job.hand_on()
