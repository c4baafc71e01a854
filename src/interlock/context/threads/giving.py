"""Which task a thread gets next, and how many together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from interlock.context.threads.member import Member
from interlock.pool.jobs import Batch, Job, Piece
from interlock.pool.messages import CALL

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Giving"]

TARGET_S = 0.002  # of work that a thread takes together
BATCH_MAX = 256


class Giving:
    """The part of the engine that gives out (T1); all of it with the lock."""

    if TYPE_CHECKING:
        members: dict[int, Member]
        batches: dict[int, Batch]
        waiting: dict[int, deque[Job | Piece]]
        supervisor: Any
        not_begun: Callable[[Piece], None]
        _more: threading.Condition
        _numbers: Iterator[int]
        _quota: int | None

    def _add(self, job: Job | Piece) -> None:
        priority = job.job.options.priority if isinstance(job, Piece) else job.options.priority
        queue = self.waiting.setdefault(priority, deque())
        if isinstance(job, Piece):
            queue.appendleft(job)
        else:
            queue.append(job)

    def return_pieces(self, pieces: Iterable[Piece]) -> None:
        """With the lock: work that was given out goes out again, before what waits."""
        for piece in reversed([*pieces]):
            self._add(piece)
        self._more.notify_all()

    def forget_pieces(self, job: Job) -> None:
        """With the lock: what came back of a job that is over is cancelled."""
        pieces = self.supervisor.take_timers(job)
        for queue in self.waiting.values():
            for piece in [p for p in queue if isinstance(p, Piece) and p.job is job]:
                queue.remove(piece)
                pieces.append(piece)
        for piece in pieces:
            self.not_begun(piece)

    def _head(self) -> Job | Piece | None:
        """What goes next; those that have nothing now leave the line (T1: they come again)."""
        for priority in sorted(self.waiting, reverse=True):
            queue = self.waiting[priority]
            while queue:
                head = queue[0]
                job = head.job if isinstance(head, Piece) else head
                if isinstance(head, Piece) and job.is_over:
                    self.not_begun(queue.popleft())  # type: ignore[arg-type]
                elif job.is_over or (not isinstance(head, Piece) and not head.left()):
                    queue.popleft()
                else:
                    return head
            del self.waiting[priority]
        return None

    def _given(self, member: Member, head: Job | Piece) -> Batch | None:
        if isinstance(head, Piece):
            job, first = head.job, head.first
            number = 1 if head.single else self._size(job, len(head.items))
            items = head.items[:number]
            head.items = head.items[number:]
            head.first += number
            if not head.items:
                self.waiting[job.options.priority].popleft()
        else:
            job, first = head, head.next_index()
            items = job.take(self._size(job, job.left()))
        if not items or (job.kind == CALL and not job.starts(first)):
            return None
        batch = Batch(job, first, items, next(self._numbers), member)
        self.batches[batch.number] = batch
        member.batch = batch
        member.given += 1
        member.is_stopping = self._quota is not None and member.given >= self._quota
        return batch

    def _size(self, job: Job, left: int) -> int:
        """How many tasks go to a thread together."""
        if job.batch is not None:
            return job.batch
        cost = job.function.cost_s
        if cost is None or job.kind == CALL or job.options.timeout is not None:
            return 1
        share = -(-left // (2 * max(1, len(self.members))))
        return max(1, min(BATCH_MAX, share, int(TARGET_S / max(cost, 1e-9))))

    def _taken_back(self) -> bool:
        """With the lock: whether somebody who is idle got what waits behind a long task."""
        for member in self.members.values():
            batch = member.batch
            if batch is not None and batch.size - batch.done > 1:
                if self.supervisor.take_back(member):
                    return True
        return False
