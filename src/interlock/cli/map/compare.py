"""What the same work takes in one process: measured, or estimated from the workers' times."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.cli.interrupt import Interrupt
from interlock.cli.map.crew import signals_held, told
from interlock.cli.map.function import MappedFunction
from interlock.cli.map.job import TICK_S, Stopped
from interlock.cli.map.outcome import attempt
from interlock.cli.map.worker import Note, follow_parent
from interlock.cli.progress import Progress
from interlock.connection import wait
from interlock.context import get_context

__all__ = ["OneProcess", "estimate", "measure"]


@dataclass(frozen=True)
class OneProcess:
    """The time of all inputs in one process.

    Attributes:
        least_s: At least this long.
        most_s: At most this long; the same if it was measured.
        how: Where the figures come from, for the reader of the table.
    """

    least_s: float
    most_s: float
    how: str


def estimate(seconds: float, cpu_s: float) -> OneProcess:
    """Bounds from what the workers spent.

    Their wall-clock times add up to too much when they had to share cores, for a
    worker that stands in line for a core is no slower alone; their CPU times add up
    to too little when the function waits for a disk or a network. One process takes
    something between.
    """
    least, most = sorted((cpu_s, seconds))
    how = "an estimate from the workers' times; --compare measures it"
    return OneProcess(least, most, how)


def measure(
    function: MappedFunction,
    inputs: Sequence[str],
    interrupt: Interrupt,
    progress: Progress,
) -> OneProcess | str:
    """Run the function on the inputs once more, in one fresh process, and time that.

    It goes second, so what the first run has brought into the page cache helps it:
    the comparison rather flatters the one process.

    Args:
        function: What to run.
        inputs: On what; those that kill their process should not be among them.
        interrupt: Ends the measurement early.
        progress: Told how far it is.

    Returns:
        The time, or why there is none.

    Raises:
        Stopped: A signal came.

    If a process dies: there is no measurement, and the text returned says why.
    """
    context = get_context("fork")
    times, ours = context.Pipe(duplex=False)
    note = Note()
    process: Any = context.Process(
        target=_time_all, args=(function, inputs, ours, note, os.getpid())
    )
    with signals_held():
        process.start()
    ours.close()
    try:
        while interrupt.received is None and not wait(
            [times, interrupt, process.sentinel], timeout=TICK_S
        ):
            progress.show(note.read() or 0, 0)
        if interrupt.received is not None:
            raise Stopped(interrupt.received)
        took = times.recv()
        progress.show(len(inputs), 0)
        return OneProcess(took, took, "measured: a fresh process ran all inputs once more")
    except EOFError:
        process.join()
        return f"not measured: the process {told(process.exitcode)}"
    finally:
        process.kill()
        process.join()


def _time_all(
    function: MappedFunction, inputs: Sequence[str], times: Any, note: Note, parent: int
) -> None:
    """In the process that is measured: the function and its JSON, as the workers do it."""
    follow_parent(parent)
    started = time.perf_counter()
    for index, given in enumerate(inputs):
        note.write(index)
        attempt(function, index, given, 1, parent)
    times.send(time.perf_counter() - started)
