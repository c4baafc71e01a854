"""Event, Condition and Barrier on a board."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar

from interlock.context.board.signals import ACT, BROKEN
from interlock.context.board.thing import NOT_YET
from interlock.context.far.handle import Handle, abandonment
from interlock.context.far.line import Call, Line, limit_s
from interlock.context.far.locks import FarLock, FarRLock
from interlock.errors import AbandonedLockError, BrokenBarrier
from interlock.synchronize.barrier import PARTIES_MAX
from interlock.synchronize.waiting import WaitsFor

if TYPE_CHECKING:
    from interlock.context.far.aio import AwaitableBarrier, AwaitableCondition, AwaitableEvent

__all__ = ["FarBarrier", "FarCondition", "FarEvent"]

T = TypeVar("T")

_WHY = {
    "abort": "abort() was called",
    "timeout": "not all of its parties came in time",
    "reset": "reset() was called while this one waited",
    "action": "its action raised an exception",
}


class FarEvent(Handle):
    """An event with `multiprocessing.Event`'s interface, between processes of any machine.

    Args:
        line: To the board that keeps it.

    Raises:
        ServerGone: The board is gone.

    If a process dies: nothing; what it had set is set.
    """

    _kind = "event"

    def set(self) -> None:
        """Let all that wait go on, and all that will."""
        self._ask("set")

    def clear(self) -> None:
        """Let those wait that come from now on."""
        self._ask("clear")

    def is_set(self) -> bool:
        """Whether it is set."""
        return bool(self._ask("is_set"))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set.

        Args:
            timeout: How long, in seconds; None for as long as it takes.

        Returns:
            Whether it is.

        Raises:
            ServerGone: The board is gone.

        If a process dies: see Raises.
        """
        return self._line.run(self._waiting(timeout)) is not NOT_YET

    def _waiting(self, timeout: float | None) -> Call:
        return self._call("wait", timeout_s=limit_s(True, timeout))

    @property
    def aio(self) -> AwaitableEvent:
        """The same event, awaited: ``await event.aio.wait()``."""
        from interlock.context.far.aio import AwaitableEvent

        return AwaitableEvent(self)


