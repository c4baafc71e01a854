"""Handles of a board to be awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from interlock._awaiting import anyio  # type: ignore[attr-defined]
from interlock.context.board.signals import ACT
from interlock.context.board.thing import NOT_YET
from interlock.context.far.delivery import FarDelivery, nothing_came
from interlock.context.far.line import Settled, limit_s
from interlock.errors import Full, ShutDown
from interlock.synchronize.waiting import AsyncEntered, AsyncWaitsFor

__all__ = [
    "AwaitableBarrier",
    "AwaitableCondition",
    "AwaitableEvent",
    "AwaitableQueue",
    "AwaitableTurn",
]

T = TypeVar("T")


def _lane() -> str:
    """By which a board knows this task."""
    return f"task {anyio.get_current_task().id}"


class AwaitableTurn(AsyncEntered):
    """A lock or semaphore whose `acquire` is awaited; it is the task's that did it."""

    def __init__(self, turn: Any) -> None:
        self._turn = turn

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `acquire` of what it is of, awaited; a cancelled one leaves no trace.

        Raises:
            AbandonedLockError: As there.
            ServerGone: As there.

        If a process dies: As there.
        """
        turn = self._turn
        answer = await turn._line.arun(turn._acquiring(block, timeout, _lane()))
        try:
            return answer is not NOT_YET and bool(turn._acquired(answer))
        except Settled as settled:
            raise settled.why from None

    def release(self) -> None:
        """As `release` of what it is of, by the task that has it; it takes about a millisecond.

        Raises:
            LockNotHeld: As there.
            LockNotOwned: As there.

        If a process dies: As there.
        """
        turn = self._turn
        turn._line.run(turn._releasing(_lane()))

    def locked(self) -> bool:
        """As `FarLock.locked`."""
        return bool(self._turn.locked())


class AwaitableEvent:
    """An event whose `wait` is awaited."""

    def __init__(self, event: Any) -> None:
        self._event = event

    async def wait(self, timeout: float | None = None) -> bool:
        """As `FarEvent.wait`, awaited.

        Raises:
            ServerGone: As there.

        If a process dies: As there.
        """
        event = self._event
        return await event._line.arun(event._waiting(timeout)) is not NOT_YET

    def is_set(self) -> bool:
        """As `FarEvent.is_set`."""
        return bool(self._event.is_set())

    def set(self) -> None:
        """As `FarEvent.set`."""
        self._event.set()

    def clear(self) -> None:
        """As `FarEvent.clear`."""
        self._event.clear()


class AwaitableCondition(AsyncWaitsFor, AwaitableTurn):
    """A condition, awaited; its lock is the task's that took it."""

    def __init__(self, condition: Any) -> None:
        super().__init__(condition._lock)
        self._condition = condition

    async def wait(self, timeout: float | None = None) -> bool:
        """As `FarCondition.wait`, awaited; one that is cancelled has the lock again, too.

        Raises:
            LockNotOwned: As there.
            AbandonedLockError: As there.

        If a process dies: As there.
        """
        condition = self._condition
        call = condition._waiting(timeout, _lane())
        return bool(condition._waited(await condition._line.arun(call)))

    def notify(self, n: int = 1) -> None:
        """As `FarCondition.notify`, by the task that has the lock.

        Raises:
            LockNotOwned: As there.
        """
        self._notify(max(0, n))

    def notify_all(self) -> None:
        """As `FarCondition.notify_all`, by the task that has the lock.

        Raises:
            LockNotOwned: As there.
        """
        self._notify(None)

    def _notify(self, number: int | None) -> None:
        condition = self._condition
        condition._line.run(condition._step("notify", number, lane=_lane()))


