"""A queue on a board: a message is somebody's from the moment it is sent to him, and done with
when he says that it has arrived.

Q1. A message is ready, under way (taken, with a ticket), a dead letter, or done.
Q2. Under way to one who is gone it is ready again, where it was: before those that came later.
Q3. A delivery counts as an attempt only under a lease.
"""

from __future__ import annotations

import bisect
import itertools
from collections import deque
from typing import Any, NamedTuple

from interlock.context.board.seats import Seat, Who
from interlock.context.board.thing import NOT_YET, Thing
from interlock.errors import Full, ShutDown

__all__ = ["QueueThing"]


class Message(NamedTuple):
    """A message, by its number in order.

    Attributes:
        number: Grows with each that is put.
        attempt: The how manieth delivery under a lease the next one is.
        payload: What was put, as bytes that nobody here reads.
    """

    number: int
    attempt: int
    payload: Any


class QueueThing(Thing):
    """A queue.

    Args:
        maxsize: How many messages may be ready or under way; 0 for any number.
        max_deliveries: How often a message is delivered under leases; 0 for any number.
    """

    def __init__(self, maxsize: int, max_deliveries: int) -> None:
        super().__init__()
        self._maxsize = maxsize
        self._max_deliveries = max_deliveries
        self._ready: deque[Message] = deque()
        self._dead: deque[Message] = deque()
        self._taken: dict[int, tuple[Who, Message, bool]] = {}  # by ticket; whether leased
        self._number = 0  # of the last that was put
        self._tickets = itertools.count(1)
        self._unfinished = 0
        self._is_shut = False

    async def put(self, who: Who, timeout_s: float | None, open_: Any, payload: Any) -> Any:
        """True; NOT_YET when there was no room in time.

        Raises:
            ShutDown: Nothing more can be put.

        If a process dies: the caller's: it was put, or not.
        """
        return await self.until(who, lambda: self._put(payload), timeout_s, open_)

    def _put(self, payload: Any) -> Any:
        if self._is_shut:
            raise ShutDown("the queue was shut down; nothing more can be put")
        if self._maxsize and self._unsettled() >= self._maxsize:
            return NOT_YET
        self._number += 1
        self._ready.append(Message(self._number, 1, payload))
        self._unfinished += 1
        self.changed()
        return True

    def put_many(self, who: Who, payloads: list[Any]) -> None:
        """All of them, or none.

        Raises:
            ShutDown: Nothing more can be put.
            Full: There is no room for so many.

        If a process dies: the caller's: they were put, or not.
        """
        if self._maxsize and self._unsettled() + len(payloads) > self._maxsize:
            raise Full("there is no room for so many messages")
        for payload in payloads:
            self._put(payload)

    def _unsettled(self) -> int:
        return len(self._ready) + len(self._taken)

    async def take(
        self, who: Who, timeout_s: float | None, open_: Any, number: int, leased: bool
    ) -> Any:
        """Up to so many (ticket, payload, attempt); NOT_YET when there was none in time.

        Raises:
            ShutDown: Nothing is left, and nothing can come.

        If a process dies: the caller's, before it has said `done`: they are ready again.
        """
        return await self.until(who, lambda: self._take(who, number, leased), timeout_s, open_)

    def _take(self, who: Who, number: int, leased: bool) -> Any:
        if not self._ready:
            if self._is_shut and not self._taken:
                raise ShutDown("the queue was shut down, and nothing is left in it")
            return NOT_YET
        found: list[tuple[int, Any, int]] = []
        while self._ready and len(found) < number:
            message = self._ready.popleft()
            ticket = next(self._tickets)
            self._taken[ticket] = who, message, leased
            found.append((ticket, message.payload, message.attempt))
        return found

    def done(self, who: Who, tickets: list[int], finished: bool = False) -> bool:
        """These have arrived; whether they were the caller's still.

        Args:
            who: The caller.
            tickets: Of `take`.
            finished: Whether the work on them is done, too.
        """
        known = [self._taken.pop(ticket, None) is not None for ticket in tickets]
        if finished:
            self._finish(sum(known))
        self.changed()
        return all(known)

    def give_back(self, who: Who, tickets: list[int]) -> None:
        """These are ready again, for the next attempt if they were leased."""
        for ticket in tickets:
            self._return(ticket)
        self.changed()

    def _return(self, ticket: int) -> None:
        _, message, leased = self._taken.pop(ticket, (None, None, False))
        if message is None:
            return
        if leased:
            if self._max_deliveries and message.attempt >= self._max_deliveries:
                self._dead.append(message)
                self._finish(1)
                return
            message = message._replace(attempt=message.attempt + 1)
        place = bisect.bisect(self._ready, message.number, key=lambda each: each.number)
        self._ready.insert(place, message)

    def task_done(self, who: Who) -> None:
        """The work on one message is done.

        Raises:
            ValueError: There are not so many.
        """
        if self._unfinished <= 0:
            raise ValueError("task_done() called too many times")
        self._finish(1)
        self.changed()

    def _finish(self, number: int) -> None:
        self._unfinished = max(0, self._unfinished - number)

    async def join(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """True when the work on all is done.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: one that had taken a message and not leased it: it is never done.
        """
        return await self.until(who, lambda: not self._unfinished or NOT_YET, timeout_s, open_)

    async def take_dead(self, who: Who, timeout_s: float | None, open_: Any) -> Any:
        """The payload of the oldest dead letter; NOT_YET when there was none in time.

        Raises:
            CallerGone: Nobody is to be told.

        If a process dies: the caller's: the dead letter was taken, or not.
        """

        def taken() -> Any:
            return (self._dead.popleft().payload,) if self._dead else NOT_YET

        return await self.until(who, taken, timeout_s, open_)

    def shutdown(self, who: Who, immediate: bool) -> None:
        """Nothing more can be put; with immediate, what is there is dropped."""
        self._is_shut = True
        if immediate:
            self._finish(len(self._ready))
            self._ready.clear()
        self.changed()

    def counts(self, who: Who) -> tuple[int, int, int, int, bool]:
        """Ready, leased, dead, put, and whether it was shut down."""
        leased = sum(each[2] for each in self._taken.values())
        return len(self._ready), leased, len(self._dead), self._number, self._is_shut

    def _lost(self, seat: Seat, orderly: bool) -> None:
        mine = [t for t, (who, *_) in self._taken.items() if who.seat == seat.key]
        for ticket in mine:
            self._return(ticket)
