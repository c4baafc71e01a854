"""Runs the jobs of a pool in threads; to jobs it is what `interlock.pool.engine` is to them.

    callers ── submit ──> jobs by priority ── _next ──> a thread runs ── tells its job itself
                               ^                             │
                               └── timers, retries ── clock ─┘ stops what is over its time

T1. A task is in one place: its job, a returned piece, a timer, or the batch of one member.
T2. A job is told of each task once, never with the lock held: by the thread that ran it, or,
    where somebody's callback is called, by one thread for all (`teller`).
T3. A thread that cannot be stopped within GRACE_S is lost: its task is told so, another thread
    takes its place, and whatever it still returns is dropped.

Nothing is serialized: functions, arguments, results and exceptions are the very objects.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from interlock.context.threads.errands import Errands
from interlock.context.threads.giving import Giving
from interlock.context.threads.member import Member
from interlock.context.threads.outcomes import Outcomes
from interlock.context.threads.stopping import Work, shielded
from interlock.context.threads.supervision import Supervisor
from interlock.pool.engine import CLOSED, RUNNING, TERMINATED
from interlock.pool.faults import InitializerFailed, PoolClosed, PoolTerminated
from interlock.pool.jobs import Batch, Job, Piece
from interlock.pool.messages import CALL, MAP
from interlock.pool.worker import worker_state_is

__all__ = ["Engine"]

AGAIN_S = 0.1  # after which a thread that could not be started is tried again
UNFIT_MAX = 3  # initializers in a row that fail: then the pool gives up
SHORT_S = 5e-5  # tasks of this length are told of together
_log = logging.getLogger("concurrent.futures")


class Engine(Giving, Outcomes):
    """The pool without its face.

    Args:
        size: How many threads.
        initializer: Called first in each, with initargs.
        initargs: Its arguments.
        quota: Batches after which a thread is replaced.
        lazy: Whether threads start when there is work for them.
        idle_timeout: Seconds after which one without work ends.
        name: Of the threads, with a number.
    """

    encodes = False

    def __init__(
        self,
        size: int,
        *,
        initializer: Callable[..., object] | None,
        initargs: Iterable[Any],
        quota: int | None,
        lazy: bool,
        idle_timeout: float | None,
        name: str,
    ) -> None:
        self.lock = threading.RLock()
        self._more = threading.Condition(self.lock)
        self.state = RUNNING
        self.broken: BaseException | None = None
        self.members: dict[int, Member] = {}
        self.batches: dict[int, Batch] = {}
        self.waiting: dict[int, deque[Job | Piece]] = {}
        self.feeders: set[Any] = set()
        self.clock = Errands("interlock-pool-clock")
        self.teller = Errands("interlock-pool-results")
        self._collector = self.teller.thread  # whom a callback runs in
        self.supervisor = Supervisor(self, size)
        self._lazy = lazy or idle_timeout is not None
        self._idle_timeout = idle_timeout
        self._quota = quota
        self._initializer, self._initargs = initializer, tuple(initargs)
        self._name = name
        self._numbers = itertools.count(1)
        self._unfit = 0
        self._is_late = False  # whether threads are to be started that could not be
        self._settled = []
        self._has_ended = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        self.clock.begin()
        self._start_missing()

    # ---- asking ------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Have a job done.

        Raises:
            PoolClosed: The pool takes no more.
            InitializerFailed: No thread can be made ready.
        """
        with shielded():  # a task may ask its own pool, and be stopped meanwhile
            with self.lock:
                self.check_open()
                self._add(job)
                self._more.notify(min(job.left(), len(self.members)) or 1)
            self.start_missing()

    def check_open(self) -> None:
        """Raise what a caller gets for a task now, if it gets an error."""
        if self.broken is not None:
            raise self.broken
        if self.state != RUNNING:
            raise PoolClosed(f"Pool not running: its state is {self.state}. Make a new one.")

    def kick(self, job: Job | None = None) -> None:
        """Look for work, as there may be more of it."""
        with shielded():
            with self.lock:
                if job is not None and self.state != TERMINATED and self.broken is None:
                    queue = self.waiting.get(job.options.priority)
                    if queue is None or job not in queue:
                        self._add(job)
                self._more.notify_all()
            self._settle()
            self.start_missing()
            self._end_if_over()

    def is_idle(self) -> bool:
        """With the lock: whether nothing is to be done and nothing is being done."""
        return not (self.batches or self.feeders or self.supervisor.timers or self._settled) and (
            self._head() is None
        )

    def drop(self, error: BaseException) -> None:
        """Fail everything that is not done; outside of the lock."""
        with self.lock:
            jobs = {batch.job for batch in self.batches.values()} | self.feeders
            for queue in self.waiting.values():
                jobs |= {each.job if isinstance(each, Piece) else each for each in queue}
            jobs |= {piece.job for piece in self.supervisor.take_timers()}
            self.batches.clear()
            self.waiting = {}
            self.supervisor.stop_all()
            self._more.notify_all()
        for job in jobs:
            job.is_over = True
            job.abandon(error)
        self._settle()

    def cancel_waiting(self) -> None:
        """Cancel what no thread has; outside of the lock."""
        with self.lock:
            jobs = {
                each.job if isinstance(each, Piece) else each
                for queue in self.waiting.values()
                for each in queue
            } | {piece.job for piece in self.supervisor.timers}
        for job in jobs | set(self.feeders):
            job.cancel(False)

    def terminated(self) -> PoolTerminated:
        """What a task that is not done gets when the pool is terminated."""
        return PoolTerminated(
            "The pool was terminated before this task was done. Use close() and join() to wait."
        )

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end of the threads; those that are lost (T3) are not waited for.

        Raises:
            RuntimeError: It is called by one of them.

        If a process dies: this one's threads are gone with it.
        """
        me = threading.current_thread()
        with self.lock:
            threads = [*self._threads]
        if me in (*threads, self.clock.thread, self.teller.thread):
            raise RuntimeError(
                "A pool's own thread cannot wait for the pool's end: do not join in a callback."
            )
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            with self.lock:
                living = [m.process for m in self.members.values()]
            if not living:
                break
            rest_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            living[0].join(0.1 if rest_s is None else min(0.1, rest_s))
            if rest_s == 0.0:
                return
        self._end_if_over()
        self.clock.join()
        self.teller.join()

    # ---- threads -----------------------------------------------------------------

    def start_missing(self) -> None:
        """Start threads until there are as many as there shall be, now or when there can be."""
        try:
            self._start_missing()
        except RuntimeError as error:  # the system starts none
            with self.lock:
                is_first, self._is_late = not self._is_late, True
            if is_first:
                _log.warning("A pool cannot start a thread now, and tries again: %s", error)
                self.clock.at(AGAIN_S, self._start_late)

    def _start_late(self) -> None:
        self._is_late = False  # first: who fails from now on looks for himself
        try:
            self._start_missing()
        except RuntimeError:
            self._is_late = True
            self.clock.at(AGAIN_S, self._start_late)

    def _start_missing(self) -> None:
        with self.lock:
            while self._missing() > 0:
                number = next(self._numbers)
                member = Member(number, f"{self._name}-{number}", self._serve)
                self.members[number] = member
                try:
                    member.process.start()
                except BaseException:
                    del self.members[number]
                    raise
                self._threads = [t for t in self._threads if t.is_alive()] + [member.process]

    def _missing(self) -> int:
        if self.broken is not None or self.state == TERMINATED:
            return 0
        if self.state == CLOSED and self.is_idle():
            return 0
        missing: int = self.supervisor.size - len(self.members)
        if self._lazy and missing > 0:
            idle = sum(1 for m in self.members.values() if m.batch is None)
            waiting = sum(
                len(each.items) if isinstance(each, Piece) else each.left()
                for queue in self.waiting.values()
                for each in queue
            )
            missing = min(missing, waiting - idle)
        return missing

    def _serve(self, member: Member) -> None:
        """What a thread does."""
        try:
            if self._initialized(member):
                while (batch := self._next(member)) is not None:
                    self._run(member, batch)
                    del batch
        finally:
            with self.lock:
                self.members.pop(member.number, None)
                self._more.notify_all()
            if self.broken is not None and not member.is_lost:
                self.drop(self.broken)
            self.start_missing()
            self._end_if_over()

    def _initialized(self, member: Member) -> bool:
        try:
            self.make_ready()
            if self._initializer is not None:
                worker_state_is(self.called(self._initializer)(*self._initargs))
        except BaseException as error:
            _log.critical("Exception in initializer:", exc_info=True)
            self._failed_to_begin(error)
            return False
        with self.lock:
            self._unfit = 0
            member.is_ready = True
        return True

    def _failed_to_begin(self, error: BaseException) -> None:
        with self.lock:
            self._unfit += 1
            if self._unfit < UNFIT_MAX or self.broken is not None:
                return
            mend = "the initializer" if self._initializer is not None else "what it says"
            self.broken = InitializerFailed(
                f"No worker of the pool gets through its start: it raised "
                f"{type(error).__name__}: {error}. The pool is at its end after {self._unfit} "
                f"attempts. Mend {mend}."
            )
            self.broken.__cause__ = error

    def _next(self, member: Member) -> Batch | None:
        """What a thread does next, waited for; None for its end."""
        with self.lock:
            while not self._ends(member):
                head = self._head()
                if head is not None:
                    batch = self._given(member, head)
                    if batch is not None:
                        return batch
                elif not self._taken_back() and not self._more.wait(self._idle_timeout):
                    if self._head() is None:
                        return None
        return None

    def _ends(self, member: Member) -> bool:
        if member.is_lost or member.is_stopping or self.state == TERMINATED or self.broken:
            return True
        if len(self.members) > self.supervisor.size:
            return True
        return self.state == CLOSED and self.is_idle()

    def _end_if_over(self) -> None:
        """The last is gone, and there will be no more: so do the clock and the teller end."""
        with self.lock:
            is_over = self.state == TERMINATED or self.broken is not None
            is_over = is_over or (self.state == CLOSED and self.is_idle())
            if self._has_ended or self.members or not is_over or self.state == RUNNING:
                return
            self._has_ended = True
        self.teller.end()
        self.clock.end()

    # ---- running -----------------------------------------------------------------

    def _run(self, member: Member, batch: Batch) -> None:
        job, function = batch.job, batch.job.function
        call = self.called(function.call)
        began, number = time.monotonic(), 0
        together = job.kind == MAP and (function.cost_s or 1.0) < SHORT_S
        values: list[Any] = []
        while (begun := self._begin(member, batch)) is not None:
            place, work = begun
            item = batch.items[place]
            try:
                if job.kind == CALL:
                    value = work.run(call, *item)
                else:
                    value = work.run(call, (item,) if job.kind == MAP else item)
                raised = None
            except BaseException as error:
                raised, value = error, None
            number += 1
            if together and raised is None and self._is_done(member, batch, work):
                values.append(value)
            else:
                self._tell_many(job, batch.first + place, values)
                self._done(member, batch, work, value, raised)
            del item, value, raised
        self._tell_many(job, batch.first + batch.done, values)
        if number:
            cost = (time.monotonic() - began) / number
            old = function.cost_s
            function.cost_s = cost if old is None else 0.5 * old + 0.5 * cost
        with self.lock:
            self.batches.pop(batch.number, None)
            member.batch = None

    def make_ready(self) -> None:
        """What a thread does first: here nothing."""

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """What a thread calls for a function: here itself."""
        return function

    def _begin(self, member: Member, batch: Batch) -> tuple[int, Work] | None:
        with self.lock:
            if member.is_lost or batch.number not in self.batches or batch.done >= batch.size:
                return None
            member.work = work = Work()
            member.ends_at = math.inf
            if batch.job.options.timeout is not None:
                self.supervisor.limit(member, batch.job.options.timeout)
            return batch.done, work

    def _is_done(self, member: Member, batch: Batch, work: Work) -> bool:
        """Whether what it returned is its result; T3: else somebody was told already."""
        with self.lock:
            if member.is_lost or member.work is not work:
                return False
            member.work = None
            batch.done += 1
            return batch.number in self.batches

    def _tell_many(self, job: Job, end: int, values: list[Any]) -> None:
        if values:
            told = [*values]
            values.clear()
            self.told(job, lambda: job.succeed_many(end - len(told), told))
