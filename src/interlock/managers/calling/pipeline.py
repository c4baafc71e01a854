"""Calls that are gathered into few frames, and what will have their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from interlock.managers.wire.bodies import CALLS_MAX, Answer, Call
from interlock.managers.wire.client_state import Pending, anew
from interlock.managers.wire.frames import BODY_MAX, BUFFERS_MAX

__all__ = ["Collected", "Frame", "Later"]

_BYTES_MAX = BODY_MAX // 2
_CALL_OVERHEAD = 64

Result = Callable[[Answer, Sequence[memoryview]], Any]


class Later:
    """The result of a call in a pipeline."""

    def __init__(self, finish: Callable[[], None] | None) -> None:
        self._finish = finish
        self._made: Callable[[], Any] | None = None
        self.was_asked = False

    def result(self) -> Any:
        """What the call returned; sends what was gathered, and waits, if it must.

        Raises:
            RuntimeError: It is not there yet, and cannot be waited for.
            Exception: What the call raised.
        """
        self.was_asked = True
        if self._made is None and self._finish is not None:
            self._finish()
        if self._made is None:
            raise RuntimeError("The result is there when the block of the pipeline has ended.")
        return self._made()

    def _settle(self, made: Callable[[], Any]) -> None:
        value: list[Any] = []

        def once() -> Any:  # a reference in it is counted once
            if not value:
                value.append(made())
            return value[0]

        self._made = once


class Frame(NamedTuple):
    """Calls that go out together."""

    calls: list[Call]
    buffers: list[memoryview]
    kept: list[object]
    laters: list[Later]


class Collected:
    """Calls of one thread or task that wait for company.

    Args:
        full: Called when a frame is full.
        finish: Sends all, and waits; None where only the end of the block can wait.
        result: Makes a value of an answer.
    """

    def __init__(
        self, full: Callable[[], None], finish: Callable[[], None] | None, result: Result
    ) -> None:
        self._full = full
        self._finish = finish
        self._result = result
        self._frames: list[Frame] = []
        self._nbytes = 0
        self._all: list[Later] = []

    def add(self, call: Call, buffers: list[memoryview], kept: object) -> Later:
        """One more."""
        size = len(call.data) + sum(each.nbytes for each in buffers) + _CALL_OVERHEAD
        last = self._frames[-1] if self._frames else None
        if last is None or (
            len(last.calls) == CALLS_MAX
            or self._nbytes + size > _BYTES_MAX
            or len(last.buffers) + len(buffers) >= BUFFERS_MAX
        ):
            if last is not None:
                self._full()
            last = Frame([], [], [], [])
            self._frames.append(last)
            self._nbytes = 0
        later = Later(self._finish)
        last.calls.append(call)
        last.buffers.extend(buffers)
        last.kept.append(kept)
        last.laters.append(later)
        self._nbytes += size
        self._all.append(later)
        return later

    def take(self) -> list[Frame]:
        """What was gathered since the last time."""
        taken, self._frames = self._frames, []
        return taken

    def settle(self, pending: Pending, laters: list[Later]) -> None:
        """Give each its result."""
        for later, made in zip(laters, self.results_of(pending, self._result), strict=True):
            later._settle(made)

    @staticmethod
    def results_of(pending: Pending, result: Result) -> list[Callable[[], Any]]:
        """For each call of a frame what returns its value, or raises its error."""
        if pending.answers is None:
            error = pending.error

            def failed() -> Any:
                assert error is not None
                raise anew(error)

            return [failed] * pending.count
        return [
            lambda answer=answer, buffers=buffers: result(answer, buffers)  # type: ignore[misc]
            for answer, buffers in pending.answers
        ]

    def raise_first(self) -> None:
        """Raise the first error that nobody has asked for.

        Raises:
            Exception: It.
        """
        for later in self._all:
            if not later.was_asked:
                later.result()
