"""What a pickle may do to an object: only to one it made, and only what its class declares.

An allow-list of names is not enough. BUILD sets attributes, and APPEND and SETITEM call
methods, on whatever is on the stack: with ordinary classes allowed, the standard loader lets
a pickle rewrite these classes, the defaults of functions and the members of enums. So

1. the object must be one that this stream made. A list, dict or set made by an opcode is.
   The result of a call is if nothing else refers to it: that is known by its reference count
   at the moment of its return. A member of an enum, a cached result or a singleton has one
   reference more, in the table where it is kept. So has an object whose constructor stores it
   somewhere; that one is refused too, as it is shared from then on. A UserDict, UserList or
   ChainMap hands items on to another container, which must be such an object as well.
2. methods are looked up in the class, never in the object, which the stream has filled.
3. attributes go into the object's own dict by plain names, not those of Python's protocols
   and not those of the class's methods; or into slots that a class declares.
"""

from __future__ import annotations

import sys
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Callable
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from interlock.serialize.pickles.arguments import check_state
from interlock.serialize.pickles.cost import Cost
from interlock.serialize.pickles.names import PLAIN, Names
from interlock.serialize.pickles.refused import Refused

__all__ = ["Building"]

_ORDINARY_DUNDERS = ("__notes__", "__orig_class__")
_KEEPING = (list, dict, set, deque)  # of these most are
_NEVER = (type, ModuleType, FunctionType)


def _own_dict_references(instance: Any) -> int:
    return sys.getrefcount(instance.__dict__)


class _Bare:
    """An object whose dict nothing else refers to."""


_UNSHARED = _own_dict_references(_Bare())


def _hands_on(target: Any) -> tuple[Any, int]:
    """The container to which it hands items on, None if it keeps them; and the references to it."""
    inner = None
    if isinstance(target, UserDict | UserList):
        inner = target.__dict__.get("data")
    elif isinstance(target, ChainMap):
        inner = next(iter(target.__dict__.get("maps", ())), None)
    return inner, sys.getrefcount(inner)


_OWN_CONTAINER = _hands_on(UserDict())[1]