class AwaitableBarrier:
    """A barrier whose `wait` is awaited."""

    def __init__(self, barrier: Any) -> None:
        self._barrier = barrier

    async def wait(self, timeout: float | None = None) -> int:
        """As `FarBarrier.wait`, awaited; one that is cancelled breaks it.

        Raises:
            BrokenBarrier: As there.

        If a process dies: As there.
        """
        barrier = self._barrier
        answer = await barrier._line.arun(barrier._waiting(timeout, _lane()))
        if answer[0] == ACT:
            answer = await barrier._line.arun(barrier._acting())
        return int(barrier._passed(answer))

    def abort(self) -> None:
        """As `FarBarrier.abort`."""
        self._barrier.abort()

    def reset(self) -> None:
        """As `FarBarrier.reset`."""
        self._barrier.reset()

    @property
    def parties(self) -> int:
        """As `FarBarrier.parties`."""
        return int(self._barrier.parties)

    @property
    def n_waiting(self) -> int:
        """As `FarBarrier.n_waiting`."""
        return int(self._barrier.n_waiting)

    @property
    def broken(self) -> bool:
        """As `FarBarrier.broken`."""
        return bool(self._barrier.broken)


class AwaitableQueue:
    """A queue, awaited; whatever is cancelled before it returns has put or taken nothing."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    async def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """As `FarQueue.put`, awaited.

        Raises:
            Full: As there.
            ShutDown: As there.
            SerializationError: As there.

        If a process dies: As there.
        """
        queue = self._queue
        if await queue._line.arun(queue._putting(obj, block, timeout)) is NOT_YET:
            raise Full("There was no room in the queue in time.")

    async def put_many(
        self, objs: Iterable[Any], block: bool = True, timeout: float | None = None
    ) -> None:
        """As `FarQueue.put_many`, awaited; what was put before a cancellation stays.

        Raises:
            Full: As there.

        If a process dies: As there.
        """
        for accepted, obj in enumerate(objs):
            try:
                await self.put(obj, block, timeout)
            except Full as full:
                full.accepted = accepted
                raise

    async def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As `FarQueue.get`, awaited.

        Raises:
            Empty: As there.
            ShutDown: As there.

        If a process dies: As there.
        """
        return (await self._got(1, limit_s(block, timeout)))[0]

    async def get_many(self, max_messages: int, timeout: float | None = None) -> list[Any]:
        """As `FarQueue.get_many`, awaited.

        Raises:
            ValueError: As there.
            Empty: As there.

        If a process dies: As there.
        """
        if max_messages < 1:
            raise ValueError(f"max_messages is {max_messages}; give at least 1")
        return await self._got(max_messages, limit_s(True, timeout))

    async def _got(self, number: int, timeout_s: float | None) -> list[Any]:
        queue, ends = self._queue, None
        if timeout_s is not None:
            ends = anyio.current_time() + timeout_s
        while True:
            rest = None if ends is None else max(0.0, ends - anyio.current_time())
            taken = await queue._line.arun(queue._taking(number, rest))
            if taken is NOT_YET:
                nothing_came()
            try:
                arrived, given = queue._unpacked(taken)
                with anyio.CancelScope(shield=True):
                    is_here = await queue._line.arun(queue._arriving(arrived))
            except BaseException:  # asyncio's own cancellation knows no shield
                queue._line.tell(queue._giving_back(taken))
                raise
            if is_here:
                try:
                    return list(given())
                except Settled as settled:
                    raise settled.why from None

    @asynccontextmanager
    async def lease(self, timeout: float | None = None) -> AsyncIterator[FarDelivery]:
        """As `FarQueue.lease`, for ``async with``.

        Raises:
            Empty: On entry: no message came in time.
            ShutDown: On entry: the queue was shut down and nothing is left.

        If a process dies: this one: the message is delivered to another consumer.
        """
        queue = self._queue
        delivery = FarDelivery(queue, timeout)
        taken = await queue._line.arun(queue._taking(1, limit_s(True, timeout), True))
        if taken is NOT_YET:
            nothing_came()
        try:
            delivery._begin(taken)
        except Settled as settled:
            raise settled.why from None
        try:
            yield delivery
        except BaseException:
            delivery.give_back()
            raise
        delivery.acknowledge()

    async def join(self) -> None:
        """As `FarJoinableQueue.join`, awaited.

        Raises:
            ServerGone: As there.

        If a process dies: As there.
        """
        queue = self._queue
        await queue._line.arun(queue._call("join", timeout_s=None))

    def put_nowait(self, obj: Any) -> None:
        """As `FarQueue.put_nowait`."""
        self._queue.put_nowait(obj)

    def get_nowait(self) -> Any:
        """As `FarQueue.get_nowait`."""
        return self._queue.get_nowait()

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = await self.get()
            except ShutDown:
                return
            yield message
