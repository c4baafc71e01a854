"""The names of the namespaces of one run, and what runs that were killed have left behind.

A name says which process made it: `interlock-PID-START-HOST`, with the time of that process's start
as the kernel has it. So whoever comes next knows whether its maker is alive, and removes what is
nobody's; runs beside each other leave each other alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

__all__ = ["ip", "namespace", "remove", "sweep"]

_PREFIX = "interlock"
BOUND_S = 30.0


def ip(*arguments: str) -> str:
    """What `ip` of Debian's iproute2 says.

    Raises:
        subprocess.CalledProcessError: It did not do it; `stderr` says why.
        FileNotFoundError: It is not installed.
    """
    done = subprocess.run(
        ["ip", *arguments], check=True, capture_output=True, text=True, timeout=BOUND_S
    )
    return done.stdout


def namespace(host: str) -> str:
    """The namespace of a host of this process."""
    return f"{_PREFIX}-{os.getpid()}-{_start_of(os.getpid())}-{host}"


def _start_of(pid: int) -> str | None:
    """When a process started, in the kernel's ticks; None if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _is_left_behind(name: str) -> bool:
    parts = name.split("-", 3)
    if len(parts) != 4 or parts[0] != _PREFIX or not parts[1].isdigit():
        return False
    return _start_of(int(parts[1])) != parts[2]


def remove(name: str) -> None:
    """Take a namespace away, with its interfaces and with what still runs in it."""
    for pid in ip("netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", name)


def sweep() -> list[str]:
    """Take away the namespaces of processes that are gone; their names."""
    found = [line.split()[0] for line in ip("netns", "list").splitlines() if line]
    left = [name for name in found if _is_left_behind(name)]
    for name in left:
        with contextlib.suppress(subprocess.CalledProcessError):  # another run sweeps as well
            remove(name)
    return left
