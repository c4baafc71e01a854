"""Gives tasks to workers and gathers what becomes of them.

    callers ── submit ──> jobs by priority ── give_out ─> each worker's own queue
                               ^                                 │ runs
                               │ undone work                     v
    results, futures <── _collect (a thread) <──────── one queue of results
                               ^
                               └── "gone" ── Supervisor (a thread): deaths, time, memory, starts

E1. A task is in one place: its job, a returned piece, a timer of the supervisor, or one batch.
E2. A batch is entered with its worker before it is sent, and leaves when each of its tasks has an
    answer, was taken back, or its worker is gone.
E3. "gone" follows all of the dead worker's results in the queue: it had ended before it was put.
E4. A job is told of each task once, never with the lock held.

A worker holds no lock while it waits, so its death is one of "busy with this task" or "idle".
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import deque
from typing import Any

from interlock._handover import revoke
from interlock.pool.answers import Answers
from interlock.pool.faults import PoolClosed, PoolTerminated
from interlock.pool.giving import Giving
from interlock.pool.jobs import Batch, Job, Piece
from interlock.pool.member import Member
from interlock.pool.messages import NOBODY, PLACE_BITS, PLACES
from interlock.pool.settling import Settling

__all__ = ["CLOSED", "RUNNING", "TERMINATED", "Engine"]

RUNNING, CLOSED, TERMINATED = "RUN", "CLOSE", "TERMINATE"

GROWTH = 8  # of a batch, beside those before it
GATHERED_MAX = 512  # results at once
FEW, MANY = 8, 32  # results that came at once; messages that are under way
PAUSE_S = 0.0003  # for more results to come together: a thread that is woken for each takes turns
# with the caller's for the GIL, and both get slow


class Engine(Giving, Answers, Settling):
    """The pool without its face; `Pool` and `ProcessPoolExecutor` each have one.

    Args:
        results: The queue of all answers.
        quota: How many batches a worker gets before it is replaced; None for no bound.
    """

    encodes = True  # its tasks travel as bytes

    def __init__(self, results: Any, quota: int | None = None) -> None:
        # What is freed or serialized with it may come back.
        self.lock = threading.RLock()
        self.results = results
        self.quota = quota
        self.state = RUNNING
        self.broken: BaseException | None = None
        self.members: dict[int, Member] = {}
        self.batches: dict[int, Batch] = {}
        self.waiting: dict[int, deque[Job | Piece]] = {}
        self.is_full = False  # then each ready worker has a task, and its answer lets more in
        self.delayed = 0  # tasks that a timer has (E1)
        self.feeders: set[Job] = set()  # whose input has not ended
        self.supervisor: Any = None
        self._settled = []
        self._trash = []
        self._numbers = itertools.count(1)
        self._early = {}
        self._collector = threading.Thread(
            target=self._collect, name="interlock-pool-results", daemon=True
        )

    def start(self) -> None:
        """Begin to gather results."""
        self._collector.start()

    def enlist(self, member: Member) -> None:
        """Give a worker work, once it is ready; it may have said so before its start returned."""
        with self.lock:
            self.members[member.number] = member
            self.hear_early(member.number)
        self.give_out()
        self._settle()

    # ---- asking ------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Have a job done.

        Raises:
            PoolClosed: The pool takes no more.
            InitializerFailed: No worker can be made ready.
        """
        with self.lock:
            self.check_open()
            self._add(job)
            if self.is_full:
                self.supervisor.refilled([])  # more workers may be wanted
        if not self.is_full:
            self.give_out()
        self._settle()

    def check_open(self) -> None:
        """Raise what a caller gets for a task now, if it gets an error."""
        if self.broken is not None:
            raise self.broken
        if self.state != RUNNING:
            raise PoolClosed(f"Pool not running: its state is {self.state}. Make a new one.")

    def kick(self, job: Job | None = None) -> None:
        """Look for work, as there may be more of it."""
        with self.lock:
            if job is not None and self.state != TERMINATED and self.broken is None:
                queue = self.waiting.get(job.options.priority)
                if queue is None or job not in queue:
                    self._add(job)
        self.give_out()
        self._settle()

    def return_pieces(self, pieces: list[Piece]) -> None:
        """With the lock: work that was given out goes out again, before what waits."""
        for piece in reversed(pieces):
            priority = piece.job.options.priority
            self.waiting.setdefault(priority, deque()).appendleft(piece)

    def forget_function(self, number: int, tickets: list[bytes]) -> None:
        """No job has it any more, so that nobody needs what it holds."""
        revoke(tickets)
        with self.lock:
            for member in self.members.values():
                member.forget(number)

    def has_work(self) -> bool:
        """With the lock: whether anything is to be done still (but what workers have)."""
        return self._head() is not None or self.delayed > 0 or bool(self.feeders)

    def is_idle(self) -> bool:
        """With the lock: whether nothing is to be done and nothing is being done."""
        return not self.batches and not self._settled and not self.has_work()

    def drop(self, error: BaseException) -> None:
        """Fail everything that is not done; outside of the lock."""
        with self.lock:
            jobs = {batch.job for batch in self.batches.values()} | self.feeders
            for batch in self.batches.values():
                revoke(batch.tickets)
            for queue in self.waiting.values():
                jobs |= {each.job if isinstance(each, Piece) else each for each in queue}
            jobs |= {piece.job for piece in self.supervisor.take_timers()}
            self._trash += [*self.batches.values(), *self.waiting.values()]
            self.batches.clear()
            self.waiting = {}
            for member in self.members.values():
                member.batches.clear()
                member.load = 0
        for job in jobs:
            job.is_over = True
            job.abandon(error)
        self._settle()

    def fail(self, error: BaseException) -> None:
        """One of the threads has failed, by a fault of ours: nobody waits for it for ever."""
        self.broken = PoolTerminated(
            f"The pool is at its end by a fault of its own: {error!r}. Please report it."
        )
        self.broken.__cause__ = error
        self.drop(self.broken)
        with self.lock:
            members, self.members = list(self.members.values()), {}
        for member in members:
            member.signal(signal.SIGKILL)
        self.supervisor.wake()

    def cancel_waiting(self) -> None:
        """Cancel what no worker has; outside of the lock."""
        with self.lock:
            jobs = {
                each.job if isinstance(each, Piece) else each
                for queue in self.waiting.values()
                for each in queue
            } | self.supervisor.delayed()
        for job in jobs | set(self.feeders):
            job.cancel(False)

    def terminated(self) -> PoolTerminated:
        """What a task that is not done gets when the pool is terminated."""
        return PoolTerminated(
            "The pool was terminated before this task was done. Use close() and join() to wait."
        )

    def join(self) -> None:
        """Wait for the end of the threads.

        Raises:
            RuntimeError: It is called by one of them.

        If a process dies: it is replaced while there is work, and never waited for.
        """
        threads = self.supervisor.thread, self._collector
        if threading.current_thread() in threads:
            raise RuntimeError(
                "A pool's own thread cannot wait for the pool's end: do not join in a callback."
            )
        for thread in threads:
            thread.join()

    # ---- gathering ---------------------------------------------------------------

    def _collect(self) -> None:
        try:
            self._gather()
        except BaseException as error:
            self.fail(error)
            raise

    def _gather(self) -> None:
        while True:
            messages = self.results.get_many(GATHERED_MAX)
            with self.lock:
                go_on = self._take_in(messages)
            self.give_out()
            few = len(messages) < FEW
            del messages
            self._settle()
            if few and len(self.batches) >= MANY:
                time.sleep(PAUSE_S)
            if not go_on:
                self.results.close()
                return

    def _take_in(self, messages: list[tuple[Any, ...]]) -> bool:
        """With the lock: note the answers; False for the last of all."""
        now = time.monotonic()
        batches = self.batches
        settled = self._settled
        heard: set[Member] = set()
        last: dict[Member, Job] = {}
        for message in messages:
            size = len(message)
            if size == 1:
                if message[0] is None:
                    return False
                if message[0] != NOBODY:
                    self.bury(message[0])
                continue
            if size == 4:
                self._heard(message)
                continue
            ticket = message[0]
            batch = batches.get(ticket >> PLACE_BITS)
            if batch is None:
                continue
            number = 1
            place = ticket & PLACES - 1
            if size == 2:
                settled.append((batch.job, batch.first + place, message[1]))
            else:
                number = 1 if size == 3 else message[3]
                many = number if size == 5 else 0
                settled.append((batch.job, batch.first + place, message[1], message[2], many))
            batch.done += number
            member = batch.member
            member.load -= number
            member.counted += number
            if batch.done == batch.size:
                self._trash.append(batches.pop(batch.number))
                member.batches.pop(batch.number, None)
            heard.add(member)
            last[member] = batch.job
        for member in heard:
            self._measured(member, last[member], now)
        return True

    def _heard(self, message: tuple[Any, ...]) -> None:
        ticket = message[0]
        batch = self.batches.get(ticket >> PLACE_BITS)
        try:
            self.answer(*message)
        except Exception as error:  # whatever it is about: its task is told
            if batch is None:
                raise
            self.settle_later(batch.job, batch.first + (ticket & PLACES - 1), error)

    def _measured(self, member: Member, job: Job, now: float) -> None:
        cost = (now - member.since) / member.counted
        function = job.function
        old = function.cost_s
        function.cost_s = cost if old is None else max(0.5 * old + 0.5 * cost, old / GROWTH)
        member.since = now
        member.counted = 0
