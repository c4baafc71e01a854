"""What the same work takes in one process: measured, or estimated from the workers' times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.cli.interrupt import Interrupt, signals_held
from interlock.cli.map.job import TICK_S, Stopped
from interlock.cli.map.work.task import Task
from interlock.cli.progress import Progress
from interlock.context import get_context
from interlock.pool import Pool
from interlock.pool.answers import told
from interlock.pool.faults import WorkerDied
from interlock.shared_memory import AtomicInt

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
    function: Callable[[Any], object],
    inputs: Sequence[object],
    context: str,
    interrupt: Interrupt,
    progress: Progress,
) -> OneProcess | str:
    """Run the function on the inputs once more, in one fresh process, and time that.

    It goes second, so what the first run has brought into the page cache helps it:
    the comparison rather flatters the one process.

    Args:
        function: What to run.
        inputs: On what; those that kill their process should not be among them.
        context: How the process is started.
        interrupt: Ends the measurement early.
        progress: Told how far it is.

    Returns:
        The time, or why there is none.

    Raises:
        Stopped: A signal came.

    If a process dies: there is no measurement, and the text returned says why.
    """
    done = AtomicInt()
    with signals_held():
        pool = Pool(1, context=get_context(context))
    with pool:
        running = pool.apply_async(_time_all, (Task(function), inputs, done))
        while interrupt.received is None and not running.ready():
            running.wait(TICK_S)
            progress.show(done.load(), 0, len(inputs))
        if interrupt.received is not None:
            raise Stopped(interrupt.received)
        try:
            took: float = running.get()
        except WorkerDied as died:
            return f"not measured: the process {told(died.exitcode)}"
    return OneProcess(took, took, "measured: a fresh process ran all inputs once more")


def _time_all(task: Task, inputs: Sequence[object], done: AtomicInt) -> float:
    """In the process that is measured: the function and its JSON, as the workers do it."""
    started = time.perf_counter()
    for place, given in enumerate(inputs):
        task((place, place, given, 1))
        done.store(place + 1)
    return time.perf_counter() - started
