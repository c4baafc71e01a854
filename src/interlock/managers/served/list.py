"""A list of a server. Values are bytes, as the client encoded them.

Each item has a place, a number that is above those of the items before it, with room between
them: so a change of the list is a change of few rows of the journal. Where there is no room, all
items get new places.

The list has a version, by which a client changes what it has looked at, and nothing else.
"""

from __future__ import annotations

from typing import Any, ClassVar

from interlock.managers.served.ledger import NO_ITEM, NO_ITEMS, SET_ITEM
from interlock.managers.served.thing import Fence, House, Item, Thing
from interlock.managers.serving.session import Session

__all__ = ["ServedList"]

_GAP = 1 << 20  # between the places of neighbours
_OVERHEAD = 120  # bytes that an item takes besides its own


class ServedList(Thing):
    """Items by their index."""

    kind: ClassVar[str] = "list"

    def __init__(self, number: int, name: str, house: House, options: dict[str, Any]) -> None:
        super().__init__(number, name, house, options)
        self._items: list[Item] = []
        self._version = house.next_number()

    def load(self, items: list[Item], sessions: dict[bytes, Session]) -> None:
        """As `Thing.load`."""
        self._house.charge(sum(map(_size, items)))
        self._items = items

    # ---- reading ---------------------------------------------------------------------------------

    def count(self) -> int:
        """How many there are."""
        return len(self._items)

    def at(self, index: int) -> bytes:
        """The item there.

        Raises:
            IndexError: There is none.
        """
        return self._items[index].value

    def part(
        self, start: int | None, stop: int | None, step: int | None
    ) -> tuple[int, list[bytes]]:
        """The version, and the items of a slice."""
        return self._version, [item.value for item in self._items[start:stop:step]]

    # ---- changing --------------------------------------------------------------------------------

    def extend(self, values: list[bytes], fence: Fence | None = None) -> None:
        """Append several, in one step.

        Raises:
            LimitReached: The server has no more memory for them.
            StaleToken: The lock was given to another.

        If a process dies: the server: with a journal, what was answered is there again.
        """
        self._fenced(fence)
        self._insert(len(self._items), values)

    def insert(self, index: int, value: bytes, fence: Fence | None = None) -> None:
        """Put one before the item there."""
        self._fenced(fence)
        self._insert(slice(index, None).indices(len(self._items))[0], [value])

    def put(self, index: int, value: bytes, fence: Fence | None = None) -> None:
        """Replace the item there.

        Raises:
            IndexError: There is none.

        If a process dies: as `ServedList.extend`.
        """
        self._fenced(fence)
        old = self._items[index]
        self._house.charge(len(value) - len(old.value))
        self._items[index] = Item(old.place, value)
        self._changed()
        self._ledger.enter(SET_ITEM, (self.number, old.place, None, value, 0))

    def pop(self, index: int, fence: Fence | None = None) -> bytes:
        """Remove the item there.

        Raises:
            IndexError: There is none.
        """
        self._fenced(fence)
        value = self._items[index].value
        self._remove(index)
        return value

    def pop_if(self, version: int, index: int, fence: Fence | None = None) -> bool:
        """Remove it, if the list is the one of that version."""
        self._fenced(fence)
        if version != self._version:
            return False
        self._remove(index)
        return True

    def delete(
        self, start: int | None, stop: int | None, step: int | None, fence: Fence | None = None
    ) -> None:
        """Remove a slice."""
        self._fenced(fence)
        for index in sorted(range(*slice(start, stop, step).indices(len(self._items))))[::-1]:
            self._remove(index)

    def replace(self, version: int | None, values: list[bytes], fence: Fence | None = None) -> bool:
        """Have these items and no others, if the list is the one of that version."""
        self._fenced(fence)
        if version is not None and version != self._version:
            return False
        made = [Item(_GAP * at, value) for at, value in enumerate(values)]
        self._house.charge(sum(map(_size, made)) - sum(map(_size, self._items)))
        self._items = made
        self._rewritten()
        return True

    # ---- its own ---------------------------------------------------------------------------------

    def forget(self) -> None:
        """As `Thing.forget`."""
        self._house.charge(-sum(map(_size, self._items)))

    def sizes(self) -> dict[str, int]:
        """As `Thing.sizes`."""
        return {"items": len(self._items)}

    def _insert(self, index: int, values: list[bytes]) -> None:
        self._house.charge(sum(len(value) + _OVERHEAD for value in values))
        low = self._items[index - 1].place if index else None
        high = self._items[index].place if index < len(self._items) else None
        if high is None:
            low = -_GAP if low is None else low
            step = _GAP
        elif low is None:
            low, step = high - _GAP * (len(values) + 1), _GAP
        else:
            step = (high - low) // (len(values) + 1)
        made = [Item(low + step * (at + 1), value) for at, value in enumerate(values)]
        self._items[index:index] = made
        if step == 0:
            for at, item in enumerate(self._items):
                item.place = _GAP * at
            self._rewritten()
            return
        self._changed()
        for item in made:
            self._ledger.enter(SET_ITEM, (self.number, item.place, None, item.value, 0))

    def _remove(self, index: int) -> None:
        item = self._items.pop(index)
        self._house.charge(-_size(item))
        self._changed()
        self._ledger.enter(NO_ITEM, (self.number, item.place))

    def _changed(self) -> None:
        self._version = self._house.next_number()

    def _rewritten(self) -> None:
        self._changed()
        self._ledger.enter(NO_ITEMS, (self.number,))
        for item in self._items:
            self._ledger.enter(SET_ITEM, (self.number, item.place, None, item.value, 0))


def _size(item: Item) -> int:
    return len(item.value) + _OVERHEAD
