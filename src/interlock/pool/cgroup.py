"""A memory cgroup for one worker: counts what it and its children have, and bounds them.

Who does what: the pool's process makes the folder and writes the bounds, with the engine's lock.
The worker moves itself in (`enter`) before its first task that has a limit: no pid is written,
which might be another's by then. What it starts afterwards is in it by birth. The supervisor looks
every 20 ms, and asks why when the worker is gone; then the folder is removed.

What counts is anonymous memory: private, of all processes in the group, swapped or not. Two things
that a group also counts are no task's guilt:

    shmem       A result goes through shared memory, which stays charged to the worker that wrote it
                as long as its receiver keeps it; and who fills a SharedArray of the program is
                charged for it. Were the limit the kernel's bound, fifty results that somebody keeps
                would kill the worker that made them.
    page cache  The kernel takes it back by itself when the group is full.

So the kernel's bounds lie above the limit, and move with the shared memory:

    room = limit + shmem + SLACK    v2 memory.high: beyond, the kernel slows the group down, which
                                    gives the supervisor time to tell anonymous from shared
    most = room + limit + BURST     v2 memory.max, v1 memory.limit_in_bytes and memsw: the kernel
                                    kills (v2: all of the group, memory.oom.group)

Within them the supervisor ends the task, and kills the group, as soon as it sees more than the
limit. The kernel's kill is for what grows faster than that, and is told alike; as v1 does not slow
down, BURST is what may be filled there while the supervisor cannot look. In v1 it may be a child
alone, the largest process; then the task sees its child killed, and goes on.

A pool's limit has the group made before the worker begins, so that what an initializer starts is in
it, and bounds from its first task on: nobody looks before.

Limits that differ from task to task: before a batch is sent the bounds are raised to what it may
have, never lowered, for the worker may be at another. They follow down, to the greatest limit of
what the worker has before it, when the supervisor looks and finds no more than that. So no bound is
lowered below what a task has by right. Where it comes out short by a hair, v1 says EBUSY, the old
bound stays, and the next look tries again; v2 takes page cache back and, if that is not enough,
kills, which is told as more than the limit. What an earlier task has left in the worker counts for
the next, as it does by resident size.

Beside it all stays as without a group: RLIMIT_AS for the pool's limit, and the resident size. A
bound that cannot be written stays what it was.

Why not v1's oom_kill_disable and its notification: when the pool's process is killed, what a worker
had started would wait for memory for ever.

Source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files";
cgroup-v1/memory.rst; cgroups(7).
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["V1", "V2", "Group", "Interface", "enter"]

SLACK = 128 << 20  # of shared memory, and the kernel's own, between two looks
BURST = 512 << 20
ROUNDS_MAX = 8  # of killing what may fork meanwhile


@dataclass(frozen=True)
class Interface:
    """The names of files and fields.

    Attributes:
        usage: All that the group has now.
        peak: The most it has had.
        room: Where the kernel begins to slow it down, if it does.
        most: Where it kills.
        with_swap: The same for memory and swap together, never below `most`, if it is counted.
        unlimited: What stands for no bound.
        private: The fields of memory.stat for anonymous memory.
        shared: That for shared memory.
        events: What the kernel did: oom_kill, for whatever reason, and in v2 oom, for a bound.
        hits: How often a bound was met, where the events do not say so.
        fixed: What is written once, if it is there.
    """

    usage: str
    peak: str
    room: str
    most: str
    with_swap: str
    unlimited: str
    private: tuple[str, ...]
    shared: str
    events: str
    hits: tuple[str, ...]
    fixed: tuple[tuple[str, str], ...]


V2 = Interface(
    usage="memory.current",
    peak="memory.peak",
    room="memory.high",
    most="memory.max",
    with_swap="",
    unlimited="max",
    private=("anon",),
    shared="shmem",
    events="memory.events",
    hits=(),
    fixed=(("memory.swap.max", "0"), ("memory.oom.group", "1")),
)
V1 = Interface(
    usage="memory.usage_in_bytes",
    peak="memory.max_usage_in_bytes",
    room="",
    most="memory.limit_in_bytes",
    with_swap="memory.memsw.limit_in_bytes",
    unlimited="-1",
    private=("total_rss", "total_swap"),
    shared="total_shmem",
    events="memory.oom_control",
    hits=("memory.failcnt", "memory.memsw.failcnt"),
    fixed=(),
)


class Group:
    """One worker's group.

    Args:
        folder: Where it is to be.
        interface: Which version's files it has.

    If a process dies: the worker, its group is empty; the pool's, a later pool removes it.
    """

    def __init__(self, folder: Path, interface: Interface) -> None:
        self.folder = folder
        self._interface = interface
        self._limit: int | None = None
        self._shared = 0

    def make(self, limit: int | None) -> None:
        """Make it, with the bounds of a limit in bytes; None for none yet.

        Raises:
            OSError: This process may not, or there is no such controller.
        """
        self.folder.mkdir()
        try:
            for name, value in self._interface.fixed:
                with suppress(OSError):  # no swap, or an older kernel
                    self._write(name, value)
            self._set(limit, 0)
        except OSError:
            self.folder.rmdir()
            raise

    def raise_to(self, limit: int | None) -> None:
        """Let it have as much as that; None for any."""
        if self._limit is not None and (limit is None or limit > self._limit):
            with suppress(OSError):
                self._set(limit, self._shared)

    def look(self, least: int, most: int | None) -> int:
        """Its anonymous memory in bytes, 0 where all it has is no more than `least`.

        Args:
            least: The smallest limit of what its worker has before it.
            most: The greatest of them, None for any: its bounds follow.
        """
        if self._number(self._interface.usage) <= least and most == self._limit:
            return 0
        fields = self._fields("memory.stat")
        used = sum(fields.get(name, 0) for name in self._interface.private)
        shared = fields.get(self._interface.shared, 0)
        is_near = most == self._limit and self._shared - SLACK <= shared <= self._shared
        if not is_near and (most is None or used <= most):
            with suppress(OSError):
                self._set(most, shared)
        return used

    def peak_bytes(self) -> int:
        """The most it has had, but what of it is shared."""
        return max(0, self._number(self._interface.peak) - self._shared)

    def is_out_of_memory(self) -> bool:
        """Whether the kernel has killed there for this bound, and not for the machine's."""
        events = self._fields(self._interface.events)
        hits = [events.get("oom", 0), *map(self._number, self._interface.hits)]
        return any(hits) and events.get("oom_kill", 0) > 0

    def kill(self) -> None:
        """Kill all that is in it.

        If a process dies: that is what this is for; it waits for none.
        """
        with suppress(OSError):
            self._write("cgroup.kill", "1")
            return
        for _ in range(ROUNDS_MAX):
            pids = self._pids()
            for pid in pids:
                self._kill(pid)
            if not pids:
                return

    def remove(self) -> bool:
        """Remove it; False if something is in it, which is then without a bound."""
        try:
            self.folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            with suppress(OSError):
                self._set(None, 0)
            return False
        return True

    def _pids(self) -> list[int]:
        try:
            return [int(pid) for pid in (self.folder / "cgroup.procs").read_text().split()]
        except (OSError, ValueError):
            return []

    def _kill(self, pid: int) -> None:
        with suppress(OSError):
            pidfd = os.pidfd_open(pid)
            try:
                if pid in self._pids():  # it is still who it was
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            finally:
                os.close(pidfd)

    def _set(self, limit: int | None, shared: int) -> None:
        room = most = self._interface.unlimited
        if limit is not None:
            bytes_max = limit + shared + SLACK
            room, most = str(bytes_max), str(bytes_max + limit + BURST)
        # On the way up memory and swap go first, on the way down last: one of the two fails.
        for name, value in (
            (self._interface.room, room),
            (self._interface.with_swap, most),
            (self._interface.most, most),
            (self._interface.with_swap, most),
        ):
            if name:
                try:
                    self._write(name, value)
                except OSError:
                    if name == self._interface.most:
                        raise
        self._limit, self._shared = limit, shared

    def _write(self, name: str, value: str) -> None:
        (self.folder / name).write_text(value)

    def _number(self, name: str) -> int:
        try:
            return int((self.folder / name).read_text())
        except (OSError, ValueError):
            return 0

    def _fields(self, name: str) -> dict[str, int]:
        try:
            lines = (self.folder / name).read_text().splitlines()
            return {name: int(value) for name, value in map(str.split, lines)}
        except (OSError, ValueError):
            return {}


def enter(folder: Path) -> None:
    """Move this process into a group; it stays where it is if it may not."""
    with suppress(OSError):
        (folder / "cgroup.procs").write_text("0")
