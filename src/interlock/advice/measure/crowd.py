"""Threads of a function at once: whether the GIL keeps some asleep while another runs.

A thread that is not asleep is on the CPU, or would be if others had left it one. So this says the
same on a busy machine as on a free one, and with one CPU as with many: of two threads that hold the
GIL all of the time each sleeps half of it, and two that do not hold it never sleep. Python would
wake who waits for the GIL every 5 ms, to ask for it, and a busy machine would keep it from the CPU
then; so the switch interval is long meanwhile.

A call that mostly waits is asleep with and without the GIL. Of these the time that all take says as
much: what little CPU they need is no reason why they should take longer than one.

It sees less than `gil.py`: with n threads, what is held for less than an nth of the time is in
nobody's way yet. Then nothing sleeps with the GIL, and it is held while on the CPU at the most.
"""

from __future__ import annotations

import itertools
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from interlock.advice.facts import Call
from interlock.advice.measure.clocks import starved_s

__all__ = ["apart_s"]

TIME_S = 0.1  # of calls, for each thread
INTERVAL_S = 10.0
CALLS_MAX = 50_000
PATIENCE, GRACE_S = 5.0, 2.0  # so many times what all would take in turns, and so long
NEARLY = 0.75  # of them side by side: what is short of all is noise


def apart_s(
    call: Call, function: Callable[[Any], Any], inputs: Sequence[Any], threads: int = 2
) -> tuple[float, int]:
    """Seconds of a call that threads cannot have side by side.

    Args:
        call: What is known of it.
        function: It.
        inputs: Some.
        threads: How many at once.

    Returns:
        The seconds, and how many calls were made. Where n threads were not in each other's way, an
        nth of the call's, or what it is on the CPU for if that is less.

    Raises:
        TimeoutError: They are not done after five times as long as they would take in turns.
        Exception: What it raised in a thread.
    """
    number = max(1, min(CALLS_MAX, math.ceil(TIME_S / max(call.wall_s, 1e-9))))
    given = list(itertools.islice(itertools.cycle(inputs), number))
    noted: list[float] = []  # by who comes last, before any begins: who asks later waits for that
    start = threading.Barrier(threads, lambda: noted.append(time.perf_counter()))
    crowd = [_Thread(function, given, start) for _ in range(threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(INTERVAL_S)
    try:
        for thread in crowd:
            thread.start()
        latest = time.monotonic() + PATIENCE * threads * number * call.wall_s + GRACE_S
        for thread in crowd:
            thread.join(max(0.0, latest - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError("threads are in each other's way for ever, it seems")
    finally:
        sys.setswitchinterval(before)
    for thread in crowd:
        if thread.error is not None:
            raise thread.error
    (started,) = noted
    # Who is last is alone at the end, and not kept from anything.
    whole = sum(thread.ended - started for thread in crowd)
    together = max(1e-9, threads * (min(thread.ended for thread in crowd) - started))
    ready = sum(thread.ready_s for thread in crowd) - (whole - together)
    usual = max(call.cpu_s / max(call.wall_s, 1e-9), 1e-9)
    at_once = threads * ready / together / usual
    if call.waiting_s > call.wall_s / 2:
        took = max(thread.ended - thread.starved_s for thread in crowd) - started
        at_once = threads * number * call.wall_s / max(took, 1e-9)
    at_once = min(threads, max(1.0, at_once))
    apart = call.wall_s / at_once
    is_free = at_once > NEARLY * threads
    return min(apart, call.cpu_s) if is_free else apart, threads * number


class _Thread(threading.Thread):
    """Calls it, and says how long it was not asleep."""

    def __init__(
        self, function: Callable[[Any], Any], inputs: Sequence[Any], start: threading.Barrier
    ) -> None:
        super().__init__(name="interlock-advice-crowd", daemon=True)
        self.ended = self.ready_s = self.starved_s = 0.0
        self.error: BaseException | None = None
        self._function, self._inputs, self._begin = function, inputs, start

    def run(self) -> None:
        """All calls."""
        cpu_s, without_s = time.thread_time(), starved_s()
        self._begin.wait()
        try:
            for each in self._inputs:
                self._function(each)
        except (Exception, SystemExit) as error:
            self.error = error
        self.starved_s = starved_s() - without_s
        self.ready_s = time.thread_time() - cpu_s + self.starved_s
        self.ended = time.perf_counter()
