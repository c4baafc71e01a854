"""A handle of a queue between threads, and what it has under a lease."""

from __future__ import annotations

import math
import os
import time
import weakref
from typing import Any

from interlock.context.threads.stopping import Ended, Work, current, shielded
from interlock.context.threads.store import Record, Store, Watch
from interlock.errors import NotInContext, QueueClosed
from interlock.queues.ends import ReadingEnd, WritingEnd
from interlock.serialize.trust import Terms, Trust

__all__ = ["Delivery", "Handle", "deadline"]


class Handle:
    """One handle of a store: closed for itself, and given back with its leases."""

    _is_readable = True  # as interlock.connection.wait asks

    def __init__(self, store: Store, terms: Terms, max_bytes: int) -> None:
        self._store = store
        self._terms = terms
        self._max_bytes = max_bytes
        self._is_open = True
        self._leases: weakref.WeakSet[Delivery] = weakref.WeakSet()
        self._reader: Any = ReadingEnd(self)  # type: ignore[arg-type]
        self._writer: Any = WritingEnd(self)  # type: ignore[arg-type]

    @property
    def trust(self) -> Trust:
        """What it was made with; of no effect, as nothing becomes bytes."""
        return self._terms.trust

    def empty(self) -> bool:
        """Whether no message can be taken."""
        self._check()
        return not self._store.ready

    def close(self) -> None:
        """Give up this handle. A process of this context has one of its own of each argument."""
        self._is_open = False
        with self._store.held():
            pass  # who waits by this handle looks

    def fileno(self) -> int:
        """A descriptor that poll(2) finds readable while there is a message to take.

        Raises:
            QueueClosed: This handle was closed.
        """
        self._check()
        return self._store.level()

    def _check(self) -> None:
        if not self._is_open:
            raise QueueClosed(
                "The queue is closed here; other threads' handles go on. Use it before close(), "
                "or keep another handle of it."
            )

    def _duplicate(self) -> Handle:
        return type(self)._of(self._store, self._terms, self._max_bytes)

    @classmethod
    def _of(cls, store: Store, terms: Terms, max_bytes: int) -> Handle:
        handle = cls.__new__(cls)
        Handle.__init__(handle, store, terms, max_bytes)
        return handle

    def _give_back(self) -> None:
        for delivery in [*self._leases]:
            delivery.give_back()
        self._is_open = False

    # As the queues of processes are asked by `.aio`, `wait` and `statistics`.

    def _ready(self) -> bool:
        self._check()
        return self._store.can_take()

    def _arm(self, what: str) -> bool:
        self._check()
        return self._store.arm(what)

    def _bell_fd(self) -> int:
        self._check()
        return self._store.level()

    def _side_fd(self) -> int:
        self._check()
        return self._store.side()

    def _counts(self) -> tuple[int, int, int, int, int]:
        self._check()
        store = self._store
        with store.held():
            pass  # leases that nobody has any more
        unfinished = max(0, store.unfinished) if store.joinable else 0
        return len(store.ready), store.leased, len(store.dead), unfinished, store.number_put

    def _limits(self) -> tuple[int, int, int, int, bool]:
        store, most = self._store, self._max_bytes
        return store.maxsize, most, most, store.max_deliveries, store.joinable

    def _users(self) -> list[int]:
        return [os.getpid()]

    def _is_shut_down(self) -> int:
        return self._store.shut_down

    def _unfinished(self) -> int:
        self._check()
        return self._store.unfinished

    def __reduce__(self) -> Any:
        raise NotInContext(
            "The context 'thread' has no queues that can be sent: they are of this process alone. "
            "Use a queue of a context of processes.",
            "thread", "Queue.__reduce__", "a queue of a context of processes",
        )  # fmt: skip

    def __repr__(self) -> str:
        if not self._is_open:
            return f"<{type(self).__name__} closed>"
        held = f" leased={self._store.leased}" if self._store.leased else ""
        return f"<{type(self).__name__} ready={len(self._store.ready)}{held}>"


class Delivery:
    """A message under a lease; for ``with``, whose end acknowledges it or gives it back.

    It is given back, too, when nobody has this object any more.
    """

    def __init__(self, queue: Handle, timeout: float | None) -> None:
        self._queue = queue
        self._timeout = timeout
        self._watch: Watch | None = None
        self._work: Work | None = None

    @property
    def message(self) -> Any:
        """The message, while it is held."""
        watch = self._watch
        return None if watch is None else watch.record.message

    @property
    def attempt(self) -> int:
        """The how manieth delivery this is, from 1; 0 when it is not held."""
        watch = self._watch
        return 0 if watch is None else watch.record.attempts

    @property
    def is_held(self) -> bool:
        """Whether the message is leased by this."""
        return self._watch is not None

    def acknowledge(self) -> None:
        """The work on it is done."""
        self._end(True)

    def give_back(self) -> None:
        """Deliver it again."""
        self._end(False)

    def _end(self, done: bool) -> None:
        with shielded():
            watch, self._watch = self._watch, None
            self._queue._leases.discard(self)
            if self._work is not None:
                self._work.belongings.discard(self)
            if watch is not None:
                self._queue._store.end_lease(watch, done)

    def __enter__(self) -> Delivery:
        queue, store = self._queue, self._queue._store
        queue._check()
        if self._watch is not None:
            raise RuntimeError("This lease has a message already; call lease() again for another.")
        until = deadline(True, self._timeout)
        try:
            with shielded():
                record = store.take(_first, until, queue._check, lease=True)
                self._watch = store.watched(self, record)
                queue._leases.add(self)
                self._work = current()
                if self._work is not None:
                    self._work.belongings.add(self)
        except Ended:
            self.give_back()
            raise
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._end(error is None)


def deadline(waits: bool, seconds: float | None) -> float | None:
    """When to give up, by time.monotonic(); None for never, minus infinity for at once.

    Raises:
        ValueError: seconds is not a number.
        TypeError: It is none at all.
    """
    if not waits:
        return -math.inf
    if seconds is None:
        return None
    if math.isnan(seconds):
        raise ValueError("timeout is not a number; give seconds, or None for ever")
    return time.monotonic() + seconds


def _first(records: list[Record]) -> Record:
    return records[0]
