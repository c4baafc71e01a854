"""Value and Array on a board: its bytes are there, and what they mean is known here alone."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from multiprocessing import sharedctypes
from typing import Any

from interlock.context.far.handle import Handle
from interlock.context.far.line import Line
from interlock.context.far.locks import FarLock, FarRLock
from interlock.errors import NotInContext

__all__ = ["FarArray", "FarString", "FarValue", "far_array", "far_value"]

_TYPES: dict[str, Any] = sharedctypes.typecode_to_type  # type: ignore[attr-defined]
_ADDRESSES = "OPZz"  # the codes of simple types that mean something in one process only


class _Synchronized(Handle):
    """Items of one type of ctypes; each access is one call, and goes by the lock if there is one.

    Args:
        line: To the board that keeps them.
        kind: Their type.
        data: What they are at first.
        lock: As `multiprocessing.Value` has it.
    """

    _kind = "cell"

    def __init__(self, line: Line, kind: Any, data: bytes, lock: Any) -> None:
        self._item, self._size = kind, len(data) // max(1, ctypes.sizeof(kind))
        self._lock = _lock(line, lock)
        super().__init__(line, data, None if self._lock is None else self._lock._name)

    def _state(self) -> dict[str, Any]:
        return {"_item": self._item, "_size": self._size, "_lock": self._lock}

    def get_lock(self) -> Any:
        """The lock by which each access goes.

        Raises:
            AttributeError: It was made with lock=False.
        """
        if self._lock is None:
            raise AttributeError("it was made with lock=False, and has no lock")
        return self._lock

    def get_obj(self) -> Any:
        """Raise: there is no object of ctypes here.

        Raises:
            NotInContext: Always.
        """
        raise NotInContext(
            f"A {type(self).__name__} is not in this process: there is no object of ctypes here. "
            "Read and write it as it is, by its value or its items.",
            "a cluster",
            "get_obj",
            "its value or its items",
        )

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

    def _read(self, begin: int, end: int) -> Any:
        """A ctypes array like these items."""
        size = ctypes.sizeof(self._item)
        data = self._wait_for("read", begin * size, end * size)
        return (self._item * (end - begin)).from_buffer_copy(data)

    def _write(self, places: Any, values: list[Any]) -> None:
        size = ctypes.sizeof(self._item)
        parts = [
            (place * size, bytes((self._item * 1)(value)))
            for place, value in zip(places, values, strict=True)
        ]
        self._wait_for("write", parts)


class FarValue(_Synchronized):
    """A number or letter with a lock: `value`; of a structure, its fields.

    ``value.value += 1`` is two accesses: do it within ``with value.get_lock():``.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _fields(vars(self).get("_item")):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}", name=name)
        (whole,) = self._read(0, 1)
        return getattr(whole, name) if _is_structure(self._item) else whole

    def __setattr__(self, name: str, value: Any) -> None:
        kind = vars(self).get("_item")
        if name not in _fields(kind):
            super().__setattr__(name, value)
        elif not _is_structure(kind):
            self._write([0], [value])
        else:
            made, field = self._item(), getattr(kind, name)
            setattr(made, name, value)
            part = bytes(made)[field.offset : field.offset + field.size]
            self._wait_for("write", [(field.offset, part)])


class FarArray(_Synchronized):
    """An array with a lock; an access to an item or a slice is one call."""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return self._read(0, self._size)[place]
        at = range(self._size)[place]
        return self._read(at, at + 1)[0]

    def __setitem__(self, place: Any, value: Any) -> None:
        if not isinstance(place, slice):
            self._write([range(self._size)[place]], [value])
            return
        places, values = range(self._size)[place], list(value)
        if len(places) != len(values):
            raise ValueError("Can only assign sequence of same size")
        self._write(places, values)

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
        found: bytes = self._read(0, self._size).value
        return found

    @value.setter
    def value(self, value: bytes) -> None:
        (ctypes.c_char * self._size)().value = value  # what that raises, it raises here
        self._wait_for("write", [(0, (value + b"\0")[: self._size])])

    @property
    def raw(self) -> bytes:
        """All of it."""
        found: bytes = self._read(0, self._size).raw
        return found

    @raw.setter
    def raw(self, value: bytes) -> None:
        (ctypes.c_char * self._size)().raw = value
        self._wait_for("write", [(0, bytes(value))])


def far_value(line: Line, typecode_or_type: Any, args: tuple[Any, ...], lock: Any) -> FarValue:
    """As `multiprocessing.Value`, on a board.

    Raises:
        TypeError: The arguments do not fit the type, or it has addresses or bit fields in it.
        ServerGone: The board is gone.
    """
    kind = _checked(_TYPES.get(typecode_or_type, typecode_or_type))
    return FarValue(line, kind, bytes(kind(*args)), lock)


def far_array(line: Line, typecode_or_type: Any, size_or_initializer: Any, lock: Any) -> FarArray:
    """As `multiprocessing.Array`, on a board.

    Raises:
        ValueError: The number is negative.
        TypeError: The items do not fit the type, or it has addresses or bit fields in it.
        ServerGone: The board is gone.
    """
    kind = _checked(_TYPES.get(typecode_or_type, typecode_or_type))
    if isinstance(size_or_initializer, int):
        if size_or_initializer < 0:
            raise ValueError(f"an array of {size_or_initializer} items; give 0 or more")
        data = bytes(size_or_initializer * ctypes.sizeof(kind))
    else:
        items = tuple(size_or_initializer)
        data = bytes((kind * len(items))(*items))
    which = FarString if kind is ctypes.c_char else FarArray
    return which(line, kind, data, lock)


def _checked(kind: Any) -> Any:
    """The type, if its bytes mean the same in each process."""
    found: Any = kind
    if isinstance(kind, type) and issubclass(kind, ctypes.Array):
        return _checked(kind._type_) and kind
    if not (isinstance(kind, type) and issubclass(kind, (ctypes._SimpleCData, ctypes.Structure))):
        raise TypeError(
            f"{kind!r} is no simple type of ctypes and no structure; on a cluster give 'i', 'd', "
            "'c' and the like, or a Structure of those."
        )
    if _is_structure(kind):
        for name, field, *bits in found._fields_:
            if bits:
                raise TypeError(f"{found.__name__}.{name} is a bit field; give it a byte or more")
            _checked(field)
    elif found._type_ in _ADDRESSES:
        raise TypeError(f"{found.__name__} is an address, which means nothing in another process")
    return found


def _is_structure(kind: Any) -> bool:
    return issubclass(kind, ctypes.Structure)


def _fields(kind: Any) -> frozenset[str]:
    """By which a value of this type is read and written."""
    if kind is None:
        return frozenset()
    return frozenset(each[0] for each in kind._fields_) if _is_structure(kind) else _VALUE


_VALUE = frozenset({"value"})


def _lock(line: Line, lock: Any) -> Any:
    if lock is False:
        return None
    if lock in (True, None):
        return FarRLock(line)
    if not isinstance(lock, FarLock):
        raise AttributeError(f"{lock!r} is no lock of this context: give one, True or False")
    return lock
