"""Where Value and Array lie: pieces of memory that outlive whoever made them.

Small pieces share a memfd, by the standard library's own allocator; one of a page or more has a
memfd of its own, which the kernel frees with its last user. A small piece is only given to
another object when no other process can have it: when none was started, and it was sent
to none, since it was made. (The standard library gives it away all the same: the child of a
parent that keeps no reference then writes into another object's memory.)
"""

from __future__ import annotations

import mmap
import os
import weakref
from multiprocessing import heap as standard
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from interlock._handover import Passage, pack
from interlock.shared_memory import segment

__all__ = ["SharedBuffer"]

_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(before=_count_fork)

# Those of this process by their file: one that comes back, or twice, is mapped once.
_known: weakref.WeakValueDictionary[tuple[int, int], Arena] = weakref.WeakValueDictionary()


class Arena:
    """A mapped memfd.

    Args:
        size: In bytes, whole pages.
        fd: Its descriptor, for one that is there already.

    Raises:
        OutOfSharedMemory: The kernel has not got so many pages.
    """

    def __init__(self, size: int, fd: int | None = None) -> None:
        self.size = size
        self.fd = segment.create("ctypes", size) if fd is None else fd
        Finalize(self, os.close, (self.fd,))
        self.buffer = mmap.mmap(self.fd, size)
        self.is_sent = False
        _known[_file(self.fd)] = self

    def __reduce__(self) -> tuple[Any, ...]:
        self.is_sent = True
        return _attached, (self.size, pack([self.fd]))


def _file(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _attached(size: int, passage: Passage) -> Arena:
    (fd,) = passage.redeem()
    known = _known.get(_file(fd))
    if known is None:
        return Arena(size, fd)
    os.close(fd)
    return known


class _Heap(standard.Heap):
    """The standard library's allocator on our memory."""

    if TYPE_CHECKING:
        _size: int
        _arenas: list[Any]
        _DOUBLE_ARENA_SIZE_UNTIL: int

        @staticmethod
        def _roundup(n: int, alignment: int) -> int: ...

    def _new_arena(self, size: int) -> tuple[Arena, int, int]:
        length = self._roundup(max(self._size, size), mmap.PAGESIZE)
        if self._size < self._DOUBLE_ARENA_SIZE_UNTIL:
            self._size *= 2
        arena = Arena(length)
        self._arenas.append(arena)
        return arena, 0, length


_heap = _Heap()


class SharedBuffer:
    """A piece of shared memory, filled with zeros; what ctypes objects are made over.

    Args:
        size: In bytes.

    Raises:
        ValueError: The size is negative.
        OutOfSharedMemory: The kernel has not got so many pages.
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"the size of shared memory is {size}; give 0 or more bytes")
        if size >= mmap.PAGESIZE:
            self._place: tuple[Any, int, int] = (Arena(_whole_pages(size)), 0, size)
            return
        block = _heap.malloc(size)
        arena, start, _ = block
        self._place = (arena, start, size)
        self.view()[:] = bytes(size)
        Finalize(self, _give_back, (block, _forks))

    def view(self) -> memoryview:
        """The piece itself."""
        arena, start, size = self._place
        return memoryview(arena.buffer)[start : start + size]


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def _give_back(block: tuple[Any, int, int], forks: int) -> None:
    if forks == _forks and not block[0].is_sent:
        _heap.free(block)
