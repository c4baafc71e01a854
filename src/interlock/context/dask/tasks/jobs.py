"""What is asked of a pool: one call, or a function for many items, all at once or as they come."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from interlock.context.dask.packing import pack_call
from interlock.context.dask.tasks.batch import Batch, Function, Outcomes
from interlock.context.dask.tasks.crew import Crew
from interlock.context.dask.tasks.options import DaskOptions
from interlock.context.dask.tasks.outcomes import results_of
from interlock.context.dask.work.place import leave_slot
from interlock.pool.faults import PoolClosed, TaskCancelled
from interlock.pool.results import ApplyResult, MapResult, NotYet

__all__ = ["CallJob", "DaskMapResult", "DaskResult", "MapJob", "StreamJob", "chunk_for"]

AHEAD = 4  # batches that are begun for each slot of the cluster, beyond those that were asked for
CLOSING_MAX = 1_000_000  # items that are still read of an input that may be endless
PATIENCE_S = 0.05  # how long a task of Dask waits for another before it leaves its slot


class DaskResult(ApplyResult):
    """As `ApplyResult`; a task of Dask that waits for it leaves its slot to others."""

    def _waited(self, timeout: float | None) -> bool:
        first = PATIENCE_S if timeout is None else min(timeout, PATIENCE_S)
        if super()._waited(first):
            return True
        leave_slot()
        return super()._waited(None if timeout is None else timeout - first)


class DaskMapResult(DaskResult, MapResult):
    """As `MapResult`."""


def chunk_for(items: int, slots: int) -> int:
    """How many items go together, as the standard library has it."""
    return max(1, -(-items // (4 * slots)))


class _Job:
    """Batches of one function."""

    def __init__(self, crew: Crew, function: Function, kind: str, options: DaskOptions) -> None:
        self.crew = crew
        self.function = function
        self.kind = kind
        self.options = options
        self.batches: list[Batch] = []

    def batch(self, first: int, items: list[Any]) -> Batch:
        """Of these items.

        Raises:
            SerializationError: One of them cannot be sent.
        """
        packed = pack_call(items)
        return Batch(self, self.function, self.kind, first, packed, len(items), self.options)

    def tell(self, batch: Batch, outcomes: Outcomes | BaseException) -> None:
        """As `Told.tell`."""
        self.settle(batch, results_of(batch, outcomes, self.crew.link))

    def settle(self, batch: Batch, results: list[tuple[bool, Any]]) -> None:
        """The batch's calls have these results."""
        raise NotImplementedError

    def cancel(self, running: bool) -> bool:
        """Nobody wants it any more; running: not even what has begun. Whether there was any."""
        name = self.function.name
        error = TaskCancelled(f"The call of `{name}` was cancelled.")
        return self.crew.cancel(self.batches, running, error)


class CallJob(_Job):
    """One call; its end is told to a function."""

    def __init__(
        self, crew: Crew, function: Function, kind: str, options: DaskOptions,
        item: Any, settled: Callable[[bool, Any], None],
    ) -> None:  # fmt: skip
        super().__init__(crew, function, kind, options)
        self._settled = settled
        self.batches = [self.batch(0, [item])]

    def start(self) -> None:
        """Have it run.

        Raises:
            PoolClosed: The pool takes no more.
        """
        self.crew.begin(self.batches)

    def settle(self, batch: Batch, results: list[tuple[bool, Any]]) -> None:
        """As `_Job.settle`."""
        self.batches = []
        self._settled(*results[0])


class MapJob(_Job):
    """A function for items that are all there; the result is a list."""

    def __init__(
        self, crew: Crew, function: Function, kind: str, options: DaskOptions,
        items: list[Any], chunk: int, result: ApplyResult,
    ) -> None:  # fmt: skip
        super().__init__(crew, function, kind, options)
        self._result = result
        self._values: list[Any] = [None] * len(items)
        self._left = len(items)
        self._error: BaseException | None = None
        self.batches = [
            self.batch(first, items[first : first + chunk]) for first in range(0, len(items), chunk)
        ]

    def start(self) -> None:
        """Have it run.

        Raises:
            PoolClosed: The pool takes no more.
        """
        if self._left:
            self.crew.begin(self.batches)
        else:
            self._result._set(True, [])

    def settle(self, batch: Batch, results: list[tuple[bool, Any]]) -> None:
        """As `_Job.settle`."""
        for place, (success, value) in enumerate(results, batch.first):
            self._values[place] = value
            if not success and self._error is None:
                self._error = value
        self._left -= batch.size
        if self._left == 0:
            self.batches = []
            error = self._error
            self._result._set(error is None, self._values if error is None else error)


