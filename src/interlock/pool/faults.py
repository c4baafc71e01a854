"""What a pool's task may end with that its own function did not raise."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.pool import MaybeEncodingError  # type: ignore[attr-defined]
from typing import Any

from interlock.errors import InterlockError, SerializationError

__all__ = [
    "InitializerFailed",
    "MemoryLimitExceeded",
    "PoolClosed",
    "PoolTerminated",
    "ResultNotSent",
    "TaskCancelled",
    "TaskTimeout",
    "WorkerDied",
]


class WorkerDied(InterlockError, BrokenProcessPool):
    """A worker ended while it ran this task; the other tasks and workers go on.

    Attributes:
        pid: Of the worker.
        exitcode: Its exit status; minus the number of the signal that killed it.
        task: The function, in words.
        attempt: The how manieth attempt this was, from 1.
        stack: Where its Python code was when it was last seen; empty where it was not.
        peak_bytes: The most memory it had in RAM; 0 where that is not known.
    """

    def __init__(
        self,
        message: str,
        pid: int = 0,
        exitcode: int = 0,
        task: str = "",
        attempt: int = 1,
        stack: str = "",
        peak_bytes: int = 0,
    ) -> None:
        super().__init__(message)
        self.pid = pid
        self.exitcode = exitcode
        self.task = task
        self.attempt = attempt
        self.stack = stack
        self.peak_bytes = peak_bytes

    @property
    def signal(self) -> int | None:
        """The number of the signal that killed it; None where it ended otherwise."""
        return -self.exitcode if self.exitcode < 0 else None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (
            str(self), self.pid, self.exitcode, self.task, self.attempt, self.stack,
            self.peak_bytes,
        )  # fmt: skip


class MemoryLimitExceeded(WorkerDied, MemoryError):
    """A worker had more memory than the task's `memory_limit`, and was ended."""


class TaskTimeout(InterlockError, multiprocessing.TimeoutError, TimeoutError):
    """A task took longer than its `timeout`, and was ended.

    Attributes:
        pid: Of the worker that ran it.
        task: The function, in words.
        attempt: The how manieth attempt this was, from 1.
    """

    def __init__(self, message: str, pid: int = 0, task: str = "", attempt: int = 1) -> None:
        super().__init__(message)
        self.pid = pid
        self.task = task
        self.attempt = attempt

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.pid, self.task, self.attempt)


class TaskCancelled(InterlockError, concurrent.futures.CancelledError):
    """A task was cancelled while it ran."""


class InitializerFailed(InterlockError, BrokenProcessPool):
    """No worker can be made ready: the initializer fails, and the pool is at its end."""


class PoolClosed(InterlockError, ValueError, RuntimeError):
    """The pool takes no more tasks."""

    @classmethod
    def with_unread_input(cls) -> PoolClosed:
        """An iterator ends early, whose input may be endless."""
        return cls(
            "The pool was closed before the input of this iterator was read to its end. Take all "
            "results before the pool is closed."
        )


class PoolTerminated(InterlockError, BrokenProcessPool):
    """The pool was terminated before the task was done."""


class ResultNotSent(SerializationError, MaybeEncodingError):  # type: ignore[misc]
    """What a task returned cannot be serialized.

    Attributes:
        exc: What was wrong, in words.
        value: The result, in words.
    """

    def __init__(self, exc: str, value: str) -> None:
        MaybeEncodingError.__init__(self, exc, value)
        self.exc, self.value = exc, value  # in words already, which it would quote once more
        self.path = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.exc, self.value)
