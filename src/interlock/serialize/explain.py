"""Finds the part of an object that cannot be serialized, and the path to it (P6).

Goes through an object as `pickle` does, hook by hook, until a part refuses. The
path begins at the object given (``$``) and reads as Python where it can::

    $.handlers[2].lock      an attribute of an element of an attribute
    $['by name'][0]         the value of a key
    $.seen<member>          a member of a set
    $<key (1, f)>[1]        within a key of a dict
    $.job<argument 1>       what __reduce__ wants its function to be called with
    $.job<state>            what __getstate__ gave, where that is no dict
"""

from __future__ import annotations

import copyreg
import pickle
import reprlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

__all__ = ["Guilty", "find_guilty"]

PARTS_MAX = 200_000
TIME_MAX_S = 1.0

_Reducers = Mapping[type, Callable[[Any], Any]]
_Children = Iterable[tuple[str, Any]]

# Cannot be guilty, and refer to nothing.
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, range, type(...)})


@dataclass(frozen=True)
class Guilty:
    """The part that cannot be serialized.

    Attributes:
        path: Where it is, from the object given (``$``).
        part: The part itself.
        reason: Why, in words.
        raised: What its hook raised; None where it raised nothing. The class only: the
            exception itself would keep the frames of the search, and so the part, in a cycle.
        around: What the part is in, from the object given to what has it as its own part.
    """

    path: str
    part: Any
    reason: str
    raised: type[Exception] | None = None
    around: tuple[Any, ...] = ()


class _Refusal(Exception):
    """A part that `pickle` would refuse without having called a hook."""


def find_guilty(
    obj: Any,
    reducers: _Reducers | None = None,
    *,
    parts_max: int = PARTS_MAX,
    time_max_s: float = TIME_MAX_S,
) -> Guilty | None:
    """Find the first part of an object that cannot be serialized. Raises nothing itself.

    The hooks (``__reduce_ex__``, ``__getstate__``, ...) of the parts are called.

    Args:
        obj: The object.
        reducers: Functions registered by type; `copyreg`'s by default.
        parts_max: How many parts to look at before giving up.
        time_max_s: How many seconds to look before giving up; a hook that has begun
            is not interrupted.

    Returns:
        None when every part can be serialized, or when it gave up.
    """
    table = copyreg.dispatch_table if reducers is None else reducers
    try:
        return _Search(table, parts_max, time.monotonic() + time_max_s).find(obj)
    except Exception:
        return None  # a stranger's hook misbehaved beyond what is foreseen here


class _Search:
    """Depth first, with a stack of its own: an object may be nested deeper than Python can be."""

    def __init__(self, reducers: _Reducers, parts_max: int, deadline: float) -> None:
        self._reducers = reducers
        self._parts_left = parts_max
        self._deadline = deadline
        self._seen: dict[int, Any] = {}  # keeps them, so that no other takes the number

    def find(self, root: Any) -> Guilty | None:
        if type(root) in _ATOMS:
            return None
        self._seen[id(root)] = root
        names = ["$"]
        parts = [root]
        stack: list[Iterator[tuple[str, Any]]] = []
        part = root
        while True:
            try:
                if part is not None:
                    stack.append(iter(self._children(part)))
                child = next(stack[-1], None)
            except Exception as error:
                raised = None if isinstance(error, _Refusal) else type(error)
                return Guilty("".join(names), parts[-1], str(error), raised, tuple(parts[:-1]))
            part = None
            if child is None:
                stack.pop(), names.pop(), parts.pop()
                if not stack:
                    return None
            elif type(child[1]) not in _ATOMS and id(child[1]) not in self._seen:
                if self._exhausted():
                    return None
                part = child[1]
                self._seen[id(part)] = part
                names.append(child[0])
                parts.append(part)

    def _exhausted(self) -> bool:
        self._parts_left -= 1
        return self._parts_left < 0 or time.monotonic() > self._deadline

    def _children(self, part: Any) -> _Children:
        """What has to be serialized for `part`, in pickle's order and by pickle's rules."""
        kind = type(part)
        if kind in (list, tuple):
            return ((f"[{i}]", item) for i, item in enumerate(list(part)))
        if kind is dict:
            return _items(list(part.items()))
        if kind in (set, frozenset):
            return (("<member>", member) for member in list(part))
        if kind in (type, FunctionType):
            return _global(part, part.__qualname__)
        reduce = self._reducers.get(kind)
        if reduce is None and issubclass(kind, type):
            return _global(part, part.__qualname__)
        made = part.__reduce_ex__(5) if reduce is None else reduce(part)
        if isinstance(made, str):
            return _global(part, made)
        if not isinstance(made, tuple) or not 2 <= len(made) <= 6:
            raise _Refusal("__reduce__ must return a string, or a tuple of 2 to 6 parts")
        return _reduced(part, *made)


def _global(part: Any, name: str) -> _Children:
    """Nothing, for it travels by its name; unless that name leads elsewhere."""
    module_name = pickle.whichmodule(part, name)  # type: ignore[attr-defined]
    if "<locals>" in name.split("."):
        raise _Refusal(f"{name} is defined within a function, where no other process finds it")
    if module_name not in sys.modules:
        __import__(module_name)
    found: Any = sys.modules[module_name]
    for step in name.split("."):
        if not hasattr(found, step):
            raise _Refusal(f"{module_name} has no {name}, by which another process could find it")
        found = getattr(found, step)
    if found is not part:
        raise _Refusal(f"{module_name}.{name} is another object")
    return ()


def _reduced(
    part: Any,
    function: Any,
    arguments: Any,
    state: Any = None,
    items: Any = None,
    pairs: Any = None,
    setter: Any = None,
) -> _Children:
    """The parts of what ``__reduce_ex__`` returned."""
    name = getattr(function, "__name__", "")
    first = 1 if name in ("__newobj__", "__newobj_ex__") else 0
    yield ("<class>", arguments[0]) if first else ("<function>", function)
    for i, argument in enumerate(arguments[first:]):
        yield _argument(part, function, i), argument
    for i, item in enumerate(items or ()):
        yield f"[{i}]", item
    yield from _items(pairs or ())
    if setter is not None:
        yield "<function>", setter
    yield from _state(state)


def _argument(part: Any, function: Any, i: int) -> str:
    """An argument by the attribute that it is, where that is known."""
    if isinstance(part, tuple):
        fields = getattr(part, "_fields", ())
        return f".{fields[i]}" if i < len(fields) else f"[{i}]"
    if isinstance(part, BaseException) and function is type(part):
        return f".args[{i}]"
    if function is getattr and i == 0:
        return ".__self__"
    return f"<argument {i + 1}>"


def _state(state: Any) -> _Children:
    """Attributes, as `object.__getstate__` gives them; anything else as a whole."""
    if isinstance(state, tuple) and len(state) == 2 and _is_attributes(*state):
        yield from _state(state[0])
        yield from _state(state[1])
    elif isinstance(state, dict) and all(isinstance(name, str) for name in state):
        for name, value in list(state.items()):
            yield f".{name}", value
    elif state is not None:
        yield "<state>", state


def _is_attributes(of_dict: Any, of_slots: Any) -> bool:
    return (of_dict is None or isinstance(of_dict, dict)) and isinstance(of_slots, dict)


def _items(pairs: Iterable[tuple[Any, Any]]) -> _Children:
    for key, value in pairs:
        name = reprlib.repr(key)
        yield f"<key {name}>", key
        yield f"[{name}]", value