class FarCondition(WaitsFor, Handle):
    """A condition with `multiprocessing.Condition`'s interface, between processes of any machine.

    Args:
        line: To the board that keeps it.
        lock: A lock of the same context; None for a new RLock.

    Raises:
        TypeError: The lock is of another kind.
        ServerGone: The board is gone.

    If a process dies: one that waits takes no notification with it. When one that has the lock
        dies, all that wait are notified.
    """

    _kind = "condition"

    def __init__(self, line: Line, lock: FarLock | None = None) -> None:
        used = FarRLock(line) if lock is None else lock
        if not isinstance(used, FarLock):
            raise TypeError(f"{lock!r} is no lock of this context; give one of its Lock or RLock")
        super().__init__(line, used._name)
        self._use(used)

    def _use(self, lock: FarLock) -> None:
        self._lock = lock
        self.acquire = lock.acquire
        self.release = lock.release

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), self._lock

    def __setstate__(self, lock: FarLock) -> None:
        self._use(lock)

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.__exit__(kind, error, trace)

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock up, wait until notified, and have the lock again.

        Args:
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it was notified.

        Raises:
            LockNotOwned: This thread has not got the lock.
            AbandonedLockError: An owner of a lock that raises died meanwhile. The caller has the
                lock again.
            ServerGone: The board is gone.

        If a process dies: as in `FarCondition`.
        """
        return self._waited(self._line.run(self._waiting(timeout)))

    def _waiting(self, timeout: float | None, lane: str | None = None) -> Call:
        return self._call("wait", timeout_s=limit_s(True, timeout), lane=lane, is_due=True)

    def _waited(self, answer: Any) -> bool:
        told, left = answer
        if left is not None:
            if self._lock.on_abandon == "raise":
                who = abandonment(left)
                raise AbandonedLockError(
                    f"{who.died_with(self)}. You have its lock again, as before wait(). What it "
                    "guards may be half changed: put it right.",
                    who,
                )
            self._lock._tell_of(left, True)
        return bool(told)

    def notify(self, n: int = 1) -> None:
        """Wake so many of those that wait, those first that came first.

        Raises:
            LockNotOwned: This thread has not got the lock.
        """
        self._ask("notify", max(0, n))

    def notify_all(self) -> None:
        """Wake all that wait.

        Raises:
            LockNotOwned: This thread has not got the lock.
        """
        self._ask("notify", None)

    @property
    def aio(self) -> AwaitableCondition:
        """The same condition, awaited: ``async with condition.aio:``."""
        from interlock.context.far.aio import AwaitableCondition

        return AwaitableCondition(self)


class FarBarrier(Handle):
    """A barrier with `multiprocessing.Barrier`'s interface, between processes of any machine.

    Args:
        line: To the board that keeps it.
        parties: How many pass together.
        action: Called by one of them when all have come, before they pass.
        timeout: How long `wait` waits if it is not told, in seconds; None for as long as it takes.

    Raises:
        TypeError: parties is no integer.
        ValueError: parties is less than 1 or too large.
        ServerGone: The board is gone.

    If a process dies: while it waits, or after it has passed: the barrier breaks for all, and the
        error says who it was. One that ends in an orderly way after it passed is not missed.
    """

    _kind = "barrier"

    def __init__(
        self,
        line: Line,
        parties: SupportsIndex,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> None:
        count = operator.index(parties)
        if not 1 <= count <= PARTIES_MAX:
            raise ValueError(f"parties is {count}; give 1 to {PARTIES_MAX}")
        self.parties = count
        self._action, self._timeout = action, timeout
        super().__init__(line, count)

    def _state(self) -> dict[str, Any]:
        return {"parties": self.parties, "_action": self._action, "_timeout": self._timeout}

    def wait(self, timeout: float | None = None) -> int:
        """Wait until all parties have come.

        Args:
            timeout: How long to wait, in seconds, before the barrier breaks for all; None for what
                it was made with.

        Returns:
            The number of this one in the round: each from 0 to parties - 1 once.

        Raises:
            BrokenBarrier: It is broken, or breaks; a `threading.BrokenBarrierError`.
            ServerGone: The board is gone.

        If a process dies: as in `FarBarrier`.
        """
        answer = self._line.run(self._waiting(timeout))
        if answer[0] == ACT:
            answer = self._line.run(self._acting())
        return self._passed(answer)

    def _waiting(self, timeout: float | None, lane: str | None = None) -> Call:
        limit = self._timeout if timeout is None else timeout
        return self._call("wait", timeout_s=limit_s(True, limit), lane=lane)

    def _acting(self) -> Call:
        try:
            if self._action is not None:
                self._action()
        except BaseException:
            self._line.tell(self._step("acted", False))
            raise
        return self._step("acted", True)

    def _passed(self, answer: Any) -> int:
        kind, what = answer
        if kind != BROKEN:
            number: int = what
            return number
        why, left = what
        if left is not None:
            missing = abandonment(left)
            raise BrokenBarrier(
                f"The barrier is broken: {missing.story} died, and is missing. reset() it when "
                f"there are {self.parties} parties again.",
                missing,
            )
        raise BrokenBarrier(f"The barrier is broken: {_WHY[why]}.")

    def abort(self) -> None:
        """Break it: all that wait get the error, and all that come, until it is reset."""
        self._ask("abort")

    def reset(self) -> None:
        """Make it as new; who waits gets the error."""
        self._ask("reset")

    @property
    def n_waiting(self) -> int:
        """How many wait at the moment."""
        number: int = self._ask("state")[0]
        return number

    @property
    def broken(self) -> bool:
        """Whether nobody can pass until it is reset."""
        return bool(self._ask("state")[1])

    @property
    def aio(self) -> AwaitableBarrier:
        """The same barrier, awaited: ``await barrier.aio.wait()``."""
        from interlock.context.far.aio import AwaitableBarrier

        return AwaitableBarrier(self)
