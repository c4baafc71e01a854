"""SharedDict: a dict in shared memory, for processes of one machine."""

from __future__ import annotations

import random
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
)
from typing import Any, TypeVar

from interlock._native import SharedMap
from interlock._passed import Passed
from interlock.errors import OutOfSharedMemory
from interlock.serialize import Limits, dumps, loads
from interlock.serialize.trust import Trust
from interlock.shared_memory.room import available_bytes
from interlock.shared_memory.snapshots import SnapshotMapping

__all__ = ["Key", "SharedDict"]

Key = str | bytes | int | tuple[Any, ...]
V = TypeVar("V")
T = TypeVar("T")

MAX_BYTES = 1 << 30
LEAST_BYTES = 1 << 16
MOST_BYTES = 1 << 40
_MISSING: Any = object()


class _Map(Passed, SharedMap):
    """From keys to bytes, in one process."""


class SharedDict(SnapshotMapping[V]):
    """A dict that processes share, with `dict`'s interface and changes that are atomic.

    Keys are in the order in which they were first stored, as in a dict, but for `pop_item`, which
    takes any. Values are copied in and out: to change one in the dict, store it again, or use
    `update_with`.
    Whoever reads waits for nobody. Whoever changes it takes a lock for as long as one change takes.

    Args:
        initial: What to begin with, as `dict` takes it.
        max_bytes: How much it may hold, in bytes, of keys and values and what goes with them; at
            least 64 KiB. When it moves on to more room, it takes as much again for a moment.
        trust: ``"process"``, or ``"registered"`` where no value may be a pickle.
        limits: Of values, where they are not trusted.

    Raises:
        ValueError: max_bytes is too small or too large, or trust is another word.
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: in the middle of a change: it was made or it was not, and nobody waits.
    """

    def __init__(
        self,
        initial: Mapping[Any, V] | Iterable[tuple[Any, V]] = (),
        /,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Limits | None = None,
    ) -> None:
        most = MAX_BYTES if max_bytes is None else max_bytes
        if not LEAST_BYTES <= most <= MOST_BYTES:
            raise ValueError(f"max_bytes is {most}; give {LEAST_BYTES:,} to {MOST_BYTES:,}")
        dumps(None, trust=trust, limits=limits)  # raises where they make no sense
        its_map = _Map(None, most)
        its_map._made()
        self._use(its_map, trust, limits)
        self.update(initial)

    def _use(self, its_map: _Map, trust: Trust, limits: Limits | None) -> None:
        self._map = its_map
        self._trust: Trust = trust
        self._limits = limits

    def __reduce__(self) -> tuple[Any, ...]:
        return _attached, (type(self), self._map, self._trust, self._limits)

    @property
    def max_bytes(self) -> int:
        """How much it may hold, in bytes."""
        return self._map._max_bytes()

    @property
    def trust(self) -> Trust:
        """What its values may be: ``"process"`` or ``"registered"``."""
        return self._trust

    # ---- one key --------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> V:
        data = self._map._get(key)
        if data is None:
            raise KeyError(key)
        return self._value(data)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or the default.

        Args:
            key: The key.
            default: What is returned where there is none.

        Raises:
            TypeError: It cannot be a key.

        If a process dies: nobody waits for it here.
        """
        data = self._map._get(key)
        return default if data is None else self._value(data)

    def __contains__(self, key: object) -> bool:
        return self._map._get(key) is not None

    def __setitem__(self, key: Any, value: V) -> None:
        self._store(key, value, None)

    def __delitem__(self, key: Any) -> None:
        if self._map._pop(key, None) is None:
            raise KeyError(key)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """Take a key out; of several that do so at once, one gets its value.

        Raises:
            KeyError: There is no such key, and no default was given.
        """
        data = self._map._pop(key, None)
        if data is not None:
            return self._value(data)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def pop_item(self) -> tuple[Any, V]:
        """Take any key out, with its value.

        Raises:
            KeyError: There is none.
        """
        taken = self._map._pop_any(random.getrandbits(32))
        if taken is None:
            raise KeyError("the dict is empty")
        key, data = taken
        return key, self._value(data)

    popitem = pop_item

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key; the default, which is stored, if there is none."""
        while True:
            data, seen = self._map._look(key)
            if data is not None:
                return self._value(data)
            if self._store(key, default, seen):
                return default

    def update_with(self, key: Any, function: Callable[[Any], T], default: Any = None) -> T:
        """Change a value by a function of what it was; no change by another comes in between.

        Args:
            key: The key.
            function: Gets the value and returns the new one. It is called again when another
                process was faster, so it should do nothing else. Nothing is locked meanwhile.
            default: What it gets where there is no such key.

        Returns:
            The new value.

        Raises:
            OutOfSharedMemory: There is no room.

        If a process dies: in the function: nothing has changed.
        """
        while True:
            data, seen = self._map._look(key)
            value = function(default if data is None else self._value(data))
            if self._store(key, value, seen):
                return value

    def compare_and_set(self, key: Any, expected: Any, value: V) -> bool:
        """Store a value if the key has the one that is expected.

        Args:
            key: The key.
            expected: What it must be equal to.
            value: The new one.

        Returns:
            Whether it was stored. False where there is no such key.

        Raises:
            OutOfSharedMemory: There is no room.
        """
        while True:
            data, seen = self._map._look(key)
            if data is None or self._value(data) != expected:
                return False
            if self._store(key, value, seen):
                return True

    # ---- all of them ------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._map._count()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._map._snapshot(False))

    def snapshot(self) -> dict[Any, V]:
        """All keys and values that there are at one moment, as a dict of this process's own."""
        return {key: self._value(data) for key, data in self._map._snapshot(True)}

    copy = snapshot

    def keys(self) -> KeysView[Any]:
        """The keys that there are at one moment."""
        return dict.fromkeys(self._map._snapshot(False)).keys()

    def clear(self) -> None:
        """Take all keys out."""
        self._map._clear()

    # ---- values -----------------------------------------------------------------------------

    def _value(self, data: bytes) -> V:
        value: V = loads(data, trust=self._trust, limits=self._limits)
        return value

    def _store(self, key: Any, value: Any, seen: tuple[int, int] | None) -> bool:
        """False: it is not as it was seen."""
        data = dumps(value, trust=self._trust, limits=self._limits)
        allowed = 0
        while (wanted := self._map._set(key, data, allowed, seen)) > 1:
            if wanted > (there := available_bytes()):
                raise OutOfSharedMemory(
                    f"The SharedDict would have to take {wanted:,} bytes, and about {there:,} are "
                    "available; nothing was stored. Free memory, or keep less in it."
                )
            allowed = wanted
        return wanted == 0


def _attached(
    kind: type[SharedDict[Any]], its_map: _Map, trust: Trust, limits: Limits | None
) -> SharedDict[Any]:
    """One that came from another process."""
    one = kind.__new__(kind)
    one._use(its_map, trust, limits)
    return one
