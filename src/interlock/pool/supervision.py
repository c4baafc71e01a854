"""The pool's second thread: starts workers, notices their deaths, keeps times and limits.

It sleeps until a worker ends or somebody wakes it, and looks every TICK_S only while a task has
a limit, a worker is held up while others are idle, or something has had no room.
"""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any

from interlock.pool import takeback
from interlock.pool.faults import InitializerFailed
from interlock.pool.giving import HELD_UP_S
from interlock.pool.held import Held
from interlock.pool.jobs import Job, Piece
from interlock.pool.limits import Counting
from interlock.pool.member import Member
from interlock.pool.messages import PLACE_BITS, PLACES
from interlock.pool.status import BEGUN, FROM, READING, SINCE, TO

if TYPE_CHECKING:
    from interlock.pool.engine import Engine

__all__ = ["Supervisor"]

TICK_S = 0.02
GRACE_S = 0.25  # of a task that was told to end
TERM_GRACE_S = 2.0  # of workers that were told to terminate
AGAIN_S, AGAIN_MAX_S = 0.05, 5.0  # after the system would start no process


class Supervisor:
    """Looks after the workers of an engine.

    Args:
        engine: Whose.
        start: Makes and starts a worker.
        size: How many there shall be.
        lazy: Whether they are started when there is work for them, not before.
        idle_timeout: Seconds after which one without work ends; None to keep them.
        at_end: Called when the last has ended, and there will be no more.
    """

    def __init__(
        self,
        engine: Engine,
        start: Callable[[], Member],
        size: int,
        *,
        lazy: bool = False,
        idle_timeout: float | None = None,
        at_end: Callable[[], None],
    ) -> None:
        self.engine = engine
        self.size = size
        self.lazy = lazy or idle_timeout is not None
        self.idle_timeout = idle_timeout
        self._start, self._at_end = start, at_end
        self._starting = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._ringing = threading.RLock()  # a finalizer may ring while it is taken
        self.todo: deque[Callable[[], None]] = deque()  # for the thread, from who takes no lock
        self.held = Held(self.wake)
        self._timers: list[tuple[float, int, Piece]] = []
        self._order = itertools.count()
        self._counting = Counting()
        self._cancels: set[tuple[Job, int]] = set()
        self._ticking = False
        self._terminated_at = 0.0
        self.thread = threading.Thread(target=self._run, name="interlock-pool-workers", daemon=True)

    # ---- told by others ----------------------------------------------------------

    def wake(self) -> None:
        """Look now."""
        with self._ringing:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def refilled(self, ready: list[Member]) -> None:
        """With the lock: work was given out; is there reason to look from time to time?"""
        if not self._ticking and self._needs_ticks(ready):
            self._ticking = True
            self.wake()
        elif self.lazy and self._missing() > 0:
            self.wake()

    def later(self, delay_s: float, piece: Piece) -> None:
        """With the lock: give this out after the delay."""
        self.engine.delayed += 1
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._order), piece))
        self.wake()

    def take_timers(self, job: Job | None = None) -> list[Piece]:
        """With the lock: what waits for its time, of a job or at all; it comes no more."""
        taken = [each for each in self._timers if job is None or each[2].job is job]
        self._timers = [each for each in self._timers if each not in taken]
        heapq.heapify(self._timers)
        self.engine.delayed -= len(taken)
        return [piece for _, _, piece in taken]

    def delayed(self) -> set[Job]:
        """With the lock: the jobs of which something waits for its time."""
        return {piece.job for _, _, piece in self._timers}

    def is_cancelled(self, job: Job, index: int) -> bool:
        """With the lock: whether `cancel` was called for a task that is not done."""
        return (job, index) in self._cancels

    def cancel(self, job: Job, index: int) -> None:
        """With the lock: end a task that runs, or let it not begin."""
        self._cancels.add((job, index))
        self._ticking = True
        self.wake()

    def start_missing(self) -> None:
        """Start workers until there are as many as there shall be.

        Raises:
            OSError: The system starts none now; the thread tries again later.
        """
        engine = self.engine
        while True:
            with self._starting:
                with engine.lock:
                    if self._missing() <= 0:
                        return
                engine.enlist(self._start())

    # ---- the thread --------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._watch()
        except BaseException as error:
            self.engine.fail(error)
            self.engine.results.put((None,))
            raise

    def _watch(self) -> None:
        engine = self.engine
        again_s: float | None = None
        while True:
            with engine.lock:
                living = [m for m in engine.members.values() if not m.is_dead]
                sentinels = {m.end_fd: m for m in living}
                timeout = self._timeout(living)
            if again_s is not None:
                timeout = again_s if timeout is None else min(timeout, again_s)
            ended = wait_for([*sentinels, self._bell], timeout)
            with suppress(BlockingIOError):
                os.eventfd_read(self._bell)
            while self.todo:
                self.todo.popleft()()
            self.held.hand_on()
            for sentinel in ended:
                if sentinel in sentinels:
                    self._gone(sentinels[sentinel])
            with engine.lock:
                self._look()
            engine.kick()
            if self._end_if_over():
                self._at_end()
                self._close()
                return
            try:
                self.start_missing()
                again_s = None
            except (OSError, MemoryError):
                again_s = min(AGAIN_MAX_S, 2 * (again_s or AGAIN_S))
            except Exception as error:  # the arguments of the initializer cannot be sent
                engine.broken = InitializerFailed(f"No worker can be started: {error}")
                engine.broken.__cause__ = error
                again_s = 0.0

    def _gone(self, member: Member) -> None:
        """E3: this is put when the worker has put its last."""
        member.is_dead = True
        member.reap()
        self.engine.results.put((member.number,))

    def _end_if_over(self) -> bool:
        engine = self.engine
        broken = engine.broken  # one that comes later drops what there is in the next round
        if broken is not None:
            engine.drop(broken)
        with engine.lock:
            is_over = engine.state == "TERMINATE" or broken is not None
            if is_over or (engine.state == "CLOSE" and engine.is_idle()):
                for member in engine.members.values():
                    member.stop()
                    member.flush()
                if not engine.members:
                    engine.results.put((None,))
                    return True
        return False

    def _close(self) -> None:
        with self._ringing:
            os.close(self._bell)
            self._bell = -1

    # ---- how many ----------------------------------------------------------------

    def _missing(self) -> int:
        engine = self.engine
        if engine.broken is not None or engine.state == "TERMINATE":
            return 0
        living = [m for m in engine.members.values() if not m.is_stopping and not m.is_dead]
        if engine.state == "CLOSE" and engine.is_idle():
            return 0
        missing = self.size - len(living)
        if self.lazy and missing > 0:
            idle = sum(1 for m in living if not m.batches)
            late = time.monotonic() - HELD_UP_S
            waiting = sum(
                len(each.items) if isinstance(each, Piece) else each.left()
                for queue in engine.waiting.values()
                for each in queue
            )
            behind = sum(m.load - 1 for m in living if m.load > 1 and m.since < late)
            missing = min(missing, waiting + behind - idle)
        return missing

    # ---- looking -----------------------------------------------------------------

    def _timeout(self, living: list[Member]) -> float | None:
        waits = self.held.waits() + [TICK_S] * self._ticking
        if self._timers:
            waits.append(max(0.0, self._timers[0][0] - time.monotonic()))
        if self.idle_timeout is not None and living:
            now = time.monotonic()
            oldest = min(m.since if m.is_ready and not m.batches else now for m in living)
            waits.append(max(0.01, oldest + self.idle_timeout - now))
        return min(waits, default=None)

    def _needs_ticks(self, members: list[Member]) -> bool:
        if self._cancels or self._terminated_at:
            return True
        idle = held = False
        for member in members:
            if member.outbox:
                return True
            if not member.batches:
                idle = True
                continue
            held = held or member.load > 1
            first = next(iter(member.batches.values())).job.options
            if first.timeout is not None or first.memory_limit is not None or member.ending:
                return True
            if len(member.batches) > 1 and any(
                b.job.options.timeout is not None or b.job.options.memory_limit is not None
                for b in member.batches.values()
            ):
                return True
        return held and (idle or (self.lazy and len(members) < self.size))

    def _look(self) -> None:
        engine = self.engine
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, piece = heapq.heappop(self._timers)
            engine.delayed -= 1
            engine.return_pieces([piece])
        members = [m for m in engine.members.values() if not m.is_dead]
        for member in sorted(members, key=lambda each: each.pages_counted_at):
            if member.outbox:
                engine.post(member)
            if member.batches:
                self._keep_limits(member, now)
        self._keep_cancels(now)
        if self.idle_timeout is not None or self.size < len(members):
            self._thin_out(members, now)
        ready = [m for m in members if m.is_ready and not m.is_stopping]
        if any(not m.batches for m in ready) and engine._head() is None:
            for member in ready:
                if member.load > 1 and now - member.since > HELD_UP_S:
                    self.take_back(member)
        if engine.state == "TERMINATE":
            self._terminate(members, now)
        self._ticking = self._needs_ticks(members)

    def _at_work(self, member: Member) -> tuple[int, Any]:
        """The ticket of a task whose answer is not in, and its batch; 0 where there is none.

        Its arguments are being read, it runs, or what it returned is being written.
        """
        ticket = member.status.words[BEGUN] & ~READING
        batch = member.batches.get(ticket >> PLACE_BITS)
        if batch is None or not batch.done <= ticket & PLACES - 1 < batch.size:
            return 0, None
        return ticket, batch

    def _keep_limits(self, member: Member, now: float) -> None:
        used = member.follow()
        ticket, batch = self._at_work(member)
        if member.ending is not None:
            if member.ending[0] != ticket:
                member.ending = None  # it had just ended by itself
            elif now >= member.kill_at:
                member.signal(signal.SIGKILL)
            return
        if batch is None:
            return
        options = batch.job.options
        if options.timeout is not None:
            since = member.status.words[SINCE] / 1e9
            if since and now - since > options.timeout and self._at_work(member)[0] == ticket:
                member.end(ticket, "timeout", GRACE_S)
                return
        limit = options.memory_limit
        if limit is not None and member.has_more_than(limit, used, self._counting):
            member.end(ticket, "memory", 0.0)

    def _keep_cancels(self, now: float) -> None:
        if not self._cancels:
            return
        there = {}
        for member in self.engine.members.values():
            for batch in member.batches.values():
                for place in range(batch.done, batch.size):
                    there[batch.job, batch.first + place] = member, batch, place
        for wanted in list(self._cancels):
            if wanted not in there:
                self._cancels.discard(wanted)  # it is done, or was never begun
                continue
            member, batch, place = there[wanted]
            ticket = (batch.number << PLACE_BITS) + place
            if self._at_work(member)[0] == ticket and member.ending is None:
                member.end(ticket, "cancelled", GRACE_S)

    def _thin_out(self, members: list[Member], now: float) -> None:
        active = [m for m in members if not m.is_stopping]
        surplus = len(active) - self.size
        for member in active:
            if member.batches:
                continue
            old = (
                self.idle_timeout is not None
                and member.is_ready
                and now - member.since >= self.idle_timeout
            )
            if old or surplus > 0:
                surplus -= 1
                member.stop()
                member.flush()
        for member in sorted(active, key=lambda m: (m.is_ready, -m.number)):
            if surplus > 0 and not member.is_stopping:
                surplus -= 1
                member.stop()
                member.flush()

    def take_back(self, member: Member) -> None:
        """With the lock: what it has not begun goes to those that are idle (`takeback.py`)."""
        words = member.status.words
        start = (words[BEGUN] & ~READING) + 1
        end = (next(reversed(member.batches)) + 1) << PLACE_BITS
        words[TO] = end
        words[FROM] = start
        if not takeback.barrier():
            words[FROM] = end
            return
        begun = words[BEGUN] & ~READING
        taken = []
        for batch in list(member.batches.values()):
            first = batch.number << PLACE_BITS
            keep = max(batch.done, min(batch.size, max(begun, start - 1) - first + 1))
            if keep >= batch.size:
                continue
            taken.append(Piece(batch.job, batch.first + keep, batch.items[keep : batch.size]))
            if keep == batch.done:
                member.revoke_unread(batch)
                self.engine.remove(batch.number)
            else:
                member.load -= batch.size - keep
                batch.size = keep
        self.engine.return_pieces(taken)

    def _terminate(self, members: list[Member], now: float) -> None:
        if not self._terminated_at:
            self._terminated_at = now
            for member in members:
                member.signal(signal.SIGTERM)
        elif now - self._terminated_at > TERM_GRACE_S:
            for member in members:
                member.signal(signal.SIGKILL)
