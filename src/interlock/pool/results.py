"""What the methods of a pool return: results to wait for, and iterators over results."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from interlock._interruptible import Condition
from interlock.errors import InterlockError

if TYPE_CHECKING:
    from interlock.pool.lazy import IMapJob

__all__ = [
    "ApplyResult",
    "AsyncResult",
    "IMapIterator",
    "IMapUnorderedIterator",
    "MapResult",
    "NotYet",
]


_making = threading.Lock()  # of the condition of a result, which most are done without


class NotYet(InterlockError, multiprocessing.TimeoutError, TimeoutError):
    """A result was waited for, and did not come in the time given; its task goes on."""


class ApplyResult:
    """What a task returns, once it has.

    `get`, `wait`, `ready` and `successful` are `multiprocessing.pool.AsyncResult`'s.
    """

    def __init__(self, pool: Any, callback: Any = None, error_callback: Any = None) -> None:
        self._pool = pool  # which is not collected while somebody waits
        self._is_ready = False
        self._changed: Condition | None = None  # made by who waits
        self._callbacks = callback, error_callback
        self._success = False
        self._value: Any = None
        self._awaiting: list[Callable[[], None]] = []
        self._job: Any = None

    def ready(self) -> bool:
        """Whether the task is done."""
        return self._is_ready

    def successful(self) -> bool:
        """Whether it has returned.

        Raises:
            ValueError: It is not done.
        """
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._success

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the task is done.

        Args:
            timeout: In seconds; None for as long as it takes.

        Raises:
            KeyboardInterrupt: Ctrl-C; the task goes on.

        If a process dies: its task ends with `WorkerDied`, and this returns.
        """
        self._waited(timeout)

    def _waited(self, timeout: float | None) -> bool:
        if self.ready():
            return True
        with _making:
            if self._is_ready:
                return True
            if self._changed is None:
                self._changed = Condition()
            changed = self._changed
        with changed:
            return changed.wait_for(self.ready, timeout)

    def get(self, timeout: float | None = None) -> Any:
        """What the task returned.

        Args:
            timeout: Seconds to wait for it; None for as long as it takes.

        Raises:
            multiprocessing.TimeoutError: It is not done; it goes on.
            WorkerDied: Its worker ended while it ran it.
            Exception: What the task raised.

        If a process dies: see WorkerDied.
        """
        if not self._waited(timeout):
            raise NotYet(f"The result did not come within {timeout} s; its task goes on.")
        if self._success:
            return self._value
        raise self._value

    def cancel(self, running: bool = False) -> bool:
        """Let the tasks that are not begun not begin.

        Args:
            running: End those that run, too: by an exception in their code, and after a moment by
                replacing the worker.

        Returns:
            Whether anything was left to cancel.
        """
        job = self._job
        if job is None or self.ready():
            return False
        job.cancel(running)
        return True

    def _set(self, success: bool, value: Any) -> None:
        self._success, self._value = success, value
        callback = self._callbacks[0 if success else 1]
        self._callbacks = None, None
        try:
            if callback is not None:
                callback(value)
        finally:
            with _making:
                self._is_ready = True
                changed = self._changed
            if changed is not None:
                with changed:
                    changed.notify_all()
            self._pool = self._job = None
            while self._awaiting:
                self._awaiting.pop()()

    def _when_ready(self, call: Callable[[], None]) -> None:
        """Call it, in another thread, when the result is there."""
        self._awaiting.append(call)
        if self.ready():
            call()


AsyncResult = ApplyResult


class MapResult(ApplyResult):
    """What a function returns for each of many items, once it has for all."""


class IMapIterator(Iterator[Any]):
    """Results of a function over a lazy input, in its order, as they come.

    Items are taken from the input ahead of the results that were asked for, but only so many:
    both may be endless.
    """

    ordered = True

    def __init__(self, job: IMapJob, pool: Any) -> None:
        self._job = job
        self._pool = pool  # which is not collected while somebody iterates

    def __iter__(self) -> IMapIterator:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next result.

        Args:
            timeout: Seconds to wait for it; None for as long as it takes.

        Raises:
            StopIteration: There are no more.
            multiprocessing.TimeoutError: It has not come; it may be asked for again.
            Exception: What its task raised, or the input; iteration may go on after the first.

        If a process dies: its task's place has `WorkerDied`; the others come.
        """
        success, value = self._job.next_result(timeout)
        if success:
            return value
        raise value

    def close(self) -> None:
        """Begin no more tasks, and take no more from the input."""
        self._job.close()

    def _cancel(self) -> None:
        """Who awaited a result was cancelled, and his work is."""
        self._job.cancel(running=True)

    def _when_ready(self, call: Callable[[], None]) -> None:
        self._job.when_ready(call)

    def __del__(self) -> None:
        self._job.close()


class IMapUnorderedIterator(IMapIterator):
    """The same in the order in which tasks end."""

    ordered = False
