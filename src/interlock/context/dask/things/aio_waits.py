"""Events, conditions and barriers of a cluster to be awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interlock._awaiting import anyio  # type: ignore[attr-defined]
from interlock.context.dask.desk.answers import ACT
from interlock.context.dask.things.aio import AsyncDaskLock, asked
from interlock.context.dask.things.base import deadline

if TYPE_CHECKING:
    from interlock.context.dask.things.signals import DaskBarrier, DaskCondition, DaskEvent

__all__ = ["AsyncDaskBarrier", "AsyncDaskCondition", "AsyncDaskEvent"]


class AsyncDaskEvent:
    """The awaitable view of an event."""

    def __init__(self, event: DaskEvent) -> None:
        self._event = event

    async def wait(self, timeout: float | None = None) -> bool:
        """As `DaskEvent.wait`, awaited."""
        answer = await asked(self._event, "wait", wait_s=deadline(True, timeout))
        return self._event._waited(answer)

    async def is_set(self) -> bool:
        """As `DaskEvent.is_set`, awaited."""
        return bool((await asked(self._event, "look"))[1])

    async def set(self) -> None:
        """As `DaskEvent.set`, awaited."""
        await asked(self._event, "change", True)

    async def clear(self) -> None:
        """As `DaskEvent.clear`, awaited."""
        await asked(self._event, "change", False)


class AsyncDaskCondition:
    """The awaitable view of a condition; its lock is the task's that has acquired it here."""

    def __init__(self, condition: DaskCondition) -> None:
        self._condition = condition
        self._lock = AsyncDaskLock(condition._lock)
        self.acquire, self.release = self._lock.acquire, self._lock.release

    async def __aenter__(self) -> bool:
        return await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        await self._lock.__aexit__()

    async def wait(self, timeout: float | None = None) -> bool:
        """As `DaskCondition.wait`, awaited; who is cancelled has the lock all the same."""
        wait_s = deadline(True, timeout)
        try:
            return self._condition._waited(await asked(self._condition, "wait", wait_s=wait_s))
        except BaseException as error:
            if not isinstance(error, Exception):
                with anyio.CancelScope(shield=True):
                    await self._lock.acquire()
            raise

    async def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """As `DaskCondition.wait_for`, awaited."""
        ends = None if timeout is None else time.monotonic() + timeout
        while not (value := predicate()):
            rest = None if ends is None else ends - time.monotonic()
            if rest is not None and rest <= 0:
                break
            await self.wait(rest)
        return value

    async def notify(self, n: int = 1) -> None:
        """As `DaskCondition.notify`, awaited."""
        self._condition._notified(await asked(self._condition, "notify", n))

    async def notify_all(self) -> None:
        """As `DaskCondition.notify_all`, awaited."""
        self._condition._notified(await asked(self._condition, "notify", None))


class AsyncDaskBarrier:
    """The awaitable view of a barrier."""

    def __init__(self, barrier: DaskBarrier) -> None:
        self._barrier = barrier

    async def wait(self, timeout: float | None = None) -> int:
        """As `DaskBarrier.wait`, awaited; the action is called as it is."""
        barrier = self._barrier
        wait_s = deadline(True, barrier._timeout if timeout is None else timeout)
        answer = await asked(barrier, "wait", wait_s=wait_s)
        if answer[0] != ACT:
            return barrier._waited(answer)
        is_well = False
        try:
            barrier._act()
            is_well = True
        finally:
            with anyio.CancelScope(shield=True):
                answer = await asked(barrier, "acted", is_well)
        return barrier._waited(answer)