class StreamJob(_Job):
    """A function for items that a thread reads, no further ahead than the cluster needs."""

    def __init__(
        self, crew: Crew, function: Function, kind: str, options: DaskOptions,
        items: Iterable[Any], chunk: int, ordered: bool, ahead: int | None = None,
        is_sized: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(crew, function, kind, options)
        self._is_sized = is_sized or hasattr(items, "__len__")
        self._input = iter(items)
        self._chunk = chunk
        self._ordered = ordered
        # Of items that are begun and were not taken.
        self._window: float = ahead or AHEAD * chunk * (crew.size or crew.workers)
        self._changed = threading.Condition()
        self._open = 0
        self._ready: deque[tuple[bool, Any]] = deque()
        self._early: dict[int, list[tuple[bool, Any]]] = {}  # ordered: those whose turn is not yet
        self._next = 0
        self._count = 0
        self._taken = 0
        self._end: BaseException | None = None  # what follows the last result
        self._awaiting: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to read the input.

        Raises:
            PoolClosed: The pool takes no more.
        """
        self.crew.reads(self)
        threading.Thread(target=self._feed, name="interlock-dask-input", daemon=True).start()

    def _feed(self) -> None:
        try:
            self._read()
        finally:
            self.crew.has_read(self)

    def _read(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: (
                        self._end is not None
                        or self._open == 0
                        or self._open + self._chunk <= self._window
                    )
                )
                if self._end is not None:
                    return
            items, end = _taken(self._input, self._chunk)
            if items:
                self._begin(items)
            if end is not None:
                self._finish(end)
                return

    def _begin(self, items: list[Any]) -> None:
        first = self._count
        self._count += len(items)
        with self._changed:
            self._open += len(items)
        try:
            batch = self.batch(first, items)
            self.batches.append(batch)
            self.crew.begin([batch], self)
        except PoolClosed as error:
            with self._changed:
                self._open -= len(items)
            self._finish(error)
        except BaseException as error:
            self._arrived(first, [(False, error)] * len(items))

    def settle(self, batch: Batch, results: list[tuple[bool, Any]]) -> None:
        """As `_Job.settle`."""
        self.batches.remove(batch)
        self._arrived(batch.first, results)

    def _arrived(self, first: int, results: list[tuple[bool, Any]]) -> None:
        with self._changed:
            if self._ordered:
                self._early[first] = results
                while self._next in self._early:
                    found = self._early.pop(self._next)
                    self._next += len(found)
                    self._ready.extend(found)
            else:
                self._ready.extend(results)
            self._notify()

    def input_closes(self) -> None:
        """Read to the end, as the standard library does, unless that may be endless."""
        with self._changed:
            if self._is_sized or not self._taken:
                self._window = math.inf if self._is_sized else CLOSING_MAX
                self._changed.notify_all()
                return
        self._finish(PoolClosed.with_unread_input())

    def _finish(self, end: BaseException) -> None:
        with self._changed:
            if self._end is None:
                self._end = end
            self._notify()

    def _notify(self) -> None:
        self._changed.notify_all()
        while self._awaiting and self._has_next():
            self._awaiting.pop()()

    def _has_next(self) -> bool:
        return bool(self._ready) or (self._end is not None and not self._open)

    # ---- as the iterators of `interlock.pool` ask --------------------------------

    def next_result(self, timeout: float | None) -> tuple[bool, Any]:
        """Whether it is a value, and the next result; StopIteration where there are no more.

        Raises:
            KeyboardInterrupt: Ctrl-C; it may be asked for again.

        If a process dies: as `Crew`.
        """
        first = PATIENCE_S if timeout is None else min(timeout, PATIENCE_S)
        with self._changed:
            if not self._changed.wait_for(self._has_next, first):
                leave_slot()
                rest = None if timeout is None else timeout - first
                if not self._changed.wait_for(self._has_next, rest):
                    return False, NotYet(f"No result came within {timeout} s; its task goes on.")
            if not self._ready:
                end, self._end = self._end, StopIteration()
                return False, end
            self._open -= 1
            self._taken += 1
            self._changed.notify_all()
            return self._ready.popleft()

    def when_ready(self, call: Callable[[], None]) -> None:
        """Call it, in whatever thread, when there is a next result, or is none."""
        with self._changed:
            if not self._has_next():
                self._awaiting.append(call)
                return
        call()

    def close(self) -> None:
        """Take no more from the input; those that are begun go on."""
        self._finish(StopIteration())

    def cancel(self, running: bool) -> bool:
        """As `_Job.cancel`; and take no more from the input."""
        self.close()
        return super().cancel(running)


def _taken(items: Iterator[Any], number: int) -> tuple[list[Any], BaseException | None]:
    """The next items, and what ends the input if it ends."""
    taken: list[Any] = []
    try:
        while len(taken) < number:
            taken.append(next(items))
    except BaseException as error:  # StopIteration, or the input's own
        return taken, error
    return taken, None
