"""What a worker may use: memory, and threads of the libraries it calls; how many CPUs there are."""

from __future__ import annotations

import math
import operator
import os
import resource
import time
from pathlib import Path

__all__ = [
    "SIBLINGS",
    "Counting",
    "cpu_count",
    "default_workers",
    "inherited_bytes",
    "limit_memory",
    "limit_threads",
    "peak_bytes",
    "resident_bytes",
    "unshared_bytes",
    "whole_number",
]

_PAGE = resource.getpagesize()
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
COUNT_SHARE = 20  # of the time that the counting of pages may take, one part in so many
SIBLINGS = "INTERLOCK_POOL_SIBLINGS"  # in a worker: how many share the CPUs
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def whole_number(name: str, number: object) -> int:
    """The number of workers or threads.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than 1.
    """
    try:
        value = operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {number!r}; give a whole number of at least 1") from None
    if value < 1:
        raise ValueError(f"{name} must be greater than 0; it is {number!r}")
    return value


def cpu_count() -> int:
    """How many processors this process may use: its affinity, and its cgroup's quota.

    Source: sched_getaffinity(2); cgroup v2, cpu.max.
    """
    usable = len(os.sched_getaffinity(0))
    try:
        quota, period = _CPU_MAX.read_text().split()
        usable = min(usable, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        return usable  # no cgroup, or one without a quota
    return max(1, usable)


def limit_memory(limit: int) -> None:
    """Let this process have so many bytes more than it has now; beyond it gets MemoryError.

    Source: setrlimit(2), RLIMIT_AS.
    """
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * _PAGE + limit
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def limit_threads(number: int) -> None:
    """Let BLAS and OpenMP, loaded already or later, use so many threads."""
    for name in _THREADS:
        os.environ[name] = str(number)
    try:
        import threadpoolctl  # type: ignore[import-untyped]
    except ImportError:
        return  # what is loaded already keeps its threads
    threadpoolctl.threadpool_limits(number)


def resident_bytes(pid: int) -> int:
    """What a process has in RAM now, without what it shares; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            _, resident, shared, *_ = statm.read().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * _PAGE


def unshared_bytes(pid: int) -> int:
    """What no other process has of a process's RAM; 0 if it is gone, or not to be looked into.

    What a forked process has from its parent is not counted before one of them writes there, nor
    what a process has that it forked itself. The kernel looks at each page: about 10 ms for a
    gigabyte. Who changed its user, or is not to be dumped, is shown to nobody but root.

    Source: proc(5), smaps_rollup.
    """
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            sizes = [line.split()[1] for line in rollup if line.startswith("Private_")]
    except OSError:
        return 0
    return sum(map(int, sizes)) * 1024


class Counting:
    """The counting of unshared pages, of all workers of a pool, in one part in so many of its time.

    Whose were counted longest ago is to ask first.
    """

    def __init__(self) -> None:
        self._next_at = 0.0

    def count(self, pid: int) -> int | None:
        """As `unshared_bytes`; None if that would be too soon after the last one."""
        began = time.monotonic()
        if began < self._next_at:
            return None
        counted = unshared_bytes(pid)
        ended = time.monotonic()
        self._next_at = ended + (COUNT_SHARE - 1) * (ended - began)
        return counted


def inherited_bytes(pid: int) -> int:
    """What a process that has just been started has from who started it; 0 if it is gone.

    With what is swapped out: what is read again later is no growth.

    Source: proc(5), VmSwap.
    """
    return resident_bytes(pid) + _bytes_of(pid, "VmSwap:")


def peak_bytes(pid: int) -> int:
    """The most a process has had in RAM; 0 if it is gone.

    Source: proc(5), VmHWM.
    """
    return _bytes_of(pid, "VmHWM:")


def _bytes_of(pid: int, name: str) -> int:
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return 0
    return 0


def default_workers() -> int:
    """How many workers a pool has by itself: the CPUs, shared among the workers of this program.

    A pool in a worker has its share of the worker's: nested pools do not multiply.
    """
    return max(1, cpu_count() // max(1, int(os.environ.get(SIBLINGS, "1"))))
