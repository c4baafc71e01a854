"""What clients may do with dicts, lists, values, arrays and namespaces of a server.

Each is a table of functions: what a client calls is looked up in it. Views and iterators do not
travel, so they are lists.
"""

from __future__ import annotations

import array
from collections.abc import Callable, Iterable
from multiprocessing import managers as standard
from typing import Any

from interlock.errors import LimitReached

__all__ = ["ARRAY", "ATTRIBUTES", "DICT", "LIST", "VALUE", "Namespace", "make_array", "make_value"]

ITEMS_MAX = 10_000_000  # that one call makes
Table = dict[str, Callable[..., Any]]


def _taken(kind: type, names: str) -> Table:
    return {name: getattr(kind, name) for name in names.split() if hasattr(kind, name)}


DICT: Table = {
    **_taken(
        dict,
        "__contains__ __delitem__ __getitem__ __len__ __setitem__ __repr__ __eq__ __ne__ __or__ "
        "clear copy get pop popitem setdefault",
    ),
    "__iter__": list,
    "__reversed__": lambda it: list(reversed(it)),
    "__ior__": lambda it, other: it.update(other),
    "items": lambda it: list(it.items()),
    "keys": list,
    "update": lambda it, *args, **kwds: it.update(*args, **kwds),
    "values": lambda it: list(it.values()),
}


def _bounded(it: list[Any], times: Any) -> Any:
    """A client's number is not believed: it would be as much memory as it says."""
    if isinstance(times, int) and len(it) * times > ITEMS_MAX:
        raise LimitReached(f"A list of {len(it)} items times {times} has over {ITEMS_MAX}.")
    return times


LIST: Table = {
    **_taken(
        list,
        "__add__ __contains__ __delitem__ __getitem__ __len__ __setitem__ "
        "__repr__ __eq__ __ne__ append clear copy count extend index insert pop remove reverse",
    ),
    "__iter__": list,
    "__reversed__": lambda it: list(reversed(it)),
    "__imul__": lambda it, times: it.__imul__(_bounded(it, times)) and None,
    "__mul__": lambda it, times: it * _bounded(it, times),
    "__rmul__": lambda it, times: it * _bounded(it, times),
    "sort": lambda it, *, reverse=False: it.sort(reverse=reverse),
}


class Value:
    """One value.

    Args:
        typecode: Kept for its looks, as in the standard library.
        value: Any that can travel.
        lock: Ignored, as there.
    """

    def __init__(self, typecode: Any, value: Any, lock: Any = True) -> None:
        self.typecode, self.value = typecode, value

    def get(self) -> Any:
        """The value.

        Raises:
            SerializationError: At the client, if it cannot travel.

        If a process dies: nobody waits for it here.
        """
        return self.value

    def set(self, value: Any) -> None:
        """Put another one in its place."""
        self.value = value

    def copy(self) -> tuple[Any, Any]:
        """Type and value."""
        return self.typecode, self.value

    def __repr__(self) -> str:
        return f"Value({self.typecode!r}, {self.value!r})"


make_value = Value
VALUE: Table = _taken(Value, "get set copy __repr__")


def make_array(typecode: str, sequence: Iterable[Any], lock: Any = True) -> array.array[Any]:
    """Numbers of one type."""
    return array.array(typecode, sequence)


ARRAY: Table = {
    **_taken(array.array, "__len__ __getitem__ __setitem__ __repr__"),
    "__iter__": list,
    "copy": lambda it: it,
}


def _public(name: Any) -> str:
    if not isinstance(name, str) or name.startswith("_"):
        raise AttributeError(f"{name!r:.100} is private or part of Python itself")
    return name


def _read(it: Any, name: str) -> Any:
    value = getattr(it, _public(name))
    if callable(value):
        raise AttributeError(f"{name!r:.100} is a method; it has no value that could be sent")
    return value


# Of a namespace, and of what is registered with `NamespaceProxy`: attributes, but no way from one
# to the next, as what they return are values.
ATTRIBUTES: Table = {
    "read": _read,
    "write": lambda it, name, value: setattr(it, _public(name), value),
    "remove": lambda it, name: delattr(it, _public(name)),
}
Namespace = standard.Namespace
