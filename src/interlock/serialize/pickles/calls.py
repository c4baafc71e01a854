"""What a pickle may call: what it found by an allowed name, with arguments that were checked.

An object on the stack is called only if it is the very one that was found under its name;
a partial, a bound method or an instance that the stream made never is.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from typing import Any

from interlock.serialize.pickles.arguments import check_arguments, guard_of, zone
from interlock.serialize.pickles.building import Building
from interlock.serialize.pickles.cost import Cost
from interlock.serialize.pickles.names import Helper, Names
from interlock.serialize.pickles.refused import Refused

__all__ = ["Calls"]

_CONTENTS = (int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)
_TYPES_OF = (None, ..., NotImplemented)


def _call(callee: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, int]:
    """The result, and how many references there are to it."""
    value = callee(*args, **kwargs)
    return value, sys.getrefcount(value)


_FRESH = _call(object, (), {})[1]


class Calls:
    """Makes objects for one stream."""

    def __init__(self, names: Names, cost: Cost, building: Building, max_depth: int) -> None:
        self._names = names
        self._cost = cost
        self._building = building
        self._max_depth = max_depth
        self._chains: dict[int, int] = {}

    def call(self, callee: Any, args: Any) -> Any:
        """REDUCE, and INST and OBJ with arguments."""
        if type(args) is not tuple:
            raise Refused("The arguments of a call are no tuple")
        self._cost.value(len(args))  # which it may keep
        if isinstance(callee, Helper):
            return self._help(callee, args)
        key = self._names.key_of(callee)
        if key is None or not callable(callee):
            raise Refused(f"A {type(callee).__name__} is called that is no allowed name")
        if isinstance(callee, enum.EnumMeta) and len(args) != 1:
            raise Refused("An enum is called with other arguments than one value")
        if isinstance(callee, type):
            self._check(callee, args, {}, "__new__", "__init__")
        return self._made_by(callee, args, {})

    def new(self, cls: Any, args: Any, kwargs: Any) -> Any:
        """NEWOBJ and NEWOBJ_EX: ``cls.__new__`` without ``__init__``."""
        if type(args) is not tuple or type(kwargs) is not dict:
            raise Refused("The arguments of a new object are no tuple and dict")
        self._cost.value(len(args) + len(kwargs))
        if not isinstance(cls, type) or self._names.key_of(cls) is None:
            raise Refused(f"A new object is to be of {type(cls).__name__}, no allowed class")
        if isinstance(cls, enum.EnumMeta):
            raise Refused("An enum gets a new member")
        self._check(cls, args, kwargs, "__new__")
        return self._made_by(cls.__new__, (cls, *args), kwargs)

    def _check(self, cls: type, args: Any, kwargs: dict[str, Any], *methods: str) -> None:
        guard = guard_of(cls, *methods)
        if guard is not None:
            if kwargs:
                raise Refused(f"{guard} is called with arguments by name")
            check_arguments(guard, args, self._cost, self._names)

    def _made_by(self, callee: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Calls; a chain of objects held directly by one another is bounded.

        C frees some of them by recursion, as deep as the chain is long.
        """
        chain = 1 + max((self._chains.get(id(arg), 0) for arg in args), default=0)
        if chain > self._max_depth:
            raise Refused(f"Objects are nested more than {self._max_depth} deep (max_depth)")
        value, references = _call(callee, args, kwargs)
        if references == _FRESH:
            self._building.made(value)
            self._chains[id(value)] = chain
        return value

    def _help(self, helper: Helper, args: tuple[Any, ...]) -> Any:
        if helper.module.startswith("numpy"):
            from interlock.serialize.pickles import numpy_values

            if helper.name == "_reconstruct":
                numpy_values.check_subtype(args, self._names)
            made = numpy_values.make(helper.name, args, self._cost)
            return self._building.made(made)
        return _HELP[helper.module, helper.name](self, args)

    def _attribute(self, args: tuple[Any, ...]) -> Any:
        _exactly(args, 2)
        return self._names.attribute(*args)

    def _type_of(self, args: tuple[Any, ...]) -> Any:
        _exactly(args, 1)
        if not any(args[0] is value for value in _TYPES_OF):
            raise Refused("The type of a value is asked for")
        return type(args[0])

    def _encode(self, args: tuple[Any, ...]) -> bytes:
        """How protocols 0 to 2 write bytes: as text in latin-1."""
        _exactly(args, 2)
        text, encoding = args
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise Refused("A text is encoded otherwise than in latin-1")
        self._cost.copied(len(text))
        return text.encode("latin-1")

    def _reconstruct(self, args: tuple[Any, ...]) -> Any:
        """How protocols 0 and 1 make objects: class, first base in C, and its value."""
        _exactly(args, 3)
        cls, base, value = args
        if not isinstance(cls, type) or self._names.key_of(cls) is None:
            raise Refused("An object of no allowed class is made")
        if base not in (object, *_CONTENTS) or base not in cls.__mro__:
            raise Refused(f"A {cls.__name__} is made by a base that it does not have")
        if base is object:
            return self._made_by(object.__new__, (cls,), {})
        if type(value) is not base:
            raise Refused(f"A {cls.__name__} is made of a {type(value).__name__}")
        check_arguments(f"builtins:{base.__name__}", (value,), self._cost, self._names)
        made = self._made_by(base.__new__, (cls, value), {})
        if base.__init__ is not object.__init__:
            base.__init__(made, value)
        return made

    def _new_by_function(self, args: tuple[Any, ...]) -> Any:
        if not args:
            raise Refused("An object of no class is made")
        return self.new(args[0], args[1:], {})

    def _new_by_function_ex(self, args: tuple[Any, ...]) -> Any:
        _exactly(args, 3)
        return self.new(*args)

    def _zone(self, args: tuple[Any, ...]) -> Any:
        if not zone(args):
            raise Refused("A time zone is named by no key of the database")
        from zoneinfo import ZoneInfo

        return ZoneInfo(args[0]) if args[1] else ZoneInfo.no_cache(args[0])

    def _array(self, args: tuple[Any, ...]) -> Any:
        _exactly(args, 4)
        import array

        cls, typecode, layout, content = args
        if (
            cls is not array.array
            or type(layout) is not int
            or not 0 <= layout <= 21
            or type(content) is not bytes
        ):
            raise Refused("An array is made of no bytes")
        check_arguments("array:array", (typecode, content), self._cost, self._names)
        rebuild: Callable[..., Any] = vars(array)["_array_reconstructor"]
        return self._made_by(rebuild, args, {})


def _exactly(args: tuple[Any, ...], count: int) -> None:
    if len(args) != count:
        raise Refused(f"A function of {count} arguments gets {len(args)}")


_HELP: dict[tuple[str, str], Callable[[Calls, tuple[Any, ...]], Any]] = {
    ("builtins", "getattr"): Calls._attribute,
    ("builtins", "type"): Calls._type_of,
    ("_codecs", "encode"): Calls._encode,
    ("copyreg", "_reconstructor"): Calls._reconstruct,
    ("copyreg", "__newobj__"): Calls._new_by_function,
    ("copyreg", "__newobj_ex__"): Calls._new_by_function_ex,
    ("zoneinfo", "ZoneInfo._unpickle"): Calls._zone,
    ("array", "_array_reconstructor"): Calls._array,
}
