"""Locks and semaphores on a board. What a process had comes back when it is gone."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from interlock.context.board.seats import Left, Seat, Who
from interlock.context.board.thing import NOT_YET, Thing, Undoable
from interlock.errors import LockNotHeld, LockNotOwned

__all__ = ["LockThing", "SemaphoreThing"]


class LockThing(Thing):
    """A lock.

    Args:
        recursive: Whether its owner may take it again.
        raises: Whether who comes after a dead owner gets an error, and not the lock.
    """

    def __init__(self, recursive: bool, raises: bool) -> None:
        super().__init__()
        self._recursive = recursive
        self._raises = raises
        self._owner: Who | None = None
        self._count = 0
        self._since = 0.0
        self._left: Left | None = None  # who died with it, as long as nobody was told
        self._conditions: list[Any] = []

    def belongs_to(self, condition: Any) -> None:
        """A condition uses it, and is told when an owner dies."""
        self._conditions.append(condition)

    async def acquire(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """(whether it is the caller's, who died with it); NOT_YET when the time is over.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: the one that has it: it is the next one's.
        """
        return await self.until(who, lambda: self._taken(who), timeout_s, open_)

    def _taken(self, who: Who) -> Any:
        if self._owner is not None and not (self._recursive and self._owner == who):
            return NOT_YET
        left, self._left = self._left, None
        has_it = left is None or not self._raises
        if has_it:
            self.give(who, self._count + 1)
        return Undoable((has_it, left), lambda: self._not_taken(who, has_it, left))

    def _not_taken(self, who: Who, has_it: bool, left: Left | None) -> None:
        """Who took it has not had the answer: the next one has it, and is told of the dead."""
        if left is not None:
            self._left = left
        if has_it and self._owner == who:
            self._down()

    def give(self, who: Who, count: int) -> None:
        """It is free, or the caller's: now it is the caller's so many times."""
        self._owner, self._count, self._since = who, count, time.monotonic()

    def release(self, who: Who) -> None:
        """Give it up, once.

        Raises:
            LockNotHeld: Nobody has it.
            LockNotOwned: It is recursive, and another has it, or nobody.
        """
        if self._recursive:
            self.must_own(who, "release()")
        elif self._owner is None:
            raise LockNotHeld("release() of a lock that nobody has; acquire it first")
        self._down()

    def _down(self) -> None:
        self._count -= 1
        if not self._count:
            self.free()

    def must_own(self, who: Who, doing: str) -> None:
        """Raise LockNotOwned unless the caller has it."""
        if self._owner != who:
            raise LockNotOwned(
                f"{doing} by a thread that has not got the lock; only its owner may do that"
            )

    def count_of(self, who: Who) -> int:
        """How often the caller has it."""
        return self._count if self._owner == who else 0

    def free(self) -> None:
        """Nobody has it any more."""
        self._owner, self._count = None, 0
        self.changed()

    def is_open_to(self, who: Who) -> bool:
        """Whether the caller would not wait for another."""
        return self._owner is None or self._owner == who

    def state(self, who: Who) -> tuple[Who | None, float, int]:
        """Who has it, for how many seconds, how many wait."""
        held_s = 0.0 if self._owner is None else time.monotonic() - self._since
        return self._owner, held_s, len(self._waits)

    def _lost(self, seat: Seat, orderly: bool) -> None:
        if self._owner is None or self._owner.seat != seat.key:
            return
        self._left = seat.left(self._owner.lane, self._since)
        self._owner, self._count = None, 0
        for condition in self._conditions:
            condition.owner_died()


class SemaphoreThing(Thing):
    """So many at a time.

    Args:
        value: How many places are free at first.
        bounded: Whether there are never more.
    """

    def __init__(self, value: int, bounded: bool) -> None:
        super().__init__()
        self._initial = value
        self._value = value
        self._bounded = bounded
        self._holders: Counter[Who] = Counter()

    async def acquire(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """(True, None); NOT_YET when the time is over.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: one that has places: they come back.
        """
        return await self.until(who, lambda: self._taken(who), timeout_s, open_)

    def _taken(self, who: Who) -> Any:
        if not self._value:
            return NOT_YET
        self._value -= 1
        self._holders[who] += 1
        return Undoable((True, None), lambda: self._back(who))

    def release(self, who: Who) -> None:
        """Give a place back.

        Raises:
            LockNotHeld: There would be more than there were.
        """
        if self._bounded and self._value >= self._initial:
            raise LockNotHeld("semaphore released too many times; all its places are free")
        self._back(who)

    def _back(self, who: Who) -> None:
        self._value += 1
        # Of another's, if it has none itself: else that one's death would give it back once more.
        owner = who if who in self._holders else next(iter(self._holders), who)
        self._holders[owner] -= 1
        if self._holders[owner] <= 0:
            del self._holders[owner]
        self.changed()

    def get_value(self, who: Who) -> int:
        """How many places are free."""
        return self._value

    def _lost(self, seat: Seat, orderly: bool) -> None:
        mine = [who for who in self._holders if who.seat == seat.key]
        had = sum(self._holders.pop(who) for who in mine)
        # Of a semaphore that counts things, what the dead had acquired is used up.
        self._value += min(had, max(0, self._initial - self._value))
