"""A list in shared memory.

One map (`interlock.SharedDict`'s) has the items, under numbers that are never used again, and the
order, under ROOT (order.py). Whoever changes the list takes a robust lock and then

    writes new items under new numbers      nobody knows them yet
    writes the order                        **this one step makes the change**
    deletes the items that went             nobody looks for them any more

(list_turn.py), so a kill at any instruction leaves the list before or after the change, and perhaps
items that are in no order: whoever takes the lock after a dead owner is told and deletes them.
Setting one item writes over it, a single step of the map.

Readers take no lock: they read the order, then the items. An item that is gone means that the order
has changed meanwhile, and they begin anew. What looks at many items takes the map's snapshot,
which is of one moment.

Sorting, reversing and slices with a step write all items anew, as one run; so does a change that
leaves more than RUNS_MAX runs. Why runs and not chunks of numbers: a list that only grows has
an order of 24 bytes, and the search in it is one bisection.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from typing import Any, SupportsIndex

from interlock.errors import SegmentCorrupted
from interlock.managers.memory.list_turn import ONE_RUN, ROOT, Turn, everything, order_of, root_of
from interlock.managers.memory.order import Order
from interlock.managers.memory.values import Map, Values, decode, put
from interlock.synchronize.rlock import RLock

__all__ = ["ListMethods", "SharedList"]

FEW = 8  # for one part in so many, items are read one by one; else the snapshot is quicker


class ListMethods:
    """The interface of a managed list, on its memory."""

    _map: Map
    _lock: RLock
    _values: Values

    # ---- to look ----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(order_of(self._map))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [decode(data) for data in self._part(index)]
        return decode(self._item(operator.index(index)))

    def __iter__(self) -> Iterator[Any]:
        """The items as they are when their turn comes, as a list's iterator has it."""
        index = 0
        while True:
            try:
                data = self._item(index)
            except IndexError:
                return
            yield decode(data)
            index += 1

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._getvalue()[::-1])

    def __contains__(self, value: object) -> bool:
        return value in self._getvalue()

    def index(self, value: Any, *bounds: SupportsIndex) -> int:
        """Where the first item that is equal to a value is.

        Args:
            value: What is looked for.
            bounds: Where to begin, and where to end, as `list.index` takes them.

        Raises:
            ValueError: There is none.
        """
        return self._getvalue().index(value, *bounds)

    def count(self, value: Any) -> int:
        """How many items are equal to a value."""
        return self._getvalue().count(value)

    def copy(self) -> list[Any]:
        """All items that there are at one moment, as a list of this process's own."""
        return self._getvalue()

    def __add__(self, other: Any) -> list[Any]:
        return self._getvalue() + (other._getvalue() if isinstance(other, ListMethods) else other)

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return self._getvalue() * times

    __rmul__ = __mul__

    def _getvalue(self) -> list[Any]:
        return [decode(data) for data in everything(self._map)]

    def _item(self, index: int) -> bytes:
        before = None
        while True:
            root = root_of(self._map)
            if len(root) == ONE_RUN.size:
                _, count, first = ONE_RUN.unpack(root)
                number = first + (index if index >= 0 else index + count)
                if not first <= number < first + count:
                    raise IndexError("list index out of range")
            else:
                order = Order.read(root)
                number = order.number_at(index if index >= 0 else index + len(order))
            data = self._map._get(number)
            if data is not None:
                return data
            if root == before:
                raise SegmentCorrupted("A managed list has lost an item: a process wrote over it.")
            before = root

    def _part(self, which: slice) -> list[bytes]:
        while True:
            order = order_of(self._map)
            indices = range(len(order))[which]
            if len(indices) * FEW > len(order):
                return everything(self._map)[which]
            found = [self._map._get(order.number_at(index)) for index in indices]
            if None not in found:
                return found  # type: ignore[return-value]

    # ---- to change --------------------------------------------------------------------------

    def append(self, value: Any) -> None:
        """Add an item at the end.

        Raises:
            SerializationError: It cannot travel.
            OutOfSharedMemory: There is no room.

        If a process dies: as in `SharedList`.
        """
        data = self._values.encode(value)
        with Turn(self._map, self._lock) as turn:
            turn.append(data)

    def extend(self, values: Iterable[Any]) -> None:
        """Add items at the end; others see all of them or none."""
        data = self._encoded(values)
        with Turn(self._map, self._lock) as turn:
            turn.splice(len(turn.order), len(turn.order), data)

    def __iadd__(self, values: Iterable[Any]) -> Any:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, times: SupportsIndex) -> Any:
        number = operator.index(times)
        with Turn(self._map, self._lock) as turn:
            size = len(turn.order)
            if number < 1:
                turn.splice(0, size, [])
            else:
                turn.splice(size, size, everything(self._map) * (number - 1))
        return self

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """Add an item before another one."""
        data = self._values.encode(value)
        with Turn(self._map, self._lock) as turn:
            at, _, _ = slice(index, None).indices(len(turn.order))
            turn.splice(at, at, [data])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._set_part(index, self._encoded(value))
            return
        data = self._values.encode(value)
        with Turn(self._map, self._lock) as turn:
            turn.write(turn.order.number_at(turn.index(index, "assignment ")), data)

    def _set_part(self, which: slice, data: list[bytes]) -> None:
        with Turn(self._map, self._lock) as turn:
            begin, end, step = which.indices(len(turn.order))
            if step == 1:
                turn.splice(begin, max(begin, end), data)
                return
            items = everything(self._map)
            items[which] = data  # raises where the lengths differ
            turn.rewrite(items)

    def __delitem__(self, index: Any) -> None:
        with Turn(self._map, self._lock) as turn:
            if not isinstance(index, slice):
                at = turn.index(index, "assignment ")
                turn.splice(at, at + 1, [])
                return
            begin, end, step = index.indices(len(turn.order))
            if step == 1:
                turn.splice(begin, max(begin, end), [])
                return
            items = everything(self._map)
            del items[index]
            turn.rewrite(items)

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Take an item out; of several that do so at once, one gets it.

        Raises:
            IndexError: There is none.

        If a process dies: as in `SharedList`.
        """
        with Turn(self._map, self._lock) as turn:
            if not len(turn.order):
                raise IndexError("pop from empty list")
            at = turn.index(index, "", "pop index out of range")
            value = decode(self._item(at))  # while it is there: a proxy in it takes its hold
            turn.splice(at, at + 1, [])
        return value

    def remove(self, value: Any) -> None:
        """Take out the first item that is equal to a value.

        Raises:
            ValueError: There is none.
        """
        with Turn(self._map, self._lock) as turn:
            before, values = root_of(self._map), self._getvalue()
            if value not in values:
                raise ValueError("list.remove(x): x not in list")
            at = values.index(value)
            turn.must_be_as_before(before)
            turn.splice(at, at + 1, [])

    def clear(self) -> None:
        """Take all items out."""
        with Turn(self._map, self._lock) as turn:
            turn.splice(0, len(turn.order), [])

    def reverse(self) -> None:
        """Turn the order around."""
        with Turn(self._map, self._lock) as turn:
            turn.rewrite(everything(self._map)[::-1])

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Put the items in order; the others wait with their changes until it is done.

        Args:
            key: What is compared instead of an item; called in this process.
            reverse: Whether the largest comes first.

        Raises:
            ValueError: The key's function has changed the list.

        If a process dies: as in `SharedList`.
        """
        with Turn(self._map, self._lock) as turn:
            before, items = root_of(self._map), everything(self._map)
            values = [decode(data) for data in items]
            compared = values if key is None else [key(value) for value in values]
            order = sorted(range(len(values)), key=compared.__getitem__, reverse=reverse)
            turn.must_be_as_before(before)
            turn.rewrite([items[index] for index in order])

    def _encoded(self, values: Iterable[Any]) -> list[bytes]:
        return [self._values.encode(value) for value in list(values)]


class SharedList(ListMethods):
    """The memory of a managed list.

    Args:
        initial: Its first items.

    Raises:
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: in the middle of a change: it was made or it was not, and nobody waits
        longer than 50 ms.
    """

    def __init__(self, initial: Iterable[Any] = ()) -> None:
        self._use(Map.new(), RLock(ctx=get_context(), on_abandon="raise"))
        put(self._map, ROOT, bytes(Order(0)), None, "list")
        self.extend(initial)

    def _use(self, its_map: Map, lock: RLock) -> None:
        self._map, self._lock, self._values = its_map, lock, Values()

    def __reduce__(self) -> tuple[Any, ...]:
        return _attached, (type(self), self._map, self._lock)

    def __repr__(self) -> str:
        return repr(self._getvalue())


def _attached(kind: type[SharedList], its_map: Map, lock: RLock) -> SharedList:
    one = kind.__new__(kind)
    one._use(its_map, lock)
    return one
