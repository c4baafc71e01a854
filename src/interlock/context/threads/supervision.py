"""Keeps the times of a pool of threads: limits, retries, what is stopped; on the pool's clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from interlock.pool.jobs import Job, Piece

if TYPE_CHECKING:
    from interlock.context.threads.engine import Engine
    from interlock.context.threads.member import Member
    from interlock.context.threads.stopping import Work

__all__ = ["Supervisor"]

GRACE_S = 0.25  # of a task that was told to end
HOLD_S = 0.01  # as in interlock.pool.held
_NOT_STOPPED = (
    " Its thread could not be stopped: it is in a call that does not come back to Python, and "
    "goes on until it does. What must end at once needs a process."
)


class Supervisor:
    """What jobs ask for beside the engine.

    Attributes:
        size: How many threads there shall be.
        timers: What waits for its time.
    """

    def __init__(self, engine: Engine, size: int) -> None:
        self.engine = engine
        self.size = size
        self.timers: list[Piece] = []
        self.todo = self
        self.held = self

    # ---- as jobs and crews ask for it --------------------------------------------

    def wake(self) -> None:
        """Look now; takes no lock, as the garbage collector may ask for it."""
        self.engine.clock.now(self.engine.kick)

    def append(self, errand: Callable[[], object]) -> None:
        """Run this on the pool's clock; takes no lock either."""
        self.engine.clock.now(errand)

    def add(self, job: Any) -> None:
        """Let a job hand on what it holds back, unless it does so by itself meanwhile."""
        if not job.is_held:
            job.is_held = True
            self.engine.clock.at(HOLD_S, lambda: self._hand_on(job))

    def _hand_on(self, job: Any) -> None:
        job.is_held = False  # first: what is read after this is added again
        job.hand_on()

    def refilled(self, _ready: list[Any]) -> None:
        """Nothing: each thread looks for itself."""

    def start_missing(self) -> None:
        """As `Engine.start_missing`."""
        self.engine.start_missing()

    # ---- retries -----------------------------------------------------------------

    def later(self, delay_s: float, piece: Piece) -> None:
        """With the lock: give this out after the delay."""
        self.timers.append(piece)
        self.engine.clock.at(delay_s, lambda: self._due(piece))

    def _due(self, piece: Piece) -> None:
        with self.engine.lock:
            if piece not in self.timers:
                return
            self.timers.remove(piece)
            self.engine.return_pieces([piece])
        self.engine.kick()

    def take_timers(self, job: Job | None = None) -> list[Piece]:
        """With the lock: what waits for its time, of a job or at all; it comes no more."""
        taken = [piece for piece in self.timers if job is None or piece.job is job]
        self.timers = [piece for piece in self.timers if piece not in taken]
        return taken

    # ---- stopping ----------------------------------------------------------------

    def limit(self, member: Member, timeout_s: float) -> None:
        """With the lock: stop what it runs, should it run so long.

        Raises:
            Nothing.

        If a process dies: this one's threads are gone with it.
        """
        member.ends_at = time.monotonic() + timeout_s
        if member.ends_at < member.looked_at:
            member.looked_at = member.ends_at
            self.engine.clock.at(timeout_s, lambda: self._look(member))

    def _look(self, member: Member) -> None:
        """One look a member is under way, however many tasks it runs meanwhile."""
        with self.engine.lock:
            now = time.monotonic()
            if now >= member.looked_at:
                member.looked_at = math.inf
            if member.work is None or member.ends_at == math.inf:
                return
            if now < member.ends_at:
                self.limit(member, member.ends_at - now)
            elif member.work.reason is None:
                self._stop(member, member.work, "timeout")

    def cancel(self, job: Job, index: int) -> None:
        """With the lock: end a task that runs."""
        for member in self.engine.members.values():
            if member.work is not None and member.ticket == (job, index):
                self._stop(member, member.work, "cancelled")

    def _stop(self, member: Member, work: Work, why: str) -> None:
        if work.stop(why):
            self.engine.clock.at(GRACE_S, lambda: self._not_stopped(member, work, why))

    def _not_stopped(self, member: Member, work: Work, why: str) -> None:
        """T3: the pool goes on without it."""
        engine = self.engine
        with engine.lock:
            if member.work is not work or member.batch is None:
                return
            batch, place = member.batch, member.batch.done
            self.take_back(member)
            engine.batches.pop(batch.number, None)
            self._lose(member)
            note = _NOT_STOPPED if why == "cancelled" else f".{_NOT_STOPPED}"
            error = engine._ended(batch, place, why, note)
            if error is not None:
                engine._settled.append((batch.job, batch.first + place, error))
        engine.kick()

    def stop_all(self) -> None:
        """With the lock: end what runs, as nobody waits for it any more."""
        for member in self.engine.members.values():
            if member.work is not None:
                member.work.stop("terminated")
        self.engine.clock.at(GRACE_S, self._lose_all)

    def _lose_all(self) -> None:
        """T3: what is not stopped by now, or is not ready yet, is not waited for."""
        with self.engine.lock:
            for member in [*self.engine.members.values()]:
                self._lose(member)
        self.engine.kick()

    def _lose(self, member: Member) -> None:
        """With the lock: the pool has this thread no longer."""
        member.is_lost = True
        member.work = None
        del self.engine.members[member.number]
        with suppress(ValueError):
            self.engine._threads.remove(member.process)

    def take_back(self, member: Member) -> bool:
        """With the lock: what it has not begun goes to others; whether there was any."""
        batch = member.batch
        if batch is None:
            return False
        keep = batch.done + 1
        if keep >= batch.size:
            return False
        rest = batch.items[keep : batch.size]
        batch.size = keep
        self.engine.return_pieces([Piece(batch.job, batch.first + keep, rest)])
        return True
