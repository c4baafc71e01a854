"""What else a manager shares in shared memory: values, arrays, namespaces.

Queues, locks and what goes with them are Interlock's own, as they are.
"""

from __future__ import annotations

import array
import mmap
from collections.abc import Iterable
from multiprocessing import managers as standard
from typing import Any

from interlock.managers.memory.values import Map, Values, decode, put
from interlock.shared_memory.heap import SharedBuffer

__all__ = [
    "ArrayMethods", "NamespaceMethods", "SharedArrayOfNumbers", "SharedNamespace", "SharedValue",
    "ValueMethods",
]  # fmt: skip


class _OnMap:
    """An object whose memory is one map."""

    _map: Map
    _values: Values

    def _use(self, its_map: Map) -> None:
        object.__setattr__(self, "_map", its_map)
        object.__setattr__(self, "_values", Values())

    def __reduce__(self) -> tuple[Any, ...]:
        return _on_map, (type(self), self._map)


def _on_map(kind: type[_OnMap], its_map: Map) -> _OnMap:
    one = kind.__new__(kind)
    one._use(its_map)
    return one


class ValueMethods:
    """One value: `get`, `set` and `value`."""

    _map: Map
    _values: Values

    def get(self) -> Any:
        """The value.

        Raises:
            DecodeError: A process wrote over it.

        If a process dies: nobody waits for it here.
        """
        data = self._map._get("value")
        return None if data is None else decode(data)

    def set(self, value: Any) -> None:
        """Put another one in its place."""
        put(self._map, "value", self._values.encode(value), None, "Value")

    value = property(get, set)

    def _getvalue(self) -> Any:
        typecode = self._map._get("typecode")
        made: Any = standard
        return made.Value(None if typecode is None else decode(typecode), self.get())


class SharedValue(ValueMethods, _OnMap):
    """The memory of a managed Value.

    Args:
        typecode: Kept for its looks, as in the standard library.
        value: Any that can travel.
        lock: Ignored, as there.
    """

    def __init__(self, typecode: Any, value: Any, lock: Any = True) -> None:
        self._use(Map.new())
        put(self._map, "typecode", self._values.encode(typecode), None, "Value")
        self.set(value)

    def __repr__(self) -> str:
        return repr(self._getvalue())


class NamespaceMethods:
    """Attributes, one by one."""

    _map: Map
    _values: Values

    def _read(self, name: str) -> Any:
        data = self._map._get(name)
        if data is None:
            raise AttributeError(f"'Namespace' object has no attribute {name!r}")
        return decode(data)

    def _write(self, name: str, value: Any) -> None:
        put(self._map, name, self._values.encode(value), None, "Namespace")

    def _remove(self, name: str) -> None:
        if self._map._pop(name, None) is None:
            raise AttributeError(f"'Namespace' object has no attribute {name!r}")

    def _everything(self) -> dict[str, Any]:
        return {name: decode(data) for name, data in self._map._snapshot(True)}


class SharedNamespace(NamespaceMethods, _OnMap):
    """The memory of a managed Namespace.

    Args:
        attributes: What it has at first.
    """

    def __init__(self, /, **attributes: Any) -> None:
        self._use(Map.new())
        for name, value in attributes.items():
            self._write(name, value)

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name.startswith("_") else self._read(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._write(name, value)

    def __delattr__(self, name: str) -> None:
        self._remove(name)

    def __repr__(self) -> str:
        shown = sorted(
            f"{name}={value!r}"
            for name, value in self._everything().items()
            if not name.startswith("_")
        )
        return f"Namespace({', '.join(shown)})"


class ArrayMethods:
    """Numbers of one type: as many as at first."""

    _typecode: str
    _buffer: SharedBuffer
    _size: int

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return array.array(self._typecode, self._view()[index].tobytes())
        return self._view()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            if not isinstance(value, array.array) or value.typecode != self._typecode:
                raise TypeError(f"give an array of type {self._typecode!r} for a slice")
            self._view()[index] = memoryview(value)
            return
        self._view()[index] = value

    def _getvalue(self) -> array.array[Any]:
        return array.array(self._typecode, self._view().tobytes())

    def _view(self) -> memoryview[Any]:
        itemsize = array.array(self._typecode).itemsize
        return self._buffer.view()[: self._size * itemsize].cast(self._typecode)  # type: ignore[call-overload,no-any-return]


class SharedArrayOfNumbers(ArrayMethods):
    """The memory of a managed Array.

    Args:
        typecode: As the array module has it.
        sequence: Its numbers.
        lock: Ignored, as in the standard library.
    """

    def __init__(self, typecode: str, sequence: Iterable[Any], lock: Any = True) -> None:
        numbers = array.array(typecode, sequence)
        size = len(numbers) * numbers.itemsize
        buffer = SharedBuffer(max(size, mmap.PAGESIZE))  # of its own: it has a hold
        buffer.view()[:size] = numbers.tobytes()
        self._use(typecode, buffer, len(numbers))

    def _use(self, typecode: str, buffer: SharedBuffer, size: int) -> None:
        self._typecode, self._buffer, self._size = typecode, buffer, size

    def __reduce__(self) -> tuple[Any, ...]:
        return _array, (type(self), self._typecode, self._buffer, self._size)

    def __repr__(self) -> str:
        return repr(self._getvalue())


def _array(
    kind: type[SharedArrayOfNumbers], typecode: str, buffer: SharedBuffer, size: int
) -> SharedArrayOfNumbers:
    one = kind.__new__(kind)
    one._use(typecode, buffer, size)
    return one
