"""Value and Array of a cluster: a few plain numbers that all see, a call to the scheduler each."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from multiprocessing.sharedctypes import typecode_to_type  # type: ignore[attr-defined]
from typing import Any

from interlock.context.dask.link import Link
from interlock.context.dask.things.base import DaskThing
from interlock.context.dask.things.locks import DaskLock, DaskRLock
from interlock.errors import LockNotHeld, NotInContext

__all__ = ["DaskArray", "DaskValue"]


class _Cells(DaskThing):
    """Values of one simple type of ctypes, side by side."""

    def __init__(self, link: Link, kind: Any, data: bytes, lock: Any) -> None:
        super().__init__(link, link.make("cell", data))
        self._kind = kind
        if lock in (True, None):
            lock = DaskRLock(link)
        elif lock is not False and not isinstance(lock, DaskLock):
            raise TypeError(f"lock is {lock!r}; give True, False, or a Lock of this context")
        self._lock = lock

    def get_lock(self) -> DaskLock:
        """The lock that goes with it, to change it by what it was."""
        if self._lock is False:
            raise LockNotHeld(f"{self!r} was made with lock=False")
        lock: DaskLock = self._lock
        return lock

    def get_obj(self) -> Any:
        """Raise: there is no object of ctypes here.

        Raises:
            NotInContext: Always.
        """
        raise NotInContext(
            f"A {type(self).__name__} lies in Dask's scheduler: there is no object of ctypes here. "
            "Read and write it as it is, by its value or its items.",
            "dask",
            "get_obj",
            "its value or its items",
        )

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `DaskAcquired.acquire` of its lock."""
        return self.get_lock().acquire(block, timeout)

    def release(self) -> None:
        """As `DaskLock.release` of its lock."""
        self.get_lock().release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _read(self, begin: int, end: int) -> list[Any]:
        size = ctypes.sizeof(self._kind)
        data = self._call("read", begin * size, end * size)[1]
        return list((self._kind * (end - begin)).from_buffer_copy(data))

    def _write(self, begin: int, values: list[Any]) -> None:
        data = bytes((self._kind * len(values))(*values))
        self._call("write", begin * ctypes.sizeof(self._kind), data)


def _simple(typecode_or_type: Any) -> Any:
    kind = typecode_to_type.get(typecode_or_type, typecode_or_type)
    if not (isinstance(kind, type) and issubclass(kind, ctypes._SimpleCData)):
        raise TypeError(
            f"{typecode_or_type!r} is no simple type of ctypes; on a cluster give 'i', 'd', 'c' ..."
        )
    return kind


class DaskValue(_Cells):
    """A number that all on the cluster see; ``multiprocessing.Value``'s interface.

    Args:
        link: To the cluster.
        typecode_or_type: A simple type of ctypes.
        value: At first.
        lock: True for a new recursive one, False for none, or one of this context.

    If a process dies: Each change is made whole or not at all; the lock: as `DaskLock`.
    """

    def __init__(self, link: Link, typecode_or_type: Any, value: Any = 0, lock: Any = True) -> None:
        kind = _simple(typecode_or_type)
        super().__init__(link, kind, bytes(kind(value)), lock)

    @property
    def value(self) -> Any:
        """What it is at this moment."""
        return self._read(0, 1)[0]

    @value.setter
    def value(self, value: Any) -> None:
        self._write(0, [value])


class DaskArray(_Cells):
    """Numbers that all on the cluster see; ``multiprocessing.Array``'s interface.

    Args:
        link: To the cluster.
        typecode_or_type: A simple type of ctypes.
        size_or_initializer: How many, or what they are at first.
        lock: As `DaskValue`.

    If a process dies: As `DaskValue`.
    """

    def __init__(
        self, link: Link, typecode_or_type: Any, size_or_initializer: Any, lock: Any = True
    ) -> None:
        kind = _simple(typecode_or_type)
        if isinstance(size_or_initializer, int):
            self._size = size_or_initializer
            data = bytes(self._size * ctypes.sizeof(kind))
        else:
            values = list(size_or_initializer)
            self._size = len(values)
            data = bytes((kind * self._size)(*values))
        super().__init__(link, kind, data, lock)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            values = self._read(0, self._size)[place]
            return b"".join(values) if self._kind is ctypes.c_char else values
        at = range(self._size)[place]
        return self._read(at, at + 1)[0]

    def __setitem__(self, place: int | slice, value: Any) -> None:
        if not isinstance(place, slice):
            self._write(range(self._size)[place], [value])
            return
        places = range(self._size)[place]
        values = list(value)
        if len(values) != len(places):
            raise ValueError("Can only assign sequence of same size")
        if places.step == 1:
            self._write(places.start, values)
        else:
            for at, each in zip(places, values, strict=True):
                self._write(at, [each])
