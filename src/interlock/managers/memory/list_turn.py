"""The turn of one who changes a list in shared memory; what the steps are, list.py says."""

from __future__ import annotations

import operator
from struct import Struct
from typing import Any

from interlock.errors import AbandonedLockError, SegmentCorrupted
from interlock.managers.memory.order import Order
from interlock.managers.memory.values import Map, put
from interlock.synchronize.rlock import RLock

__all__ = ["ONE_RUN", "ROOT", "Turn", "everything", "order_of", "root_of"]

ROOT = -1
RUNS_MAX = 512
ONE_RUN = Struct("=3q")  # the order of a list that has only grown: free number, length, first


class Turn:
    """The turn of one who changes a list: the lock is his, and the order stays."""

    def __init__(self, its_map: Map, lock: RLock) -> None:
        self._map, self._lock = its_map, lock
        self._has_written = False
        self._order: Order | None = None

    @property
    def order(self) -> Order:
        """The order that there is."""
        if self._order is None:
            self._order = order_of(self._map)
        return self._order

    def __enter__(self) -> Turn:
        try:
            self._lock.acquire()
        except AbandonedLockError:
            with self:  # whoever dies here leaves it to the next one
                self._collect()
            self._lock.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not None and self._has_written:
                self._collect()
        finally:
            self._lock.release()

    def index(self, given: Any, doing: str, wrong: str = "list {}index out of range") -> int:
        """An index from the left.

        Raises:
            IndexError: There is no such item.
        """
        at = operator.index(given)
        at = at if at >= 0 else at + len(self.order)
        if not 0 <= at < len(self.order):
            raise IndexError(wrong.format(doing))
        return at

    def must_be_as_before(self, root: bytes) -> None:
        """After code of the program's own: the list's order is still that of those bytes.

        Raises:
            ValueError: It has changed the list, which its thread may do.
        """
        if root_of(self._map) != root:
            raise ValueError("list modified during sort or remove")

    def write(self, number: int, data: bytes) -> None:
        """Write an item.

        Raises:
            OutOfSharedMemory: There is no room.

        If a process dies: the item was written or was not.
        """
        self._has_written = True
        put(self._map, number, data, None, "list")

    def append(self, data: bytes) -> None:
        """An item behind the last one."""
        root = root_of(self._map)
        if len(root) == ONE_RUN.size:  # what `splice` does, in a third of the time
            free, count, first = ONE_RUN.unpack(root)
            if first + count == free:
                self.write(free, data)
                self.write(ROOT, ONE_RUN.pack(free + 1, count + 1, first))
                return
        self.splice(len(self.order), len(self.order), [data])

    def splice(self, begin: int, end: int, items: list[bytes]) -> None:
        """New items in place of those from `begin` to before `end`."""
        for number, data in enumerate(items, self.order.free):
            self.write(number, data)
        gone = self.order.part(begin, end) if begin < end else []
        self._switch(self.order.spliced(begin, end, len(items)))
        for start, count in gone:
            for number in range(start, start + count):
                self._map._pop(number, None)
        if len(self.order.starts) > RUNS_MAX:
            self.rewrite(everything(self._map))

    def rewrite(self, items: list[bytes]) -> None:
        """These items, and no others."""
        self.splice(0, len(self.order), items)

    def _switch(self, order: Order) -> None:
        """The step that makes the change."""
        self.write(ROOT, bytes(order))
        self._order = order

    def _collect(self) -> None:
        """Delete what is in no order."""
        known = {ROOT, *order_of(self._map).numbers()}
        for number in self._map._snapshot(False):
            if number not in known:
                self._map._pop(number, None)


def root_of(its_map: Map) -> bytes:
    """The bytes of a list's order."""
    root = its_map._get(ROOT)
    if root is None:
        raise SegmentCorrupted("A managed list has lost its order: a process wrote over it.")
    return root


def order_of(its_map: Map) -> Order:
    """The order of a list."""
    return Order.read(root_of(its_map))


def everything(its_map: Map) -> list[bytes]:
    """The bytes of all items, at one moment."""
    found = dict(its_map._snapshot(True))
    return [found[number] for number in Order.read(found[ROOT]).numbers()]
