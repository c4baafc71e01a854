"""The job of a function over an iterator, which is read only as far ahead as workers need."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from interlock._interruptible import LOOK_S, Condition
from interlock.pool.eager import EngineJob
from interlock.pool.faults import PoolClosed
from interlock.pool.jobs import Function, Options
from interlock.pool.messages import MAP
from interlock.pool.results import NotYet

if TYPE_CHECKING:
    from interlock.pool.engine import Engine

__all__ = ["IMapJob"]

CLOSING_MAX = 1_000_000  # items that are still read of an input that may be endless
AHEAD_S = 0.02  # of each worker's time, read ahead of the results that were asked for


class IMapJob(EngineJob):
    """A function over an iterator, which a thread of its own reads (`feed`)."""

    def __init__(
        self,
        engine: Engine,
        function: Function,
        options: Options,
        items: Iterable[Any],
        *,
        kind: int = MAP,
        batch: int | None = None,
        ordered: bool = True,
        buffersize: int | None = None,
        is_sized: bool = False,
    ) -> None:
        super().__init__(function, options)
        self.engine = engine
        self.kind = kind
        self.batch = batch
        self._input = iter(items)
        self._ordered = ordered
        self._buffersize = buffersize
        self._is_sized = is_sized
        self._is_closing = False
        self.keeps_partial = batch is None
        self._changed = Condition()
        self._pending: list[Any] = []  # read, to be handed on together
        self.is_held = False  # the supervisor hands it on
        self._ready: deque[Any] = deque()  # handed on, not given out
        self._taken = 0  # given out
        self._read = 0
        self._returned = 0  # results that were asked for
        self._done: dict[int, tuple[bool, Any]] = {}
        self._unordered: deque[tuple[bool, Any]] = deque()
        self._end: BaseException | None = None  # what follows the last result
        self._awaiting: list[Callable[[], None]] = []

    # ---- input -------------------------------------------------------------------

    def feed(self) -> None:
        """Read the input, no further ahead than the window."""
        end: BaseException = StopIteration()
        told_at = 0.0
        try:
            while True:
                if not self._may_read():
                    self.hand_on()
                    continue
                item = next(self._input)
                with self._changed:
                    self._pending.append(item)
                del item
                now = time.monotonic()
                if len(self._pending) >= self._portion() or (
                    self.batch is None and now - told_at > 0.001
                ):
                    told_at = now
                    self.hand_on()
                elif self.batch is None:  # the next one may be long in coming
                    self.engine.supervisor.held.add(self)
        except StopIteration:
            self.hand_on()
        except BaseException as error:  # it is raised where the results are asked for
            end = error
            if self.keeps_partial:
                self.hand_on()
        self._input = iter(())
        with self.engine.lock:
            self.engine.feeders.discard(self)
        with self._changed:
            if self._end is None:
                self._end = end
            self._changed.notify_all()
            self._call_waiting()
        self._show_end()
        self.engine.kick()
        self.engine.supervisor.wake()  # the pool may have waited for this input to end

    def _portion(self) -> int:
        if self.batch is not None:
            return self.batch
        cost = self.function.cost_s
        return 1 if not cost else max(1, min(256, int(0.001 / cost)))

    def input_closes(self) -> None:
        """Read to the end at once, as the standard library does; but of an input that may be
        endless, and whose results somebody has begun to take, read no more."""
        with self._changed:
            if not self._is_sized and (self._returned or self._buffersize is not None):
                self._end = self._end or PoolClosed.with_unread_input()
            self._is_closing = True
            self._changed.notify_all()

    def _window(self) -> float:
        if self._is_closing:
            return math.inf if self._is_sized else CLOSING_MAX
        if self._buffersize is not None:
            return float(self._buffersize)
        workers = max(1, self.engine.supervisor.size)
        if self.batch is not None:
            return float(4 * workers * self.batch)
        cost = self.function.cost_s
        return float(max(2 * workers, min(8192, AHEAD_S * workers / cost)) if cost else 2 * workers)

    def _may_read(self) -> bool:
        with self._changed:
            while self._end is None and not self.is_over:
                pending = len(self._pending)
                if self._read + pending - self._returned < max(self._window(), 1):
                    return True
                if pending:
                    return False
                if self._is_closing:
                    self._end = PoolClosed.with_unread_input()
                    break
                self._changed.wait(LOOK_S)
            if self._end is not None or self.is_over:
                raise StopIteration
        return True

    def hand_on(self) -> None:
        """Let what was read be given out."""
        with self._changed:
            pending, self._pending = self._pending, []
            if self.is_over:  # it was read while somebody closed this
                return
            self._ready.extend(pending)
            self._read += len(pending)
        if pending:
            self.engine.kick(self)

    def take(self, number: int) -> Sequence[Any]:
        """As `Job.take`."""
        with self._changed:
            taken = [self._ready.popleft() for _ in range(min(number, len(self._ready)))]
            self._taken += len(taken)
        return taken

    def left(self) -> int:
        """As `Job.left`."""
        return len(self._ready)

    def next_index(self) -> int:
        """As `Job.next_index`."""
        return self._taken

    # ---- output ------------------------------------------------------------------

    def succeed(self, index: int, value: Any) -> None:
        """As `Job.succeed`."""
        self._put(index, (True, value))

    def fail(self, index: int, error: BaseException) -> None:
        """As `Job.fail`."""
        self._put(index, (False, error))

    def _put(self, index: int, result: tuple[bool, Any]) -> None:
        if self.progress is not None:
            self.progress.more(1, 0 if result[0] else 1)
        with self._changed:
            if self.is_over:
                return
            if self._ordered:
                self._done[index] = result
                is_next = index == self._returned
            else:
                self._unordered.append(result)
                is_next = True
            if is_next:
                self._changed.notify_all()
                self._call_waiting()

        self._show_end()

    def _show_end(self) -> None:
        """Nothing more of it will be shown, if that is so."""
        progress = self.progress
        if progress is not None and self._end is not None and progress.done >= self._read:
            progress.close()

    def abandon(self, error: BaseException) -> None:
        """As `Job.abandon`."""
        with self._changed:
            self._end = error
            self._read = self._returned + len(self._done) + len(self._unordered)
            self._changed.notify_all()
            self._call_waiting()
        self._show_end()

    def next_result(self, timeout: float | None) -> tuple[bool, Any]:
        """Whether it is a value, and the next result; StopIteration where there are no more.

        Raises:
            KeyboardInterrupt: Ctrl-C; it may be asked for again.

        If a process dies: its task's result is `WorkerDied`.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_next, timeout):
                return False, NotYet(f"No result came within {timeout} s; its task goes on.")
            result = self._next_now()
            self._changed.notify_all()
        return result

    def _has_next(self) -> bool:
        if self._ordered and self._returned in self._done:
            return True
        return bool(self._unordered) or self._is_at_end()

    def _is_at_end(self) -> bool:
        is_abandoned = self._end is not None and not isinstance(self._end, StopIteration)
        return self._end is not None and (
            self._returned >= self._read or (is_abandoned and self.is_over)
        )

    def _next_now(self) -> tuple[bool, Any]:
        if self._ordered and self._returned in self._done:
            result = self._done.pop(self._returned)
        elif self._unordered:
            result = self._unordered.popleft()
        else:
            end, self._end = self._end, StopIteration()
            if self.progress is not None:
                self.progress.close()
            return False, end
        self._returned += 1
        return result

    def when_ready(self, call: Callable[[], None]) -> None:
        """Call it, in whatever thread, when there is a next result, or is none."""
        with self._changed:
            if not self._has_next():
                self._awaiting.append(call)
                return
        call()

    def _call_waiting(self) -> None:
        while self._awaiting and self._has_next():
            self._awaiting.pop()()

    def close(self) -> None:
        """Nobody asks for results any more."""
        if self.is_over or (self._end is not None and self._returned >= self._read):
            return
        with self._changed:
            self.is_over = True
            self._end = self._end or StopIteration()
            self._ready.clear()
            self._done.clear()
            self._unordered.clear()
            self._read = self._returned
            self._changed.notify_all()
            self._call_waiting()
        self._show_end()

    def give_up(self) -> int:
        """As `EngineJob.give_up`."""
        self.is_over = False
        self.close()
        return 0

    def rest_cancelled(self, number: int) -> None:
        """As `EngineJob.rest_cancelled`; nobody takes results any more."""
