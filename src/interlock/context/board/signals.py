"""Events, conditions and barriers on a board."""

from __future__ import annotations

from typing import Any

from interlock.context.board.locks import LockThing
from interlock.context.board.seats import Left, Seat, Who
from interlock.context.board.thing import NOT_YET, CallerGone, Thing, Undoable, Wait

__all__ = ["BarrierThing", "ConditionThing", "EventThing"]

ACT, PASSED, BROKEN = "act", "passed", "broken"


class EventThing(Thing):
    """An event."""

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False

    def set(self, who: Who) -> None:
        """It has happened."""
        self._is_set = True
        self.changed()

    def clear(self, who: Who) -> None:
        """It has not."""
        self._is_set = False

    def is_set(self, who: Who) -> bool:
        """Whether it has happened."""
        return self._is_set

    async def wait(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """True; NOT_YET when the time is over.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: nothing.
        """
        return await self.until(who, lambda: self._is_set or NOT_YET, timeout_s, open_)


class _Notified(Wait):
    is_told = False


class ConditionThing(Thing):
    """A condition; what waits in `_waits` waits to be notified."""

    def __init__(self, lock: LockThing) -> None:
        super().__init__()
        self._lock = lock
        lock.belongs_to(self)

    async def wait(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """(whether it was notified, who died with the lock); the caller has the lock again.

        Raises:
            LockNotOwned: The caller has not got the lock.

        If a process dies: the caller's: it takes no notification with it.
        """
        lock = self._lock
        lock.must_own(who, "wait()")
        depth = lock.count_of(who)
        wait = _Notified(who, lambda: NOT_YET)
        self._waits.append(wait)
        lock.free()

        def again() -> Any:
            if not lock.is_open_to(who):
                return NOT_YET
            left, lock._left = lock._left, None
            lock.give(who, depth)
            return wait.is_told, left

        try:
            await self.waited(wait, timeout_s, open_)
            answer: tuple[bool, Left | None] = await lock.until(who, again, None, _nobody)
        except CallerGone:
            if wait.is_told:
                self._wake(1)  # the notification is the next one's
            raise
        # Who is interrupted has the lock all the same; a notification is the next one's then.
        return Undoable(answer, lambda: self._wake(1 if answer[0] else 0))

    def notify(self, who: Who, number: int | None) -> None:
        """Wake so many, those first that came first; None for all.

        Raises:
            LockNotOwned: The caller has not got the lock.
        """
        self._lock.must_own(who, "notify()")
        self._wake(number)

    def owner_died(self) -> None:
        """It may have been about to notify."""
        self._wake(None)

    def _wake(self, number: int | None) -> None:
        for wait in [each for each in self._waits if not each.is_over][:number]:
            self._waits.remove(wait)
            assert isinstance(wait, _Notified), "a condition has no others"
            wait.is_told = True
            wait.end()


def _nobody(wait: Wait) -> None:
    """The lock is had again, however long that takes, as the standard library has it."""


class BarrierThing(Thing):
    """A barrier.

    Args:
        parties: How many pass together.
    """

    def __init__(self, parties: int) -> None:
        super().__init__()
        self._parties = parties
        self._reset()
        self._why: str | None = None
        self._missing: Left | None = None
        self._passed: dict[str, Who] = {}  # by seat: those of the last round

    def _reset(self) -> None:
        self._inside: list[Who] = []
        self._round = object()
        self._is_acting = False

    async def wait(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """(PASSED, number), (BROKEN, why and who), or to the last to come (ACT, number).

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: while it waits, or between two rounds: the barrier breaks.
        """
        entered = await self.until(who, lambda: self._entered(who), timeout_s, open_)
        if entered is NOT_YET:
            self._break("timeout")
        if entered in (NOT_YET, None):
            return self._broken()
        number, mine = entered
        if number == self._parties - 1:
            return self._undoable((ACT, number))

        def passed() -> Any:
            if self._round is not mine:
                return self._undoable((PASSED, number))
            return NOT_YET if self._why is None else self._broken()

        answer: Any = await self.until(who, passed, timeout_s, open_)
        if answer is NOT_YET:
            self._break("timeout")
            return self._broken()
        return answer

    def _undoable(self, answer: tuple[str, Any]) -> Undoable:
        return Undoable(answer, lambda: self._break("abort"))

    def _entered(self, who: Who) -> Any:
        if self._why is not None:
            return None
        if self._is_acting:
            return NOT_YET
        self._inside.append(who)
        number = len(self._inside) - 1
        self._is_acting = number == self._parties - 1
        return number, self._round

    def acted(self, who: Who, well: bool) -> tuple[str, Any]:
        """The last to come has done what is to be done before all pass."""
        if self._why is not None:
            return self._broken()
        if not well:
            self._break("action")
            return self._broken()
        number = len(self._inside) - 1
        self._passed = {each.seat: each for each in self._inside}
        self._reset()
        self.changed()
        return PASSED, number

    def abort(self, who: Who) -> None:
        """Break it."""
        self._break("abort")

    def reset(self, who: Who) -> None:
        """Make it as new; those that wait find it broken."""
        if self._inside:
            self._break("reset")
        self._why, self._missing, self._passed = None, None, {}
        self._reset()

    def _break(self, why: str, missing: Left | None = None) -> None:
        if self._why is None:
            self._why, self._missing = why, missing
            self._is_acting = False
            self.changed()
            self._inside = []

    def _broken(self) -> tuple[str, Any]:
        return BROKEN, (self._why, self._missing)

    def state(self, who: Who) -> tuple[int, bool]:
        """How many wait, and whether it is broken."""
        return len(self._inside), self._why is not None

    def _lost(self, seat: Seat, orderly: bool) -> None:
        inside = next((who for who in self._inside if who.seat == seat.key), None)
        missed = inside or (None if orderly else self._passed.get(seat.key))
        self._passed.pop(seat.key, None)
        if missed is not None:
            self._break("died", seat.left(missed.lane, 0.0))
