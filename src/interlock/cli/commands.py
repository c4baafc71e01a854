"""The commands of `interlock`, their options, and their exit status."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from interlock.cli.explain import explain_command
from interlock.cli.interrupt import Interrupt
from interlock.cli.map import compare, table
from interlock.cli.map.function import MappedFunction, load
from interlock.cli.map.inputs import gather
from interlock.cli.map.job import Job, Stopped, WorkersUnfit
from interlock.cli.map.ledger import Ledger, Unwritten
from interlock.cli.progress import progress
from interlock.cli.usage import Unusable, workers_from, writable

__all__ = ["app"]

FAILED, WRONG_USE, SIGNALLED = 1, 2, 128

app = typer.Typer(
    name="interlock",
    help="Messages between processes that cannot be lost.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


app.command("explain")(explain_command)


@app.callback()
def interlock() -> None:
    """Messages between processes that cannot be lost."""


@app.command("map")
def map_command(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="module:name or file.py:name")
    ] = "",
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[INPUT]...", help="Inputs, as they are.")
    ] = None,
    patterns: Annotated[
        list[str] | None,
        typer.Option("--glob", metavar="PATTERN", help="Each file that matches; ** is any depth."),
    ] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option(
            "--lines", metavar="FILE|-", help="Each line of a file, or of standard input."
        ),
    ] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="Processes; by default one for each usable CPU.")
    ] = None,
    out: Annotated[
        str, typer.Option(metavar="FILE", help="Where the results go, a JSON line for each input.")
    ] = "results.jsonl",
    show: Annotated[
        bool,
        typer.Option("--progress/--no-progress", help="Show how far it is (on standard error)."),
    ] = True,
    measure: Annotated[
        bool,
        typer.Option("--compare", help="Afterwards run all inputs in one process, and time that."),
    ] = False,
) -> None:
    """Apply a function to every input, across all cores.

    Each input is given to the function as a string. A worker that dies is replaced and its
    input tried once more; what the function raises is a failed input, and the others go on.

    Exit status: 0 all done, 1 some inputs failed, 2 wrong use, 130 stopped by Ctrl-C.
    """
    try:
        mapped, inputs, size = prepared(function, arguments, patterns, lists, workers)
        file = writable(out)
        try:
            status = run(mapped, inputs, size, (file, out), show=show, measure=measure)
        finally:
            os.close(file)
    except Unusable as error:
        status = told(error, WRONG_USE)
    except KeyboardInterrupt:
        status = told("stopped", SIGNALLED + 2)  # while nothing was running
    raise typer.Exit(status)


def prepared(
    function: str,
    arguments: list[str] | None,
    patterns: list[str] | None,
    lists: list[str] | None,
    workers: str | None,
) -> tuple[MappedFunction, list[str], int]:
    """The function, the inputs and the number of workers; nothing has been started yet.

    Raises:
        Unusable: One of them cannot be had.
    """
    if not function:
        raise Unusable(
            "FUNCTION is missing; name the function to run, as module:name or file.py:name, and "
            "its inputs, such as `interlock map os.path:getsize --glob '*'`"
        )
    size = workers_from(workers)
    mapped = load(function)
    return mapped, gather(arguments or [], patterns or [], lists or []), size


def run(
    function: MappedFunction,
    inputs: list[str],
    workers: int,
    results: tuple[int, str],
    *,
    show: bool,
    measure: bool,
) -> int:
    """Run to the end, print the table; the exit status."""
    file, out = results
    ledger = Ledger(inputs, file)
    job = Job(function, inputs, workers, ledger)
    with Interrupt() as interrupt:
        try:
            with progress("interlock map", len(inputs), show) as shown:
                job.run(interrupt, shown)
            alone = one_process(function, ledger, interrupt, show=show, measure=measure)
        except Stopped as stopped:
            done = f"{ledger.done} of {len(inputs)} inputs are done"
            return told(f"stopped; {done}, their results are in {out}", SIGNALLED + stopped.signal)
        except (WorkersUnfit, Unwritten) as error:
            return told(error, FAILED)
    table.print_summary(ledger, job.statistics, min(workers, len(inputs)), alone, out)
    return FAILED if ledger.failed else 0


def one_process(
    function: MappedFunction, ledger: Ledger, interrupt: Interrupt, *, show: bool, measure: bool
) -> compare.OneProcess | str:
    """The time of one process to compare with, measured if that was asked for.

    Raises:
        Stopped: A signal came while it was measured.
    """
    if not measure:
        return compare.estimate(ledger.seconds, ledger.cpu_s)
    inputs = [given for index, given in enumerate(ledger.inputs) if index not in ledger.fatal]
    with progress("the same in one process", len(inputs), show) as shown:
        return compare.measure(function, inputs, interrupt, shown)


def told(message: object, status: int) -> int:
    """Say what is wrong, in a line of its own; the status given."""
    print(f"interlock map: {message}", file=sys.stderr)
    return status
