"""What a run has come to: each finished input is written down once, and counted."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from interlock.cli.map.results import Results
from interlock.cli.map.totals import Totals
from interlock.cli.map.work.outcome import Outcome, to_json

__all__ = ["Ledger"]

SLOWEST = 10
FAILURES_SHOWN = 10
TEXT_MAX = 4096  # characters of an input that are kept to be shown: a long path is whole


class Ledger:
    """The outcomes of a run, written to the results as they come.

    Args:
        results: Where the lines go.

    Attributes:
        done: How many inputs have an outcome, failed ones among them.
        failed: How many failed.
        again: How many were tried more than once.
        failures: The first few: the input and its error.
        slowest: Seconds, the number negated, the input: a heap.
        totals: Sums over the results.
        seconds: Wall-clock time in the function, all inputs together.
        cpu_s: CPU time likewise.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        self.totals = Totals()
        self.done = self.failed = self.again = 0
        self.failures: list[tuple[str, str]] = []
        self.slowest: list[tuple[float, int, str]] = []
        self.seconds = 0.0
        self.cpu_s = 0.0

    def record(self, finished: Iterable[tuple[Outcome, object]]) -> None:
        """Write down outcomes, each with its input.

        The lines are with the kernel when this returns: a death of this process after it cannot
        lose them.

        Raises:
            Unwritten: The results cannot be written.
        """
        found = list(finished)
        lines = bytearray()
        for outcome, given in found:
            lines += outcome.line(given)
        self.results.write(lines)
        for outcome, given in found:
            self._count(outcome, given)

    def _count(self, outcome: Outcome, given: object) -> None:
        self.done += 1
        self.again += outcome.attempts > 1
        self.cpu_s += outcome.cpu_s
        if outcome.measures:
            self.totals.add(outcome.index, outcome.measures, shown_input(given))
        if outcome.failure is not None:
            self.failed += 1
            if len(self.failures) < FAILURES_SHOWN:
                self.failures.append((shown_input(given), outcome.failure))
        if outcome.seconds is not None:
            self.seconds += outcome.seconds
            if len(self.slowest) < SLOWEST or outcome.seconds > self.slowest[0][0]:
                entry = (outcome.seconds, -outcome.index, shown_input(given))
                if len(self.slowest) < SLOWEST:
                    heapq.heappush(self.slowest, entry)
                else:
                    heapq.heappushpop(self.slowest, entry)


def shown_input(given: object) -> str:
    """An input as text; what is no text, as JSON."""
    text = given if isinstance(given, str) else to_json(given)
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}..."
