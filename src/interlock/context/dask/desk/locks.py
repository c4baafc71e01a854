"""Locks, semaphores, conditions and barriers at the desk; a dead owner's are free at once.

Dask's own Lock and Semaphore free what a dead process had after 30 s, and take it from a living
one that does not come to say so for as long, as when a task holds the GIL.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.context.dask.desk.answers import EMPTY, GONE, NOT_HELD, NOT_OWNED, OK, Answer
from interlock.context.dask.desk.thing import IsGone, Thing
from interlock.context.dask.desk.turns import Caller, Turns

__all__ = ["ConditionThing", "EventThing", "LockThing", "SemaphoreThing"]


class LockThing(Thing):
    """One at a time.

    Args:
        maker: As in `Thing`.
        is_recursive: Whether its owner may take it again.
    """

    def __init__(self, maker: str, is_recursive: bool) -> None:
        super().__init__(maker)
        self._is_recursive = is_recursive
        self._owner: Caller | None = None
        self._tickets: list[str] = []  # of the calls by which its owner took it
        self._since = 0.0
        self._abandoned: list[Any] | None = None  # whom the next owner is told of
        self.on_death: list[Callable[[], None]] = []  # of an owner
        self._takers = Turns()
        self.turns = (self._takers,)

    async def do_acquire(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """Take it; with OK the owner that died with it, if there is one.

        If a process dies: an owner: who waits gets the lock.
        """
        if self._is_recursive and self._owner == caller:  # not behind those that wait for it
            self._tickets.append(ticket)
            return OK, None
        answer = await self._takers.take(caller, ticket, self.taking(caller, ticket), wait_s)
        return answer or (EMPTY, None)

    def taking(self, caller: Caller, ticket: str, depth: int = 1) -> Callable[[], Answer | None]:
        """An attempt to take it so many times."""

        def attempt() -> Answer | None:
            if self._owner is None:
                self._owner, self._tickets = caller, [ticket] * depth
                self._since = time.time()
                abandoned, self._abandoned = self._abandoned, None
                return OK, abandoned
            return None

        return attempt

    def do_release(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """Give it back; one that is not recursive may be given back by anybody."""
        if self._owner is None:
            return (NOT_OWNED if self._is_recursive else NOT_HELD), None
        if self._is_recursive and self._owner != caller:
            return NOT_OWNED, None
        self._tickets.pop()
        if not self._tickets:
            self.give_up()
        return OK, None

    def give_up(self) -> int:
        """Free it, however often it was taken; that number."""
        depth = len(self._tickets)
        self._tickets, self._owner = [], None
        self._takers.look()
        return depth

    async def retake(self, caller: Caller, ticket: str, depth: int) -> Answer:
        """Take it so many times, however long that takes."""
        attempt = self.taking(caller, ticket, depth)
        answer = await self._takers.take(caller, ticket, attempt, None)
        assert answer is not None, "there was no timeout"
        return answer

    def is_owner(self, caller: Caller) -> bool:
        """Whether this caller has it."""
        return self._owner == caller

    def do_look(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """Who has it, and since when; None if nobody has."""
        return OK, self._told()

    def _told(self) -> list[Any] | None:
        owner = self._owner
        return None if owner is None else [owner.host, owner.pid, owner.thread, self._since]

    def forget(self, is_gone: IsGone) -> None:
        """As `Thing.forget`."""
        super().forget(is_gone)
        owner = self._owner
        if owner is None:
            return
        if is_gone(owner, ""):  # whatever the ticket: it is dead
            self._abandoned = self._told()
            self.give_up()
            for tell in self.on_death:
                tell()
            return
        self._tickets = [ticket for ticket in self._tickets if not is_gone(owner, ticket)]
        if not self._tickets:
            self.give_up()


class SemaphoreThing(Thing):
    """So many at a time.

    Args:
        maker: As in `Thing`.
        value: How many.
        is_bounded: Whether it may never have more.
    """

    def __init__(self, maker: str, value: int, is_bounded: bool) -> None:
        super().__init__(maker)
        self._value = value
        self._bound = value if is_bounded else None
        self._held: Counter[Caller] = Counter()
        self._tickets: dict[str, Caller] = {}  # the last call of each that got one
        self._takers = Turns()
        self.turns = (self._takers,)

    async def do_acquire(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """Take one.

        If a process dies: those that it had are given back.
        """

        def attempt() -> Answer | None:
            if not self._value:
                return None
            self._value -= 1
            self._held[caller] += 1
            self._tickets = {t: c for t, c in self._tickets.items() if c != caller}
            self._tickets[ticket] = caller
            return OK, None

        return await self._takers.take(caller, ticket, attempt, wait_s) or (EMPTY, None)

    def do_release(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """Give one back, whoever took it."""
        if self._bound is not None and self._value >= self._bound:
            return NOT_HELD, None
        # Of another's, if it has none itself: else its death would give it back once more.
        owner = caller if self._held[caller] else next(iter(+self._held), caller)
        self._give_back(owner, 1)
        return OK, None

    def _give_back(self, owner: Caller, number: int) -> None:
        self._held[owner] -= number
        self._held = +self._held
        self._value += number
        self._takers.look()

    def do_look(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """How many are left."""
        return OK, self._value

    def forget(self, is_gone: IsGone) -> None:
        """As `Thing.forget`."""
        super().forget(is_gone)
        for ticket, caller in list(self._tickets.items()):
            if is_gone(caller, ticket) and self._held[caller]:
                del self._tickets[ticket]
                self._give_back(caller, 1)
        for caller in [each for each in self._held if is_gone(each, "")]:
            self._give_back(caller, self._held[caller])


@dataclass(eq=False)
class _Sleeper:
    caller: Caller
    ticket: str
    woken: asyncio.Future[bool]  # False: it is gone


class ConditionThing(Thing):
    """To wait for a change, with a lock.

    Args:
        maker: As in `Thing`.
        lock: Guards what changes; when its owner dies, all are woken.
    """

    def __init__(self, maker: str, lock: LockThing) -> None:
        super().__init__(maker)
        self._lock = lock
        self._sleepers: deque[_Sleeper] = deque()
        lock.on_death.append(self._wake)

    async def do_wait(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """Free the lock, sleep, and take it again; whether it was woken.

        If a process dies: one that sleeps here is left out; one that had the lock: as there.
        """
        if not self._lock.is_owner(caller):
            return NOT_OWNED, None
        sleeper = _Sleeper(caller, ticket, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        depth = self._lock.give_up()
        await asyncio.wait([sleeper.woken], timeout=wait_s)
        is_woken = sleeper.woken.done()
        if not is_woken:
            self._sleepers.remove(sleeper)
        elif not sleeper.woken.result():
            return GONE, None
        status, abandoned = await self._lock.retake(caller, ticket, depth)
        return status, [is_woken, abandoned]

    def do_notify(self, caller: Caller, ticket: str, wait_s: object, number: int | None) -> Answer:
        """Wake so many, or all."""
        if not self._lock.is_owner(caller):
            return NOT_OWNED, None
        self._wake(number)
        return OK, None

    def _wake(self, number: int | None = None) -> None:
        """So many; or all, as when a lock's owner has died, who would have woken them."""
        most = len(self._sleepers) if number is None else number
        for _ in range(min(most, len(self._sleepers))):
            self._sleepers.popleft().woken.set_result(True)

    def forget(self, is_gone: IsGone) -> None:
        """As `Thing.forget`: what woke one that is gone is not for it."""
        for each in [each for each in self._sleepers if is_gone(each.caller, each.ticket)]:
            self._sleepers.remove(each)
            each.woken.set_result(False)

    def end(self, answer: Answer) -> None:
        """As `Thing.end`."""
        self.forget(lambda caller, ticket: True)


class EventThing(Thing):
    """To wait until something has happened."""

    def __init__(self, maker: str) -> None:
        super().__init__(maker)
        self._is_set = False
        self._waiting = Turns()
        self.turns = (self._waiting,)

    async def do_wait(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """Wait until it is set.

        If a process dies: one that would have set it: the others wait on.
        """

        def attempt() -> Answer | None:
            return (OK, None) if self._is_set else None

        return await self._waiting.take(caller, ticket, attempt, wait_s) or (EMPTY, None)

    def do_change(self, caller: Caller, ticket: str, wait_s: object, is_set: bool) -> Answer:
        """Set or clear it."""
        self._is_set = is_set
        self._waiting.look()
        return OK, None

    def do_look(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """Whether it is set."""
        return OK, self._is_set
