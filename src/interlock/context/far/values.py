"""Value and Array on a board: a ctypes object there, each access of which is one call."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from multiprocessing import sharedctypes
from typing import Any

from interlock.context.far.handle import Handle
from interlock.context.far.line import Line
from interlock.context.far.locks import FarLock, FarRLock

__all__ = ["FarArray", "FarString", "FarValue", "far_array", "far_value"]

_TYPES: dict[str, Any] = sharedctypes.typecode_to_type  # type: ignore[attr-defined]


class Cell:
    """A ctypes object, as the board keeps it."""

    def __init__(self, kind: Any, length: int | None, args: tuple[Any, ...]) -> None:
        self._made = kind(*args) if length is None else (kind * length)(*args)

    def look(self, name: str) -> Any:
        """An attribute: value, raw, or a field of a structure."""
        return getattr(self._made, name)

    def set(self, name: str, value: Any) -> None:
        """Set it."""
        setattr(self._made, name, value)

    def item(self, place: Any) -> Any:
        """An item, or a slice of them."""
        return self._made[place]

    def set_item(self, place: Any, value: Any) -> None:
        """Set it."""
        self._made[place] = value


class Kept(Handle):
    """An object on a board, by whose lock each access goes, if it has one."""

    _kind = "kept"
    _lock: Any

    def __init__(self, line: Line, lock: Any, *made: Any) -> None:
        self._lock = lock
        super().__init__(line, line.pack(made), None if lock is None else lock._name)

    def _state(self) -> dict[str, Any]:
        return {"_lock": self._lock}

    def _do(self, method: str, *args: Any, **kwargs: Any) -> Any:
        line = self._line
        return line.unpack(self._ask("call", method, line.pack((args, kwargs)), timeout_s=None))


class _Synchronized(Kept):
    def get_lock(self) -> Any:
        """The lock by which each access goes.

        Raises:
            AttributeError: It was made with lock=False.
        """
        if self._lock is None:
            raise AttributeError("it was made with lock=False, and has no lock")
        return self._lock

    def __enter__(self) -> Any:
        return self.get_lock().__enter__()

    def __exit__(self, *what: Any) -> None:
        self.get_lock().__exit__(*what)

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `get_lock().acquire`.

        Raises:
            ServerGone: As there.

        If a process dies: As there.
        """
        return bool(self.get_lock().acquire(block, timeout))

    def release(self) -> None:
        """As `get_lock().release`.

        Raises:
            LockNotOwned: As there.

        If a process dies: As there.
        """
        self.get_lock().release()


class FarValue(_Synchronized):
    """A number or letter with a lock: `value`; of a structure, its fields.

    ``value.value += 1`` is two accesses: do it within ``with value.get_lock():``.
    """

    _fields: frozenset[str] = frozenset({"value"})

    def __getattr__(self, name: str) -> Any:
        if name in self._fields:
            return self._do("look", name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fields:
            self._do("set", name, value)
        else:
            super().__setattr__(name, value)

    def _state(self) -> dict[str, Any]:
        return {"_lock": self._lock, "_fields": self._fields}


class FarArray(_Synchronized):
    """An array with a lock; an access to an item or a slice is one call."""

    _length = 0

    def _state(self) -> dict[str, Any]:
        return {"_lock": self._lock, "_length": self._length}

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: Any) -> Any:
        return self._do("item", place)

    def __setitem__(self, place: Any, value: Any) -> None:
        self._do("set_item", place, value)

    def __getslice__(self, start: int, stop: int) -> Any:
        """The items from start to stop, as the standard library's arrays have it."""
        return self[start:stop]

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])


class FarString(FarArray):
    """An array of characters with a lock: `value`, `raw`."""

    @property
    def value(self) -> bytes:
        """What is before the first zero."""
        found: bytes = self._do("look", "value")
        return found

    @value.setter
    def value(self, value: bytes) -> None:
        self._do("set", "value", value)

    @property
    def raw(self) -> bytes:
        """All of it."""
        found: bytes = self._do("look", "raw")
        return found

    @raw.setter
    def raw(self, value: bytes) -> None:
        self._do("set", "raw", value)


def far_value(line: Line, typecode_or_type: Any, args: tuple[Any, ...], lock: Any) -> FarValue:
    """As `multiprocessing.Value`, on a board.

    Raises:
        TypeError: The arguments do not fit the type.
        ServerGone: The board is gone.
    """
    kind = _TYPES.get(typecode_or_type, typecode_or_type)
    kind(*args)  # what it raises, it raises here
    made = FarValue(line, _lock(line, lock), Cell, kind, None, args)
    fields = getattr(kind, "_fields_", None)
    if fields is not None:
        made.__dict__["_fields"] = frozenset(field[0] for field in fields)
    return made


def far_array(line: Line, typecode_or_type: Any, size_or_initializer: Any, lock: Any) -> FarArray:
    """As `multiprocessing.Array`, on a board.

    Raises:
        ValueError: The number is negative.
        TypeError: The items do not fit the type.
        ServerGone: The board is gone.
    """
    kind = _TYPES.get(typecode_or_type, typecode_or_type)
    items: tuple[Any, ...] = ()
    if isinstance(size_or_initializer, int):
        length = size_or_initializer
        if length < 0:
            raise ValueError(f"an array of {length} items; give 0 or more")
    else:
        items = tuple(size_or_initializer)
        length = len(items)
        (kind * length)(*items)
    which = FarString if kind is ctypes.c_char else FarArray
    made = which(line, _lock(line, lock), Cell, kind, length, items)
    made._length = length
    return made


def _lock(line: Line, lock: Any) -> Any:
    if lock is False:
        return None
    if lock in (True, None):
        return FarRLock(line)
    if not isinstance(lock, FarLock):
        raise AttributeError(f"{lock!r} is no lock of this context: give one, True or False")
    return lock
