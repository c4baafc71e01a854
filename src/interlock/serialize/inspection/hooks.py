"""What `pickle` asks an object, in its order, and the parts that the answer has.

A part is called by the path that leads to it from what it is a part of, as Python where that can
be said in Python::

    [2]             an element           .lock           an attribute
    ['by name']     the value of a key   <key (1, f)>    a key of a dict
    <member>        of a set             <argument 1>    what __reduce__ wants its function
    <state>         what __getstate__                    to be called with
                    gave, if no dict
"""

from __future__ import annotations

import pickle
import reprlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pickle import PickleBuffer
from types import FunctionType
from typing import Any

from interlock.serialize.tensors import reduce_by_dlpack

__all__ = ["ATOMS", "Children", "Reducers", "Refused", "children", "items_of", "reduction"]

Reducers = Mapping[type, Callable[[Any], Any]]
Children = Iterable[tuple[str, Any]]

# Cannot be refused, and refer to nothing.
ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, range, type(...)})

_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})


class Refused(Exception):
    """A part that `pickle` would refuse without having called a hook."""


def reduction(part: Any, reducers: Reducers) -> tuple[Any, ...] | str | None:
    """What the part's hook says of it.

    Args:
        part: Any object.
        reducers: Functions registered by type; they come before the object's own hooks.

    Returns:
        A name by which it is found, or what ``__reduce_ex__`` returns; None for what is asked
        nothing: plain values, containers and buffers.

    Raises:
        Refused: No hook could make anything of it.
        Exception: What the hook raised.
    """
    kind = type(part)
    if kind in _CONTAINERS or kind in ATOMS:
        return None
    if kind is PickleBuffer:
        _check_contiguous(part)
        return None
    if kind in (type, FunctionType):
        return _found(part, part.__qualname__)
    reduce = reducers.get(kind)
    if reduce is None and issubclass(kind, type):
        return _found(part, part.__qualname__)
    made = _asked(part) if reduce is None else reduce(part)
    if isinstance(made, str):
        return _found(part, made)
    if not isinstance(made, tuple) or not 2 <= len(made) <= 6:
        raise Refused("__reduce__ must return a string, or a tuple of 2 to 6 parts")
    return made


def children(part: Any, made: tuple[Any, ...] | str | None) -> Children:
    """The parts of a part, in pickle's order.

    Args:
        part: Any object.
        made: Its `reduction`.
    """
    if isinstance(made, tuple):
        return _reduced(part, *made)
    return items_of(part) if type(part) in _CONTAINERS else ()


def items_of(container: Any) -> Children:
    """The parts of a list, tuple, dict, set or frozenset."""
    if isinstance(container, list | tuple):
        return ((f"[{i}]", item) for i, item in enumerate(list(container)))
    if isinstance(container, dict):
        return _items(list(container.items()))
    return (("<member>", member) for member in list(container))


def _asked(part: Any) -> Any:
    try:
        return part.__reduce_ex__(5)
    except TypeError:
        made = reduce_by_dlpack(part)
        if made is None:
            raise
        return made


def _check_contiguous(buffer: PickleBuffer) -> None:
    try:
        buffer.raw().release()
    except BufferError as error:
        raise Refused("its memory is not contiguous") from error


def _found(part: Any, name: str) -> str:
    """Its name, unless that leads elsewhere."""
    module_name = pickle.whichmodule(part, name)  # type: ignore[attr-defined]
    if "<locals>" in name.split("."):
        raise Refused(f"{name} is defined within a function, where no other process finds it")
    if module_name not in sys.modules:
        __import__(module_name)
    found: Any = sys.modules[module_name]
    for step in name.split("."):
        if not hasattr(found, step):
            raise Refused(f"{module_name} has no {name}, by which another process could find it")
        found = getattr(found, step)
    if found is not part:
        raise Refused(f"{module_name}.{name} is another object")
    return name


def _reduced(
    part: Any,
    function: Any,
    arguments: Any,
    state: Any = None,
    items: Any = None,
    pairs: Any = None,
    setter: Any = None,
) -> Children:
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


def _state(state: Any) -> Children:
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


def _items(pairs: Iterable[tuple[Any, Any]]) -> Children:
    for key, value in pairs:
        name = reprlib.repr(key)
        yield f"<key {name}>", key
        yield f"[{name}]", value
