"""What follows from an answer that is no result: failures, retries, work that goes out again."""

from __future__ import annotations

import signal
import time
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from interlock._handover import revoke
from interlock.pool.faults import (
    InitializerFailed,
    MemoryLimitExceeded,
    ResultNotSent,
    TaskCancelled,
    TaskTimeout,
    WorkerDied,
)
from interlock.pool.jobs import Batch, Job, Piece
from interlock.pool.member import Member
from interlock.pool.messages import (
    CANCELLED,
    FAILED,
    LOG,
    NOT_SENT,
    PLACE_BITS,
    PLACES,
    READY,
    SKIPPED,
    UNFIT,
    UNKNOWN,
    UNREAD,
    UNREADABLE,
)  # fmt: skip
from interlock.pool.outlets import LogSink
from interlock.pool.status import BEGUN, INIT, READING
from interlock.serialize.encoding import loads
from interlock.serialize.exceptions import unpack_exception
from interlock.serialize.functions import by_value

if TYPE_CHECKING:
    from interlock.pool.engine import Engine

__all__ = ["Answers", "told"]

_SINK = LogSink()
UNFIT_MAX = 3  # workers in a row that fail before they are ready: then the pool gives up
KILLED_MAX = 30  # the same by a signal that may be from outside, in the initializer
DELAY_MAX_S = 86400.0
EARLY_MAX = 3000  # the same before the initializer began: certainly from outside


def told(exitcode: int) -> str:
    """How a process ended, as the rest of a sentence."""
    if exitcode >= 0:
        return f"ended itself with status {exitcode}"
    try:
        return f"was killed by {signal.Signals(-exitcode).name}"
    except ValueError:  # the real-time signals have numbers only
        return f"was killed by signal {-exitcode}"


