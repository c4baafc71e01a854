"""A call as a future: `concurrent.futures.Future`, which can also be cancelled while it runs."""

from __future__ import annotations

import concurrent.futures
from typing import Any, TypeVar

from interlock._interruptible import Condition
from interlock.pool.eager import CallJob
from interlock.pool.faults import TaskCancelled
from interlock.pool.jobs import Options
from interlock.pool.messages import CALL

__all__ = ["Future", "FutureJob"]

T = TypeVar("T")


class Future(concurrent.futures.Future[T]):
    """What a call returns, once it has; `cancel` can also end it while it runs."""

    _job: FutureJob | None = None

    def __init__(self) -> None:
        super().__init__()
        self._condition = Condition()  # type: ignore[assignment]

    def cancel(self, running: bool = False) -> bool:
        """Let the call not begin.

        Args:
            running: End it even while it runs: by an exception in its Python code, and after a
                moment by replacing the worker. The future is cancelled when that is done.

        Returns:
            Whether it is cancelled, or with ``running`` will be unless it ends by itself first.
        """
        if super().cancel():
            return True
        job = self._job
        if not running or job is None or self.done():
            return False
        job.cancel(running=True)
        return True

    def _ended(self) -> None:
        """The call was ended while it ran."""
        with self._condition:
            if self.done():
                return
            self._state = "CANCELLED_AND_NOTIFIED"
            for waiter in self._waiters:
                waiter.add_cancelled(self)
            self._condition.notify_all()
        self._invoke_callbacks()  # type: ignore[attr-defined]


class FutureJob(CallJob):
    """One call, for a future."""

    kind = CALL

    def __init__(self, engine: Any, function: Any, options: Options, call: Any, future: Any):
        super().__init__(engine, function, options, call, future)
        self._is_started = False

    def starts(self, index: int) -> bool:
        """As `Job.starts`."""
        if self._is_started:  # before, by a worker that died
            return True
        self._is_started = True
        future: Any = self._result
        return future is not None and bool(future.set_running_or_notify_cancel())

    def _tell(self, success: bool, value: Any) -> None:
        self.unsend()
        future: Any
        future, self._result = self._result, None
        if future is None:
            return
        future._job = None
        if success:
            future.set_result(value)
        elif isinstance(value, TaskCancelled):
            future._ended()
        elif self._is_started or future.set_running_or_notify_cancel():
            self._is_started = True
            future.set_exception(value)
