"""The workers of a run: starts them, notices their deaths, replaces and ends them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from interlock.cli.map.worker import Note

__all__ = ["Crew", "Loss", "told"]

GRACE_S = 2.0  # how long workers that were told to end may take before they are killed


@dataclass(frozen=True)
class Loss:
    """A worker that ended before the work did.

    Attributes:
        pid: The worker.
        how: What ended it: `was killed by SIGKILL`, `ended itself with status 3`.
        index: The input it was at; None if it had none.
    """

    pid: int
    how: str
    index: int | None


def told(exitcode: int | None) -> str:
    """How a process ended, as the rest of a sentence."""
    if exitcode is None or exitcode >= 0:
        return f"ended itself with status {exitcode}"
    try:
        return f"was killed by {signal.Signals(-exitcode).name}"
    except ValueError:  # the real-time signals have numbers only
        return f"was killed by signal {-exitcode}"


class Crew:
    """A number of worker processes that is kept up while there is work.

    Args:
        start: Creates and starts a worker, given the note it shall write.
        size: How many workers there shall be.
    """

    def __init__(self, start: Callable[[Note], BaseProcess], size: int) -> None:
        self.size = size
        self._start = start
        self._members: dict[BaseProcess, Note] = {}

    def fill(self) -> None:
        """Start workers until there are as many as there shall be.

        Raises:
            OSError: The system starts no more processes, and there is no worker.
        """
        while len(self._members) < self.size:
            note = Note()
            try:
                with signals_held():
                    process = self._start(note)
            except OSError:
                if not self._members:
                    raise
                return  # fewer go on; the next call tries again
            self._members[process] = note

    def sentinels(self) -> list[Any]:
        """What becomes ready when a worker ends."""
        return [process.sentinel for process in self._members]

    def take_losses(self) -> list[Loss]:
        """The workers that have ended since the last call; they are members no longer."""
        losses = []
        for process in [p for p in self._members if not p.is_alive()]:
            process.join()
            note = self._members.pop(process)
            losses.append(Loss(process.pid or 0, told(process.exitcode), note.read()))
        return losses

    def stop(self, grace_s: float = GRACE_S) -> None:
        """See all workers end, within the grace by themselves, then by SIGKILL.

        If a process dies: that is what this waits for.
        """
        deadline = time.monotonic() + grace_s
        for process in self._members:
            process.join(max(0.0, deadline - time.monotonic()))
        for process in self._members:
            process.kill()
        for process in self._members:
            process.join()
            process.close()
        self._members.clear()


@contextmanager
def signals_held() -> Iterator[None]:
    """Block SIGINT and SIGTERM meanwhile, in a process started here too; they are not lost."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
