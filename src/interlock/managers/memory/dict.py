"""A dict in shared memory: `dict`'s interface on the map of `interlock.SharedDict`.

Each call is one step of the map: whoever reads waits for nobody, and a kill at any instruction
leaves the dict before or after the change. The map keeps keys in the order in which they were put
first, as `dict` does. Which keys it takes, and what becomes of others: sound_keys.py.

A record is the bytes of a value, or, for a key that is not as the map has it, KEYED and the bytes
of the pair; or, in a bucket, BUCKET and the bytes of a list of pairs. ODD is there, put before the
first of either; while it is not, the map's keys are the dict's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from interlock.managers.memory.sound_keys import EXACT, MARK, bucket_of, is_exact, standing_for
from interlock.managers.memory.values import PLAIN, Map, Values, decode, put
from interlock.serialize import dumps, loads

__all__ = ["DictMethods", "SharedMapping"]

_NATIVE = 1
KEYED, BUCKET = b"\xf0", b"\xf1"
ODD = (MARK, "odd")
_MISSING: Any = object()


class DictMethods:
    """The interface of a managed dict, on its memory."""

    _map: Map
    _values: Values

    # ---- one key ----------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if type(key) in EXACT:  # the quick way, as of most calls
            data = self._map._get(key)
            if data is None:
                raise KeyError(key)
            if data[0] == _NATIVE:
                return loads(data, trust="process")
        value = self._look(key)[0]
        if value is _MISSING:
            raise KeyError(key)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or the default.

        Raises:
            TypeError: It cannot be a key.

        If a process dies: nobody waits for it here.
        """
        if type(key) in EXACT:
            data = self._map._get(key)
            if data is None:
                return default
            if data[0] == _NATIVE:
                return loads(data, trust="process")
        value = self._look(key)[0]
        return default if value is _MISSING else value

    def __contains__(self, key: object) -> bool:
        return self._look(key)[0] is not _MISSING

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) in EXACT or is_exact(key):
            plain = type(value) in PLAIN
            data = dumps(value, trust="process") if plain else self._values.encode(value)
            if self._map._set(key, data, 0, None):
                put(self._map, key, data, None, "dict")  # it wants more room
        else:
            while not self._change(key, self._look(key), value):
                pass

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """Take a key out; of several that do so at once, one gets its value.

        Raises:
            KeyError: There is no such key, and no default was given.
        """
        while True:
            seen = self._look(key)
            if seen[0] is _MISSING:
                if default is _MISSING:
                    raise KeyError(key)
                return default
            if self._change(key, seen, _MISSING):
                return seen[0]

    def popitem(self) -> tuple[Any, Any]:
        """Take the key out that was put last, with its value.

        Raises:
            KeyError: There is none.
        """
        while True:
            last = self._map._last()
            if last is not None and last[0] != ODD and last[1][:1] not in (KEYED, BUCKET):
                value = decode(last[1])  # while it is there: a proxy in it takes its hold
                if self._map._pop(last[0], last[2]) is not None:
                    return last[0], value
                continue
            pairs = self._pairs() if last is not None else []
            if not pairs:
                raise KeyError("popitem(): dictionary is empty")
            key = pairs[-1][0]
            seen = self._look(key)
            if seen[0] is not _MISSING and self._change(key, seen, _MISSING):
                return key, seen[0]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key; the default, which is stored, if there is none."""
        while True:
            seen = self._look(key)
            if seen[0] is not _MISSING:
                return seen[0]
            if self._change(key, seen, default):
                return default

    # ---- all of them ------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._map._count() if self._map._get(ODD) is None else len(self.keys())

    def __iter__(self) -> Iterator[Any]:
        return self._each(self.keys())

    def _each(self, keys: list[Any]) -> Iterator[Any]:
        """The keys, as long as there are so many, as a dict's iterator has it."""
        for key in (*keys, _MISSING):
            if len(self) != len(keys):
                raise RuntimeError("dictionary changed size during iteration")
            if key is not _MISSING:
                yield key

    def __reversed__(self) -> Iterator[Any]:
        return self._each(self.keys()[::-1])

    def keys(self) -> list[Any]:
        """The keys that there are at one moment, those first that were put first."""
        if self._map._get(ODD) is None:
            keys = self._map._snapshot(False)
            if ODD not in keys:
                return keys
        return [key for key, _ in self._pairs()]

    def values(self) -> list[Any]:
        """The values that there are at one moment."""
        return [value for _, value in self._pairs()]

    def items(self) -> list[tuple[Any, Any]]:
        """The keys and values that there are at one moment."""
        return self._pairs()

    def copy(self) -> dict[Any, Any]:
        """All that there is at one moment, as a dict of this process's own."""
        return dict(self._pairs())

    _getvalue = copy

    def clear(self) -> None:
        """Take all keys out."""
        self._map._clear()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Store many keys, one by one, as `dict.update` takes them.

        Raises:
            SerializationError: A value cannot travel; the keys before it are stored.
        """
        given = [arg._getvalue() if isinstance(arg, DictMethods) else arg for arg in args]
        for key, value in dict(*given, **kwargs).items():
            self[key] = value

    @staticmethod
    def fromkeys(keys: Iterable[Any], value: Any = None) -> dict[Any, Any]:
        """A dict of this process's own, with these keys."""
        return dict.fromkeys(keys, value)

    def __or__(self, other: Any) -> dict[Any, Any]:
        return self.copy() | (other._getvalue() if isinstance(other, DictMethods) else other)

    def __ror__(self, other: Any) -> dict[Any, Any]:
        return other | self.copy()  # type: ignore[no-any-return]

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    # ---- records ----------------------------------------------------------------------------

    def _pairs(self) -> list[tuple[Any, Any]]:
        pairs: list[tuple[Any, Any]] = []
        for key, data in self._map._snapshot(True):
            if data[:1] == KEYED:
                pairs.append(decode(data[1:]))
            elif data[:1] == BUCKET:
                pairs.extend(decode(data[1:]))
            elif key != ODD:
                pairs.append((key, decode(data)))
        return pairs

    def _look(self, key: Any) -> tuple[Any, Any, Any, Any]:
        """Its value or _MISSING, the map's key, what was seen there, its record's other content."""
        try:
            hash(key)
            place = key if type(key) in EXACT else standing_for(key)
        except LookupError:
            return self._look_in_bucket(key)
        data, seen = self._map._look(place)
        if data is None:
            return _MISSING, place, seen, None
        if data[:1] == KEYED:
            known, value = decode(data[1:])
            return value, place, seen, (known,)
        return decode(data), place, seen, ()

    def _look_in_bucket(self, key: Any) -> tuple[Any, Any, Any, Any]:
        place = bucket_of(key)
        data, seen = self._map._look(place)
        pairs = [] if data is None else decode(data[1:])
        for known, value in pairs:
            if known == key:
                return value, place, seen, pairs
        return _MISSING, place, seen, pairs

    def _change(self, key: Any, seen: tuple[Any, Any, Any, Any], value: Any) -> bool:
        """Store a value, or with _MISSING delete the key. False: it is not as it was seen."""
        _, place, what, rest = seen
        if type(rest) is list:
            return self._change_bucket(key, place, what, rest, value)
        if value is _MISSING:
            return self._map._pop(place, what) is not None
        known = key if not rest else rest[0]
        if rest == () or is_exact(key):
            return put(self._map, place, self._values.encode(value), what, "dict")
        return self._put_odd(place, KEYED + self._values.encode((known, value)), what)

    def _change_bucket(self, key: Any, place: Any, what: Any, pairs: list[Any], value: Any) -> bool:
        at = next((at for at, (known, _) in enumerate(pairs) if known == key), len(pairs))
        new = [] if value is _MISSING else [(pairs[at][0] if at < len(pairs) else key, value)]
        changed = [*pairs[:at], *new, *pairs[at + 1 :]]
        if not changed:
            return self._map._pop(place, what) is not None
        return self._put_odd(place, BUCKET + self._values.encode(changed), what)

    def _put_odd(self, place: Any, data: bytes, what: Any) -> bool:
        put(self._map, ODD, dumps(None), None, "dict")
        stored = put(self._map, place, data, what, "dict")
        if stored and self._map._get(ODD) is None:  # clear() came in between
            put(self._map, ODD, dumps(None), None, "dict")
        return stored


class SharedMapping(DictMethods):
    """The memory of a managed dict.

    Args:
        initial: What to begin with, as `dict` takes it.
        more: Keys that are names.

    Raises:
        OutOfSharedMemory: The kernel has not got the pages.

    If a process dies: in the middle of a change: it was made or it was not, and nobody waits.
    """

    def __init__(self, *initial: Any, **more: Any) -> None:
        self._use(Map.new())
        self.update(*initial, **more)

    def _use(self, its_map: Map) -> None:
        self._map, self._values = its_map, Values()

    def __reduce__(self) -> tuple[Any, ...]:
        return _attached, (type(self), self._map)

    def __repr__(self) -> str:
        return repr(self.copy())


def _attached(kind: type[SharedMapping], its_map: Map) -> SharedMapping:
    one = kind.__new__(kind)
    one._use(its_map)
    return one
