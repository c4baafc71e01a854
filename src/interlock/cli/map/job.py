"""Runs a function over inputs in a pool whose workers may be killed at any moment.

    source -> Feed -> pool.imap_unordered -> _arrived -> _record -> ledger: a line for each
                                             ^      │
                                             └──────┘ another try: pool.apply_async

J1. An input is in one place: the feed, `feed.begun` (the pool has it, or it waits for a line before
    it), or the ledger.
J2. The pool is told of no retries: a worker's death comes here as `WorkerDied`, which names the
    task, and the number of a task is the number of its input (`feed.py`). So each death is known,
    and counted.
J3. After a signal no failure is written down: it may be the signal's, which goes to all processes
    of a terminal. The input is not finished, and runs again when the run is resumed.

The function catches what it raises itself (`outcome.py`): what the pool raises here is a death, a
timeout, or the end of the pool.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from interlock.cli.interrupt import Interrupt, signals_held
from interlock.cli.map.inputs.feed import Feed, Item
from interlock.cli.map.ledger import Ledger
from interlock.cli.map.settings import CLUSTERS, Settings
from interlock.cli.map.work.outcome import Outcome, died
from interlock.cli.map.work.task import Task
from interlock.cli.progress import Progress
from interlock.context import get_context
from interlock.errors import InterlockError, MissingDependency, ServerGone
from interlock.pool import Pool
from interlock.pool.answers import told
from interlock.pool.faults import InitializerFailed, MemoryLimitExceeded, TaskTimeout, WorkerDied
from interlock.pool.results import IMapIterator, NotYet
from interlock.shared_memory import AtomicInt

__all__ = ["Job", "Stopped", "TooManyFailures", "WorkersUnfit"]

TICK_S = 0.1  # how often the progress is drawn, and a signal is looked for
AGAIN_S = 0.01  # the same, while an input is tried again
AT_ONCE = 256  # outcomes that are written down together
GRACE_S = 2.0  # how long workers may take to end by themselves
DEATHS_MAX = 1  # by default an input outlives so many workers


class WorkersUnfit(InterlockError):
    """Workers cannot begin; the run was given up."""


class TooManyFailures(InterlockError):
    """As many inputs failed as may; the run was ended."""


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

    workers: int = 0
    wall_s: float = 0.0
    workers_lost: int = 0


class Job:
    """One run of a function over inputs.

    Args:
        function: What to run.
        feed: On what.
        settings: How.
        ledger: Takes the outcomes.

    Attributes:
        fatal: The places of the inputs that killed their workers, or took too long.
    """

    def __init__(
        self, function: Callable[[Any], object], feed: Feed, settings: Settings, ledger: Ledger
    ) -> None:
        self.statistics = Statistics()
        self.fatal: set[int] = set()
        self._task = Task(function, settings.seed)
        self._feed = feed
        self._settings = settings
        self._ledger = ledger
        self._deaths: dict[int, list[str]] = {}
        self._lost = 0
        self._again: queue.SimpleQueue[tuple[int, bool, Any]] = queue.SimpleQueue()
        self._retrying = 0
        self._is_through = False  # the pool has told of all it was fed
        self._waiting: dict[int, Outcome] = {}  # for the line of one before them
        self._next_line = 0

    def run(self, interrupt: Interrupt, progress: Progress) -> None:
        """Run to the end: every input has an outcome when this returns.

        Raises:
            Stopped: A signal came first.
            TooManyFailures: As many inputs failed as may.
            Unusable: The inputs cannot be read on; those before are done.
            WorkersUnfit: No worker starts, or none gets through its start.
            Unwritten: The results cannot be written.

        If a process dies: a worker is replaced; its input is tried again or has failed.
        """
        started = time.perf_counter()
        begun = AtomicInt()
        with ExitStack() as end:
            pool = self._pool(begun, end)
            self._run(pool, interrupt, progress, begun, started)
        if interrupt.received is not None and not self._is_done():
            raise Stopped(interrupt.received)
        self._feed.check()

    def _run(
        self, pool: Any, interrupt: Interrupt, progress: Progress, begun: AtomicInt, started: float
    ) -> None:
        self.statistics.workers = size = pool._processes
        try:
            self._supervise(pool, interrupt, progress)
            if self._is_done():
                _end(pool)
        except InitializerFailed as error:
            raise WorkersUnfit(f"the workers cannot begin: {error}") from error
        finally:
            self._feed.close()
            pool.terminate()
            self.statistics.workers_lost = max(self._lost, begun.load() - size)
            self.statistics.wall_s = time.perf_counter() - started
            self._show(progress)

    def _pool(self, begun: AtomicInt, end: ExitStack) -> Any:
        """A pool of processes, or of a cluster; what ends after it is put into ``end``."""
        size = self._settings.workers
        if self._feed.total is not None and size is not None:
            size = max(1, min(size, self._feed.total - self._feed.skipped))
        if self._settings.context in CLUSTERS:
            context = self._cluster()
            end.callback(context.close)
            return context.Pool(size, timeout=self._settings.timeout)
        try:
            with signals_held():
                return Pool(
                    size,
                    initializer=_count,
                    initargs=(begun,),
                    context=get_context(self._settings.context),
                    timeout=self._settings.timeout,
                    memory_limit=self._settings.memory_limit,
                )
        except OSError as error:
            raise WorkersUnfit(
                f"no process can be started ({error.strerror}). See the limits of `ulimit -a`, "
                "or the memory"
            ) from error

    def _cluster(self) -> Any:
        address = self._settings.address
        options = {} if address is None else {"address": address}
        try:
            return get_context(self._settings.context, **options)
        except (MissingDependency, ServerGone, ValueError) as error:
            raise WorkersUnfit(str(error)) from error

    def _supervise(self, pool: Pool, interrupt: Interrupt, progress: Progress) -> None:
        most = self._settings.failures_max
        answers = pool.imap_unordered(self._task, self._feed, self._settings.batch)
        while not self._is_done():
            found = self._arrived(pool, answers, interrupt)
            is_stopped = interrupt.received is not None
            if is_stopped:  # J3
                found = [outcome for outcome in found if outcome.failure is None]
            self._record(found)
            self._show(progress)
            if is_stopped:
                return
            if most is not None and self._ledger.failed >= most:
                failed = self._ledger.failed
                raise TooManyFailures(f"stopped, for {failed} input{'s' * (failed != 1)} failed")

    def _is_done(self) -> bool:
        return self._is_through and not self._feed.begun

    def _show(self, progress: Progress) -> None:
        feed = self._feed
        progress.show(self._ledger.done + feed.skipped, self._ledger.failed, feed.total)

    # ---- what the pool tells -----------------------------------------------------

    def _arrived(self, pool: Pool, answers: IMapIterator, interrupt: Interrupt) -> list[Outcome]:
        """Outcomes that are there; if there are none, one that comes within a tick."""
        found: list[Outcome] = []
        wait_s = AGAIN_S if self._retrying else TICK_S
        for _ in range(AT_ONCE):
            answer = self._answer(answers, 0.0 if found else wait_s)
            if answer is None:
                break
            outcome, retries = answer
            is_final = outcome.failure is None or outcome.attempts > retries
            if is_final or interrupt.received is not None:
                found.append(outcome)
            else:
                self._try_again(pool, outcome.index)
        return found

    def _answer(self, answers: IMapIterator, wait_s: float) -> tuple[Outcome, int] | None:
        """The next outcome, and how often its input may be tried again; None if there is none."""
        if self._is_through or not self._again.empty():
            try:
                number, is_value, value = self._again.get(timeout=wait_s)
            except queue.Empty:
                return None
            self._retrying -= 1
        else:
            number, is_value = 0, True
            try:
                value = answers.next(wait_s)
            except NotYet:
                return None
            except StopIteration:
                self._is_through = True
                return None
            except (WorkerDied, TaskTimeout) as error:
                number, is_value, value = number_of(error), False, error
            except Exception as error:
                value = error
        if is_value and not isinstance(value, BaseException):
            return Outcome(*value), self._settings.retries or 0
        if isinstance(value, (WorkerDied, TaskTimeout)):
            return self._ended(number, value)
        raise WorkersUnfit(f"the workers cannot run this: {value}") from value

    def _ended(self, number: int, error: WorkerDied | TaskTimeout) -> tuple[Outcome, int]:
        """An attempt that was ended from outside, as an outcome."""
        _, place, _, attempts = self._feed.begun[number]
        self.fatal.add(place)
        retries = self._settings.retries or 0
        if isinstance(error, TaskTimeout):
            seconds = self._settings.timeout
            message = (
                f"it took longer than --timeout {seconds:g} s and was ended; give it more time"
            )
            return died(number, attempts, error.pid, "TaskTimeout", message, None, seconds), retries
        self._lost += 1
        deaths = self._deaths.setdefault(number, [])
        if isinstance(error, MemoryLimitExceeded):
            deaths.append(
                f"worker {error.pid} had more memory than --memory-limit "
                f"{self._settings.memory_limit} and was killed"
            )
        else:
            # A cluster does not say which worker it was.
            who = f"worker {error.pid} {told(error.exitcode)}" if error.pid else "a worker died"
            deaths.append(who)
            if self._settings.retries is None:
                retries = DEATHS_MAX
        tried = f"{attempts} attempt{'s' * (attempts != 1)}"
        message = (
            f"{' and '.join(deaths)} while running this input; after {tried} it is not tried "
            "again, and all others went on"
        )
        kind = type(error).__name__
        return died(number, attempts, error.pid, kind, message, error.stack or None), retries

    def _try_again(self, pool: Pool, number: int) -> None:
        _, place, given, attempts = self._feed.begun[number]
        item: Item = (number, place, given, attempts + 1)
        self._feed.begun[number] = item
        self._retrying += 1
        pool.apply_async(
            self._task,
            (item,),
            callback=lambda value: self._again.put((number, True, value)),
            error_callback=lambda error: self._again.put((number, False, error)),
        )

    # ---- lines -------------------------------------------------------------------

    def _record(self, outcomes: list[Outcome]) -> None:
        """Write down what is finished, in the order of the inputs if that is wanted."""
        if not self._settings.ordered:
            self._write(outcomes)
            return
        for outcome in outcomes:
            self._waiting[outcome.index] = outcome
        found = []
        while self._next_line in self._waiting:
            found.append(self._waiting.pop(self._next_line))
            self._next_line += 1
        self._write(found)
        self._feed.written(self._next_line)

    def _write(self, outcomes: list[Outcome]) -> None:
        begun = self._feed.begun
        self._ledger.record([(outcome, begun[outcome.index][2]) for outcome in outcomes])
        for outcome in outcomes:
            del begun[outcome.index]  # J1
            self._deaths.pop(outcome.index, None)


def number_of(error: WorkerDied | TaskTimeout) -> int:
    """The number of the input that a task of the pool was (J2)."""
    return int(error.task.partition(" ")[0])


def _count(begun: AtomicInt) -> None:
    """The initializer of a worker: how many there were tells how many were lost."""
    begun.add(1)


def _end(pool: Pool) -> None:
    """Let the workers end by themselves, so that what they printed is written; but not for ever.

    If a process dies: that is what this waits for.
    """
    pool.close()
    joining = threading.Thread(target=pool.join, name="interlock-map-end", daemon=True)
    joining.start()
    joining.join(GRACE_S)
