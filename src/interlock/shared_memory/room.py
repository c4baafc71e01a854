"""How much memory there is to be had, before it is asked for.

fallocate(2) on shared memory takes page after page until none is left, and then the kernel
kills a process, which may be anybody. So what cannot be there is refused first. It is an estimate:
others take memory meanwhile.

Source: proc_meminfo(5), "MemAvailable"; the kernel's Documentation/admin-guide/cgroup-v2.rst,
"memory.max", "memory.current", "memory.stat".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_bytes"]

MEMINFO = Path("/proc/meminfo")
CGROUPS = Path("/sys/fs/cgroup")
MY_CGROUP = Path("/proc/self/cgroup")
KIB = 1024


def available_bytes() -> int:
    """What this process may take without anything being killed, about."""
    return min([_of_the_machine(), *_of_cgroups()])


def _of_the_machine() -> int:
    fields = dict(line.split(":", 1) for line in MEMINFO.read_text("utf-8").splitlines())
    return sum(int(fields[name].split()[0]) for name in ("MemAvailable", "SwapFree")) * KIB


def _of_cgroups() -> Iterator[int]:
    """What is left of each limit of the cgroups that this process is in."""
    for folder, limit, current in _folders():
        with contextlib.suppress(OSError, ValueError):  # no limit, or no such controller
            most = int((folder / limit).read_text("utf-8"))
            used = int((folder / current).read_text("utf-8"))
            yield max(0, most - used + _cached(folder))


def _folders() -> Iterator[tuple[Path, str, str]]:
    try:
        lines = MY_CGROUP.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            top, files = CGROUPS, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            top = CGROUPS / "memory"
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        mine = top / path.lstrip("/")
        for folder in (mine, *mine.parents):
            yield folder, *files
            if folder == top:
                break


def _cached(folder: Path) -> int:
    """Pages of files, which the kernel gives away first."""
    stat = dict(line.split() for line in (folder / "memory.stat").read_text("utf-8").splitlines())
    return int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
