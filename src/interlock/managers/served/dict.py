"""A dict of a server. Keys are plain values; values are bytes, as the client encoded them.

Each entry has a version, which no other value ever has had: by that a client changes what it has
looked at, and nothing else.
"""

from __future__ import annotations

from typing import Any, ClassVar

from interlock.errors import BadArgument
from interlock.managers.served.ledger import NO_ITEM, NO_ITEMS, SET_ITEM
from interlock.managers.served.thing import Fence, House, Item, Thing
from interlock.managers.serving.session import Session
from interlock.serialize import dumps, loads

__all__ = ["Key", "ServedDict"]

Key = Any
"""str, bytes, int, float, bool, None, or a tuple of them."""

_PLAIN = (str, bytes, int, float, bool, type(None))
_OVERHEAD = 200  # bytes that an entry takes besides its own
_DEPTH_MAX = 20


class ServedDict(Thing):
    """In the order in which keys came."""

    kind: ClassVar[str] = "dict"

    def __init__(self, number: int, name: str, house: House, options: dict[str, Any]) -> None:
        super().__init__(number, name, house, options)
        self._entries: dict[Key, Item] = {}

    def load(self, items: list[Item], sessions: dict[bytes, Session]) -> None:
        """As `Thing.load`."""
        for item in items:
            self._house.charge(_size(item))
            self._entries[loads(item.key or b"")] = item

    # ---- reading ---------------------------------------------------------------------------------

    def find(self, key: Key) -> bytes | None:
        """The value, if there is one."""
        item = self._entries.get(_checked(key))
        return None if item is None else item.value

    def versioned(self, key: Key) -> tuple[int, bytes | None]:
        """The version and the value; 0 and None if there is none."""
        item = self._entries.get(_checked(key))
        return (0, None) if item is None else (item.number, item.value)

    def contains(self, key: Key) -> bool:
        """Whether there is one."""
        return _checked(key) in self._entries

    def count(self) -> int:
        """How many there are."""
        return len(self._entries)

    def keys(self) -> list[Key]:
        """All keys."""
        return list(self._entries)

    def items(self) -> list[tuple[Key, bytes]]:
        """All keys with their values."""
        return [(key, item.value) for key, item in self._entries.items()]

    # ---- changing --------------------------------------------------------------------------------

    def put(self, key: Key, value: bytes, fence: Fence | None = None) -> None:
        """Store a value.

        Raises:
            LimitReached: The server has no more memory for it.
            StaleToken: The lock was given to another.

        If a process dies: the server: with a journal, what was answered is there again.
        """
        self._fenced(fence)
        self._put(_checked(key), value)

    def put_all(self, pairs: list[tuple[Key, bytes]], fence: Fence | None = None) -> None:
        """Store several, in one step: all of them or none."""
        self._fenced(fence)
        self._put_all({_checked(key): value for key, value in pairs})

    def put_if(self, key: Key, version: int, value: bytes, fence: Fence | None = None) -> bool:
        """Store it if the present version is that; 0 if there is to be none."""
        self._fenced(fence)
        if self.versioned(key)[0] != version:
            return False
        self._put(key, value)
        return True

    def setdefault(self, key: Key, value: bytes, fence: Fence | None = None) -> bytes:
        """The value, after that one was stored if there was none."""
        self._fenced(fence)
        item = self._entries.get(_checked(key))
        if item is not None:
            return item.value
        self._put(key, value)
        return value

    def pop(self, key: Key, fence: Fence | None = None) -> bytes | None:
        """Remove a value, if there is one."""
        self._fenced(fence)
        if _checked(key) not in self._entries:
            return None
        return self._remove(key)

    def popitem(self, fence: Fence | None = None) -> tuple[Key, bytes] | None:
        """Remove the newest key, if there is one."""
        self._fenced(fence)
        if not self._entries:
            return None
        key = next(reversed(self._entries))
        return key, self._remove(key)

    def clear(self, fence: Fence | None = None) -> None:
        """Remove all."""
        self._fenced(fence)
        self.forget()
        self._entries.clear()
        self._ledger.enter(NO_ITEMS, (self.number,))

    # ---- its own ---------------------------------------------------------------------------------

    def forget(self) -> None:
        """As `Thing.forget`."""
        self._house.charge(-sum(map(_size, self._entries.values())))

    def sizes(self) -> dict[str, int]:
        """As `Thing.sizes`."""
        return {"entries": len(self._entries)}

    def _put(self, key: Key, value: bytes) -> None:
        self._put_all({key: value})

    def _put_all(self, values: dict[Key, bytes]) -> None:
        made = {key: self._made(key, value) for key, value in values.items()}
        old = [self._entries[key] for key in made if key in self._entries]
        self._house.charge(sum(map(_size, made.values())) - sum(map(_size, old)))
        self._entries.update(made)
        for item in made.values():
            self._ledger.enter(
                SET_ITEM, (self.number, item.place, item.key, item.value, item.number)
            )

    def _made(self, key: Key, value: bytes) -> Item:
        version = self._house.next_number()
        old = self._entries.get(key)
        if old is None:
            return Item(version, value, key=dumps(key), number=version)
        return Item(old.place, value, key=old.key, number=version)

    def _remove(self, key: Key) -> bytes:
        item = self._entries.pop(key)
        self._house.charge(-_size(item))
        self._ledger.enter(NO_ITEM, (self.number, item.place))
        return item.value


def _size(item: Item) -> int:
    return len(item.value) + len(item.key or b"") + _OVERHEAD


def _checked(key: Key, depth: int = 0) -> Key:
    """A key that is the same for all clients and for the journal.

    Raises:
        BadArgument: It is of another type.
    """
    if type(key) is tuple and depth < _DEPTH_MAX:
        for part in key:
            _checked(part, depth + 1)
    elif type(key) not in _PLAIN:
        raise BadArgument(
            f"A key is a str, bytes, int, float, bool, None or a tuple of them, not a "
            f"{type(key).__name__}; nothing was done.",
            "$.key",
        )
    return key
