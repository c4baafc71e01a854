"""What a test must know of a process or thread that it may not disturb: asleep, stopped, gone.

Read from /proc, which tells it of any process, a child's child too, and leaves the
exit status to whoever waits for it. Source: proc_pid_stat(5).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from interlock.errors import NotStopped

__all__ = ["Process", "has_ended", "start_time", "wait_asleep", "wait_ended", "wait_stopped"]

LOOK_EVERY_S = 0.002
LOOKS_ASLEEP = 5  # in a row: a thread that only waits for the interpreter's lock is soon awake

_GONE = frozenset("ZXx")


class Process(Protocol):
    """Anything with a pid."""

    @property
    def pid(self) -> int | None:
        """The number of the process; None before it is started."""


def wait_stopped(process: Process | int, timeout: float = 10.0) -> None:
    """Wait until a process is stopped by a signal, as `pause_at` stops one.

    Args:
        process: The process, or its pid.
        timeout: How long to wait, in seconds.

    Raises:
        NotStopped: It did not stop in time, or ended.

    If a process dies: the one waited for: NotStopped, at once.
    """
    pid = pid_of(process)

    def stopped() -> bool:
        state = _state(pid, pid)
        if state in _GONE:
            raise NotStopped(f"Process {pid} ended instead of stopping. Did it come to the point?")
        return state == "T"

    _until(stopped, timeout, f"Process {pid} did not stop")


def wait_asleep(process: Process | threading.Thread | int, timeout: float = 10.0) -> None:
    """Wait until a thread sleeps in the kernel, as one does that is blocked in a `get`.

    This is how a test gets by without sleeping itself: the other side has begun to wait.
    A thread that wakes only to look around counts as asleep.

    Args:
        process: A process (its main thread is meant), its pid, or a thread of this process.
        timeout: How long to wait, in seconds.

    Raises:
        NotStopped: It was still busy after that time, or ended.

    If a process dies: the one waited for: NotStopped, at once.
    """
    is_thread = isinstance(process, threading.Thread)
    pid = os.getpid() if isinstance(process, threading.Thread) else pid_of(process)
    thread = process.native_id if isinstance(process, threading.Thread) else pid
    who = f"{'Thread' if is_thread else 'Process'} {thread}"
    looks = 0

    def asleep() -> bool:
        nonlocal looks
        state = _state(pid, thread or pid)
        if state in _GONE:
            raise NotStopped(f"{who} ended instead of waiting.")
        looks = looks + 1 if state == "S" else 0
        return looks >= LOOKS_ASLEEP

    _until(asleep, timeout, f"{who} did not come to rest")


def wait_ended(process: Process | int, timeout: float = 10.0) -> None:
    """Wait until a process has ended, whoever's child it is; its exit status is not taken.

    Args:
        process: The process, or its pid.
        timeout: How long to wait, in seconds.

    Raises:
        NotStopped: It was still there after that time.

    If a process dies: that is what this waits for.
    """
    pid = pid_of(process)
    _until(lambda: _state(pid, pid) in _GONE, timeout, f"Process {pid} did not end")


def has_ended(pid: int, started: int) -> bool:
    """Whether the process that had this pid and `start_time` has ended; a zombie has."""
    return start_time(pid) != started or _state(pid, pid) in _GONE


def start_time(pid: int) -> int:
    """When a process was started, in clock ticks since boot; 0 where there is no such process.

    With the pid it names a process for ever: the kernel gives pids again.
    """
    fields = _fields(pid, pid)
    return int(fields[19]) if fields else 0


def pid_of(process: Process | int) -> int:
    """The pid of what may be one.

    Raises:
        ValueError: The process was not started.
    """
    pid = process if isinstance(process, int) else process.pid
    if pid is None:
        raise ValueError(f"{process!r} was not started; start it first")
    return pid


def _state(pid: int, thread: int) -> str:
    fields = _fields(pid, thread)
    return fields[0] if fields else "X"


def _fields(pid: int, thread: int) -> list[str]:
    """What stat says after the name, which may have spaces and brackets in it."""
    try:
        text = Path(f"/proc/{pid}/task/{thread}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _until(holds: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise NotStopped(f"{otherwise} within {timeout_s:g} s.")
        time.sleep(LOOK_EVERY_S)
