"""What becomes of a task that a thread has run, and who is told."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from interlock.context.threads import stopping
from interlock.context.threads.stopping import Ended, Work
from interlock.pool.faults import TaskCancelled, TaskTimeout
from interlock.pool.jobs import Batch, Job, Piece

if TYPE_CHECKING:
    from interlock.context.threads.member import Member

__all__ = ["Outcomes"]

DELAY_MAX_S = 86400.0
_log = logging.getLogger("interlock")
_OURS = (__file__, stopping.__file__, __file__.replace("outcomes", "engine"))


class Outcomes:
    """The part of the engine that tells (T2)."""

    if TYPE_CHECKING:
        lock: Any
        teller: Any
        supervisor: Any
        members: dict[int, Member]

        return_pieces: Callable[[list[Piece]], None]

    _settled: list[tuple[Job, int, BaseException]]  # to be told when the lock is free

    def _done(
        self: Any,
        member: Member, batch: Batch, work: Work, value: Any, raised: BaseException | None,
    ) -> None:  # fmt: skip
        """A task has ended in its thread."""
        place = batch.done
        job, index = batch.job, batch.first + place
        if not self._is_done(member, batch, work):
            return
        if raised is None:
            self.told(job, lambda: job.succeed(index, value))
            return
        with self.lock:
            error = self._failure(batch, place, raised, work)
        if error is not None:
            self.told(job, lambda: job.fail(index, error))

    def _failure(
        self: Any, batch: Batch, place: int, raised: BaseException, work: Work,
    ) -> BaseException | None:  # fmt: skip
        """With the lock: what its job is told; None if it is tried again."""
        job = batch.job
        if isinstance(raised, Ended) and work.reason is not None:
            failure: BaseException | None = self._ended(batch, place, work.reason, "")
            return failure
        if isinstance(raised, job.options.retry_on) and self._retried(batch, place):
            return None
        return _without_ours(raised)

    def _ended(
        self: Any, batch: Batch, place: int, why: str, note: str,
    ) -> BaseException | None:  # fmt: skip
        """With the lock: the same of one that was stopped, or was to be."""
        job, index = batch.job, batch.first + place
        what = job.described(index)
        if why == "terminated":
            terminated: BaseException = self.terminated()
            return terminated
        if why == "cancelled":
            return TaskCancelled(f"Task {what} was cancelled while it ran.{note}")
        if self._retried(batch, place):
            return None
        return TaskTimeout(
            f"Task {what} took longer than its timeout of {job.options.timeout} s"
            f"{note or ' and was ended.'} The other tasks go on. Give it a longer timeout=, or "
            "retries=.",
            os.getpid(), what, job.attempts.get(index, 1),
        )  # fmt: skip

    def _retried(self: Any, batch: Batch, place: int) -> bool:
        job, index = batch.job, batch.first + place
        attempt = job.attempts.get(index, 1)
        if attempt > job.options.retries or job.is_over:
            return False
        job.attempts[index] = attempt + 1
        piece = Piece(job, index, [batch.items[place]], single=True)
        delay_s = min(job.options.backoff * 2.0 ** min(attempt - 1, 60), DELAY_MAX_S)
        if delay_s <= 0:
            self.return_pieces([piece])
        else:
            self.supervisor.later(delay_s, piece)
        return True

    def not_begun(self, piece: Piece) -> None:
        """With the lock: tasks that nobody wants any more."""
        for index in range(piece.first, piece.first + len(piece.items)):
            what = piece.job.described(index)
            error = TaskCancelled(f"Task {what} was cancelled.")
            self._settled.append((piece.job, index, error))

    def _settle(self) -> None:
        """Without the lock: tell what was found with it."""
        while self._settled:
            with self.lock:
                settled, self._settled = self._settled, []
            for job, index, error in settled:
                self.told(job, lambda job=job, index=index, error=error: job.fail(index, error))  # type: ignore[misc]

    def told(self, job: Any, tell: Callable[[], object]) -> None:
        """Have a job told: by this thread, or by the one for all where it calls somebody back."""
        result = getattr(job, "_result", None)
        if any(getattr(result, "_callbacks", None) or ()):
            self.teller.now(tell)
            return
        try:
            tell()
        except BaseException:  # somebody's callback: this thread has other tasks
            with suppress(Exception):
                _log.exception("A callback of a pool raised; the pool goes on.")


def _without_ours(error: BaseException) -> BaseException:
    """The traceback begins in the task's function."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in _OURS:
        trace = trace.tb_next
    return error.with_traceback(trace)
