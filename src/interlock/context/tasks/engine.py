"""Hands the tasks of jobs to a cluster, which schedules them, and gathers what becomes of them.

    callers ── submit ──> jobs, in order ── give_out ─> launcher ─> the cluster's tasks
                                                                        │ report, or death
    results, futures <── _gather (a thread) <── one queue of reports <──┘

It has the face of `interlock.pool.engine.Engine` towards jobs, which are the same: a batch of a
job's tasks is one task of the cluster. How many batches are there at once is bounded, for inputs
may be endless; which runs where and when, and what is tried again, the cluster decides.

F1. A task is in its job, in a returned piece, or in one batch, which leaves with its report.
F2. A job is told of each task once, by the gathering thread, never with the lock held.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from queue import Empty, SimpleQueue
from typing import Any

from interlock.context.tasks.batch import FarBatch, Launcher
from interlock.context.tasks.options import FarOptions
from interlock.context.tasks.work import KEPT, RAISED, UNFIT, Report
from interlock.pool.engine import RUNNING, TERMINATED
from interlock.pool.faults import (
    InitializerFailed,
    PoolClosed,
    PoolTerminated,
    TaskCancelled,
    TaskTimeout,
)
from interlock.pool.jobs import Function, Job
from interlock.pool.messages import CALL
from interlock.serialize.exceptions import unpack_exception

__all__ = ["AHEAD", "FarEngine"]

TARGET_S = 0.05  # of work in a batch, where tasks are short
BATCH_MAX = 1024  # tasks in a batch, where nobody says
LOOK_S = 1.0  # how often to look whether the cluster is there, when nothing comes from it
AHEAD = 2  # batches for each CPU, where nobody says how many workers there are
_log = logging.getLogger("concurrent.futures")  # where its executors say the same


class _Desk:
    """What jobs ask of the supervisor of a pool of processes; here the cluster is that."""

    def __init__(self, engine: FarEngine, size: int) -> None:
        self._engine = engine
        self.size = size
        self.held = self

    def add(self, job: Any) -> None:
        """More may be long in coming: what was read goes out."""
        job.hand_on()

    def take_back(self, member: object) -> None:
        """What was given to the cluster is with it."""

    def wake(self) -> None:
        """Something has ended."""
        self._engine.wake()

    def cancel(self, job: Job, index: int) -> None:
        """End a task that was given out."""
        self._engine.cancel_task(job, index)


class FarEngine:
    """The pool without its face.

    Args:
        launcher: Begins batches.
        size: How many CPUs or workers there are.
        room: How many batches may be with the cluster at once.
    """

    encodes = False  # not here: the launcher packs them

    def __init__(self, launcher: Launcher, size: int, room: int) -> None:
        self.launcher = launcher
        self.lock = threading.RLock()
        self.state = RUNNING
        self.broken: BaseException | None = None
        self.batches: dict[int, FarBatch] = {}
        self.feeders: set[Any] = set()
        self.members: dict[int, Any] = {}
        self.supervisor = _Desk(self, size)
        self.room = room
        self.remote_traceback: Callable[[str], BaseException] = RemoteTraceback
        self._waiting: deque[Any] = deque()
        self._pieces: deque[tuple[Any, int, Sequence[Any]]] = deque()
        self._numbers = itertools.count(1)
        self._reports: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self.thread = threading.Thread(target=self._collect, name="interlock-far-pool", daemon=True)

    # ---- asking ------------------------------------------------------------------

    def check_open(self) -> None:
        """Raise what a caller gets for a task now, if it gets an error.

        Raises:
            PoolClosed: The pool takes no more.
            InitializerFailed: No process can be made ready.
        """
        if self.broken is not None:
            raise self.broken
        if self.state != RUNNING:
            raise PoolClosed(f"Pool not running: its state is {self.state}. Make a new one.")

    def submit(self, job: Job) -> None:
        """Have a job done.

        Raises:
            PoolClosed: As in `check_open`.
            InitializerFailed: As in `check_open`.
        """
        with self.lock:
            self.check_open()
            self._waiting.append(job)
        self.give_out()

    def kick(self, job: Job | None = None) -> None:
        """Look for work, as there may be more of it."""
        with self.lock:
            is_over = self.state == TERMINATED or self.broken is not None
            if job is not None and not is_over and job not in self._waiting:
                self._waiting.append(job)
        self.give_out()

    def give_out(self) -> None:
        """Without the lock: let the cluster have what there is room for."""
        while True:
            with self.lock:
                batch = self._next()
            if batch is None:
                return
            self._launch(batch)

    def _next(self) -> FarBatch | None:
        while len(self.batches) < self.room:
            if self._pieces:
                job, first, items = self._pieces.popleft()
            else:
                job, first, items = self._taken()
                if job is None:
                    return None
            if not items or (job.kind == CALL and not job.starts(first)):
                continue
            batch = FarBatch(job, first, items, next(self._numbers))
            self.batches[batch.number] = batch
            if len(self.batches) == 1:
                self.wake()  # it is to look now and then from here on
            return batch
        return None

    def _taken(self) -> tuple[Any, int, Sequence[Any]]:
        while self._waiting:
            job = self._waiting[0]
            if job.is_over or not job.left():
                self._waiting.popleft()
                continue
            first = job.next_index()
            return job, first, job.take(self._batch_size(job))
        return None, 0, ()

    def _batch_size(self, job: Job) -> int:
        options = job.options
        keeps = isinstance(options, FarOptions) and options.keep_remote
        if keeps or options.timeout is not None or (options.retries and options.retry_on):
            return 1  # what is tried again, or ended, is one task
        if job.batch is not None:
            return job.batch
        cost = job.function.cost_s
        if cost is None:
            return 1
        share = -(-job.left() // (AHEAD * max(1, self.supervisor.size)))
        return max(1, min(int(TARGET_S / max(cost, 1e-6)), share, BATCH_MAX))

    def _launch(self, batch: FarBatch) -> None:
        def tell(report: Report | BaseException) -> None:
            self._reports.put((batch.number, report))

        try:
            batch.begun = self.launcher.launch(batch, tell)
        except Exception as error:
            if batch.size == 1:
                tell(_NotLaunched(error))
                return
            with self.lock:  # the guilty one is found alone
                if self.batches.pop(batch.number, None) is not None:
                    for place, item in enumerate(batch.items):
                        self._pieces.append((batch.job, batch.first + place, [item]))
        except BaseException:  # Ctrl-C in a caller: what it met may be others' tasks
            with self.lock:
                if self.batches.pop(batch.number, None) is not None:
                    self._pieces.appendleft((batch.job, batch.first, list(batch.items)))
            self._reports.put((0, None))
            raise
        else:
            if batch.is_cancelled:
                self.launcher.stop(batch.begun, now=False)

    # ---- ending ------------------------------------------------------------------

    def forget_pieces(self, job: Job) -> None:
        """With the lock: what came back of a job that is over is cancelled."""
        for piece in [each for each in self._pieces if each[0] is job]:
            self._pieces.remove(piece)
            self._cancelled_later(job, piece[1])

    def _cancelled_later(self, job: Job, index: int) -> None:
        batch = FarBatch(job, index, [None], next(self._numbers))
        batch.is_cancelled = True
        self.batches[batch.number] = batch
        self._reports.put((batch.number, TaskCancelled()))

    def cancel_task(self, job: Job, index: int) -> None:
        """End a task that was given out, if it does not end before."""
        with self.lock:
            found = [
                batch for batch in self.batches.values()
                if batch.job is job and batch.first <= index < batch.first + batch.size
            ]  # fmt: skip
            for batch in found:
                batch.is_cancelled = True
        for batch in found:
            if batch.begun is not None:
                self.launcher.stop(batch.begun, now=False)

    def cancel_waiting(self) -> None:
        """Cancel what the cluster has not got; outside of the lock."""
        with self.lock:
            jobs = {*self._waiting, *(piece[0] for piece in self._pieces), *self.feeders}
        for job in jobs:
            job.cancel(False)

    def terminated(self) -> PoolTerminated:
        """What a task that is not done gets when the pool is terminated."""
        return PoolTerminated(
            "The pool was terminated before this task was done. Use close() and join() to wait."
        )

    def drop(self, error: BaseException) -> None:
        """Fail everything that is not done, and end what runs; outside of the lock."""
        with self.lock:
            batches = list(self.batches.values())
            jobs = {batch.job for batch in batches} | self.feeders | set(self._waiting)
            jobs |= {piece[0] for piece in self._pieces}
            self.batches.clear()
            self._waiting.clear()
            self._pieces.clear()
        for job in jobs:
            job.is_over = True
            with suppress(Exception):  # somebody's callback
                job.abandon(error)
        for batch in batches:
            if batch.begun is not None:
                with suppress(Exception):  # the cluster is gone: nothing runs
                    self.launcher.stop(batch.begun, now=True)
        self.wake()

    def wake(self) -> None:
        """Let the gathering thread look whether all is done; takes no lock."""
        self._reports.put((0, None))

    def ask(self, what: Callable[[], None]) -> None:
        """Have the gathering thread call it; takes no lock, so that the garbage collector may."""
        self._reports.put((0, what))

    # ---- gathering ---------------------------------------------------------------

    def _collect(self) -> None:
        try:
            self._gather()
        except BaseException as error:  # a fault of ours: nobody waits for it for ever
            self.broken = PoolTerminated(
                f"The pool is at its end by a fault of its own: {error!r}. Please report it."
            )
            self.broken.__cause__ = error
            self.drop(self.broken)
            raise

    def _gather(self) -> None:
        while not self._is_at_end():
            number, report = self._next_report()
            if not number:
                if report is not None:
                    report()
            else:
                with self.lock:
                    batch = self.batches.get(number)
                if batch is not None:
                    self._settle(batch, report)
                    with self.lock:
                        self.batches.pop(number, None)
                del batch
            del report
            self.give_out()

    def _next_report(self) -> tuple[int, Any]:
        while True:
            try:
                return self._reports.get(timeout=LOOK_S if self.batches else None)
            except Empty:
                lost = self.launcher.lost()
                if lost is not None:
                    self.broken = lost
                    self.drop(lost)

    def _is_at_end(self) -> bool:
        with self.lock:
            return self.state != RUNNING and not (
                self.batches or self._pieces or self.feeders or self._taken_later()
            )

    def _taken_later(self) -> bool:
        return any(job.left() and not job.is_over for job in self._waiting)

    def _settle(self, batch: FarBatch, report: Report | BaseException) -> None:
        if isinstance(report, BaseException):
            for place in range(batch.size):
                self._tell(batch, place, False, self._explained(batch, place, report))
            return
        if report.outcomes and report.outcomes[0][0] == UNFIT:
            self._unfit(batch, report.outcomes[0][1])
            return
        cost = report.seconds / max(1, batch.size)
        function: Function = batch.job.function
        old = function.cost_s
        function.cost_s = cost if old is None else 0.5 * (old + cost)
        for place, (kind, value) in enumerate(report.outcomes):
            success, read = self._read(kind, value)
            if isinstance(read, TaskTimeout):
                read.task = batch.job.described(batch.first + place)
            self._tell(batch, place, success, read)

    def _explained(self, batch: FarBatch, place: int, error: BaseException) -> BaseException:
        if isinstance(error, _NotLaunched):
            return error.why
        if batch.is_cancelled:
            what = batch.job.described(batch.first + place)
            return TaskCancelled(f"Task {what} was cancelled.")
        return self.launcher.explain(batch, place, error)

    def _read(self, kind: str, value: Any) -> tuple[bool, Any]:
        if kind == KEPT:
            return True, value
        try:
            if kind == RAISED:
                return False, unpack_exception(value, self.remote_traceback)
            return True, self.launcher.unpack(value)
        except BaseException as error:
            return False, error

    def _tell(self, batch: FarBatch, place: int, success: bool, value: Any) -> None:
        try:
            if success:
                batch.job.succeed(batch.first + place, value)
            else:
                batch.job.fail(batch.first + place, value)
        except BaseException:  # somebody's callback: this thread has others to tell
            with suppress(Exception):  # a handler of theirs raises, too
                _log.exception("A callback of a pool raised; the pool goes on.")

    def _unfit(self, batch: FarBatch, packed: bytes) -> None:
        error = unpack_exception(packed, self.remote_traceback)
        self.broken = InitializerFailed(
            f"No process can be made ready for {batch.job.function.name}: {error!r}. It is raised "
            "by the initializer, or when the function is read there. The pool is at its end."
        )
        self.broken.__cause__ = error
        self.drop(self.broken)


class _NotLaunched(Exception):
    def __init__(self, why: BaseException) -> None:
        super().__init__(why)
        self.why = why
