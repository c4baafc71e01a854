"""Generated names: found as long as anybody has the memory, and gone with the last.

A memfd has no place in the file system, but every process that has it open shows it in
/proc/PID/fd. So a name is looked for among the processes of this user: in the one that made it
first (its pid is in the name), then in all. Nothing has to be registered, kept or swept, and
whoever is killed takes nothing along but his own hold.

Source: proc_pid_fd(5); opening such an entry needs the right to trace the process, as any
process of the same user has, where it has not given that up (prctl(2), PR_SET_DUMPABLE).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator

from interlock.errors import SegmentNotFound
from interlock.shared_memory import segment

__all__ = ["find", "generate"]

PROC = "/proc"
_GENERATED = re.compile(r"psm_([0-9a-f]+)_[0-9a-f]+")


def generate() -> str:
    """A name that nobody has."""
    return f"psm_{os.getpid():x}_{secrets.token_hex(6)}"


def find(name: str) -> int:
    """Open memory by its generated name.

    Args:
        name: As `generate` made it.

    Returns:
        A descriptor of the caller's own.

    Raises:
        SegmentNotFound: No process of this user has it, or it was unlinked.

    If a process dies: the memory is found in the others that have it.
    """
    shown = f"/memfd:{segment.PREFIX}{name} (deleted)"
    for pid in _likely_first(name):
        fd = _open_of(pid, shown)
        if fd is not None:
            if segment.is_ours(fd) and not segment.is_unlinked(fd):
                return fd
            os.close(fd)
    raise SegmentNotFound(
        f"No shared memory {name!r}: the last process that had it has ended, or it was unlinked. "
        "Pass the SharedMemory itself, or keep a process that made or opened it."
    )


def _likely_first(name: str) -> Iterator[str]:
    made_by = _GENERATED.fullmatch(name)
    first = [str(int(made_by[1], 16))] if made_by else []
    yield from first
    user = os.geteuid()
    for pid in os.listdir(PROC):
        if not pid.isdigit() or pid in first:
            continue
        try:
            if os.stat(f"{PROC}/{pid}").st_uid == user:
                yield pid
        except OSError:  # it has ended meanwhile
            continue


def _open_of(pid: str, shown: str) -> int | None:
    """The descriptor of a process that /proc shows so, opened here."""
    folder = f"{PROC}/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:  # it has ended, or is not to be looked into
        return None
    for number in numbers:
        try:
            if os.readlink(f"{folder}/{number}") == shown:
                return os.open(f"{folder}/{number}", os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # it has closed it meanwhile
            continue
    return None
