"""A memfd: memory without a file, that the kernel frees with its last user.

It is sealed against shrinking, so that nobody takes pages from under another (SIGBUS), and its
pages are reserved before they are promised. A second seal, against growing, says that the name
was unlinked: the kernel keeps it for all who hold the memory, and nothing else has to.

Source: memfd_create(2), fcntl(2) F_ADD_SEALS, fallocate(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Callable

from interlock.errors import OutOfSharedMemory
from interlock.shared_memory.room import available_bytes

__all__ = ["create", "is_ours", "is_unlinked", "mark_unlinked", "reserve", "with_room"]

PREFIX = "interlock-"  # of what the kernel shows as the file's name, in /proc/PID/fd
SMALL = 1 << 20  # bytes, too few to look first
BLOCK = 512  # bytes of st_blocks
_LACK = (errno.ENOSPC, errno.ENOMEM, errno.EFBIG, errno.EDQUOT)


def create(name: str, size: int) -> int:
    """New memory, filled with zeros.

    Args:
        name: What /proc shows.
        size: In bytes.

    Returns:
        Its descriptor.

    Raises:
        OutOfSharedMemory: The kernel has not got so many pages.
    """
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    fd = with_room(lambda: os.memfd_create(PREFIX + name, flags))
    try:
        reserve(fd, size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    except BaseException:
        os.close(fd)
        raise
    return fd


def with_room(make: Callable[[], int]) -> int:
    """A new descriptor; where this process's soft limit is in the way, it becomes the hard one.

    A name is found as long as a process lives that had the memory, so one that made thousands and
    closed them has as many descriptors: more than where memory is a file.
    """
    try:
        return make()
    except OSError as error:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if error.errno != errno.EMFILE or soft == hard:
            raise
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return make()


def reserve(fd: int, size: int) -> None:
    """Make a file at least so large, and take its pages now.

    Args:
        fd: The file's descriptor.
        size: In bytes.

    Raises:
        OutOfSharedMemory: The kernel has not got so many pages.
    """
    wanted = size - os.fstat(fd).st_blocks * BLOCK
    if wanted > SMALL and wanted > (there := available_bytes()):
        raise _lack(size, f"about {there:,} are available")
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno not in _LACK:
            raise
        raise _lack(size, error.strerror) from error


def _lack(size: int, why: str | None) -> OutOfSharedMemory:
    return OutOfSharedMemory(
        f"There are no {size:,} bytes of shared memory to be had ({why}): ask for less, unlink "
        "what is not needed, or raise the limit of the cgroup or of /dev/shm."
    )


def is_ours(fd: int) -> bool:
    """Whether it is memory made by `create`."""
    try:
        return bool(fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK)
    except OSError:
        return False


def mark_unlinked(fd: int) -> None:
    """Its name is not to be found any more, by anybody."""
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)


def is_unlinked(fd: int) -> bool:
    """Whether `mark_unlinked` was called, in whichever process."""
    return bool(fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_GROW)
