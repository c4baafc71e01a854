"""From what the command line says to the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from os.path import exists

from interlock.cli.interrupt import Interrupt
from interlock.cli.map import compare, table
from interlock.cli.map.dry_run import plan
from interlock.cli.map.inputs.feed import SPAN, Feed
from interlock.cli.map.inputs.sources import Inputs
from interlock.cli.map.job import Job, Stopped, TooManyFailures, WorkersUnfit
from interlock.cli.map.ledger import Ledger
from interlock.cli.map.results import Held, Results, Unwritten, check_place, held_of
from interlock.cli.map.settings import CLUSTERS, Settings
from interlock.cli.map.work.function import MappedFunction, load
from interlock.cli.map.work.program import Program, program
from interlock.cli.progress import progress
from interlock.cli.usage import Unusable

__all__ = ["Request", "run", "told", "what_to_run"]

FAILED, WRONG_USE, SIGNALLED = 1, 2, 128


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        function: What to run.
        inputs: On what.
        settings: How.
        out: Where the results go.
        resume: Whether what it holds is skipped.
        show: Whether to show how far it is.
        measure: Whether to measure one process afterwards.
    """

    function: MappedFunction | Program
    inputs: Inputs
    settings: Settings
    out: str
    resume: bool = False
    show: bool = True
    measure: bool = False


def what_to_run(
    function: str, arguments: Sequence[str] | None, command: str | None
) -> tuple[MappedFunction | Program, list[str]]:
    """The function or the program, and the inputs behind it.

    Raises:
        Unusable: There is none, or it cannot be had.
    """
    behind = list(arguments or ())
    if command is not None:  # then the first word is an input, too
        return program(command), [function, *behind] if function else behind
    if not function:
        raise Unusable(
            "FUNCTION is missing; name the function to run, as module:name or file.py:name, and "
            "its inputs, such as `interlock map os.path:getsize --glob '*'`, or a program by "
            "--command 'gzip -k {}'"
        )
    return load(function), behind


def run(request: Request, *, dry: bool) -> int:
    """Do it, or say what would be done; the exit status.

    Raises:
        Unusable: Something about it cannot be used.
        KeyboardInterrupt: Ctrl-C, while nothing was running.

    If a process dies: as `Job.run`.
    """
    paths = [source.path for source in request.inputs.sources if source.path is not None]
    check_place(request.out, request.resume, paths)
    if dry:
        held = held_of(request.out) if request.resume else None
        for line in plan(request.function, request.inputs, request.settings, request.out, held):
            print(line)
        return 0
    # An absent file is made only when there is something to run.
    results = Results(request.out, True) if request.resume and exists(request.out) else None
    try:
        feed = Feed(
            request.inputs,
            Held() if results is None else results.held,
            span=SPAN if request.settings.ordered else None,
            keep=request.measure,
        )
        feed.start()
        if not feed.wait_first() and results is not None:
            print(f"All {feed.skipped} inputs are in {results} already; nothing was run.")
            return FAILED if results.held.failed else 0
        if results is None:
            results = Results(request.out, request.resume)
        return _run(request, feed, Ledger(results))
    finally:
        if results is not None:
            results.close()


def _run(request: Request, feed: Feed, ledger: Ledger) -> int:
    job = Job(request.function, feed, request.settings, ledger)
    with Interrupt() as interrupt:
        try:
            with progress("interlock map", request.show) as shown:
                job.run(interrupt, shown)
            alone = _one_process(request, feed, job, ledger, interrupt)
        except Stopped as stopped:
            return told(f"stopped; {_done(feed, ledger)}", SIGNALLED + stopped.signal)
        except TooManyFailures as error:
            _print_table(request, feed, job, ledger, "not measured: the run was stopped")
            return told(f"{error}; {_done(feed, ledger)}", FAILED)
        except (WorkersUnfit, Unwritten) as error:
            return told(f"{error}; {_done(feed, ledger)}", FAILED)
        except Unusable as error:
            return told(f"{error}; {_done(feed, ledger)}", WRONG_USE)
    _print_table(request, feed, job, ledger, alone)
    return FAILED if ledger.failed or ledger.results.held.failed else 0


def _print_table(
    request: Request, feed: Feed, job: Job, ledger: Ledger, alone: compare.OneProcess | str
) -> None:
    """On standard output; where the results go there, on standard error, if that is wanted."""
    if ledger.results.path != "-" or request.show:
        skipped = (feed.skipped, ledger.results.held.failed)
        try:
            table.print_summary(ledger, job.statistics, alone, skipped)
            print(end="", flush=True)
        except OSError as error:  # the results are safe all the same
            # What is still buffered would be tried again at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):  # else nobody looks
                told(
                    f"the table cannot be written ({error.strerror}); the results are in "
                    f"{ledger.results} all the same",
                    FAILED,
                )


def _done(feed: Feed, ledger: Ledger) -> str:
    of_all = "" if feed.total is None else f" of {feed.total}"
    resume = "" if ledger.results.path == "-" else "; --resume goes on from there"
    done = ledger.done + feed.skipped
    return f"{done}{of_all} inputs are done, their results are in {ledger.results}{resume}"


def _one_process(
    request: Request, feed: Feed, job: Job, ledger: Ledger, interrupt: Interrupt
) -> compare.OneProcess | str:
    """The time of one process to compare with, measured if that was asked for.

    Raises:
        Stopped: A signal came while it was measured.
    """
    if feed.kept is None:
        return compare.estimate(ledger.seconds, ledger.cpu_s)
    inputs = [given for place, given in enumerate(feed.kept) if place not in job.fatal]
    with progress("the same in one process", request.show) as shown:
        context = request.settings.context
        method = "spawn" if context in CLUSTERS else context  # one process, of this machine
        return compare.measure(request.function, inputs, method, interrupt, shown)


def told(message: object, status: int) -> int:
    """Say what is wrong, in a line of its own; the status given."""
    print(f"interlock map: {message}", file=sys.stderr)
    return status
