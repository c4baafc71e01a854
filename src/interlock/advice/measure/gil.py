"""How long a function holds the GIL, by a second thread that always wants it.

Beside the function a thread spins in pure Python, and looks at the CPU time of the function's
thread. Where it did not run itself, the kernel took the CPU from it, or it waited for the GIL. Only
the latter is a voluntary switch, and the kernel counts the two apart. So the function's CPU time
comes in two parts:

    with    while the spinning thread waited for the GIL
    free    while the spinning thread had the GIL, so that the function had not

and ``with / (with + free)`` of the CPU time of a call is what it holds the GIL for. The time in
which the spinning thread was ready and had no CPU is left out: nobody knows who had the GIL then.
What was waited for while the function was off the CPU, and not for want of one, is C code that
sleeps with the GIL; it is added where there is much of it.

Threads ask for the GIL after a switch interval, 5 ms as Python starts; here it is 1 ms, or a
function of many short waits would take 5 ms for each.

Limits. A function that gives the GIL away and takes it back many thousand times a second looks as
if it held it longer. Threads of the function's own that hold the GIL are not seen. Where others
have the CPUs, too little may be seen. So where a function seems to hold the GIL, several threads of
it are looked at too (`crowd.py`), and the less counts.

Source: D. Beazley, Understanding the Python GIL (PyCon 2010), for a thread beside the measured one;
CPython, Python/ceval_gil.c, for the switch interval; getrusage(2), ru_nvcsw. gil_load (C.
Billington) samples who has the GIL from a thread without Python, which is finer, and needs code in
C for each version of Python.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import NamedTuple

from interlock.advice.measure.clocks import Reading, starved_s

__all__ = ["has_gil", "held_s"]

INTERVAL_S = 0.001
ROUNDS = 3
TIME_S = 0.5  # in all, where one call is no longer
SEEN_MIN = 0.5
JUMP_S = 0.0001  # of the clock: it had no CPU
ASLEEP_MIN = 0.25  # of the time: less may be hand-overs


def has_gil() -> bool:
    """Whether this interpreter has one now."""
    enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return enabled()


def held_s(run: Callable[[], int]) -> float:
    """Seconds for which a call holds the GIL.

    Args:
        run: Calls the function, and says how often.
    """
    if not has_gil():
        return 0.0
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, INTERVAL_S))
    try:
        found = _Round()
        deadline = time.perf_counter() + TIME_S
        while found.rounds < ROUNDS or (found.is_vague and time.perf_counter() < deadline):
            found = found + _round(run)
            if found.wall_s > TIME_S:
                break
        return found.held_s
    finally:
        sys.setswitchinterval(before)


@dataclass(frozen=True)
class _Round:
    """What was seen, of how many calls."""

    with_s: float = 0.0
    free_s: float = 0.0
    waited_s: float = 0.0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    starved_s: float = 0.0
    calls: int = 0
    rounds: int = 0

    def __add__(self, other: _Round) -> _Round:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return _Round(*(mine + theirs for mine, theirs in pairs))

    @property
    def is_vague(self) -> bool:
        """Whether most of the function's CPU time was not seen."""
        return self.with_s + self.free_s < SEEN_MIN * self.cpu_s

    @property
    def held_s(self) -> float:
        """Of a call."""
        seen_s = self.with_s + self.free_s
        share = self.with_s / seen_s if seen_s > 0 else 1.0
        asleep_s = self.waited_s - self.with_s - self.starved_s
        if asleep_s < ASLEEP_MIN * self.wall_s:
            asleep_s = 0.0
        return (share * self.cpu_s + asleep_s) / max(1, self.calls)


def _round(run: Callable[[], int]) -> _Round:
    spinner = _Spinner(threading.get_ident())
    spinner.start()
    try:
        spinner.begun.wait()
        before, started = spinner.seen(), Reading.now()
        calls = run()
        after, passed = spinner.seen(), Reading.now() - started
    finally:
        spinner.is_over = True
        spinner.join()
    with_s, free_s, waited_s = (max(0.0, b - a) for a, b in zip(before, after, strict=True))
    return _Round(
        with_s, free_s, waited_s, passed.thread_s, passed.wall_s, passed.starved_s, calls, 1
    )


class _Seen(NamedTuple):
    """What the spinning thread has seen of the function's: see the head of this file."""

    with_s: float
    free_s: float
    waited_s: float


class _Spinner(threading.Thread):
    """Wants the GIL all the time.

    Args:
        whose: The thread to look at.
    """

    def __init__(self, whose: int) -> None:
        super().__init__(name="interlock-advice-spinner", daemon=True)
        self.begun = threading.Event()
        self.is_over = False
        self._clock = time.pthread_getcpuclockid(whose)
        self._seen = _Seen(0.0, 0.0, 0.0)
        self._last = time.perf_counter(), time.clock_gettime(self._clock)

    def run(self) -> None:
        """Until it is over."""
        self.begun.set()
        with_s = free_s = waited_s = 0.0
        slept, starved = _sleeps(), starved_s()
        then, done = self._last
        while not self.is_over:
            sleeps, now, does = self._looked()
            if sleeps == slept:
                free_s += does - done if now - then < JUMP_S else 0.0
            else:
                slept = sleeps  # to read what comes next may be such a wait itself
                was, starved = starved, starved_s()
                waited = max(0.0, now - then - (starved - was))
                with_s += (does - done) * waited / (now - then)
                waited_s += waited
            self._seen = _Seen(with_s, free_s, waited_s)
            self._last = then, done = now, does

    def _looked(self) -> tuple[int, float, float]:
        """Both clocks with no wait between them: Python may give the GIL away after any call."""
        sleeps = _sleeps()
        while True:
            now, does = time.perf_counter(), time.clock_gettime(self._clock)
            if (again := _sleeps()) == sleeps:
                return sleeps, now, does
            sleeps = again

    def seen(self) -> _Seen:
        """Up to now; called by the thread that is looked at, which has the GIL at the moment."""
        then, done = self._last
        waited = time.perf_counter() - then
        does = time.clock_gettime(self._clock) - done
        return _Seen(self._seen.with_s + does, self._seen.free_s, self._seen.waited_s + waited)


def _sleeps() -> int:
    """How often this thread has given up the CPU by itself."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
