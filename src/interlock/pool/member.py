"""A worker as the pool sees it: its process, its queue, its page, and what it has to do."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections import OrderedDict
from contextlib import suppress
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any

from interlock._handover import revoke
from interlock.errors import Full, QueueClosed
from interlock.pool.cgroup import Group
from interlock.pool.delegated import Groups
from interlock.pool.jobs import Batch, Function
from interlock.pool.limits import Counting, inherited_bytes, peak_bytes, resident_bytes
from interlock.pool.messages import DEFINE, ENTER, FORGET, STOP
from interlock.pool.status import CANCEL, Status
from interlock.pool.watch import CANCEL_SIGNAL

__all__ = ["Member"]

REAPED_S = 1.0
UNKNOWN_STATUS = 255  # as multiprocessing has it where nobody can tell
KNOWN_MAX = 128  # functions that a worker keeps


class Member:
    """One worker.

    Attributes:
        number: In its pool; never used again.
        process: Its process.
        tasks: Its queue.
        status: Its page.
        batches: What it has to do, by number, oldest first.
        load: How many tasks these are.
        given: How many batches it has had.
        is_ready: Whether its initializer is through.
        is_stopping: Whether it gets no more.
        since: When it was last heard of, or got something to do.
        ending: The ticket for which it is being ended, and why.
        kill_at: When, if it goes on with that.
        unfit: What its initializer raised, packed.
        peak_bytes: The most memory it was seen to have.
        pages_counted_at: When its unshared pages were counted last.
        group: Its memory cgroup, once it has a task with a limit, where there are any.
    """

    def __init__(self, number: int, tasks: Any, status: Status, groups: Groups) -> None:
        self.number = number
        self.process: Any = None
        self.exitcode = UNKNOWN_STATUS
        self._pidfd = -1
        self.tasks = tasks
        self.status = status
        self.batches: OrderedDict[int, Batch] = OrderedDict()
        self.load = 0
        self.given = 0
        self.is_ready = False
        self.is_stopping = False
        self.is_dead = False
        self.since = time.monotonic()
        self.counted = 0
        self.ending: tuple[int, str] | None = None
        self._reasons: dict[int, str] = {}
        self.kill_at = 0.0
        self.unfit: bytes | None = None
        self.peak_bytes = 0
        self.pages_counted_at = 0.0
        self._inherited = 0
        self.group: Group | None = None
        self._groups = groups
        self.outbox: list[tuple[Any, ...]] = []
        self._known: OrderedDict[int, None] = OrderedDict()
        self._tickets: list[bytes] = []
        self._taken_back: dict[int, list[bytes]] = {}

    def add(self, batch: Batch) -> None:
        """Give it a batch, whose message is to follow."""
        self._make_room(batch.job.options.memory_limit)
        self.batches[batch.number] = batch
        self.load += batch.size

    def knows(self, function: Function) -> bool:
        """Whether it was sent a function."""
        return function.number in self._known

    def introduce(self, function: Function, data: bytes, tickets: list[bytes]) -> None:
        """Send it a function, unless it knows it; with the tickets in its bytes."""
        if function.number in self._known:
            self._known.move_to_end(function.number)
            return
        self._tickets += function.tickets + tickets
        function.tickets = []
        self.outbox.append((DEFINE, function.number, data))
        self._known[function.number] = None
        function.is_kept = True
        if len(self._known) > KNOWN_MAX:
            self.outbox.append((FORGET, self._known.popitem(last=False)[0]))

    def forget(self, number: int) -> None:
        """Let it forget a function, if it has it."""
        if number in self._known:
            del self._known[number]
            self.outbox.append((FORGET, number))

    def take_out(self, number: int) -> list[tuple[Any, ...]]:
        """It cannot be sent a function: what was to be sent for it, which has no use now."""
        self._known.pop(number, None)
        taken = [each for each in self.outbox if each[0] < DEFINE and each[1] == number]
        self.outbox = [each for each in self.outbox if each not in taken]
        return taken

    def revoke_unread(self, batch: Batch) -> None:
        """It has a message whose tasks are not its own any more, and may read it or not."""
        if batch.tickets:
            self._taken_back[batch.number] = batch.tickets

    def passed(self, number: int) -> None:
        """It has come to such a message, and what it has not received it never will."""
        revoke(self._taken_back.pop(number, ()))

    def make_group(self, limit: int | None) -> Path | None:
        """Make its memory cgroup, and return the folder that it shall enter, if there is one."""
        self.group = self._groups.new(limit)
        return None if self.group is None else self.group.folder

    def _make_room(self, limit: int | None) -> None:
        if self.group is not None:
            self.group.raise_to(limit)
        elif limit is not None:
            folder = self.make_group(limit)
            if folder is not None:
                self.outbox.append((ENTER, folder))

    def stop(self) -> None:
        """Let it end when it has done what it has."""
        if not self.is_stopping:
            self.is_stopping = True
            self.outbox.append((STOP,))

    def flush(self) -> bool:
        """Send what there is to send; False if there is no room for all of it now.

        Raises:
            InterlockError: The first of what is left in the outbox can never be sent.
        """
        out = self.outbox
        if not out or self.is_dead:
            return True
        try:
            if len(out) == 1:
                self.tasks.put_nowait(out[0])
            else:
                self.tasks.put_many(out, block=False)
        except BaseException as error:
            del out[: getattr(error, "accepted", 0)]  # these are sent, whatever the next one has
            if isinstance(error, Full):
                return False
            if isinstance(error, QueueClosed):
                return True
            raise
        out.clear()
        return True

    def started(self, process: Any) -> None:
        """It has a process now."""
        self.process = process
        # It may be gone already, as its server has noticed; a test's stand-in has no pid.
        with suppress(ProcessLookupError, AttributeError):
            self._pidfd = os.pidfd_open(process.pid)
            self._inherited = inherited_bytes(process.pid)

    def signal(self, number: int) -> None:
        """Send its process a signal, if it is there; never another that got its pid."""
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def end(self, ticket: int, why: str, grace_s: float) -> None:
        """End a task that it runs: by an exception at once, by SIGKILL after the grace."""
        self.ending = (ticket, why)
        self._reasons[ticket] = why
        while len(self._reasons) > KNOWN_MAX:
            del self._reasons[next(iter(self._reasons))]
        self.kill_at = time.monotonic() + grace_s
        if grace_s > 0:
            self.status.words[CANCEL] = ticket
            self.signal(CANCEL_SIGNAL)
            return
        self.signal(signal.SIGKILL)
        if why == "memory" and self.group is not None:
            self.group.kill()  # what it has started may have more than itself

    def reason(self, ticket: int) -> str:
        """Why a task was ended; empty if it was not. Its answer may come long after."""
        return self._reasons.pop(ticket, "")

    @property
    def end_fd(self) -> int:
        """What becomes readable when the process has ended.

        Not its sentinel where a pidfd can be had: what the worker forks has the sentinel too. The
        child of a server is reaped there, and only its sentinel tells how it ended.
        """
        has_server = self.process._popen.method == "forkserver"
        return self._pidfd if self._pidfd >= 0 and not has_server else int(self.process.sentinel)

    def follow(self) -> int:
        """Let its group's bounds follow what it has to do; what the processes there have."""
        if self.group is None:
            return 0
        limits = [batch.job.options.memory_limit for batch in self.batches.values()]
        given = [limit for limit in limits if limit is not None]
        if not given:
            return 0
        return self.group.look(min(given), None if None in limits else max(given))

    def has_more_than(self, limit: int, used: int, counting: Counting) -> bool:
        """Whether it has more memory than its task may, or than that its group's processes have.

        If a process dies: it has none.
        """
        own = resident_bytes(self.process.pid)
        if own > limit:
            own = self._own(own, counting)
        used = max(used, own)
        self.peak_bytes = max(self.peak_bytes, used, peak_bytes(self.process.pid))
        return used > limit

    def _own(self, resident: int, counting: Counting) -> int:
        """What it has without what it was started with and others have still.

        By how much it has grown is always known. What it has written over is told by counting.
        """
        counted = counting.count(self.process.pid)
        if counted is not None:
            self.pages_counted_at = time.monotonic()
        return max(resident - self._inherited, min(resident, counted or 0))

    def fell_to_its_limit(self) -> bool:
        """Whether the kernel has killed it, as its group had too much; the rest is killed then."""
        if self.group is None or self.exitcode != -signal.SIGKILL:
            return False
        if not self.group.is_out_of_memory():
            return False
        self.peak_bytes = max(self.peak_bytes, self.group.peak_bytes())
        self.group.kill()
        return True

    def reap(self) -> None:
        """Note its exit status and its memory, once it has ended.

        Another thread may be just asking for the status (active_children() does): whoever the
        kernel gives it to writes it down in a moment.

        If a process dies: that is what this is called after.
        """
        popen = self.process._popen
        if popen.method == "forkserver" and self._pidfd >= 0:
            # Its sentinel tells of the server's death too, and then it lives.
            self.signal(signal.SIGKILL)
            wait_for([self._pidfd])
        with suppress(ChildProcessError):
            if popen.returncode is None and popen.method != "forkserver":
                _, status, usage = os.wait4(popen.pid, 0)
                popen.returncode = os.waitstatus_to_exitcode(status)
                self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss * 1024)
        self.process.join()
        deadline = time.monotonic() + REAPED_S
        while popen.returncode is None and time.monotonic() < deadline:
            os.sched_yield()
        self.exitcode = UNKNOWN_STATUS if popen.returncode is None else int(popen.returncode)

    def close(self) -> None:
        """Give back what it had here, and what it has not received."""
        revoke(itertools.chain(self._tickets, *self._taken_back.values()))
        if self.group is not None:
            self._groups.give_back(self.group)
        self.tasks.close()
        self.status.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
