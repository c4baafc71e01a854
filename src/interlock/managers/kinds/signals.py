"""Events and barriers of a server, for clients that wait without a thread each."""

from __future__ import annotations

import asyncio

from interlock.errors import BrokenBarrier
from interlock.managers.kinds.turns import Turns

__all__ = ["Barrier", "Event"]


class Event:
    """As `threading.Event`."""

    def __init__(self) -> None:
        self._is_set = False
        self._turns = Turns()

    def is_set(self) -> bool:
        """Whether it is."""
        return self._is_set

    def set(self) -> None:
        """Let all go on, and whoever comes."""
        self._is_set = True
        self._turns.wake(len(self._turns))

    def clear(self) -> None:
        """Let those wait that come from now on."""
        self._is_set = False

    async def wait(self, timeout: float | None = None) -> bool:
        """Whether it was set in time.

        Raises:
            asyncio.CancelledError: The client is gone, or waits no more.

        If a process dies: the client: it waits no more when the grace has ended.
        """
        return self._is_set or await self._turns.wait(self._turns.enter(), timeout)

    def __repr__(self) -> str:
        return f"<managed Event, {'set' if self._is_set else 'unset'}, {len(self._turns)} waiting>"


class Barrier:
    """As `threading.Barrier`, without an action: no function travels to a server.

    Args:
        parties: How many meet.
        action: None.
        timeout: Seconds that `wait` waits by default.
    """

    def __init__(self, parties: int, action: None = None, timeout: float | None = None) -> None:
        if parties < 1:
            raise ValueError("parties must be > 0")
        if action is not None:
            raise TypeError("the action of a barrier does not travel; call it where wait() is 0")
        self._parties, self._timeout = parties, timeout
        self._is_broken = False
        self._turns = Turns()

    async def wait(self, timeout: float | None = None) -> int:
        """Return when all are there: for each another number, from 0 on.

        Raises:
            BrokenBarrier: One waited for too long, is gone, or has called `abort` or `reset`.

        If a process dies: the client: the barrier breaks for the others when its grace has ended.
        """
        if self._is_broken:
            raise BrokenBarrier("A managed barrier is broken. Reset it, and meet again.")
        number = len(self._turns)
        if number + 1 == self._parties:
            self._turns.wake(number)
            return number
        turns, waiter = self._turns, self._turns.enter()
        try:
            came = await turns.wait(waiter, self._timeout if timeout is None else timeout)
        except asyncio.CancelledError:
            if turns is self._turns and not Turns.was_woken(waiter):
                self.abort()
            raise
        if came and turns is self._turns and not self._is_broken:
            return number
        if turns is self._turns:
            self.abort()
        raise BrokenBarrier("A managed barrier broke while it was waited for: not all came.")

    def abort(self) -> None:
        """Break it."""
        self._is_broken = True
        self._turns.wake(len(self._turns))

    def reset(self) -> None:
        """Begin anew; whoever waits is told that it broke."""
        turns, self._turns = self._turns, Turns()
        self._is_broken = False
        turns.wake(len(turns))

    def parties(self) -> int:
        """How many meet."""
        return self._parties

    def n_waiting(self) -> int:
        """How many are there."""
        return len(self._turns)

    def broken(self) -> bool:
        """Whether it is broken."""
        return self._is_broken

    def __repr__(self) -> str:
        return f"<managed Barrier, {len(self._turns)} of {self._parties} waiting>"
