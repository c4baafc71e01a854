"""SharedMemory: a piece of memory with a name."""

from __future__ import annotations

import mmap
import os
import sys
import threading
from multiprocessing import context
from multiprocessing import shared_memory as standard
from typing import Any

from interlock._handover import Passage, pack
from interlock.errors import SegmentExists, SegmentNotFound
from interlock.shared_memory import chosen, names, segment

__all__ = ["SharedMemory"]

_O_CREX = os.O_CREAT | os.O_EXCL

# Memory with a generated name that this process made or opened: it is found here by others until
# it is unlinked or this process ends, as in the standard library, though it was closed.
_mine: dict[str, int] = {}
_guard = threading.Lock()
os.register_at_fork(after_in_child=lambda: _guard._at_fork_reinit())  # type: ignore[attr-defined]


class SharedMemory(standard.SharedMemory):
    """Memory that processes share, with `multiprocessing.shared_memory.SharedMemory`'s interface.

    No resource tracker: a generated name is found while any process lives that made or opened the
    memory, and is gone with the last of them. A chosen name is a file in /dev/shm, as shm_open(3)
    makes it: it stays until it is unlinked, or until all processes have ended that used it.

    Args:
        name: The name, without a slash; None to have one generated, with create.
        create: Make new memory.
        size: How many bytes, with create. Their pages are taken at once.
        track: For the standard library's interface; there is nothing to be tracked.

    Raises:
        ValueError: The size is not positive, or the name is none.
        SegmentExists: With create: there is memory of that name.
        SegmentNotFound: Without: there is none.
        OutOfSharedMemory: The kernel has not got so many pages.

    If a process dies: nothing is unlinked under those that live. What only the dead had is free
        again at once if its name was generated, or else when the next process makes or
        opens memory by a chosen name.
    """

    _flags = os.O_RDWR
    _mode = 0o600

    def __init__(
        self, name: str | None = None, create: bool = False, size: int = 0, *, track: bool = True
    ) -> None:
        if size < 0:
            raise ValueError(f"'size' must be a positive integer, not {size}")
        if create:
            self._flags = _O_CREX | os.O_RDWR
            if size == 0:
                raise ValueError("'size' must be a positive number different from zero")
        if name is None and not self._flags & os.O_EXCL:
            raise ValueError("'name' can only be None if create=True")
        self._generated = name is None
        if name is None:
            name, self._fd = _generated(size)
        else:
            name = name.removeprefix("/")
            self._fd = self._open_or_make(name, size)
        self._map(name)

    def _map(self, name: str) -> None:
        self._name = f"/{name}"
        try:
            self._size = os.fstat(self._fd).st_size
            self._mmap = mmap.mmap(self._fd, self._size)
        except (OSError, ValueError):
            os.close(self._fd)
            self._fd = -1
            raise
        self._buf = memoryview(self._mmap)
        if self._generated:
            _keep(name, self._fd)

    def _open_or_make(self, name: str, size: int) -> int:
        if self._flags & os.O_EXCL:
            if _is_generated(name):
                raise SegmentExists(f"There is shared memory {name!r} already.")
            return chosen.create(name, size, self._mode)
        try:
            return self._open(name)
        except SegmentNotFound:
            if not self._flags & os.O_CREAT:
                raise
            return chosen.create(name, size, self._mode)

    def _open(self, name: str) -> int:
        try:
            return chosen.find(name)
        except SegmentNotFound:
            fd = _mine_by(name)
            if fd is None:
                fd = names.find(name)
            self._generated = True
            return fd

    @property
    def buf(self) -> memoryview:
        """The memory itself; None after `close`."""
        return self._buf

    def close(self) -> None:
        """Give this object's hold on the memory up; it is there for others.

        Raises:
            BufferError: Something still looks into the memory, such as an array over `buf`.
        """
        super().close()

    def unlink(self) -> None:
        """Take the name away: nobody finds the memory by it, and whoever has it keeps it.

        To be called once, by anybody.

        Raises:
            SegmentNotFound: It was unlinked before.
        """
        name = self.name
        if self._generated:
            _unlink_generated(name)
        else:
            chosen.unlink(name)

    def __reduce__(self) -> tuple[Any, ...]:
        # A child that is being started has it even if its name is gone until then.
        if self._fd >= 0 and context.get_spawning_popen() is not None:
            shape = (self.name, self._generated, pack([self._fd]))
            return _attached, (type(self), *shape)
        return type(self), (self.name, False, self.size)


def _attached(
    kind: type[SharedMemory], name: str, generated: bool, passage: Passage
) -> SharedMemory:
    """One that came to a child with its start."""
    one = kind.__new__(kind)
    (one._fd,) = passage.redeem()
    one._generated = generated
    if not generated:
        chosen.join(name, one._fd)
    one._map(name)
    return one


# ---- generated names --------------------------------------------------------------------------


def _generated(size: int) -> tuple[str, int]:
    while True:
        # By the standard library's name for it: programs put another one in its place.
        name = sys.modules[__package__]._make_filename().removeprefix("/")
        if not _is_generated(name):
            return name, segment.create(name, size)


def _is_generated(name: str) -> bool:
    """Whether this process has such a one."""
    with _guard:
        return name in _mine


def _mine_by(name: str) -> int | None:
    """A descriptor of its own of memory that this process has."""
    with _guard:
        fd = _mine.get(name)
        return None if fd is None or segment.is_unlinked(fd) else os.dup(fd)


def _keep(name: str, fd: int) -> None:
    kept = segment.with_room(lambda: os.dup(fd))
    with _guard:
        gone = [at for at, its in _mine.items() if segment.is_unlinked(its)]
        closed = [_mine.pop(at) for at in gone]
        if _mine.setdefault(name, kept) != kept:
            closed.append(kept)
    for each in closed:
        os.close(each)


def _unlink_generated(name: str) -> None:
    with _guard:
        kept = _mine.pop(name, None)
    if kept is None:
        raise SegmentNotFound(f"No shared memory {name!r}: it was unlinked before.")
    try:
        if segment.is_unlinked(kept):
            raise SegmentNotFound(f"No shared memory {name!r}: it was unlinked before.")
        segment.mark_unlinked(kept)
    finally:
        os.close(kept)
