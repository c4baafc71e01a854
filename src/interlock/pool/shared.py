"""An object for many tasks, in memory once on a machine.

It lies in a sealed memfd: the encoded object, and its large buffers behind it, where arrays are
read in place. A task that is given it carries only the place of the memory: a descriptor of the
process that sent the task, which the receiver opens by /proc/PID/fd when it sees it first.

    bytes   what
    8       how many buffers
    8 each  the sizes: of the encoded object, then of each buffer
    ...     the encoded object, then each buffer, each from a multiple of 64 on

Source: memfd_create(2), fcntl(2) F_SEAL_WRITE, proc(5).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import weakref
from typing import Any, Generic, TypeVar

from interlock._handover import Passage, pack
from interlock.errors import SenderGone
from interlock.serialize.encoding import dumps, loads
from interlock.shared_memory import segment

__all__ = ["Shared", "share"]

T = TypeVar("T")

ALIGNMENT = 64
WRITE_MAX = 1 << 30  # bytes in one write(2)
_NUMBER = struct.Struct("<Q")
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Shared(Generic[T]):
    """A read-only object in shared memory; made by `share`.

    It is an argument for tasks, as any other object. Keep it as long as tasks need it: the memory
    is given back with the last process that has it.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        status = os.fstat(fd)
        self._place = status.st_dev, status.st_ino
        self._values: list[T] = []
        weakref.finalize(self, os.close, fd).atexit = False

    @property
    def value(self) -> T:
        """The object: in a process the same each time; its arrays are read-only, and not copied.

        Raises:
            Exception: What the object's own code raised when it was read.

        If a process dies: the memory stays while another has it.
        """
        if not self._values:
            self._values.append(_read(self._fd))
        return self._values[0]

    @property
    def nbytes(self) -> int:
        """Bytes of shared memory."""
        return os.fstat(self._fd).st_size

    def __repr__(self) -> str:
        return f"<Shared {self.nbytes:,} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        from multiprocessing import context

        if context.get_spawning_popen() is not None:
            return _inherited, (pack([self._fd]),)
        return _received, (os.getpid(), self._fd, self._place)


def share(obj: T) -> Shared[T]:
    """Put an object into shared memory, once, for all tasks that are given it.

    Args:
        obj: What can be sent to a task. Its arrays of 4 KiB and more are read in place by all.

    Returns:
        What to give to the tasks; ``.value`` there is the object.

    Raises:
        SerializationError: A part of it cannot be sent.
        OutOfSharedMemory: The machine has not got so much.
    """
    buffers: list[Any] = []
    data = dumps(obj, trust="process", buffers=buffers)
    parts = [memoryview(each).cast("B") for each in (data, *buffers)]
    offsets, size = _places([part.nbytes for part in parts])
    head = b"".join(_NUMBER.pack(n) for n in (len(buffers), *(part.nbytes for part in parts)))
    fd = segment.create("shared-object", size)
    try:
        _write(fd, memoryview(head), 0)
        for part, offset in zip(parts, offsets, strict=True):
            _write(fd, part, offset)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return Shared(fd)


def _places(sizes: list[int]) -> tuple[list[int], int]:
    """Where the parts begin, and the size of all."""
    offsets = []
    at = _NUMBER.size * (1 + len(sizes))
    for size in sizes:
        at = -(-at // ALIGNMENT) * ALIGNMENT
        offsets.append(at)
        at += size
    return offsets, at


def _write(fd: int, part: memoryview, offset: int) -> None:
    while part:
        written = os.pwrite(fd, part[:WRITE_MAX], offset)
        part = part[written:]
        offset += written


def _read(fd: int) -> Any:
    # Before Linux 6.7 a sealed file may be mapped privately only; it shares its pages all the same.
    view = memoryview(mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))
    (number,) = _NUMBER.unpack_from(view)
    sizes = [_NUMBER.unpack_from(view, _NUMBER.size * (1 + n))[0] for n in range(number + 1)]
    offsets, _ = _places(sizes)
    parts = [view[o : o + n] for o, n in zip(offsets, sizes, strict=True)]
    return loads(parts[0], trust="process", buffers=parts[1:])


# By place, with the sender's path to it: a task that is given one again neither opens nor reads it.
_known: dict[tuple[int, int], tuple[Shared[Any], str]] = {}


def _inherited(passage: Passage) -> Shared[Any]:
    (fd,) = passage.redeem()
    return Shared(fd)


def _received(pid: int, number: int, place: tuple[int, int]) -> Shared[Any]:
    if place in _known:
        return _known[place][0]
    for old, (_, path) in list(_known.items()):
        if not _is_at(path, old):  # its sender has given it back
            _known.pop(old, None)
    path = f"/proc/{pid}/fd/{number}"
    try:
        received: Shared[Any] = Shared(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise _gone(pid) from error
    if received._place != place:
        raise _gone(pid)
    _known[place] = received, path
    return received


def _is_at(path: str, place: tuple[int, int]) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == place


def _gone(pid: int) -> SenderGone:
    return SenderGone(
        f"Process {pid}, which sent a Shared object, has given it back or has ended; it cannot be "
        "opened here. Keep the object that share() returned as long as tasks need it.",
        pid,
    )
