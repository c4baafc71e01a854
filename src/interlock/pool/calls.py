"""The calls of a `ThreadPool`'s imap: an input that a thread of its own reads, and the results.

Not who asks for a result: the input may wait for results of this very imap, as a crawler's does.
"""

from __future__ import annotations

import itertools
import math
import multiprocessing.pool as standard
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from interlock._interruptible import Condition
from interlock.pool.faults import PoolClosed
from interlock.pool.results import NotYet

__all__ = ["LazyCalls", "LazyResults"]

AHEAD = 4  # calls that are begun for each thread, beyond those that were asked for
CLOSING_MAX = 1_000_000  # items that are still read of an input that may be endless
_Call: Any = standard.ApplyResult


class LazyCalls:
    """A function over an input that is read as far as threads need it."""

    def __init__(
        self, pool: Any, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int,
        ordered: bool,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._chunksize = chunksize
        self._func = func
        self._is_sized = hasattr(iterable, "__len__")
        self._input = iter(iterable)
        self._window: float = AHEAD * pool._processes
        self._ordered = ordered
        self._changed = Condition()
        self._open = 0  # begun and not taken
        self._slots: deque[list[Any]] = deque()  # of these: in order, [] is not done; or the done
        self._end: BaseException | None = None  # what follows the last result
        self._taken = 0
        self._is_abandoned = False
        self._awaiting: list[Callable[[], None]] = []
        self._reading = _Call(SimpleNamespace(_cache={}), None, None)  # not entered yet

    # ---- input -------------------------------------------------------------------

    def start(self) -> None:
        """Have a thread read the input.

        Who is interrupted (Ctrl-C) gets no results, and the pool does not wait for the input: not
        for a thread that was not started, or stands still at its start.
        """
        try:
            # A closed pool goes on as long as there is one that is not done.
            self._pool._cache[self._reading._job] = self._reading
            threading.Thread(target=self.feed, name="interlock-pool-input", daemon=True).start()
        except BaseException:
            self.end(StopIteration())
            raise

    def feed(self) -> None:
        """Read the input, no further ahead than the window."""
        while self._may_read():
            items, end = self._chunk()
            with self._changed:
                for item in items if self._end is None else ():
                    self._begin(item)
            if end is not None:
                self.end(end)
        self._input = iter(())

    def _may_read(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None or self._open < self._window)
            return self._end is None

    def _chunk(self) -> tuple[list[Any], BaseException | None]:
        """The next items; of a chunk in which the input raises none, as the standard library."""
        items: list[Any] = []
        try:
            while len(items) < self._chunksize:
                items.append(next(self._input))
        except StopIteration as end:
            return items, end
        except BaseException as error:  # raised where its result is asked for
            return [], error
        return items, None

    def _begin(self, item: Any) -> None:
        slot: list[Any] = []
        call = _Call(
            self._pool,
            lambda value: self._put(slot, True, value),
            lambda error: self._put(slot, False, error),
        )
        self._open += 1
        if self._ordered:
            self._slots.append(slot)
        # As apply_async() does; but that takes nothing when the pool was closed.
        self._pool._taskqueue.put(([(call._job, 0, self._func, (item,), {})], None))

    def input_closes(self) -> None:
        """Read to the end, as the standard library does, unless that may be endless."""
        with self._changed:
            if self._is_sized or not self._taken:
                self._window = math.inf if self._is_sized else CLOSING_MAX
                self._changed.notify_all()
                return
        self.end(PoolClosed.with_unread_input())

    def end(self, end: BaseException) -> None:
        """Read no more; this follows the last result."""
        with self._changed:
            if self._end is None:
                self._end = end
                self._pool._cache.pop(self._reading._job, None)
            self._changed.notify_all()
            self._call_waiting()

    def abandon(self, error: BaseException) -> None:
        """Nothing more will be done; this follows the results that are there."""
        with self._changed:
            self._is_abandoned = True
            self._slots = deque(itertools.takewhile(bool, self._slots))
            self._open = len(self._slots)
        self.end(error)

    # ---- output ------------------------------------------------------------------

    def _put(self, slot: list[Any], success: bool, value: Any) -> None:
        with self._changed:
            slot += success, value
            if not self._ordered and not self._is_abandoned:
                self._slots.append(slot)
            self._changed.notify_all()
            self._call_waiting()

    def next_result(self, timeout: float | None) -> tuple[bool, Any]:
        """Whether it is a value, and the next result; StopIteration where there are no more.

        Raises:
            KeyboardInterrupt: Ctrl-C; it may be asked for again.

        If a process dies: this one's threads are gone with it.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_ready, timeout):
                return False, NotYet(f"No result came within {timeout} s; its call goes on.")
            if not self._open:
                end, self._end = self._end, StopIteration()
                return False, end
            success, value = self._slots.popleft()
            self._open -= 1
            self._taken += 1
            self._changed.notify_all()
        return success, value

    def _is_ready(self) -> bool:
        if not self._open:
            return self._end is not None
        return bool(self._slots and self._slots[0])

    def when_ready(self, call: Callable[[], None]) -> None:
        """Call it, in whatever thread, when there is a next result, or is none."""
        with self._changed:
            if not self._is_ready():
                self._awaiting.append(call)
                return
        call()

    def _call_waiting(self) -> None:
        while self._awaiting and self._is_ready():
            self._awaiting.pop()()


class LazyResults(Iterator[Any]):
    """The results, as they come."""

    def __init__(self, calls: LazyCalls, pool: Any) -> None:
        self._calls = calls
        self._pool = pool  # which is not collected while somebody iterates

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next result.

        Args:
            timeout: Seconds to wait for it; None for as long as it takes.

        Raises:
            StopIteration: There are no more.
            multiprocessing.TimeoutError: It has not come; it may be asked for again.
            Exception: What its call raised, or the input.

        If a process dies: this one's threads are gone with it.
        """
        success, value = self._calls.next_result(timeout)
        if success:
            return value
        raise value

    def close(self) -> None:
        """Take no more from the input."""
        self._calls.end(StopIteration())

    def _cancel(self) -> None:
        self.close()  # threads cannot be ended

    def _when_ready(self, call: Callable[[], None]) -> None:
        self._calls.when_ready(call)

    def __del__(self) -> None:
        self.close()