class Building:
    """The objects that a stream made, and what it may do to them."""

    def __init__(self, cost: Cost, names: Names) -> None:
        self._cost = cost
        self._names = names
        self._made: dict[int, Any] = {}

    def made(self, value: Any) -> Any:
        """Note that the stream made it; it stays alive, so that its id stays its own."""
        self._cost.container()
        self._made[id(value)] = value
        return value

    def is_made(self, value: Any) -> bool:
        """Whether the stream made it."""
        return id(value) in self._made

    def extend(self, target: Any, items: list[Any]) -> None:
        """APPEND and APPENDS."""
        self._must_take_items(target)
        if type(target) is list:
            target += items
            return
        if isinstance(target, list | deque):
            method = _of_class(target, "extend")
            if not isinstance(method, FunctionType):
                method(target, items)
                return
        elif not isinstance(_of_class(target, "append"), FunctionType):
            raise Refused(f"Items are appended to a {type(target).__name__}")
        append = _of_class(target, "append")
        for item in items:
            append(target, item)

    def set_items(self, target: Any, flat: list[Any]) -> None:
        """SETITEM and SETITEMS; ``flat`` has keys and values in turn."""
        self._must_take_items(target)
        if len(flat) % 2:
            raise Refused("A key has no value")
        keys, values = flat[::2], flat[1::2]
        if type(target) is dict:
            self._cost.keys(target, keys)
            target.update(zip(keys, values, strict=True))
            return
        method = _of_class(target, "__setitem__")
        if not isinstance(target, dict) and not isinstance(method, FunctionType):
            raise Refused(f"Keys are set in a {type(target).__name__}")
        self._cost.keys(target, keys)
        for key, value in zip(keys, values, strict=True):
            method(target, key, value)

    def add(self, target: Any, items: list[Any]) -> None:
        """ADDITEMS."""
        self._must_be_made(target)
        method = _of_class(target, "add")
        if not isinstance(target, set) and not isinstance(method, FunctionType):
            raise Refused(f"Items are added to a {type(target).__name__}")
        self._cost.keys(target, items)
        for item in items:
            method(target, item)

    def set_state(self, target: Any, state: Any) -> None:
        """BUILD."""
        self._must_be_made(target)
        if isinstance(target, _NEVER):
            raise Refused(f"A {type(target).__name__} is changed")
        kind = type(target)
        if kind.__module__ == "numpy" or kind.__module__.startswith("numpy."):
            from interlock.serialize.pickles import numpy_values

            numpy_values.set_state(target, state, self._cost)
            return
        if isinstance(target, BaseException) and (
            _of_class(target, "__setstate__") is vars(BaseException)["__setstate__"]
        ):
            self._set_exception(target, state)
            return
        method = _of_class(target, "__setstate__")
        if method is None:
            self._set_attributes(target, state)
        elif check_state(kind, state, self._names):
            method(target, state)
        else:
            raise Refused(f"The state of a {kind.__name__} is not one that Python writes")

    def _must_be_made(self, target: Any) -> None:
        if not self.is_made(target):
            raise Refused(
                f"A {type(target).__name__} is changed that this pickle did not make, "
                "or that others refer to"
            )

    def _must_take_items(self, target: Any) -> None:
        self._must_be_made(target)
        if type(target) in _KEEPING:
            return
        seen = set()
        while target is not None and id(target) not in seen:
            seen.add(id(target))
            target, references = _hands_on(target)
            if target is not None and references > _OWN_CONTAINER:
                self._must_be_made(target)

    def _set_exception(self, target: BaseException, state: Any) -> None:
        """As its ``__setstate__`` does it, for names that are attributes."""
        for name, value in _plain_names(state).items():
            declared = _of_class(target, name)
            if hasattr(type(declared), "__set__") and (
                not isinstance(declared, MemberDescriptorType) or isinstance(target, UnicodeError)
            ):
                raise Refused(f"State sets {name!r}, which is no plain attribute")
            _refuse_method(target, name, declared)
            BaseException.__setattr__(target, name, value)

    def _set_attributes(self, target: Any, state: Any) -> None:
        slots: Any = None
        if type(state) is tuple and len(state) == 2:
            state, slots = state
        if state:
            self._fill_dict(target, _plain_names(state))
        if slots:
            for name, value in _plain_names(slots).items():
                _slot(target, name).__set__(target, value)

    def _fill_dict(self, target: Any, state: dict[str, Any]) -> None:
        if not hasattr(target, "__dict__"):
            raise Refused(f"A {type(target).__name__} has no attributes to set")
        if _own_dict_references(target) > _UNSHARED:
            raise Refused(f"A {type(target).__name__} shares its attributes with others")
        self._cost.value(len(state))
        for name in state:
            _refuse_method(target, name, _of_class(target, name))
        own = target.__dict__
        for name, value in state.items():
            own[sys.intern(name)] = value


def _of_class(target: Any, name: str) -> Callable[..., Any] | Any:
    """What the object's class has by this name; None if nothing."""
    return next((vars(k)[name] for k in type(target).__mro__ if name in vars(k)), None)


def _plain_names(state: Any) -> dict[str, Any]:
    if type(state) is not dict or not all(type(name) is str for name in state):
        raise Refused("The state of an object is no dict of names")
    for name in state:
        if name.startswith("__") and name.endswith("__") and name not in _ORDINARY_DUNDERS:
            raise Refused(f"State sets {name!r}, a name of Python's own")
    return state


def _refuse_method(target: Any, name: str, declared: Any) -> None:
    """A field may have a function as its default; then it is a field, not a method."""
    if isinstance(declared, FunctionType | classmethod | staticmethod):
        if name not in getattr(type(target), "__dataclass_fields__", ()):
            raise Refused(f"State replaces the method {name!r} of a {type(target).__name__}")


def _slot(target: Any, name: str) -> MemberDescriptorType:
    slot = _of_class(target, name)
    if isinstance(slot, MemberDescriptorType):
        owner = slot.__objclass__
        if "__slots__" in vars(owner) and (owner.__module__, owner.__qualname__) not in PLAIN:
            return slot
    raise Refused(f"State sets {name!r}, which is no slot of a {type(target).__name__}")
