"""A queue at the desk: messages as bytes, in order, leased from `get` to its receipt.

    put         -> READY
    get         READY -> LEASED(ticket)      the answer goes to the caller
    done        LEASED -> gone               the caller has it
    back, or the caller is dead, or its call was given up
                LEASED -> READY, at the front, in the order in which they were put

So a message is delivered once, and a second time only if its consumer dies with it in the moment
between the two. Dask's own Queue gives a message away when it answers, whoever is still there.

A message that refers to results on the cluster (`keys`) keeps them there for as long as it lies
here, as a client named after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from interlock.context.dask.desk.answers import (
    EMPTY,
    FULL,
    LOST,
    NOT_HELD,
    OK,
    SHUT,
    TOO_LARGE,
    Answer,
)
from interlock.context.dask.desk.thing import IsGone, Thing
from interlock.context.dask.desk.turns import Caller, Turns

__all__ = ["QueueThing", "known"]

KNOW_S, KNOW_TRIES = 0.01, 1000  # how long a message may refer to what the scheduler has not


@dataclass(eq=False)
class _Message:
    number: int
    data: bytes
    keys: list[Any]
    attempts: int = 0


class QueueThing(Thing):
    """Messages, first in, first out.

    Args:
        maker: As in `Thing`.
        scheduler: Keeps the results that messages refer to.
        maxsize: Messages at the most; 0 for no bound.
        max_bytes: Bytes of them at the most.
        max_deliveries: After how many a message is a dead letter; 0 for no bound.
    """

    def __init__(
        self, maker: str, scheduler: Any, maxsize: int, max_bytes: int, max_deliveries: int
    ) -> None:
        super().__init__(maker)
        self._scheduler = scheduler
        self._maxsize = maxsize
        self._max_bytes = max_bytes
        self._max_deliveries = max_deliveries
        self._ready: deque[_Message] = deque()
        self._dead: deque[_Message] = deque()
        self._leased: dict[str, tuple[Caller, list[_Message]]] = {}
        self._count = 0  # of all that were put
        self._bytes = 0  # of those that are here
        self._unfinished = 0
        self._is_shut = False
        self._readers, self._writers, self._joining = Turns(), Turns(), Turns()
        self._mourning = Turns()  # who waits for a dead letter
        self.turns = self._readers, self._writers, self._joining, self._mourning

    # ---- in ----------------------------------------------------------------------

    async def do_put(
        self, caller: Caller, ticket: str, wait_s: float | None, data: bytes, keys: list[Any]
    ) -> Answer:
        """Put a message.

        If a process dies: one that was putting: the message is here whole, or not at all.
        """
        if len(data) > self._max_bytes:
            return TOO_LARGE, self._max_bytes
        if keys and not await known(self._scheduler, keys):
            return LOST, None

        def attempt() -> Answer | None:
            if self._is_shut:
                return SHUT, None
            held = len(self._ready) + self._leased_count()
            if (self._maxsize and held >= self._maxsize) or (
                self._bytes + len(data) > self._max_bytes
            ):
                return None
            self._enter(data, keys)
            return OK, None

        answer = await self._writers.take(caller, ticket, attempt, wait_s)
        self._readers.look()
        return answer or (FULL, None)

    def _enter(self, data: bytes, keys: list[Any]) -> None:
        self._count += 1
        message = _Message(self._count, data, keys)
        if keys:
            self._scheduler.client_desires_keys(keys=keys, client=self._keeper(message))
        self._ready.append(message)
        self._bytes += len(data)
        self._unfinished += 1

    def _keeper(self, message: _Message) -> str:
        return f"interlock-message-{id(self)}-{message.number}"

    # ---- out ---------------------------------------------------------------------

    async def do_get(self, caller: Caller, ticket: str, wait_s: float | None, most: int) -> Answer:
        """Lease so many messages at the most; data and attempt of each.

        If a process dies: what it has not acknowledged is delivered again.
        """

        def attempt() -> Answer | None:
            if not self._ready:
                return (SHUT, None) if self._is_shut and not self._leased else None
            taken = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
            for message in taken:
                message.attempts += 1
            self._leased[ticket] = caller, taken
            return OK, [[message.data, message.attempts] for message in taken]

        return await self._readers.take(caller, ticket, attempt, wait_s) or (EMPTY, None)

    def do_done(
        self, caller: Caller, ticket: str, wait_s: object, leased: str, is_finished: bool
    ) -> Answer:
        """The caller has what it leased by that ticket; finished: and its work is done, too."""
        _, messages = self._leased.pop(leased, (caller, []))
        for message in messages:
            self._leave(message)
        if is_finished:
            self._finish(len(messages))
        self._look()
        return OK, bool(messages)

    def do_back(self, caller: Caller, ticket: str, wait_s: object, leased: str) -> Answer:
        """The caller gives back what it leased by that ticket."""
        _, messages = self._leased.pop(leased, (caller, []))
        self._give_back(messages)
        return OK, bool(messages)

    def _give_back(self, messages: list[_Message]) -> None:
        for message in messages:
            if self._max_deliveries and message.attempts >= self._max_deliveries:
                self._dead.append(message)
                self._finish(1)
            else:
                self._ready.append(message)
        self._ready = deque(sorted(self._ready, key=lambda message: message.number))
        self._look()

    def _leave(self, message: _Message) -> None:
        self._bytes -= len(message.data)
        if message.keys:
            keeper = self._keeper(message)
            self._scheduler.client_releases_keys(keys=message.keys, client=keeper)
            self._scheduler.clients.pop(keeper, None)

    def _look(self) -> None:
        self._writers.look()
        self._readers.look()
        self._joining.look()
        self._mourning.look()

    async def do_dead(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """The oldest dead letter, taken.

        If a process dies: as `QueueThing.do_get`, but that it is not leased.
        """

        def attempt() -> Answer | None:
            if not self._dead:
                over = self._is_shut and not self._ready and not self._leased
                return (SHUT, None) if over else None
            message = self._dead.popleft()
            self._leave(message)
            return OK, [[message.data, message.attempts]]

        return await self._mourning.take(caller, ticket, attempt, wait_s) or (EMPTY, None)

    # ---- its state ---------------------------------------------------------------

    def do_task_done(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """The work on a message that was taken is done."""
        if self._unfinished <= 0:
            return NOT_HELD, None
        self._finish(1)
        self._joining.look()
        return OK, None

    def _finish(self, number: int) -> None:
        self._unfinished = max(0, self._unfinished - number)

    async def do_join(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """Wait until the work on all is done."""

        def attempt() -> Answer | None:
            return None if self._unfinished else (OK, None)

        return await self._joining.take(caller, ticket, attempt, wait_s) or (EMPTY, None)

    def do_shut(self, caller: Caller, ticket: str, wait_s: object, immediate: bool) -> Answer:
        """Take no more messages; immediate: drop those that are here."""
        self._is_shut = True
        if immediate:
            for message in self._ready:
                self._leave(message)
            self._finish(len(self._ready))
            self._ready.clear()
            self._leased.clear()
        self._look()
        return OK, None

    def do_counts(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """As `QueueStatistics` has them; bytes that are here come last."""
        return OK, [
            len(self._ready), self._leased_count(), len(self._dead), self._count,
            self._maxsize, self._max_bytes, self._max_deliveries, self._is_shut, self._bytes,
        ]  # fmt: skip

    def _leased_count(self) -> int:
        return sum(len(messages) for _, messages in self._leased.values())

    def forget(self, is_gone: IsGone) -> None:
        """As `Thing.forget`: what they leased is delivered again."""
        super().forget(is_gone)
        for ticket, (caller, messages) in list(self._leased.items()):
            if is_gone(caller, ticket):
                del self._leased[ticket]
                self._give_back(messages)

    def end(self, answer: Answer) -> None:
        """As `Thing.end`."""
        super().end(answer)
        for message in (*self._ready, *self._dead):
            self._leave(message)


async def known(scheduler: Any, keys: list[Any]) -> bool:
    """Wait until the scheduler has heard of these tasks, which comes by another connection."""
    for _ in range(KNOW_TRIES):
        if all(key in scheduler.tasks for key in keys):
            return True
        await asyncio.sleep(KNOW_S)
    return False
