"""Clocks of a thread and of a process: on the CPU, and kept from it by others.

A thread that is not on the CPU waits either for something (a lock, a socket, the GIL) or, ready to
run, for a CPU. The kernel counts the latter; without it, a busy machine would make every function
look as one that waits.

Source: Linux, Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat; clock_gettime(2),
CLOCK_THREAD_CPUTIME_ID; getrusage(2), RUSAGE_CHILDREN; proc_pid_smaps(5), smaps_rollup.
"""

from __future__ import annotations

import resource
import threading
import time
from dataclasses import dataclass

from interlock.pool.limits import resident_bytes

__all__ = ["Peak", "Reading", "free_memory", "others_share", "private_bytes", "scheduled",
           "starved_s"]  # fmt: skip

BACKGROUND_S = 0.02


@dataclass(frozen=True)
class Reading:
    """All clocks at a moment, or, by subtraction, what passed between two.

    Attributes:
        wall_s: Of the world.
        thread_s: On the CPU, this thread.
        process_s: On the CPU, all threads of this process.
        children_s: On the CPU, children that have ended and were waited for.
        starved_s: This thread, ready to run, without a CPU.
    """

    wall_s: float
    thread_s: float
    process_s: float
    children_s: float
    starved_s: float

    @classmethod
    def now(cls) -> Reading:
        """This thread, now."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(
            time.perf_counter(),
            time.thread_time(),
            time.process_time(),
            used.ru_utime + used.ru_stime,
            starved_s(),
        )

    @classmethod
    def nothing(cls) -> Reading:
        """No time at all."""
        return cls(0.0, 0.0, 0.0, 0.0, 0.0)

    def __sub__(self, before: Reading) -> Reading:
        return Reading(
            self.wall_s - before.wall_s,
            self.thread_s - before.thread_s,
            self.process_s - before.process_s,
            self.children_s - before.children_s,
            self.starved_s - before.starved_s,
        )

    def __add__(self, other: Reading) -> Reading:
        return Reading(
            self.wall_s + other.wall_s,
            self.thread_s + other.thread_s,
            self.process_s + other.process_s,
            self.children_s + other.children_s,
            self.starved_s + other.starved_s,
        )

    @property
    def elsewhere_s(self) -> float:
        """On the CPU, in other threads and in children."""
        return max(0.0, self.process_s - self.thread_s) + max(0.0, self.children_s)


def scheduled(task: str = "thread-self") -> tuple[float, float]:
    """For how long a thread was on the CPU, and ready to run without one; 0 where nobody counts.

    Args:
        task: Its folder in /proc: a pid stands for the main thread of that process.
    """
    try:
        with open(f"/proc/{task}/schedstat") as file:
            on_cpu, waited, *_ = file.read().split()
            return int(on_cpu) / 1e9, int(waited) / 1e9
    except (OSError, ValueError):
        return 0.0, 0.0


def starved_s(task: str = "thread-self") -> float:
    """The second of these."""
    return scheduled(task)[1]


def others_share() -> float:
    """CPUs that other threads of this process keep busy, whatever we do."""
    if threading.active_count() == 1:
        return 0.0
    started = Reading.now()
    threading.Event().wait(BACKGROUND_S)
    passed = Reading.now() - started
    return passed.elsewhere_s / passed.wall_s


class Peak:
    """Around a call: how much memory it had beside what it left.

    The kernel keeps the most that a process ever had. Where it had as much before, nothing is seen.

    Attributes:
        given_back: In bytes; 0 before the end, and where that was not seen.

    Source: proc_pid_status(5), VmHWM, VmRSS.
    """

    def __init__(self) -> None:
        self.given_back = 0
        self._peak = 0

    def __enter__(self) -> Peak:
        self._peak, _ = _resident()
        return self

    def __exit__(self, *_: object) -> None:
        peak, now = _resident()
        if peak > self._peak:
            self.given_back = max(0, peak - now)


def _resident() -> tuple[int, int]:
    """The most this process has had in RAM, and what it has."""
    found = {}
    with open("/proc/self/status") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("VmHWM", "VmRSS"):
                found[name] = int(rest.split()[0]) * 1024
    return found["VmHWM"], found["VmRSS"]


def private_bytes(pid: int) -> int:
    """What a process has in RAM that no other has: what would be free without it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            lines = [line.split() for line in file]
    except OSError:
        return resident_bytes(pid)
    return sum(int(words[1]) * 1024 for words in lines if words[0].startswith("Private_"))


def free_memory() -> int:
    """Bytes that can be had without others losing theirs.

    Source: proc_meminfo(5), MemAvailable.
    """
    with open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 1 << 40
