"""The figures of one run as a table, and as JSON with every sample."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from .workloads import STDLIB, Workload

HEADS = (
    *("work", "unit", "measured", "median", "against", "its median"),
    *("ratio", "least", "goal", "mark"),
)
LEFT = (0, 1, 2, 4, 9)  # the columns of words


@dataclass(frozen=True)
class Sample:
    """One round of one contestant."""

    count: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """All rounds of one workload, by contestant."""

    workload: Workload
    samples: dict[str, list[Sample]]

    def median(self, name: str) -> float:
        """The contestant's median figure, in the workload's unit."""
        return statistics.median(
            self.workload.figure(sample.count, sample.seconds) for sample in self.samples[name]
        )

    def ratio(self, name: str, other: str) -> float:
        """How many times as fast as ``other``, by the medians."""
        ratio = self.median(name) / self.median(other)
        return 1 / ratio if self.workload.is_time else ratio


@dataclass(frozen=True)
class Row:
    """One contestant against another."""

    key: str
    name: str
    unit: str
    measured: str
    against: str
    its_figure: float
    figure: float
    ratio: float
    goal: float | None
    least: float | None

    @property
    def mark(self) -> str:
        """How far it got: the goal, the least for now, or not even that."""
        if self.goal is None or self.least is None:
            return ""
        if self.ratio >= self.goal:
            return "goal"
        return "least" if self.ratio >= self.least else "BELOW"


def rows(results: Sequence[Result], subject: str) -> Iterator[Row]:
    """A row for each two that are compared, those with a goal first."""
    for result in results:
        work = result.workload
        me = subject if subject != STDLIB else f"{subject} again"
        for measured, other, goal in work.pairs(me, result.samples):
            yield Row(
                work.key,
                work.name,
                work.unit,
                measured,
                other,
                result.median(other),
                result.median(measured),
                result.ratio(measured, other),
                goal,
                None if goal is None else goal * work.least,
            )


def rows_below(results: Sequence[Result], subject: str, required: str) -> list[str]:
    """The work that misses what is required ("least" or "goal")."""
    missed = ("BELOW",) if required == "least" else ("BELOW", "least")
    return [f"{row.name} ({row.mark})" for row in rows(results, subject) if row.mark in missed]


def table(results: Sequence[Result], subject: str) -> str:
    """The table that `make bench` prints."""
    lines = [HEADS]
    last = ""
    for row in rows(results, subject):
        lines.append(
            (
                row.name if row.name != last else "",
                row.unit,
                row.measured,
                _number(row.figure),
                row.against,
                _number(row.its_figure),
                f"{_number(row.ratio)}x",
                _times(row.least),
                _times(row.goal),
                row.mark,
            )
        )
        last = row.name
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    text = [
        "  ".join(
            cell.ljust(width) if column in LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * max(map(len, text)))
    machine = facts()
    return "\n".join(
        [
            f"Python {machine['python']}, {machine['cpus']} CPUs, "
            f"load {machine['load']}; ratios are of speeds, by medians",
            "",
            *text,
        ]
    )


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{_number(ratio)}x"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def facts() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.cache_tag,
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
    }


def as_json(results: Sequence[Result], subject: str) -> str:
    """Every sample and every row."""
    whole = {
        "facts": facts(),
        "subject": subject,
        "rows": [asdict(row) | {"mark": row.mark} for row in rows(results, subject)],
        "samples": {
            result.workload.key: {
                name: [asdict(sample) for sample in samples]
                for name, samples in result.samples.items()
            }
            for result in results
        },
    }
    return json.dumps(whole, indent=1) + "\n"
