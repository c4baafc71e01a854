"""Which inputs are done: each is written down exactly once.

An input may have two outcomes: its worker was killed after it had sent the first and
before it had acknowledged its lease, so the input was delivered again. And one whose
worker died twice in that gap has an outcome and is a dead letter too. So an outcome
counts only for an input that is still open; that is decided here, in one process, by
the index of the input, and nowhere else.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Sequence

from interlock.cli.map.crew import Loss
from interlock.cli.map.outcome import Outcome, died
from interlock.cli.map.totals import Totals
from interlock.errors import InterlockError

__all__ = ["Ledger", "Unwritten"]

SLOWEST = 10
FAILURES_SHOWN = 10


class Unwritten(InterlockError):
    """The results file takes no more."""


class Ledger:
    """The outcomes of a run, written to the results file as they come.

    Args:
        inputs: The inputs; an outcome names its input by the place in this.
        file: The descriptor of the results file.
    """

    def __init__(self, inputs: Sequence[str], file: int) -> None:
        self.inputs = inputs
        self.totals = Totals()
        self.failed = 0
        self.failures: list[tuple[int, str]] = []  # index, error: the first few
        self.fatal: set[int] = set()  # inputs on which workers died to the end
        self.slowest: list[tuple[float, int]] = []  # seconds, -index: a heap
        self.seconds = 0.0
        self.cpu_s = 0.0
        self.redelivered = 0
        self._file = file
        self._open = set(range(len(inputs)))
        self._losses: dict[int, list[Loss]] = {}

    @property
    def done(self) -> int:
        """How many inputs have an outcome."""
        return len(self.inputs) - len(self._open)

    def complete(self) -> bool:
        """Whether every input has an outcome."""
        return not self._open

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Write down the outcomes of inputs that have none yet.

        The lines are with the kernel when this returns: a death of this process
        after it cannot lose them.

        Raises:
            Unwritten: The results file cannot be written.
        """
        lines = bytearray()
        for outcome in outcomes:
            if outcome.index in self._open:
                self._open.remove(outcome.index)
                lines += outcome.line(self.inputs[outcome.index])
                self._count(outcome)
        self._write(lines)

    def note_loss(self, loss: Loss) -> None:
        """Remember what happened to the worker of an input."""
        if loss.index is not None:
            self._losses.setdefault(loss.index, []).append(loss)

    def outcome_of_dead_letter(self, index: int, attempts: int) -> Outcome:
        """The outcome of an input that no worker survived."""
        self.fatal.add(index)
        losses = self._losses.get(index, [])
        told = " and ".join(f"worker {loss.pid} {loss.how}" for loss in losses)
        message = (
            f"{told or 'each worker died'} while running this input; "
            f"after {attempts} attempts it is not tried again, and all others went on"
        )
        return died(index, attempts, losses[-1].pid if losses else 0, message)

    def _write(self, lines: bytearray) -> None:
        unwritten = memoryview(lines)
        try:
            while unwritten:
                unwritten = unwritten[os.write(self._file, unwritten) :]
        except OSError as error:
            raise Unwritten(
                f"the results cannot be written ({error.strerror}), so the run was stopped; "
                "make room, or give another file by --out"
            ) from error

    def _count(self, outcome: Outcome) -> None:
        self.totals.add(outcome.index, outcome.measures)
        self.redelivered += outcome.attempts > 1
        self.cpu_s += outcome.cpu_s
        if outcome.failure is not None:
            self.failed += 1
            if len(self.failures) < FAILURES_SHOWN:
                self.failures.append((outcome.index, outcome.failure))
        if outcome.seconds is not None:
            self.seconds += outcome.seconds
            entry = (outcome.seconds, -outcome.index)
            if len(self.slowest) < SLOWEST:
                heapq.heappush(self.slowest, entry)
            else:
                heapq.heappushpop(self.slowest, entry)
