"""ctypes objects in shared memory: `multiprocessing.sharedctypes`, and sendable anywhere.

Differences: the memory has no name and no tracker, its pages are there from the start, and it
lives as long as any process has the object; an object may be sent through a queue or a pipe,
not only be passed to a process that is being started.
"""

from __future__ import annotations

import ctypes
from multiprocessing import get_context
from multiprocessing import sharedctypes as standard
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Protocol

from interlock._standard import rest_of
from interlock.shared_memory.heap import SharedBuffer
from interlock.synchronize.rlock import RLock

__all__ = [
    "Array",
    "RawArray",
    "RawValue",
    "Synchronized",
    "SynchronizedArray",
    "SynchronizedBase",
    "SynchronizedString",
    "Value",
    "copy",
    "synchronized",
]

__getattr__ = rest_of("multiprocessing.sharedctypes")

# What of the standard library's is not in its type stubs, or generic in them only.
_standard: Any = standard
_TYPES: dict[str, Any] = _standard.typecode_to_type
if TYPE_CHECKING:
    _Base = standard.SynchronizedBase[Any]
    _Synchronized = standard.Synchronized[Any]
    _SynchronizedArray = standard.SynchronizedArray[Any]
else:
    _Base = standard.SynchronizedBase
    _Synchronized = standard.Synchronized
    _SynchronizedArray = standard.SynchronizedArray


class _Context(Protocol):
    def RLock(self) -> Any:
        """A recursive lock between processes."""


def RawValue(typecode_or_type: Any, *args: Any) -> Any:
    """A ctypes object in shared memory.

    Args:
        typecode_or_type: A ctypes type, or a letter as in the array module.
        *args: For the type's constructor.

    Raises:
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: the memory stays for the others.
    """
    made = _new(_type(typecode_or_type))
    made.__init__(*args)
    return made


def RawArray(typecode_or_type: Any, size_or_initializer: Any) -> Any:
    """A ctypes array in shared memory.

    Args:
        typecode_or_type: A ctypes type, or a letter as in the array module.
        size_or_initializer: How many items, which are zero; or the items.

    Raises:
        ValueError: The number is negative.
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: the memory stays for the others.
    """
    kind = _type(typecode_or_type)
    if isinstance(size_or_initializer, int):
        if size_or_initializer < 0:
            raise ValueError(f"an array of {size_or_initializer} items; give 0 or more")
        return _new(kind * size_or_initializer)
    made = _new(kind * len(size_or_initializer))
    made.__init__(*size_or_initializer)
    return made


def Value(typecode_or_type: Any, *args: Any, lock: Any = True, ctx: _Context | None = None) -> Any:
    """A ctypes object in shared memory, with a lock.

    Args:
        typecode_or_type: A ctypes type, or a letter as in the array module.
        *args: For the type's constructor.
        lock: True for a lock of its own, a lock, or False for the object alone.
        ctx: The context that makes the lock.

    Raises:
        AttributeError: The lock is none.
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: with the lock: as in `Lock`; a change it was making may be half done.
    """
    return _with_lock(RawValue(typecode_or_type, *args), lock, ctx)


def Array(
    typecode_or_type: Any,
    size_or_initializer: Any,
    *,
    lock: Any = True,
    ctx: _Context | None = None,
) -> Any:
    """A ctypes array in shared memory, with a lock.

    Args:
        typecode_or_type: A ctypes type, or a letter as in the array module.
        size_or_initializer: How many items, which are zero; or the items.
        lock: True for a lock of its own, a lock, or False for the array alone.
        ctx: The context that makes the lock.

    Raises:
        AttributeError: The lock is none.
        ValueError: The number is negative.
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: as in `Value`.
    """
    return _with_lock(RawArray(typecode_or_type, size_or_initializer), lock, ctx)


def copy(obj: Any) -> Any:
    """A ctypes object in shared memory that is equal to another one.

    Args:
        obj: Any ctypes object.

    Raises:
        OutOfSharedMemory: The kernel has not got the pages.
    """
    made = _new(type(obj))
    ctypes.pointer(made)[0] = obj
    return made


def synchronized(obj: Any, lock: Any = None, ctx: _Context | None = None) -> Any:
    """A ctypes object with a lock around every access.

    Args:
        obj: A ctypes object, best one in shared memory.
        lock: The lock; None for a new one.
        ctx: The context that makes it.
    """
    lock = lock or _new_lock(ctx)
    if isinstance(obj, ctypes._SimpleCData):
        return Synchronized(obj, lock)
    if isinstance(obj, ctypes.Array):
        kind = SynchronizedString if obj._type_ is ctypes.c_char else SynchronizedArray
        return kind(obj, lock)
    return _structure_class(type(obj))(obj, lock)


class SynchronizedBase(_Base):
    """What all objects with a lock share; sendable to any process."""

    _obj: Any
    _lock: Any

    def __reduce__(self) -> tuple[Any, ...]:
        return synchronized, (self._obj, self._lock)


class Synchronized(SynchronizedBase, _Synchronized):
    """A number or a letter with a lock: `value`."""


class SynchronizedArray(SynchronizedBase, _SynchronizedArray):
    """An array with a lock."""


class SynchronizedString(SynchronizedArray, standard.SynchronizedString):
    """An array of characters with a lock: `value`, `raw`."""


# ---- how they are made ----------------------------------------------------------------------


def _type(typecode_or_type: Any) -> Any:
    return _TYPES.get(typecode_or_type, typecode_or_type)


def _new(kind: Any) -> Any:
    return _over(kind, SharedBuffer(ctypes.sizeof(kind)))


def _over(kind: Any, buffer: SharedBuffer) -> Any:
    ForkingPickler.register(kind, _reduce)
    made = kind.from_buffer(buffer.view())
    made._wrapper = buffer
    return made


def _reduce(obj: Any) -> tuple[Any, ...]:
    buffer = getattr(obj, "_wrapper", None)
    if buffer is None:  # an object of the type that is in no shared memory
        return obj.__reduce_ex__(2)  # type: ignore[no-any-return]
    if not isinstance(buffer, SharedBuffer):  # the standard library's
        return _standard.reduce_ctype(obj)  # type: ignore[no-any-return]
    if isinstance(obj, ctypes.Array):
        return _rebuild, (obj._type_, obj._length_, buffer)
    return _rebuild, (type(obj), None, buffer)


def _rebuild(kind: Any, length: int | None, buffer: SharedBuffer) -> Any:
    return _over(kind if length is None else kind * length, buffer)


def _with_lock(obj: Any, lock: Any, ctx: _Context | None) -> Any:
    if lock is False:
        return obj
    if lock in (True, None):
        lock = _new_lock(ctx)
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire': give a lock, True or False")
    return synchronized(obj, lock)


def _new_lock(ctx: _Context | None) -> Any:
    if ctx is not None:
        return ctx.RLock()
    return RLock(ctx=get_context())


_structures: dict[type, type[SynchronizedBase]] = {}


def _structure_class(kind: Any) -> type[SynchronizedBase]:
    known = _structures.get(kind)
    if known is None:
        fields = {field[0]: _standard.make_property(field[0]) for field in kind._fields_}
        known = type(f"Synchronized{kind.__name__}", (SynchronizedBase,), fields)
        _structures[kind] = known
    return known
