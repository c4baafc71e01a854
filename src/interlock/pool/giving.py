"""Giving tasks to workers: how many together, to whom, and what becomes of those that cannot go."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from interlock._handover import noted, revoke
from interlock.errors import InterlockError
from interlock.pool.faults import TaskCancelled
from interlock.pool.jobs import Batch, Job, Piece
from interlock.pool.member import Member
from interlock.pool.messages import (
    CALL,
    DEFINE,
    GATHERED,
    MAP,
    PLACE_BITS,
    PLACES,
    SIMPLE,
    TIMED,
    Encoded,
    encoded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HELD_UP_S", "Giving"]

HELD_UP_S = 0.01  # a task of this age holds up those behind it
TARGET_S = 0.004  # of work that a worker has before it
LONG_S = 0.05  # tasks of this length wait in the pool, not at a worker
BATCH_MAX = 16384  # tasks in a message
SHORT_S = 5e-6  # tasks of this length send their values together
DEPTH_MAX = 512  # messages at a worker
SLOW_S, SLOW_FOR_S = 0.005, 1.0  # serializing that takes so long is done apart for a while
_NONE: Encoded = b"", [], []


class Giving:
    """The part of the engine that gives out."""

    if TYPE_CHECKING:
        members: dict[int, Member]
        batches: dict[int, Batch]
        waiting: dict[int, deque[Job | Piece]]
        supervisor: Any
        lock: Any
        is_full: bool
        quota: int | None
        _numbers: Iterator[int]
        _trash: list[Any]

        settle_later: Callable[..., None]
        _settle: Callable[[], None]
        return_pieces: Callable[[list[Piece]], None]

    _giver: int | None = None  # the thread that gives
    _is_more = False  # it is to look once more
    _turn = 0
    _slow_until = 0.0

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
                if isinstance(head, Piece) and job.is_over:
                    self._forgotten(queue.popleft())  # type: ignore[arg-type]
                elif job.is_over or (not isinstance(head, Piece) and not head.left()):
                    self._trash.append(queue.popleft())
                else:
                    return head
            if len(self.waiting) > 1:
                del self.waiting[priority]
        return None

    def give_out(self) -> None:
        """Without the lock: give every worker with room what it may have.

        One thread gives at a time, and others do not wait for it: it looks once more instead. For
        what it gives is serialized by its own code, which may wait for a lock of whoever calls.

        Where that takes long a thread of its own goes on with it: the caller's call is to return,
        and the pool's threads have results to tell of and times to keep.
        """
        with self.lock:
            self._is_more = True
            if self._giver is not None:  # perhaps this very thread, by what is being serialized
                return
        self._give_all(None)

    def _give_all(self, batch: Batch | None, is_apart: bool = False) -> None:
        """Beginning with a batch that is yet to be sealed, if there is one."""
        me = threading.get_ident()
        try:
            while True:
                if batch is not None:
                    self._is_more = True
                    if not is_apart and time.monotonic() < self._slow_until:
                        if self._given_apart(batch):
                            return
                    self._timed_seal(batch)
                with self.lock:
                    if self._giver not in (None, me):
                        return
                    if not self._is_more:
                        self._giver = None
                        return
                    self._giver, self._is_more = me, False
                    batch = self._refill()
        except BaseException:  # Ctrl-C in a caller: what others asked for is given all the same
            if self._giver == me:
                self._giver = None
            self.supervisor.wake()
            raise

    def _given_apart(self, batch: Batch) -> bool:
        """Let a thread of its own go on; False if the system starts none."""

        def give() -> None:
            self._giver = threading.get_ident()
            self._give_all(batch, is_apart=True)
            self._settle()

        try:
            threading.Thread(target=give, name="interlock-pool-giver", daemon=True).start()
        except RuntimeError:
            return False
        return True

    def _timed_seal(self, batch: Batch) -> None:
        began = time.monotonic()
        self._seal(batch)
        now = time.monotonic()
        if now - began > SLOW_S:
            self._slow_until = now + SLOW_FOR_S

    def _refill(self) -> Batch | None:
        """With the lock: give what is bytes already, up to a batch that is not."""
        ready = [m for m in self.members.values() if m.is_ready and not m.is_stopping]
        batch = self._fill(ready)
        for member in ready:
            if member.outbox:
                self.post(member)
        self.supervisor.refilled(ready)
        return batch

    def _fill(self, ready: list[Member]) -> Batch | None:
        """In turn; `is_full` says whether it ends as nobody has room, or as nothing waits."""
        without_room = 0
        while without_room < len(ready):
            head = self._head()
            if head is None:
                break
            self._turn += 1
            member = ready[self._turn % len(ready)]
            if self._has_room(member, head.job if isinstance(head, Piece) else head):
                without_room = 0
                batch = self._give(member, head)
                if batch is not None:
                    return batch
            else:
                without_room += 1
        self.is_full = 0 < without_room == len(ready)
        return None

    def _has_room(self, member: Member, job: Job) -> bool:
        if member.is_stopping or (member.outbox and len(member.outbox) > DEPTH_MAX):
            return False
        if not member.batches:
            return True
        if time.monotonic() - member.since > HELD_UP_S:
            return False  # others may be quicker, or come to be
        cost = job.function.cost_s
        if cost is None or cost >= LONG_S or len(member.batches) >= DEPTH_MAX:
            return False
        return member.load * cost < TARGET_S or len(member.batches) < 2

    def _give(self, member: Member, head: Job | Piece) -> Batch | None:
        """Give a worker what comes next; a batch if it is yet to be sealed (`_seal`)."""
        job: Job
        if isinstance(head, Piece):
            job = head.job
            number = 1 if head.single else self._batch_size(job, len(head.items))
            items = head.items[:number]
            first = head.first
            head.items = head.items[number:]
            head.first += number
            if not head.items:
                self._trash.append(self.waiting[job.options.priority].popleft())
        else:
            job = head
            first = job.next_index()
            items = job.take(self._batch_size(job, job.left()))
        if not items or (job.kind == CALL and not job.starts(first)):
            revoke((job.sealed() or _NONE)[2])
            return None
        batch = Batch(job, first, items, next(self._numbers), member)
        try:
            self.batches[batch.number] = batch
            member.add(batch)
            if not member.knows(job.function) and job.function.is_single_use:
                return batch
            sealed = job.sealed()
            if sealed is None:
                return batch
            self._send(batch, sealed, job.function.data, [])
        except BaseException:  # Ctrl-C in a caller: what it met may be others' tasks
            self._not_sent(batch, None)
            raise
        return None

    def _seal(self, batch: Batch) -> None:
        """Without the lock: make a batch's message; its guilty tasks fail if it cannot be."""
        job, items = batch.job, batch.items
        try:
            sealed = job.sealed() or encoded(items[0] if job.kind == CALL else items)
            data, tickets = b"", []
            if not batch.member.knows(job.function):
                with noted() as tickets:
                    data = job.function.data_for_a_worker()
            with self.lock:
                if self.batches.get(batch.number) is batch:
                    # It may have got another number meanwhile, which the worker does not know.
                    self._send(batch, sealed, data or job.function.data, tickets)
                    self.post(batch.member)
                else:  # taken back, or over
                    revoke(sealed[2] + tickets)
        except BaseException as error:  # of an object's own code: of its task, whatever it is
            is_callers = isinstance(error, KeyboardInterrupt) and _is_main()
            with self.lock:
                self._not_sent(batch, None if is_callers else error)
            if is_callers:
                raise

    def _send(self, batch: Batch, sealed: Encoded, function: bytes, tickets: list[bytes]) -> None:
        """With the lock: the message goes to the worker's outbox."""
        job, member = batch.job, batch.member
        data, buffers, batch.tickets = sealed
        how = SIMPLE
        if job.options.timeout is not None:
            how = TIMED
        elif job.kind == MAP and job.batch is None and (job.function.cost_s or 1) < SHORT_S:
            how = GATHERED
        ticket = batch.number << PLACE_BITS
        message = job.kind, job.function.number, ticket, data, buffers, how
        member.introduce(job.function, function, tickets)
        if len(member.batches) == 1:
            member.since = time.monotonic()
        batch.is_sent = True
        member.outbox.append(message)
        member.given += 1
        if self.quota is not None and member.given >= self.quota:
            member.stop()

    def _not_sent(self, batch: Batch, error: BaseException | None) -> None:
        """With the lock: unless it was sent, a batch fails, or goes back if that is no fault."""
        if batch.is_sent or self.remove(batch.number) is None:
            return
        if error is None:
            self.return_pieces([Piece(batch.job, batch.first, batch.items)])
        else:
            self._unsealed(batch, error)

    def _batch_size(self, job: Job, left: int) -> int:
        """By the time that tasks take; what is too much can be taken back (`takeback.py`)."""
        chunk = job.batch or 1
        cost = job.function.cost_s
        if cost is None or self.quota is not None or chunk >= BATCH_MAX:
            return min(chunk, PLACES)
        share = -(-left // (2 * max(1, len(self.members))))
        size = min(int(TARGET_S / 2 / cost) if cost > 0 else BATCH_MAX, share, BATCH_MAX)
        return max(1, size // chunk) * chunk

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
        while True:
            try:
                is_sent = member.flush()
            except InterlockError as error:  # too large, or there is no memory
                message = member.outbox.pop(0)
                if message[0] <= DEFINE:
                    self._refused(member, message, error)
                    continue
                member.outbox.insert(0, message)
                is_sent = False
            if not is_sent:
                self.supervisor.wake()
            return

    def _refused(self, member: Member, message: tuple[Any, ...], error: BaseException) -> None:
        """With the lock: a batch cannot be sent; or a function, so that no batch of it can."""
        self._is_more = True  # the worker has room again, and may never answer
        if message[0] < DEFINE:
            batch = self.remove(message[2] >> PLACE_BITS)
            if batch is not None:
                revoke(batch.tickets)
                self._unsealed(batch, error)
            return
        for _, _, ticket, *_ in member.take_out(message[1]):
            batch = self.remove(ticket >> PLACE_BITS)
            if batch is not None:
                revoke(batch.tickets)
                for place in range(batch.size):
                    self.settle_later(batch.job, batch.first + place, error)

    def remove(self, number: int) -> Batch | None:
        """With the lock: a batch leaves its worker (E2)."""
        batch = self.batches.pop(number, None)
        if batch is not None:
            self._trash.append(batch)
            batch.member.batches.pop(number, None)
            batch.member.load -= batch.size - batch.done
        return batch

    def forget_pieces(self, job: Job) -> None:
        """With the lock: what came back of a job that is over is cancelled."""
        for piece in self.supervisor.take_timers(job):
            self._forgotten(piece)
        for queue in self.waiting.values():
            for piece in [p for p in queue if isinstance(p, Piece) and p.job is job]:
                queue.remove(piece)
                self._forgotten(piece)

    def _forgotten(self, piece: Piece) -> None:
        for place in range(len(piece.items)):
            index = piece.first + place
            what = piece.job.described(index)
            self.settle_later(piece.job, index, TaskCancelled(f"Task {what} was cancelled."))
        self._trash.append(piece)


def _is_main() -> bool:
    """Whether this is the thread that Ctrl-C interrupts."""
    return threading.current_thread() is threading.main_thread()
