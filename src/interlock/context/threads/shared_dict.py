"""SharedDict between threads: changes that are atomic, the very objects as values."""

from __future__ import annotations

import threading
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, TypeVar

from interlock.context.threads.stopping import shielded
from interlock.errors import NotInContext
from interlock.serialize.trust import Trust
from interlock.shared_memory.snapshots import SnapshotMapping

__all__ = ["ThreadSharedDict"]

V = TypeVar("V")
T = TypeVar("T")
_MISSING: Any = object()
_MAX_BYTES = 1 << 30


class ThreadSharedDict(SnapshotMapping[V]):
    """`interlock.shared_memory.SharedDict` in one process: a dict with its atomic methods.

    Values are the very objects: a change of one is seen by all. ``max_bytes``, ``trust`` and
    ``limits``, which are about bytes, have no effect.

    Args:
        initial: What to begin with, as `dict` takes it.
        max_bytes: Of no effect.
        trust: Of no effect.
        limits: Of no effect.
    """

    def __init__(
        self,
        initial: Mapping[Any, V] | Iterable[tuple[Any, V]] = (),
        /,
        *,
        max_bytes: int | None = None,
        trust: Trust = "process",
        limits: Any = None,
    ) -> None:
        self.max_bytes = _MAX_BYTES if max_bytes is None else max_bytes
        self.trust: Trust = trust
        self._dict: dict[Any, V] = dict(initial)
        self._lock = threading.Lock()  # never held while other people's code runs

    # Each of these is one step of the interpreter, for keys that are compared in C.

    def __getitem__(self, key: Any) -> V:
        return self._dict[key]

    def __setitem__(self, key: Any, value: V) -> None:
        with shielded(), self._lock:
            self._dict[key] = value

    def __delitem__(self, key: Any) -> None:
        with shielded(), self._lock:
            del self._dict[key]

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __len__(self) -> int:
        return len(self._dict)

    def __iter__(self) -> Iterator[Any]:
        return iter([*self._dict])

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """As `SharedDict.pop`.

        Raises:
            KeyError: There is no such key, and no default was given.
        """
        with shielded(), self._lock:
            return self._dict.pop(key) if default is _MISSING else self._dict.pop(key, default)

    def pop_item(self) -> tuple[Any, V]:
        """As `SharedDict.pop_item`.

        Raises:
            KeyError: There is none.
        """
        with shielded(), self._lock:
            return self._dict.popitem()

    popitem = pop_item

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As `SharedDict.setdefault`."""
        with shielded(), self._lock:
            return self._dict.setdefault(key, default)

    def update_with(self, key: Any, function: Callable[[Any], T], default: Any = None) -> T:
        """Change a value by a function of what it was; no change by another comes in between.

        Args:
            key: The key.
            function: Gets the value and returns the new one, as another object. It is called
                again when another thread was faster. Nothing is locked meanwhile.
            default: What it gets where there is no such key.
        """
        while True:
            seen = self._dict.get(key, _MISSING)
            value: Any = function(default if seen is _MISSING else seen)
            if self._replaced(key, seen, value):
                made: T = value
                return made

    def compare_and_set(self, key: Any, expected: Any, value: V) -> bool:
        """As `SharedDict.compare_and_set`."""
        while True:
            seen = self._dict.get(key, _MISSING)
            if seen is _MISSING or seen != expected:
                return False
            if self._replaced(key, seen, value):
                return True

    def _replaced(self, key: Any, seen: Any, value: Any) -> bool:
        """False: it is not as it was seen."""
        with shielded(), self._lock:
            if self._dict.get(key, _MISSING) is not seen:
                return False
            self._dict[key] = value
            return True

    def snapshot(self) -> dict[Any, V]:
        """All keys and values that there are at one moment, as a dict of the caller's own."""
        return self._dict.copy()

    copy = snapshot

    def clear(self) -> None:
        """Take all keys out."""
        with shielded(), self._lock:
            self._dict.clear()

    def __reduce__(self) -> Any:
        raise NotInContext(
            "The context 'thread' has no dicts that can be sent: they are of this process alone. "
            "Send snapshot(), or use interlock.SharedDict.",
            "thread", "SharedDict.__reduce__", "snapshot()",
        )  # fmt: skip
