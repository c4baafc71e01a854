"""What the handles of one queue have in common: its messages, and who waits for them.

    ready ── take ──> leased ── acknowledge ──> gone
      ^                 │
      └── give back ────┤  (in the order in which they were put)
                        └── delivered too often ──> dead

All of it is behind one lock, and each change is made within a shield, so that a thread that is
stopped leaves it whole. A descriptor is made when somebody polls or awaits, and follows then.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from interlock.context.threads.stopping import LOOK_EVERY_S, Ended, current, raise_owed, shielded
from interlock.errors import Empty, Full, ShutDown

__all__ = ["Record", "Store"]

T = TypeVar("T")
NOT_BUT_DRAINED, AT_ONCE = 1, 2  # how it was shut down
_stores: weakref.WeakSet[Store] = weakref.WeakSet()  # whose locks a forked child has anew
SLEEP_MAX_S = 3600.0  # a condition waits for no longer than some 292 years


class Record:
    """A message, and how often it was delivered."""

    __slots__ = ("attempts", "message", "number")

    def __init__(self, number: int, message: Any) -> None:
        self.number = number
        self.message = message
        self.attempts = 0


class Watch(weakref.ref[Any]):
    """Tells the store that the holder of a lease is no more, by a step that runs no Python code.

    A `__del__` would be run after each lease, and a stop of the thread that comes in one is lost.
    """

    __slots__ = ("record",)
    record: Record


class Store:
    """Messages of one queue.

    Attributes:
        is_open: Asked before each operation, and raises where the handle was closed.
    """

    def __init__(self, maxsize: int, max_deliveries: int, *, joinable: bool = False) -> None:
        self.maxsize = maxsize
        self.max_deliveries = max_deliveries
        self.joinable = joinable
        self.ready: deque[Record] = deque()
        self.leased = 0
        self.watches: set[Watch] = set()
        self._dropped: deque[Watch] = deque()  # those whose lease nobody has any more
        self.dead: deque[Record] = deque()
        self.number_put = 0
        self.unfinished = 0
        self.shut_down = 0
        self._changed = threading.Condition(threading.RLock())  # what is freed may come back
        self._waiting = 0
        self._numbers = itertools.count()
        self._level = self._side = -1
        self._is_raised = False
        _stores.add(self)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block that is not interrupted, with the lock; who waits and polls is told after it."""
        with shielded(), self._changed:
            if self._dropped:
                self._sweep()
            yield
            if self._waiting:
                self._changed.notify_all()
            if self._level >= 0:
                self._follow()
            if self._side >= 0:
                os.eventfd_write(self._side, 1)

    def _sweep(self) -> None:
        """With the lock: what was under a lease that nobody has any more is delivered again."""
        while self._dropped:
            self._end_lease(self._dropped.popleft(), False)

    def wait(self, until: Callable[[], bool], deadline: float | None) -> bool:
        """With the lock: whether it came to be so in time.

        Raises:
            Ended: This thread's work was stopped; nothing was done.

        If a process dies: this one's threads are gone with it.
        """
        while not until():
            looks = self.leased or current() is not None
            most_s = LOOK_EVERY_S if looks else SLEEP_MAX_S
            rest_s = most_s if deadline is None else deadline - time.monotonic()
            if rest_s <= 0:
                return False
            raise_owed()
            self._waiting += 1
            try:
                self._changed.wait(min(rest_s, most_s))
            finally:
                self._waiting -= 1
            self._sweep()
        return True

    # ---- in and out --------------------------------------------------------------

    def put(self, message: Any, deadline: float | None, check: Callable[[], None]) -> None:
        """Put a message.

        Raises:
            Full: There was no room in time.
            ShutDown: It was shut down.

        If a process dies: this one's threads are gone with it.
        """
        with self.held():

            def may() -> bool:
                check()
                if self.shut_down:
                    raise ShutDown("The queue was shut down; nothing more can be put into it.")
                return not self.maxsize or len(self.ready) + self.leased < self.maxsize

            if not self.wait(may, deadline):
                raise Full
            self.ready.append(Record(next(self._numbers), message))
            self.number_put += 1
            self.unfinished += 1

    def take(
        self,
        made: Callable[[list[Record]], T],
        deadline: float | None,
        check: Callable[[], None],
        *,
        number: int = 1,
        lease: bool = False,
    ) -> T:
        """Take the oldest messages, at least one, and return what is made of them.

        That is made here, where what was taken can still be put back: the thread may be stopped at
        any call. Who asks for it returns it and calls nothing more.

        Raises:
            Empty: There was none in time.
            ShutDown: It was shut down, and nothing is left.
        """
        taken: list[Record] = []
        try:
            with self.held():

                def may() -> bool:
                    check()
                    return self.can_take()

                if not self.wait(may, deadline):
                    raise Empty
                if not self.ready:
                    raise ShutDown("The queue was shut down, and nothing is left in it.")
                taken += [self.ready.popleft() for _ in range(min(number, len(self.ready)))]
                for record in taken:
                    record.attempts += 1
                self.leased += len(taken) if lease else 0
            return made(taken)
        except Ended:  # it was stopped before it had them: nothing is taken
            with suppress(Ended):  # terminate() and then kill()
                self._return(taken, leased=lease)
            self._return(taken, leased=lease)
            raise

    def _return(self, records: list[Record], *, leased: bool) -> None:
        with self.held():
            while records:
                record = records.pop()
                record.attempts -= 1
                self.leased -= leased
                self._insert(record)

    def _insert(self, record: Record) -> None:
        """With the lock: in the order in which they were put."""
        place = 0
        while place < len(self.ready) and self.ready[place].number < record.number:
            place += 1
        self.ready.insert(place, record)

    def can_take(self) -> bool:
        """With the lock or without: whether taking would not wait."""
        if self.ready or self.shut_down == AT_ONCE:
            return True
        return bool(self.shut_down) and not self.leased

    def watched(self, holder: object, record: Record) -> Watch:
        """What `end_lease` is told by the holder of a leased message, or by its disappearance."""
        watch = Watch(holder, self._dropped.append)
        watch.record = record
        self.watches.add(watch)
        return watch

    def end_lease(self, watch: Watch, done: bool) -> None:
        """A leased message is done with, or is to be delivered again."""
        with self.held():
            self._end_lease(watch, done)

    def _end_lease(self, watch: Watch, done: bool) -> None:
        if watch not in self.watches:
            return
        self.watches.discard(watch)
        record = watch.record
        self.leased -= 1
        if done:
            self.unfinished -= self.joinable
        elif self.shut_down == AT_ONCE:
            self.unfinished -= 1
        elif self.max_deliveries and record.attempts >= self.max_deliveries:
            self.unfinished -= 1
            self.dead.append(record)
        else:
            self._insert(record)

    def take_dead(self, deadline: float | None, check: Callable[[], None]) -> Any:
        """Take the oldest dead letter.

        Raises:
            Empty: There was none in time.
            ShutDown: None is left, nor can come.

        If a process dies: this one's threads are gone with it.
        """
        taken: list[Record] = []
        try:
            with self.held():

                def may() -> bool:
                    check()
                    return bool(self.dead) or self._none_can_die()

                if not self.wait(may, deadline):
                    raise Empty
                if not self.dead:
                    raise ShutDown("The queue was shut down, and no dead letter is left in it.")
                taken.append(self.dead.popleft())
            return taken[0].message
        except Ended:
            with suppress(Ended):  # as in `take`
                self._bury(taken)
            self._bury(taken)
            raise

    def _bury(self, records: list[Record]) -> None:
        with self.held():
            while records:
                self.dead.appendleft(records.pop())

    def _none_can_die(self) -> bool:
        return bool(self.shut_down) and not self.leased and not self.ready

    def end(self, at_once: bool) -> None:
        """Let nothing more be put; and nothing be taken, if at once."""
        with self.held():
            self.shut_down = max(self.shut_down, AT_ONCE if at_once else NOT_BUT_DRAINED)
            dropped = self.ready
            if at_once:
                self.unfinished -= len(dropped)
                self.ready = deque()
        del dropped  # not with the lock: a message may be the last handle of another store

    # ---- tasks -------------------------------------------------------------------

    def task_done(self) -> None:
        """A message that was taken is done.

        Raises:
            ValueError: More often than there were messages.
        """
        with self.held():
            if self.unfinished <= len(self.ready) + self.leased:
                raise ValueError("task_done() called too many times")
            self.unfinished -= 1

    def join(self, check: Callable[[], None]) -> None:
        """Wait until all are done.

        Raises:
            Ended: This thread's work was stopped.

        If a process dies: this one's threads are gone with it.
        """
        with self.held():

            def may() -> bool:
                check()
                return self.unfinished <= 0

            self.wait(may, None)

    # ---- polled and awaited ------------------------------------------------------

    def level(self) -> int:
        """A descriptor that is readable while taking would not wait."""
        with shielded(), self._changed:
            if self._level < 0:
                self._level = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
                self._follow()
            return self._level

    def _follow(self) -> None:
        if self.can_take() != self._is_raised:
            self._is_raised = not self._is_raised
            if self._is_raised:
                os.eventfd_write(self._level, 1)
            else:
                with suppress(BlockingIOError):
                    os.eventfd_read(self._level)

    def side(self) -> int:
        """A descriptor that becomes readable with any change, after `arm`."""
        with shielded(), self._changed:
            if self._side < 0:
                self._side = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            return self._side

    def arm(self, what: str) -> bool:
        """Ask for the descriptor to be raised; True if there is no need to wait."""
        if what == "readable":
            return self.can_take()
        side = self.side()
        with shielded(), self._changed:
            with suppress(BlockingIOError):
                os.eventfd_read(side)
            if what == "joined":
                return self.unfinished <= 0
            has_room = not self.maxsize or len(self.ready) + self.leased < self.maxsize
            return has_room or bool(self.shut_down)

    def let_go(self) -> None:
        """In a forked child: the parent has the descriptors, and those that hold it and wait."""
        self._changed._at_fork_reinit()  # type: ignore[attr-defined]
        self._waiting = 0
        self._close()

    def _close(self) -> None:
        fds, self._level, self._side = (self._level, self._side), -1, -1
        self._is_raised = False
        for fd in fds:
            if fd >= 0:
                os.close(fd)

    def __del__(self) -> None:
        self._close()


def _let_go() -> None:
    for store in [*_stores]:
        store.let_go()


os.register_at_fork(after_in_child=_let_go)
