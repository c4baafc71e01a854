"""A thread of a pool, as its engine sees it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

from interlock.context.threads.stopping import Work
from interlock.pool.jobs import Batch

__all__ = ["Member"]


class _Thread(threading.Thread):
    """Found by the names of a process."""

    @property
    def pid(self) -> int | None:
        """The number of the thread."""
        return self.ident


class Member:
    """One thread. All of it is read and written with the engine's lock.

    Attributes:
        number: In its pool.
        process: Its thread.
        batch: What it has to do; None if it is idle.
        work: The task that it runs; None between two.
        given: How many batches it has had.
        is_ready: Whether its initializer is through.
        is_stopping: Whether it ends after its batch.
        is_lost: Whether it could not be stopped, and is waited for no more.
        ends_at: When its task is over its time.
        looked_at: When the clock is to look whether it is.
    """

    def __init__(self, number: int, name: str, serve: Callable[[Member], None]) -> None:
        self.number = number
        self.process = _Thread(target=serve, args=(self,), name=name, daemon=True)
        self.batch: Batch | None = None
        self.work: Work | None = None
        self.given = 0
        self.is_ready = False
        self.is_stopping = False
        self.is_lost = False
        self.ends_at = self.looked_at = math.inf

    @property
    def ticket(self) -> tuple[Any, int]:
        """The job and index of the task that it runs."""
        assert self.batch is not None, "only a member that works is asked"
        return self.batch.job, self.batch.first + self.batch.done

    def signal(self, number: int) -> None:
        """Stop what it runs, as a process is ended by a signal."""
        if self.work is not None:
            self.work.stop("terminated")
