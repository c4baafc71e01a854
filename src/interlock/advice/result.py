"""What `advise` returns: the advice, why, and the figures; printed, it is plain text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import Any

from interlock.advice import words
from interlock.advice.choice import Option
from interlock.advice.facts import MAIN, Facts, Trial
from interlock.advice.model import Prediction, curve

__all__ = ["SCHEMA", "Advice"]

SCHEMA = 1  # of `as_dict`; another number when a member goes or means something else


@dataclass(frozen=True)
class Advice:
    """Where to run a function, and why.

    Attributes:
        function: Its name.
        context: ``"main"`` (a loop), ``"asyncio"``, ``"thread"``, ``"interpreter"``, ``"fork"``,
            ``"forkserver"`` or ``"spawn"``.
        workers: How many.
        batch: Inputs in a message; what a process pool chooses by itself, or near it.
        speedup: How many times as fast as a loop, for all inputs of the job, with the start.
        headline: The advice in a sentence.
        how: The same in a line of code.
        reasons: Why, in sentences.
        notes: What to know beside it.
        items: Inputs of the job for which this holds.
        calls: How often the function was called to find out.
        facts: All figures.
        options: The best of each context, the quickest first.
        trials: What was run, and how long it took.
        workers_max: How many workers were thought of at the most.
        busy: The part of the time for which other programs had the CPUs, where that was most.
    """

    function: str
    context: str
    workers: int
    batch: int
    speedup: float
    headline: str
    how: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    items: int
    calls: int
    facts: Facts
    options: tuple[Option, ...] = field(repr=False)
    trials: tuple[Trial, ...] = field(repr=False)
    workers_max: int = 32
    busy: float = 0.0

    def curves(self) -> dict[str, list[Prediction]]:
        """For each context how fast it would be with each number of workers, put right as above."""
        right = {each.context: each for each in self.options}
        found = {}
        for context in self.facts.homes:
            option = right.get(context)
            predictions = curve(self.facts, context, self.items, self.workers_max)
            if option is not None and predictions:
                found[context] = [option.put_right(each) for each in predictions]
        return found

    def plot(self, path: str | PathLike[str]) -> None:
        """Draw speed against workers, as `interlock.advice.plot.plot` does.

        Raises:
            MissingDependency: matplotlib is not installed.
            ValueError: The suffix is of no format that it writes.
            OSError: The file cannot be written.
        """
        from interlock.advice.plot import plot

        plot(self, path)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; docs/guide/advise.md says what each member means."""
        loop_s = self.facts.call.wall_s
        return {
            "schema": SCHEMA,
            "function": self.function,
            "context": self.context,
            "workers": self.workers,
            "batch": self.batch,
            "speedup": self.speedup,
            "headline": self.headline,
            "how": self.how,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "items": self.items,
            "calls": self.calls,
            "busy": self.busy,
            "call": asdict(self.facts.call) | {"waiting_s": self.facts.call.waiting_s},
            "travel": asdict(self.facts.travel),
            "cores": self.facts.cores,
            "memory_bytes": self.facts.memory_bytes,
            "contexts": [asdict(home) for home in self.facts.homes.values()],
            "trials": [asdict(each) for each in self.trials],
            "curves": {
                context: [
                    {"workers": p.workers, "batch": p.batch, "speedup": p.rate * loop_s,
                     "limit": p.limit}
                    for p in found
                ]
                for context, found in self.curves().items()
            },
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [self.headline, ""]
        lines += [f"  {each}" for each in self.reasons]
        lines += ["", f"  {self.how}", ""]
        lines += [f"  {each}" for each in self.notes]
        head = ("", "workers", "batch", "times a loop", "limited by", "start", "memory each")
        rows: list[tuple[str, ...]] = [head, *(self._row(each) for each in self.options)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines.append("")
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append("  " + "  ".join(cells).rstrip())
        return "\n".join(lines)

    def _row(self, option: Option) -> tuple[str, ...]:
        chosen, home = option.prediction, self.facts.homes[option.context]
        gain = self.facts.call.wall_s * self.items / option.seconds
        more = [p for p in self.curves().get(option.context, []) if p.workers > chosen.workers]
        limit = more[0].limit if more else chosen.limit
        return (
            option.context,
            str(chosen.workers),
            str(chosen.batch),
            words.factor(gain),
            "" if option.context == MAIN else limit,
            words.span(chosen.start_s) if chosen.start_s else "",
            words.size(home.memory_bytes) if home.memory_bytes else "",
        )
