"""Gives tasks to workers and gathers what becomes of them.

    callers ── submit ──> jobs by priority ── _refill ──> each worker's own queue
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

from interlock.errors import InterlockError
from interlock.pool.answers import Answers
from interlock.pool.faults import PoolClosed, PoolTerminated
from interlock.pool.jobs import Batch, Job, Piece
from interlock.pool.member import Member
from interlock.pool.messages import CALL, GATHERED, MAP, PLACE_BITS, PLACES, SIMPLE, TIMED, encoded
from interlock.pool.settling import Settling

__all__ = ["CLOSED", "RUNNING", "TERMINATED", "Engine"]

RUNNING, CLOSED, TERMINATED = "RUN", "CLOSE", "TERMINATE"

TARGET_S = 0.004  # of work that a worker has before it
LONG_S = 0.05  # tasks of this length wait in the pool, not at a worker
BATCH_MAX = 16384  # tasks in a message
SHORT_S = 5e-6  # tasks of this length send their values together
DEPTH_MAX = 512  # messages at a worker
GROWTH = 8  # of a batch, beside those before it
GATHERED_MAX = 512  # results at once
FEW, MANY = 8, 32  # results that came at once; messages that are under way
PAUSE_S = 0.0003  # for more results to come together: a thread that is woken for each takes turns
# with the caller's for the GIL, and both get slow


class Engine(Answers, Settling):
    """The pool without its face; `Pool` and `ProcessPoolExecutor` each have one.

    Args:
        results: The queue of all answers.
        quota: How many batches a worker gets before it is replaced; None for no bound.
    """

    def __init__(self, results: Any, quota: int | None = None) -> None:
        self.lock = threading.Lock()
        self.results = results
        self.quota = quota
        self.state = RUNNING
        self.broken: BaseException | None = None
        self.members: dict[int, Member] = {}
        self.batches: dict[int, Batch] = {}
        self.waiting: dict[int, deque[Job | Piece]] = {}
        self.delayed = 0  # tasks that a timer has (E1)
        self.feeders: set[Job] = set()  # whose input has not ended
        self.supervisor: Any = None
        self._settled = []
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
            self._refill()

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
            self._refill()
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
            self._refill()
        self._settle()

    def return_pieces(self, pieces: list[Piece]) -> None:
        """With the lock: work that was given out goes out again, before what waits."""
        for piece in reversed(pieces):
            priority = piece.job.options.priority
            self.waiting.setdefault(priority, deque()).appendleft(piece)

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
            for queue in self.waiting.values():
                jobs |= {each.job if isinstance(each, Piece) else each for each in queue}
            self.batches.clear()
            self.waiting.clear()
            for member in self.members.values():
                member.batches.clear()
                member.load = 0
        for job in jobs:
            job.is_over = True
            job.abandon(error)

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
            }
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
        self.supervisor.thread.join()
        self._collector.join()

    # ---- giving out --------------------------------------------------------------

    def _add(self, job: Job) -> None:
        self.waiting.setdefault(job.options.priority, deque()).append(job)

    def _head(self) -> Job | Piece | None:
        """What goes next; those that have nothing now leave the line (E1: they come again)."""
        for priority in (
            sorted(self.waiting, reverse=True) if len(self.waiting) > 1 else tuple(self.waiting)
        ):
            queue = self.waiting[priority]
            while queue:
                head = queue[0]
                job = head.job if isinstance(head, Piece) else head
                if job.is_over or (not isinstance(head, Piece) and not head.left()):
                    queue.popleft()
                    continue
                return head
        return None

    def _refill(self) -> None:
        """With the lock: give every worker with room what it may have."""
        ready = [m for m in self.members.values() if m.is_ready and not m.is_stopping]
        progress = bool(ready)
        while progress:
            progress = False
            for member in ready:
                head = self._head()
                if head is None:
                    break
                if self._has_room(member, head.job if isinstance(head, Piece) else head):
                    self._give(member, head)
                    progress = True
        for member in ready:
            if member.outbox:
                self.post(member)
        self.supervisor.refilled(ready)

    def _has_room(self, member: Member, job: Job) -> bool:
        if member.is_stopping or (member.outbox and len(member.outbox) > DEPTH_MAX):
            return False
        if not member.batches:
            return True
        cost = job.function.cost_s
        if cost is None or cost >= LONG_S or len(member.batches) >= DEPTH_MAX:
            return False
        return member.load * cost < TARGET_S or len(member.batches) < 2

    def _give(self, member: Member, head: Job | Piece) -> None:
        job: Job
        if isinstance(head, Piece):
            job = head.job
            number = 1 if head.single else self._batch_size(job, len(head.items))
            items = head.items[:number]
            first = head.first
            head.items = head.items[number:]
            head.first += number
            if not head.items:
                self.waiting[job.options.priority].popleft()
        else:
            job = head
            first = job.next_index()
            items = job.take(self._batch_size(job, job.left()))
        if not items or (job.kind == CALL and not job.starts(first)):
            return
        batch = Batch(job, first, items, next(self._numbers), member)
        message = self._sealed(batch)
        if message is None:
            return
        self.batches[batch.number] = batch
        member.add(batch, message)
        if self.quota is not None and member.given >= self.quota:
            member.stop()

    def _batch_size(self, job: Job, left: int) -> int:
        """By the time that tasks take; what is too much can be taken back (`takeback.py`)."""
        chunk = job.batch or 1
        cost = job.function.cost_s
        if cost is None or self.quota is not None or chunk >= BATCH_MAX:
            return min(chunk, PLACES)
        share = -(-left // (2 * max(1, len(self.members))))
        size = min(int(TARGET_S / 2 / cost) if cost > 0 else BATCH_MAX, share, BATCH_MAX)
        return max(1, size // chunk) * chunk

    def _sealed(self, batch: Batch) -> tuple[Any, ...] | None:
        """The message of a batch; None if it cannot be written: its guilty tasks fail."""
        job, items = batch.job, batch.items
        try:
            data, buffers = encoded(items[0] if job.kind == CALL else items)
        except Exception as error:
            self._unsealed(batch, error)
            return None
        how = SIMPLE
        if job.options.timeout is not None:
            how = TIMED
        elif job.kind == MAP and job.batch is None and (job.function.cost_s or 1) < SHORT_S:
            how = GATHERED
        ticket = batch.number << PLACE_BITS
        return job.kind, job.function.number, ticket, data, buffers, how

    def _unsealed(self, batch: Batch, error: BaseException) -> None:
        if batch.size == 1:
            self.settle_later(batch.job, batch.first, error)
            return
        self.return_pieces([
            Piece(batch.job, batch.first + place, [item], single=True)
            for place, item in enumerate(batch.items)
        ])  # fmt: skip

    def post(self, member: Member) -> None:
        """With the lock: send what a worker is to have; what has no room now waits."""
        try:
            if not member.flush():
                self.supervisor.wake()
        except InterlockError as error:  # too large, or there is no memory
            self._send_singly(member, error)

    def _send_singly(self, member: Member, error: BaseException) -> None:
        out, member.outbox = member.outbox, []
        for message in out:
            member.outbox.append(message)
            try:
                member.flush()
            except InterlockError:
                member.outbox.remove(message)
                batch = self.remove(message[2] >> PLACE_BITS)
                if batch is not None:
                    self._unsealed(batch, error)

    def remove(self, number: int) -> Batch | None:
        """With the lock: a batch leaves its worker (E2)."""
        batch = self.batches.pop(number, None)
        if batch is not None:
            batch.member.batches.pop(number, None)
            batch.member.load -= batch.size - batch.done
        return batch

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
                self._refill()
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
                self.bury(message[0])
                continue
            if size == 4:
                self.answer(*message)
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
                settled.append((batch.job, batch.first + place, message[1], message[2], size == 5))
            batch.done += number
            member = batch.member
            member.load -= number
            member.counted += number
            if batch.done == batch.size:
                del batches[batch.number]
                del member.batches[batch.number]
            heard.add(member)
            last[member] = batch.job
        for member in heard:
            self._measured(member, last[member], now)
        return True

    def _measured(self, member: Member, job: Job, now: float) -> None:
        cost = (now - member.since) / member.counted
        function = job.function
        old = function.cost_s
        function.cost_s = cost if old is None else max(0.5 * old + 0.5 * cost, old / GROWTH)
        member.since = now
        member.counted = 0
