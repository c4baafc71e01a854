"""Calls that are gathered into few frames, and what will have their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from interlock.managers.wire.bodies import CALLS_MAX, Answer, Call
from interlock.managers.wire.client_state import Pending
from interlock.managers.wire.frames import BODY_MAX, BUFFERS_MAX

__all__ = ["Collected", "Later", "Pipeline"]

_BYTES_MAX = BODY_MAX // 2
_CALL_OVERHEAD = 64

Result = Callable[[Answer, Sequence[memoryview]], Any]
Begin = Callable[[list[Call], list[memoryview], object], Pending]


class Later:
    """The result of a call in a pipeline."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._made: Callable[[], Any] | None = None
        self.was_asked = False

    def result(self) -> Any:
        """What the call returned; sends what was gathered, and waits, if it must.

        Raises:
            Exception: What the call raised.
        """
        self.was_asked = True
        if self._made is None:
            self._finish()
        assert self._made is not None
        return self._made()

    def _settle(self, made: Callable[[], Any]) -> None:
        value: list[Any] = []

        def once() -> Any:  # a reference in it is counted once
            if not value:
                value.append(made())
            return value[0]

        self._made = once


class Collected:
    """Calls of one thread or task that wait for company.

    Args:
        begin: Sends calls.
        wait: Waits for them.
        result: Makes a value of an answer.
    """

    def __init__(self, begin: Begin, wait: Callable[[Pending], None], result: Result) -> None:
        self._begin = begin
        self._wait = wait
        self._result = result
        self._calls: list[Call] = []
        self._buffers: list[memoryview] = []
        self._kept: list[object] = []
        self._nbytes = 0
        self._sent: list[tuple[Pending, list[Later]]] = []
        self._laters: list[Later] = []
        self._all: list[Later] = []

    def add(self, call: Call, buffers: list[memoryview], kept: object) -> Later:
        """One more; a frame goes out when it is full."""
        size = len(call.data) + sum(each.nbytes for each in buffers) + _CALL_OVERHEAD
        if self._calls and (
            len(self._calls) == CALLS_MAX
            or self._nbytes + size > _BYTES_MAX
            or len(self._buffers) + len(buffers) >= BUFFERS_MAX
        ):
            self.send()
        later = Later(self.finish)
        self._calls.append(call)
        self._buffers += buffers
        self._kept.append(kept)
        self._nbytes += size
        self._laters.append(later)
        self._all.append(later)
        return later

    def send(self) -> None:
        """Send what was gathered."""
        if self._calls:
            pending = self._begin(self._calls, self._buffers, self._kept)
            self._sent.append((pending, self._laters))
            self._calls, self._buffers, self._kept, self._nbytes = [], [], [], 0
            self._laters = []

    def finish(self) -> None:
        """Send the rest, and wait for all answers."""
        self.send()
        sent, self._sent = self._sent, []
        for pending, laters in sent:
            self._wait(pending)
            self.settle(pending, laters)

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
                raise error

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


class Pipeline:
    """An open pipeline."""

    def __init__(self, collected: Collected) -> None:
        self._collected = collected

    def flush(self) -> None:
        """Send what was gathered, without waiting for it."""
        self._collected.send()
