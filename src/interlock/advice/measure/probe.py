"""Calls the function in the main thread, on the sample, and says what a call is made of.

The first call is by itself: it may import, connect, fill caches. Then the sample is gone through,
as often as it takes to know, and no more: once where calls are long. What raises is left out.
"""

from __future__ import annotations

import collections
import inspect
import itertools
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from interlock.advice.facts import Call
from interlock.advice.measure.clocks import Peak, Reading, others_share
from interlock.advice.measure.gil import held_s
from interlock.advice.measure.waits import waited_for
from interlock.errors import InterlockError

__all__ = ["Probe", "SampleFailed", "is_async", "probe"]

ENOUGH_S = 0.1  # of calls, to know how long one takes
KNOWN_S, KNOWN_CALLS, KNOWN_TO = 0.5, 8, 0.03  # of calls; how many; to such a part of the mean
PASS_PART = 0.5  # of the time, for the sample; the rest for those who look on
FEW = 8  # results that are kept
LONG_S = 0.0001  # a call that is longer can be noted by itself
ROUND_S = 0.04  # of calls, beside the thread that wants the GIL
TIMES_MAX = 100_000
WAITING_MIN = 0.2  # of the time, to look what for


class SampleFailed(InterlockError):
    """The function raised for every input of the sample; its cause is the first error."""


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; an object that wraps one may say so by `is_async`."""
    call = getattr(function, "__call__", None)  # noqa: B004
    return (
        getattr(function, "is_async", False) is True
        or inspect.iscoroutinefunction(function)
        or inspect.iscoroutinefunction(call)
    )


@dataclass
class Probe:
    """What came of it.

    Attributes:
        call: A call, in figures.
        inputs: Those that did not raise.
        results: Of some of them.
        calls: How often the function was called in all.
    """

    call: Call
    inputs: Sequence[Any]
    results: list[Any]
    calls: int


@dataclass
class _Run:
    """Calls one after the other, in this thread."""

    function: Callable[[Any], Any]
    times: list[float] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    good: list[Any] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    calls: int = 0
    _sum_s: float = 0.0
    _squares: float = 0.0

    def over(self, inputs: Sequence[Any], until: float = math.inf) -> Reading:
        """Call it for each, as long as there is time, at least once; what all of it took."""
        if is_async(self.function):
            import asyncio

            return asyncio.run(self._awaited(inputs, until))
        started = Reading.now()
        for each in inputs:
            before = time.perf_counter()
            try:
                self._note(each, self.function(each), before)
            except (Exception, SystemExit) as error:
                self._failed(error)
            if time.perf_counter() > until or self._knows():
                break
        return Reading.now() - started

    async def _awaited(self, inputs: Sequence[Any], until: float) -> Reading:
        started = Reading.now()
        for each in inputs:
            before = time.perf_counter()
            try:
                self._note(each, await self.function(each), before)
            except (Exception, SystemExit) as error:
                self._failed(error)
            if time.perf_counter() > until or self._knows():
                break
        return Reading.now() - started

    def _knows(self) -> bool:
        """Whether further calls would tell nothing new of how long they are."""
        number = self.calls - len(self.errors)
        if self._sum_s < KNOWN_S or number < KNOWN_CALLS:
            return False
        mean = self._sum_s / number
        variance = max(0.0, self._squares / number - mean * mean)
        return math.sqrt(variance / number) < KNOWN_TO * mean

    def _note(self, each: Any, result: Any, before: float) -> None:
        took = time.perf_counter() - before
        self.calls += 1
        self._sum_s += took
        self._squares += took * took
        if len(self.times) < TIMES_MAX:
            self.times.append(took)
            self.good.append(each)
        if len(self.results) < FEW:
            self.results.append(result)

    def _failed(self, error: BaseException) -> None:
        self.calls += 1
        self.errors.append(error.with_traceback(None))


def probe(function: Callable[[Any], Any], sample: Sequence[Any], budget_s: float) -> Probe:
    """Call a function on a sample.

    Args:
        function: Takes one input; its coroutines are awaited, one after the other.
        sample: Inputs; not empty.
        budget_s: Begin no further call after so many seconds.

    Raises:
        SampleFailed: It raised for every input that there was time for.
    """
    until = time.perf_counter() + budget_s
    background = others_share()
    first = _Run(function)
    with Peak() as peak:
        took = first.over(sample[:1])
    run, passed = first, took
    if time.perf_counter() < until:
        run = _Run(function)
        passed = run.over(sample, time.perf_counter() + PASS_PART * budget_s)
    failed, calls = run.errors or first.errors, first.calls + run.calls * (run is not first)
    if not run.good and not first.good:
        raise _nothing_done(function, calls, failed[0])
    if not run.good:
        run, passed = first, took
    good = run.good
    if not is_async(function):
        before = (Reading.nothing(), 0) if failed else (passed, run.calls)
        more, counted, made = _repeated(function, good, *before, until)
        calls += made
        if counted:
            passed, run.calls = more, counted
    call = _figures(passed, run.calls, run.times, background)
    rounds = _Rounds(function, good, call.wall_s)
    gil_s, waits_for = call.cpu_s, ""
    if not is_async(function) and time.perf_counter() < until:
        gil_s = min(held_s(rounds.run), call.wall_s)
    if call.waiting_s > WAITING_MIN * call.wall_s and time.perf_counter() < until:
        _, waits_for = waited_for(rounds.run)
    return Probe(
        Call(
            call.wall_s, call.cpu_s, call.elsewhere_s, gil_s, waits_for,
            first_s=took.wall_s, slowest_s=max(run.times), spread=call.spread, starved=call.starved,
            memory_bytes=peak.given_back, calls=run.calls, failed=len(failed),
            failure=_said(failed), is_async=is_async(function),
        ),
        good, run.results, calls + rounds.calls,
    )  # fmt: skip


def _repeated(
    function: Callable[[Any], Any], good: Sequence[Any], passed: Reading, calls: int, until: float
) -> tuple[Reading, int, int]:
    """Calls with nothing noted in between, which of short ones would take as long as they do.

    Returns:
        What calls took, how many, and how many were made for it.
    """
    repeats, made = 1, 0
    while passed.wall_s < ENOUGH_S and time.perf_counter() < until:
        inputs = itertools.chain.from_iterable(itertools.repeat(good, repeats))
        started = Reading.now()
        try:
            collections.deque(map(function, inputs), maxlen=0)
        except (Exception, SystemExit):
            break  # it can be called once with an input, it seems
        more, number = Reading.now() - started, repeats * len(good)
        made += number
        if more.wall_s > LONG_S * number:
            passed, calls = passed + more, calls + number
        else:
            passed, calls = more, number
        fits = 1.2 * ENOUGH_S / max(more.wall_s, 1e-7) * repeats
        repeats = max(1, int(min(fits, repeats * 64)))
    return passed, calls, made


@dataclass
class _Rounds:
    """The same calls again, for those who look on."""

    function: Callable[[Any], Any]
    inputs: Sequence[Any]
    wall_s: float
    calls: int = 0

    def run(self) -> int:
        """For a moment, and one call at least; says how many."""
        number = max(1, min(TIMES_MAX, int(ROUND_S / max(self.wall_s, 1e-7))))
        inputs = itertools.islice(itertools.cycle(self.inputs), number)
        self.calls += number
        if is_async(self.function):
            _Run(self.function).over(list(inputs))
            return number
        for each in inputs:
            with suppress(Exception, SystemExit):
                self.function(each)
        return number


def _figures(passed: Reading, calls: int, times: Sequence[float], background: float) -> Call:
    free_s = max(passed.wall_s - passed.starved_s, passed.thread_s, 1e-9)
    mean = fmean(times)
    spread = stdev(times) / mean / math.sqrt(len(times)) if len(times) > 1 and mean > 0 else 0.0
    return Call(
        wall_s=free_s / calls,
        cpu_s=passed.thread_s / calls,
        elsewhere_s=max(0.0, passed.elsewhere_s - background * passed.wall_s) / calls,
        spread=spread,
        starved=min(1.0, max(0.0, passed.starved_s / max(passed.wall_s, 1e-9))),
    )


def _said(errors: Sequence[BaseException]) -> str:
    return f"{type(errors[0]).__name__}: {errors[0]}" if errors else ""


def _nothing_done(function: Any, calls: int, error: BaseException) -> SampleFailed:
    name = getattr(function, "__qualname__", None) or getattr(function, "name", repr(function))
    failed = SampleFailed(
        f"{name} raised for every input of the sample ({calls} calls), at first "
        f"{type(error).__name__}: {error}. Give inputs that it can work on."
    )
    failed.__cause__ = error
    return failed
