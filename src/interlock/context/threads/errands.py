"""A thread that runs errands: one after the other, now or at a time."""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Errands"]

_log = logging.getLogger("interlock")
Errand = Callable[[], object]


class Errands:
    """The thread begins with the first errand. Who gives one waits for nothing and takes no lock.

    The garbage collector may give one, too, wherever it interrupts: the line to the thread is a
    `queue.SimpleQueue`, which is made for that.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._line: queue.SimpleQueue[tuple[float, Errand] | None] = queue.SimpleQueue()
        self._later: list[tuple[float, int, Errand]] = []
        self._order = itertools.count()
        self._starting = threading.Lock()

    def now(self, errand: Errand) -> None:
        """Run it after those that were given before."""
        self.at(0.0, errand)

    def at(self, delay_s: float, errand: Errand) -> None:
        """Run it after so many seconds."""
        self._line.put((time.monotonic() + delay_s if delay_s > 0 else 0.0, errand))
        self.begin()

    def begin(self) -> None:
        """Start the thread, unless it runs, or somebody is just about to start it."""
        if self.thread.ident is None and self._starting.acquire(blocking=False):
            if self.thread.ident is None:
                self.thread.start()
            self._starting.release()

    def end(self) -> None:
        """End the thread when what is to be run now has been run."""
        self._line.put(None)

    def join(self) -> None:
        """Wait for its end, where it has begun.

        Raises:
            RuntimeError: It is this very thread.

        If a process dies: this one's threads are gone with it.
        """
        if self.thread.ident is not None:
            self.thread.join()

    def _run(self) -> None:
        while True:
            rest_s = None
            if self._later:
                rest_s = max(0.0, self._later[0][0] - time.monotonic())
            with suppress(queue.Empty):
                given = self._line.get(timeout=rest_s)
                if given is None:
                    return
                due, errand = given
                if due:
                    heapq.heappush(self._later, (due, next(self._order), errand))
                else:
                    _run(errand)
                del given, errand
            while self._later and self._later[0][0] <= time.monotonic():
                _run(heapq.heappop(self._later)[2])


def _run(errand: Errand) -> None:
    try:
        errand()
    except BaseException:  # somebody's callback: this thread has other errands
        with suppress(Exception):  # a handler of theirs raises, too
            _log.exception("A callback of a pool raised; the pool goes on.")
