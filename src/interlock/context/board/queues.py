"""A queue on a board: a message is somebody's from the moment it is sent to him, and done with
when he says that it has arrived.

Q1. A message is ready, under way (taken, with a ticket), a dead letter, or done.
Q2. Under way to one who is gone it is ready again, where it was: before those that came later.
Q3. A delivery counts as an attempt only under a lease.
Q4. Who waits for room has it in the order in which he came, whatever the sizes of the messages.
"""

from __future__ import annotations

import bisect
import itertools
from collections import deque
from typing import Any, NamedTuple

from interlock.context.board.seats import Seat, Who
from interlock.context.board.thing import NOT_YET, Thing, Undoable
from interlock.errors import MessageTooLarge, ShutDown

__all__ = ["QueueThing"]


class Message(NamedTuple):
    """A message, by its number in order.

    Attributes:
        number: Grows with each that is put.
        attempt: The how manieth delivery under a lease the next one is.
        payload: What was put, as bytes that nobody here reads.
        size: Of the payload, in bytes.
    """

    number: int
    attempt: int
    payload: Any
    size: int


class QueueThing(Thing):
    """A queue.

    Args:
        maxsize: How many messages may be ready or under way; 0 for any number.
        max_bytes: How many bytes of them, dead letters included.
        max_deliveries: How often a message is delivered under leases; 0 for any number.
    """

    def __init__(self, maxsize: int, max_bytes: int, max_deliveries: int) -> None:
        super().__init__()
        self._maxsize = maxsize
        self._max_bytes = max_bytes
        self._max_deliveries = max_deliveries
        self._bytes = 0
        self._putting: list[object] = []  # those that wait for room, in order
        self._ready: deque[Message] = deque()
        self._dead: deque[Message] = deque()
        self._taken: dict[int, tuple[Who, Message, bool]] = {}  # by ticket; whether leased
        self._number = 0  # of the last that was put
        self._tickets = itertools.count(1)
        self._unfinished = 0
        self._is_shut = False

    async def put(
        self, who: Who, timeout_s: float | None, open_: Any, payload: Any, size: int
    ) -> Any:
        """True; NOT_YET when there was no room in time.

        Raises:
            ShutDown: Nothing more can be put.
            MessageTooLarge: There will never be room for it.

        If a process dies: the caller's: it was put, or not.
        """
        mine = object()
        self._putting.append(mine)

        def attempt() -> Any:
            return NOT_YET if self._putting[0] is not mine else self._put(payload, size)

        try:
            return await self.until(who, attempt, timeout_s, open_)
        finally:
            self._putting.remove(mine)
            if self._putting:
                self.changed()

    def _put(self, payload: Any, size: int) -> Any:
        if self._is_shut:
            raise ShutDown("the queue was shut down; nothing more can be put")
        if size > self._max_bytes:
            raise MessageTooLarge(
                f"A message of {size:,} bytes is larger than the queue's max_bytes, "
                f"{self._max_bytes:,}. Large results stay better where they were computed: "
                "Pool.map(..., keep_remote=True)."
            )
        if self._maxsize and self._unsettled() >= self._maxsize:
            return NOT_YET
        if self._bytes + size > self._max_bytes:
            return NOT_YET
        self._number += 1
        message = Message(self._number, 1, payload, size)
        self._ready.append(message)
        self._unfinished += 1
        self._enter(message)
        self.changed()
        return Undoable(True, lambda: self._not_put(message))

    def _enter(self, message: Message) -> None:
        """It is here now."""
        self._bytes += message.size

    def _leave(self, message: Message) -> None:
        """It is not any more."""
        self._bytes -= message.size

    def _not_put(self, message: Message) -> None:
        """Who put it was interrupted; what nobody has taken yet was never here."""
        if message in self._ready:
            self._ready.remove(message)
            self._leave(message)
            self._finish(1)
            self.changed()

    def put_many(self, who: Who, payloads: list[tuple[Any, int]]) -> int:
        """Those first ones for which there is room at once; how many.

        Raises:
            ShutDown: Nothing more can be put.
            MessageTooLarge: There will never be room for the first.

        If a process dies: the caller's: they were put, or not.
        """
        for accepted, (payload, size) in enumerate(payloads):
            if self._putting or (accepted and size > self._max_bytes):
                return accepted
            if self._put(payload, size) is NOT_YET:
                return accepted
        return len(payloads)

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
        return Undoable(found, lambda: self._not_had([ticket for ticket, *_ in found]))

    def _not_had(self, tickets: list[int]) -> None:
        """Who took these was interrupted before it had them: no attempt was made (Q3)."""
        for ticket in tickets:
            self._return(ticket, is_attempt=False)
        self.changed()

    def done(self, who: Who, tickets: list[int], finished: bool = False) -> Any:
        """These have arrived; whether they were the caller's still.

        Args:
            who: The caller.
            tickets: Of `take`.
            finished: Whether the work on them is done, too.
        """
        known = [each for each in (self._taken.pop(t, None) for t in tickets) if each is not None]
        for _, message, _ in known:
            self._leave(message)
        is_all = len(known) == len(tickets)
        if finished:
            self._finish(len(known))
        self.changed()
        if finished:
            return is_all
        return Undoable(is_all, lambda: self._not_arrived([message for _, message, _ in known]))

    def _not_arrived(self, messages: list[Message]) -> None:
        """Who had these was interrupted before it could return them."""
        for message in messages:
            self._enter(message)
            self._insert(message)
        self.changed()

    def give_back(self, who: Who, tickets: list[int]) -> None:
        """These are ready again, for the next attempt if they were leased."""
        for ticket in tickets:
            self._return(ticket)
        self.changed()

    def _return(self, ticket: int, is_attempt: bool = True) -> None:
        _, message, leased = self._taken.pop(ticket, (None, None, False))
        if message is None:
            return
        if leased and is_attempt:
            if self._max_deliveries and message.attempt >= self._max_deliveries:
                self._dead.append(message)
                self._finish(1)
                return
            message = message._replace(attempt=message.attempt + 1)
        self._insert(message)

    def _insert(self, message: Message) -> None:
        """Where it was: before those that came later."""
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
            ShutDown: None is left, and none can come.

        If a process dies: the caller's: the dead letter was taken, or not.
        """

        def taken() -> Any:
            if not self._dead:
                if self._is_shut and not self._ready and not self._taken:
                    raise ShutDown("the queue was shut down, and no dead letter is left nor comes")
                return NOT_YET
            message = self._dead.popleft()
            self._leave(message)
            return Undoable((message.payload,), lambda: self._not_buried(message))

        return await self.until(who, taken, timeout_s, open_)

    def _not_buried(self, message: Message) -> None:
        self._dead.appendleft(message)
        self._enter(message)
        self.changed()

    def shutdown(self, who: Who, immediate: bool) -> None:
        """Nothing more can be put; with immediate, what is there is dropped."""
        self._is_shut = True
        if immediate:
            for message in self._ready:
                self._leave(message)
            self._finish(len(self._ready))
            self._ready.clear()
        self.changed()

    def counts(self, who: Who) -> tuple[int, int, int, int, bool]:
        """Ready, leased, dead, put, and whether it was shut down."""
        leased = sum(each[2] for each in self._taken.values())
        return len(self._ready), leased, len(self._dead), self._number, self._is_shut

    def ended(self) -> None:
        """As `Thing.ended`: what is in it is no more, either."""
        super().ended()
        for message in (*self._ready, *self._dead, *(each[1] for each in self._taken.values())):
            self._leave(message)

    def _lost(self, seat: Seat, orderly: bool) -> None:
        mine = [t for t, (who, *_) in self._taken.items() if who.seat == seat.key]
        for ticket in mine:
            self._return(ticket)
