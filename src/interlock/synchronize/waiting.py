"""What all locks and conditions have alike, whatever they are made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["AsyncEntered", "AsyncWaitsFor", "WaitsFor"]

T = TypeVar("T")


class WaitsFor:
    """A condition, which has `wait`."""

    wait: Callable[[float | None], Any]

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until something is true, looking whenever notified.

        Args:
            predicate: Says whether it is; called with the lock.
            timeout: How long to wait in all, in seconds; None for as long as it takes.

        Returns:
            What the predicate returned last.

        Raises:
            LockNotOwned: This thread has not got the lock.
            TooManyWaiters: As in `wait`.

        If a process dies: As in `wait`.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while not (result := predicate()):
            rest = None if ends is None else ends - time.monotonic()
            if rest is not None and rest <= 0:
                break
            self.wait(rest)
        return result


class AsyncWaitsFor:
    """A condition, whose `wait` is awaited."""

    wait: Callable[[float | None], Any]

    async def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """As `WaitsFor.wait_for`, awaited.

        Args:
            predicate: Says whether it is so; called with the lock.
            timeout: How long to wait in all, in seconds; None for as long as it takes.

        Returns:
            What the predicate returned last.

        Raises:
            LockNotOwned: This thread or task has not got the lock.
            TooManyWaiters: As in `wait`.

        If a process dies: As in `wait`.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while not (result := predicate()):
            rest = None if ends is None else ends - time.monotonic()
            if rest is not None and rest <= 0:
                break
            await self.wait(rest)
        return result


class AsyncEntered:
    """What ``async with`` acquires and releases."""

    acquire: Callable[[], Any]
    release: Callable[[], None]

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
