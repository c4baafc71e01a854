"""Who has a lock, who waits for it, and who died with it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import process

__all__ = ["Abandonment", "Holder", "Seen", "process_name"]

Seen = tuple[int, str, int, int]  # of the core: pid, name, thread, moment in ns


@dataclass(frozen=True)
class Holder:
    """A thread that has a lock, or waits for it.

    Attributes:
        pid: Its process.
        process: The name of that process, as `multiprocessing` has it; empty where it is not
            known any more.
        thread: The thread, as `threading.get_native_id` gives it.
        since: When it got the lock, or began to wait.
    """

    pid: int
    process: str
    thread: int
    since: datetime

    @classmethod
    def seen(cls, seen: Seen) -> Holder:
        """What the core tells, with a moment that means something to people."""
        pid, name, thread, moment_ns = seen
        return cls(pid, name, thread, wall_clock(moment_ns))


@dataclass(frozen=True)
class Abandonment:
    """A lock's owner that died while it had it.

    Attributes:
        pid: Its process, or the process of the thread that ended.
        process: The name of that process; empty where it is not known any more.
        thread: The thread.
        since: When it had got the lock.
        when: When its death was noticed.
    """

    pid: int
    process: str
    thread: int
    since: datetime
    when: datetime

    @classmethod
    def seen(cls, seen: Seen, noticed_ns: int) -> Abandonment:
        """What the core tells."""
        who = Holder.seen(seen)
        return cls(who.pid, who.process, who.thread, who.since, wall_clock(noticed_ns))

    @property
    def story(self) -> str:
        """Who it was, for messages; a main thread goes without saying."""
        thread = "" if self.thread == self.pid else f"thread {self.thread} of "
        name = f" ({self.process})" if self.process else ""
        return f"{thread}process {self.pid}{name}"

    def died_with(self, what: object) -> str:
        """How an error or a warning about it begins."""
        name = type(what).__name__
        return f"The {self.story} died while it had this {name}, since {self.since:%H:%M:%S} UTC"


def wall_clock(moment_ns: int) -> datetime:
    """The time of day of a moment on the monotonic clock."""
    ago_s = (time.monotonic_ns() - moment_ns) / 1e9
    return datetime.fromtimestamp(time.time() - ago_s, UTC)


def process_name() -> str:
    """This process's name, for others that look on."""
    return process.current_process().name


def owner_for_repr(holder: Holder | None) -> str:
    """An owner as `multiprocessing`'s locks show theirs."""
    if holder is None:
        return "None"
    if holder.pid != process.current_process().pid:
        return "SomeOtherProcess"
    if holder.thread != threading.get_native_id():
        return "SomeOtherThread"
    name, thread = process_name(), threading.current_thread().name
    return name if thread == "MainThread" else f"{name}|{thread}"
