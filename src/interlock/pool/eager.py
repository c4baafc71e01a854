"""Jobs whose tasks are all there at once: a call, and a function over a list."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interlock._handover import revoke
from interlock.pool.faults import TaskCancelled
from interlock.pool.jobs import Function, Job, Options
from interlock.pool.messages import CALL, Encoded, encoded
from interlock.pool.results import ApplyResult, MapResult

if TYPE_CHECKING:
    from interlock.pool.engine import Engine

__all__ = ["CallJob", "EngineJob", "MapJob"]


class EngineJob(Job):
    """A job that knows its engine, and can be cancelled."""

    engine: Engine

    def cancel(self, running: bool) -> None:
        """As `Job.cancel`."""
        engine = self.engine
        with engine.lock:
            self.is_over = True
            rest = self.give_up()
            given = [batch for batch in engine.batches.values() if batch.job is self]
            for member in {batch.member for batch in given if batch.size > 1}:
                engine.supervisor.take_back(member)
            engine.forget_pieces(self)
            if running:
                for batch in given:
                    for place in range(batch.done, batch.size):
                        engine.supervisor.cancel(self, batch.first + place)
        self.rest_cancelled(rest)
        engine.kick()
        engine.supervisor.wake()

    def give_up(self) -> int:
        """With the engine's lock: give out no more; how many were not given out."""
        raise NotImplementedError

    def rest_cancelled(self, number: int) -> None:
        """So many were not given out, and will not be."""
        raise NotImplementedError


class CallJob(EngineJob):
    """One call, for an ApplyResult."""

    kind = CALL
    _sealed: Encoded | None = None

    def __init__(
        self, engine: Engine, function: Function, options: Options, call: Any, result: ApplyResult
    ) -> None:
        super().__init__(function, options)
        self.engine = engine
        self._calls = [call]
        self._result: ApplyResult | None = result
        result._job = self

    def take(self, number: int) -> Sequence[Any]:
        """As `Job.take`."""
        calls, self._calls = self._calls, []
        return calls

    def left(self) -> int:
        """As `Job.left`."""
        return len(self._calls)

    def next_index(self) -> int:
        """As `Job.next_index`."""
        return 0

    def described(self, index: int) -> str:
        """As `Job.described`."""
        return f"`{self.function.name}`"

    def succeed(self, index: int, value: Any) -> None:
        """As `Job.succeed`."""
        self._tell(True, value)

    def fail(self, index: int, error: BaseException) -> None:
        """As `Job.fail`."""
        self._tell(False, error)

    def abandon(self, error: BaseException) -> None:
        """As `Job.abandon`."""
        self._tell(False, error)

    def seal(self) -> None:
        """Make its bytes now, in the caller's thread, if bytes are made of it at all."""
        if not self.engine.encodes:
            return
        try:
            self._sealed = encoded(self._calls[0])
        except Exception:  # it is raised again where there is somebody to tell
            self._sealed = None

    def sealed(self) -> Encoded | None:
        """As `Job.sealed`."""
        sealed, self._sealed = self._sealed, None
        return sealed

    def give_up(self) -> int:
        """As `EngineJob.give_up`."""
        calls, self._calls = self._calls, []
        return len(calls)

    def rest_cancelled(self, number: int) -> None:
        """As `EngineJob.rest_cancelled`."""
        if number:
            self._tell(False, _not_begun(self))

    def unsend(self) -> None:
        """It will not be sent."""
        if self._sealed is not None:
            revoke(self._sealed[2])
            self._sealed = None

    def _tell(self, success: bool, value: Any) -> None:
        self.unsend()
        result, self._result = self._result, None
        if result is not None:
            result._set(success, value)


class MapJob(EngineJob):
    """A function over a list, for a MapResult: the first failure is its error, when all is done."""

    def __init__(
        self,
        engine: Engine,
        function: Function,
        options: Options,
        kind: int,
        items: list[Any],
        batch: int | None,
        result: MapResult,
    ) -> None:
        super().__init__(function, options)
        self.engine = engine
        self.kind = kind
        self.batch = batch
        self._items = items
        self._next = 0
        self._values: list[Any] = [None] * len(items)
        self._left = len(items)
        self._error: tuple[int, BaseException] | None = None
        self._lock = threading.Lock()
        self._result: MapResult | None = result
        result._job = self

    def take(self, number: int) -> Sequence[Any]:
        """As `Job.take`."""
        start = self._next
        self._next = min(len(self._items), start + number)
        taken = self._items[start : self._next]
        if self._next == len(self._items):
            self._items = []
            self._next = 0
        return taken

    def left(self) -> int:
        """As `Job.left`."""
        return len(self._items) - self._next

    def next_index(self) -> int:
        """As `Job.next_index`."""
        return self._next

    def succeed(self, index: int, value: Any) -> None:
        """As `Job.succeed`."""
        values = self._values
        if index < len(values):  # else it was abandoned meanwhile
            values[index] = value
        self._some_done(1, 0)

    def succeed_many(self, index: int, values: list[Any]) -> None:
        """As `Job.succeed_many`."""
        self._values[index : index + len(values)] = values
        self._some_done(len(values), 0)

    def fail(self, index: int, error: BaseException) -> None:
        """As `Job.fail`."""
        with self._lock:
            if self._error is None:
                self._error = index, error
        self._some_done(1, 1)

    def _some_done(self, number: int, failed: int) -> None:
        with self._lock:
            self._left -= number
            left = self._left
        if self.progress is not None:
            self.progress.more(number, failed)
        if left <= 0:
            if self._error is None:
                self._tell(True, self._values)
            else:
                self._tell(False, self._error[1])

    def abandon(self, error: BaseException) -> None:
        """As `Job.abandon`."""
        self._tell(False, error)

    def give_up(self) -> int:
        """As `EngineJob.give_up`."""
        number = self.left()
        self._items, self._next = [], 0
        return number

    def rest_cancelled(self, number: int) -> None:
        """As `EngineJob.rest_cancelled`."""
        with self._lock:
            self._error = self._error or (0, _not_begun(self))
        self._some_done(number, 0)

    def _tell(self, success: bool, value: Any) -> None:
        with self._lock:
            result, self._result = self._result, None
        self._values, self._items = [], []
        self._error = None
        if self.progress is not None:
            self.progress.close()
        if result is not None:
            result._set(success, value)


def _not_begun(job: Job) -> BaseException:
    return TaskCancelled(f"Task `{job.function.name}` was cancelled.")