class Answers:
    """The part of the engine that deals with what went wrong; all of it with the lock."""

    if TYPE_CHECKING:
        members: dict[int, Member]
        batches: dict[int, Batch]
        supervisor: Any
        broken: BaseException | None

    _unfit = 0
    _early: dict[int, tuple[int, bytes]]
    remote_traceback: Any = RemoteTraceback  # what shows the traceback of a worker
    unsent: type[BaseException] | None = ResultNotSent  # None: what serializing raised, as it was

    def answer(self: Engine, ticket: int, answer: int, data: bytes, number: int) -> None:  # type: ignore[misc]
        """An answer of a worker, other than a result."""
        if answer == LOG:
            self._settled.append((_SINK, 0, data))
            return
        if answer in (READY, UNFIT):
            if number in self.members:
                self._begun(self.members[number], answer, data)
            else:
                self._early[number] = answer, data
            return
        batch = self.batches.get(ticket >> PLACE_BITS)
        place = ticket & PLACES - 1
        if batch is None and number in self.members:
            self.members[number].passed(ticket >> PLACE_BITS)
        if batch is None or place >= batch.size:
            return  # taken back meanwhile
        if answer == UNREAD:
            self.remove(batch.number)
            revoke(batch.tickets)
            self.return_pieces([Piece(batch.job, batch.first, batch.items[: batch.size])])
            return
        if answer in (UNREADABLE, UNKNOWN):
            self.remove(batch.number)
            revoke(batch.tickets)  # it was read up to where it cannot be
            self._unread(batch, answer, data)
            return
        self._one_done(batch)
        index = batch.first + place
        job = batch.job
        if answer == SKIPPED:
            self.return_pieces([Piece(job, index, [batch.items[place]])])
        elif answer == CANCELLED:
            worker = batch.member
            if worker.ending is not None and worker.ending[0] == ticket:
                worker.ending = None
            self._end_task(batch, place, worker.reason(ticket) or "cancelled")
        elif answer == NOT_SENT:
            why, what, raised = loads(data)
            named = None if self.unsent is None else self.unsent(why, what)
            self.settle_later(job, index, named, raised)
        elif answer == FAILED:
            self._raised(batch, place, data)

    def hear_early(self: Engine, number: int) -> None:  # type: ignore[misc]
        """Hear what a worker said before the pool knew it."""
        if number in self._early:
            self._begun(self.members[number], *self._early.pop(number))

    def _begun(self: Engine, member: Member, answer: int, data: bytes) -> None:  # type: ignore[misc]
        if answer == READY:
            self._unfit = 0
            member.is_ready = True
            member.since = time.monotonic()
        else:
            member.unfit = data
            member.is_stopping = True

    def _one_done(self: Engine, batch: Batch) -> None:  # type: ignore[misc]
        batch.done += 1
        batch.member.load -= 1
        batch.member.counted += 1
        if batch.done == batch.size:
            self.remove(batch.number)

    def _unread(self: Engine, batch: Batch, answer: int, data: bytes) -> None:  # type: ignore[misc]
        job = batch.job
        if answer == UNKNOWN:
            function = job.function
            try:
                function.data = by_value(function.call)
                function.renew()
            except Exception as error:
                for place in range(batch.size):
                    self.settle_later(job, batch.first + place, error)
                return
            self.return_pieces([Piece(job, batch.first, batch.items)])
        elif batch.size == 1:
            self.settle_later(job, batch.first, unpack_exception(data, self.remote_traceback))
        else:
            self.return_pieces(_singles(batch, range(batch.size)))

    def _raised(self: Engine, batch: Batch, place: int, data: bytes) -> None:  # type: ignore[misc]
        job, index = batch.job, batch.first + place
        kinds = job.options.retry_on
        if not kinds:
            self.settle_later(job, index, None, data)
            return
        error = unpack_exception(data, self.remote_traceback)
        if isinstance(error, kinds) and self._retried(batch, place):
            return
        self.settle_later(job, index, error)

    def _retried(self: Engine, batch: Batch, place: int) -> bool:  # type: ignore[misc]
        """Whether a task that failed is tried again."""
        job, index = batch.job, batch.first + place
        attempt = job.attempts.get(index, 1)
        if attempt > job.options.retries or job.is_over or self.supervisor.is_cancelled(job, index):
            return False
        job.attempts[index] = attempt + 1
        piece = Piece(job, index, [batch.items[place]])
        delay = min(job.options.backoff * 2.0 ** min(attempt - 1, 60), DELAY_MAX_S)
        if delay <= 0:
            self.return_pieces([piece])
        else:
            self.supervisor.later(delay, piece)
        return True

    def _end_task(self: Engine, batch: Batch, place: int, why: str) -> None:  # type: ignore[misc]
        job, index = batch.job, batch.first + place
        what = job.described(index)
        if why == "timeout":
            if not self._retried(batch, place):
                message = (
                    f"Task {what} took longer than its timeout of {job.options.timeout} s and "
                    "was ended. The other tasks go on. Give it a longer timeout=, or retries=."
                )
                pid = batch.member.process.pid
                attempt = job.attempts.get(index, 1)
                self.settle_later(job, index, TaskTimeout(message, pid, what, attempt))
        else:
            message = f"Task {what} was cancelled while it ran."
            self.settle_later(job, index, TaskCancelled(message))

    # ---- deaths ------------------------------------------------------------------

    def bury(self: Engine, number: int) -> None:  # type: ignore[misc]
        """A worker is gone, and all its results are in (E3)."""
        member = self.members.pop(number)
        exitcode = member.exitcode
        begun = member.status.words[BEGUN]
        returned: list[Piece] = []
        for batch in list(member.batches.values()):
            self.remove(batch.number)
            revoke(batch.tickets)
            rest = range(batch.done, batch.size)
            guilty = begun & PLACES - 1 if (begun & ~READING) >> PLACE_BITS == batch.number else -1
            if guilty not in rest:
                returned.append(Piece(batch.job, batch.first + batch.done, batch.items[
                    batch.done : batch.size]))  # fmt: skip
            elif begun & READING and len(batch.items) > 1:  # it read those taken back as well
                returned += _singles(batch, rest)
            else:
                self._died(member, batch, guilty, exitcode)
                for part in (range(batch.done, guilty), range(guilty + 1, batch.size)):
                    if part:
                        items = batch.items[part.start : part.stop]
                        returned.append(Piece(batch.job, batch.first + part.start, items))
        self.return_pieces(returned)
        if not member.is_ready:
            self._never_ready(member, exitcode)
        member.close()
        self.supervisor.wake()

    def _died(self: Engine, member: Member, batch: Batch, place: int, exitcode: int) -> None:  # type: ignore[misc]
        job, index = batch.job, batch.first + place
        why = member.reason((batch.number << PLACE_BITS) + place)
        if self.supervisor.is_cancelled(job, index):
            why = "cancelled"
        if why and why != "memory":
            self._end_task(batch, place, why)
            return
        if not why and job.options.memory_limit is not None and member.fell_to_its_limit():
            why = "memory"
        attempt = job.attempts.get(index, 1)
        if self._retried(batch, place):
            return
        self.settle_later(job, index, _death(member, job, index, attempt, exitcode, why))

    def _never_ready(self: Engine, member: Member, exitcode: int) -> None:  # type: ignore[misc]
        if member.is_stopping and member.unfit is None:
            return  # it was told to end before it had begun
        self._unfit += 1
        enough = UNFIT_MAX
        if exitcode < 0 and not member.status.words[INIT]:
            enough = EARLY_MAX
        elif exitcode in (-signal.SIGKILL, -signal.SIGTERM):
            enough = KILLED_MAX
        if self._unfit < enough or self.broken is not None:
            return
        cause: BaseException | None = None
        if member.unfit is not None:
            cause = unpack_exception(member.unfit, self.remote_traceback)
            what = f"it raised {type(cause).__name__}: {cause}"
        else:
            what = f"worker {member.process.pid} {told(exitcode)} before it was ready"
        advice = (
            "Mend the initializer." if member.status.words[INIT] else
            "See what it wrote: the script must be importable, its own work under "
            "`if __name__ == '__main__':`."
        )  # fmt: skip
        self.broken = InitializerFailed(
            f"No worker of the pool gets through its start: {what}. The pool is at its end "
            f"after {self._unfit} attempts. {advice}"
        )
        self.broken.__cause__ = cause


def _singles(batch: Batch, places: range) -> list[Piece]:
    return [Piece(batch.job, batch.first + p, [batch.items[p]], single=True) for p in places]


def _death(
    member: Member, job: Job, index: int, attempt: int, exitcode: int, why: str
) -> WorkerDied:
    pid = member.process.pid
    what = job.described(index)
    stack = member.status.stack()
    peak = member.peak_bytes
    if why == "memory":
        kind: type[WorkerDied] = MemoryLimitExceeded
        said = (
            f"Worker {pid} had more than the memory_limit of {job.options.memory_limit} bytes "
            f"while running task {what}, and was killed."
        )
    else:
        kind = WorkerDied
        said = f"Worker {pid} {told(exitcode)} while running task {what} (attempt {attempt})."
    advice = (
        " Out of memory? Give it fewer workers or a memory_limit=." if exitcode == -9 and not why
        else ""
    )  # fmt: skip
    shown = f"\nIts last stack:\n{stack.rstrip()}" if stack else ""
    memory = f" It had {peak / 2**20:.0f} MiB at the most." if peak else ""
    return kind(
        f"{said} The task was not finished; the other tasks go on.{memory}{advice}{shown}",
        pid, exitcode, what, attempt, stack, peak,
    )  # fmt: skip
