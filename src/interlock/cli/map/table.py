"""The table at the end of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interlock.cli.map.compare import OneProcess
from interlock.cli.map.job import Statistics
from interlock.cli.map.ledger import Ledger

__all__ = ["print_summary"]

PLAIN_WIDTH = 110  # columns where there is no terminal to ask
Row = tuple[str, str, str]


def print_summary(
    ledger: Ledger,
    statistics: Statistics,
    one_process: OneProcess | str,
    skipped: tuple[int, int] = (0, 0),
) -> None:
    """Print totals, slowest inputs, failures, times and where the results lie.

    Args:
        ledger: The outcomes.
        statistics: How it went.
        one_process: The time of one process to compare with, or why there is none.
        skipped: How many inputs were done before this run, and how many of these had failed.
    """
    console = Console()
    base = common_folder(_inputs_shown(ledger))
    sections = (
        ("totals", _totals(ledger, base, skipped)),
        ("slowest inputs", _slowest(ledger, base)),
        ("failed inputs", _failures(ledger, base)),
        ("time", _times(ledger, statistics, one_process)),
    )
    if console.is_terminal:
        console.print(_table(sections))
    else:
        print(plain(_table(sections)))
    if base:
        print(f"\nInputs are shown from {base}")
    if ledger.results.path != "-":
        print(f"Results: {os.path.abspath(ledger.results.path)}")


def _inputs_shown(ledger: Ledger) -> list[str]:
    return [
        *(given for _, _, given in ledger.slowest),
        *(given for given, _ in ledger.failures),
        *(best.given for best in ledger.totals.greatest.values()),
    ]


def _table(sections: Iterable[tuple[str, Iterable[Row]]]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, highlight=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for title, rows in sections:
        for number, row in enumerate(rows):
            if number == 0:
                table.add_row()
                table.add_row(f"[underline]{title}[/underline]")
            table.add_row(*(escape(printable(cell)) for cell in row))
    return table


def plain(table: Table) -> str:
    """The table as text, without styles and without spaces at the ends of lines."""
    console = Console(width=PLAIN_WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def common_folder(inputs: Sequence[str]) -> str:
    """The folder that all of these inputs lie in, with its last slash, if they look like paths.

    Left away from what is shown, so that the part that differs is seen.
    """
    if not all(os.sep in given for given in inputs):
        return ""
    try:
        folder = os.path.commonpath([os.path.dirname(given) for given in inputs])
    except ValueError:  # some begin at the root and some do not
        return ""
    return os.path.join(folder, "") if folder else ""


def _totals(ledger: Ledger, base: str, skipped: tuple[int, int]) -> Iterator[Row]:
    done = f"{ledger.done - ledger.failed:,} done, {ledger.failed:,} failed"
    yield "inputs", number(ledger.done), done
    if skipped[0]:
        failures = f", {skipped[1]:,} of them failed" if skipped[1] else ""
        yield "skipped", number(skipped[0]), f"the results had them already{failures}"
    for name, total in ledger.totals.sums.items():
        yield name.replace("_", " "), number(total), ""
    for name, best in ledger.totals.greatest.items():
        whose = short(best.given, base)
        beside = f"{best.beside}, in {whose}" if best.beside else f"in {whose}"
        yield name.replace("_", " "), number(best.number), beside


def _slowest(ledger: Ledger, base: str) -> Iterator[Row]:
    for seconds, _, given in sorted(ledger.slowest, reverse=True):
        yield "", duration(seconds), short(given, base)


def _failures(ledger: Ledger, base: str) -> Iterator[Row]:
    for given, error in ledger.failures:
        yield "", "", f"{short(given, base)}: {error}"
    more = ledger.failed - len(ledger.failures)
    if more > 0:
        yield "", number(more), "more, in the results"


def _times(ledger: Ledger, statistics: Statistics, one_process: OneProcess | str) -> Iterator[Row]:
    wall, workers = statistics.wall_s, statistics.workers
    yield f"{workers} worker{'s' * (workers > 1)}", duration(wall), _losses(ledger, statistics)
    if isinstance(one_process, str):
        yield "one process", "", one_process
        return
    least, most = one_process.least_s, one_process.most_s
    yield "one process", span(duration(least), duration(most)), one_process.how
    if wall > 0:
        yield "gain", span(f"{least / wall:.2f}", f"{most / wall:.2f}"), "times as fast"


def _losses(ledger: Ledger, statistics: Statistics) -> str:
    if not statistics.workers_lost:
        return ""
    lost, again = statistics.workers_lost, ledger.again
    return (
        f"{lost} worker{'s' * (lost != 1)} died and {'were' if lost != 1 else 'was'} replaced, "
        f"{again} input{'s' * (again != 1)} delivered again"
    )


def short(given: str, base: str) -> str:
    """An input as it is shown: without the common folder, and never too long."""
    text = given.removeprefix(base)
    return text if len(text) <= 200 else f"{text[:200]}..."


def printable(text: str) -> str:
    """Text that is safe on a terminal: a file name may hold escape sequences."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def span(least: str, most: str) -> str:
    """Two figures as one range, or one where they look the same."""
    return least if least == most else f"{least} to {most}"


def number(value: float) -> str:
    """A number with thousands apart."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
