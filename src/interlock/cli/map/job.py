"""Runs a function over many inputs, in processes that may be killed at any moment.

    this process                      a worker, one of several
    ------------                      ------------------------
    inputs.put((index, input))  --->  inputs.lease()
                                      note <- index          (a shared word)
                                      function(input)
    outcomes.get()              <---  outcomes.put(outcome)
    ledger: one line in --out         lease acknowledged
    inputs.dead_letters.get()   <---  (two workers died on the same input)
    process sentinels           <---  (a worker died: another takes its place)

The two queues carry everything, and no step of ours needs a lock, so there is nothing
that a death could leave locked. What a worker's death leaves at each of its steps is
told in `worker.py`; how an input gets no second line, in `ledger.py`.

The workers are forked: they have the function already, and start in a millisecond.
This process has no other thread at that time (the progress bar is drawn by the loop
below, not by a thread of its own), so a fork copies no lock in the middle of its use.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.cli.interrupt import Interrupt
from interlock.cli.map.crew import Crew, Loss
from interlock.cli.map.function import MappedFunction
from interlock.cli.map.ledger import Ledger
from interlock.cli.map.outcome import Outcome
from interlock.cli.map.worker import Note, serve
from interlock.cli.progress import Progress
from interlock.connection import wait
from interlock.context import get_context
from interlock.errors import Empty, Full, InterlockError

__all__ = ["Job", "Stopped", "WorkersUnfit"]

MAX_DELIVERIES = 2
AHEAD = 1024  # inputs in the queue: enough that no worker waits, few enough to hold any length
TICK_S = 0.1  # how often the progress is drawn, and the dead letters are looked at
IDLE_DEATHS_MAX = 20  # workers that may die in a row with nothing in hand and nothing achieved


class WorkersUnfit(InterlockError):
    """Workers die before they can do anything; the run was given up."""


class Stopped(InterlockError):
    """The run was stopped by Ctrl-C or SIGTERM; what was finished is written down.

    Attributes:
        signal: Which of the two.
    """

    def __init__(self, signal: int) -> None:
        super().__init__("the run was stopped")
        self.signal = signal


@dataclass
class Statistics:
    """How a run went, apart from its outcomes."""

    wall_s: float = 0.0
    workers_lost: int = 0


class Job:
    """One run of a function over inputs.

    Args:
        function: What to run.
        inputs: On what.
        workers: In how many processes; fewer if there are fewer inputs.
        ledger: Takes the outcomes.
    """

    def __init__(
        self, function: MappedFunction, inputs: Sequence[str], workers: int, ledger: Ledger
    ) -> None:
        context = get_context("fork")
        self.statistics = Statistics()
        self._function = function
        self._context = context
        self._ledger = ledger
        self._waiting = enumerate(inputs)
        self._next: tuple[int, str] | None = next(self._waiting, None)
        self._inputs: Any = context.Queue(maxsize=AHEAD, max_deliveries=MAX_DELIVERIES)
        self._outcomes: Any = context.Queue()
        self._crew = Crew(self._start_worker, min(workers, len(inputs)))
        self._idle_deaths = 0

    def run(self, interrupt: Interrupt, progress: Progress) -> None:
        """Run to the end: every input has an outcome when this returns.

        Raises:
            Stopped: A signal came first.
            WorkersUnfit: No worker starts, or none lives long enough to take an input.
            Unwritten: The results file cannot be written.

        If a process dies: a worker is replaced, and its input delivered again, once.
        """
        started = time.perf_counter()
        try:
            self._supervise(interrupt, progress)
        finally:
            self._crew.stop(0.0 if not self._ledger.complete() else 2.0)
            # A worker may have sent an outcome while it was told to end.
            self._ledger.record(self._arrived())
            self.statistics.wall_s = time.perf_counter() - started
            progress.show(self._ledger.done, self._ledger.failed)
        if interrupt.received is not None and not self._ledger.complete():
            raise Stopped(interrupt.received)

    def _supervise(self, interrupt: Interrupt, progress: Progress) -> None:
        while interrupt.received is None:
            self._feed()
            self._fill()
            wait([self._outcomes, interrupt, *self._crew.sentinels()], timeout=TICK_S)
            self._account()
            progress.show(self._ledger.done, self._ledger.failed)
            if self._ledger.complete():
                # Idle workers end by this. One may still be busy with an input that was
                # delivered twice and is recorded already: it is not waited for long.
                self._inputs.shutdown(immediate=True)
                return

    def _fill(self) -> None:
        try:
            self._crew.fill()
        except OSError as error:
            raise WorkersUnfit(
                f"no process can be started ({error.strerror}). {self._ledger.done} inputs are "
                "done and written down. See the limits of `ulimit -a`, or the memory"
            ) from error

    def _feed(self) -> None:
        """Put inputs into the queue until it is full."""
        while self._next is not None:
            try:
                self._inputs.put_nowait(self._next)
            except Full:
                return
            self._next = next(self._waiting, None)

    def _account(self) -> None:
        """Take in what has happened: losses, dead letters and outcomes, in this order.

        The order matters. An input becomes a dead letter after its last worker's
        death, and that worker may have sent the outcome before it died: whoever reads
        the dead letters first, then all outcomes, and only then writes down the dead
        letters, does not call an input failed whose outcome is already there.
        """
        losses = self._crew.take_losses()
        for loss in losses:
            self._ledger.note_loss(loss)
        dead = self._dead_letters()
        before = self._ledger.done
        self._ledger.record(self._arrived())
        self._ledger.record(dead)
        self.statistics.workers_lost += len(losses)
        self._bound_idle_deaths(losses, self._ledger.done > before)

    def _dead_letters(self) -> list[Outcome]:
        found: list[Outcome] = []
        while True:
            try:
                index, _given = self._inputs.dead_letters.get_nowait()
            except Empty:
                return found
            found.append(self._ledger.outcome_of_dead_letter(index, MAX_DELIVERIES))

    def _arrived(self) -> list[Outcome]:
        found: list[Outcome] = []
        while True:
            try:
                found.append(Outcome(*self._outcomes.get_nowait()))
            except Empty:
                return found

    def _bound_idle_deaths(self, losses: list[Loss], achieved: bool) -> None:
        """Give up when workers die and die without having taken an input."""
        if achieved or any(loss.index is not None for loss in losses):
            self._idle_deaths = 0
            return
        self._idle_deaths += len(losses)
        if self._idle_deaths > IDLE_DEATHS_MAX + self._crew.size:
            raise WorkersUnfit(
                f"{self._idle_deaths} workers died in a row before they took an input; the last "
                f"{losses[-1].how}. {self._ledger.done} inputs are done and written down. "
                "See what kills processes here: the limits of `ulimit -a`, or the memory"
            )

    def _start_worker(self, note: Note) -> Any:
        process: Any = self._context.Process(
            target=serve,
            args=(self._function, self._inputs, self._outcomes, note, os.getpid()),
        )
        process.start()
        return process
