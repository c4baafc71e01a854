"""What a type hint lets a field hold, as the codec checks it (native/codec/checks.hpp)."""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Union, get_args, get_origin

__all__ = ["Description", "checks_of", "describe"]

Description = tuple[Any, ...]
"""The text by which an error calls it, the check's name, and its parts."""

_DEPTH_MAX = 32  # of a hint; deeper, as a recursive alias is, anything goes

_SEQUENCES = (list, collections.abc.Sequence, collections.abc.MutableSequence)
_ITERABLES = (collections.abc.Iterable, collections.abc.Collection, collections.abc.Container)
_SETS = (set, collections.abc.MutableSet)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)

# What an abstract class may stand for without being inherited from.
_CONCRETE = (
    *(bool, int, float, complex, str, bytes, bytearray, memoryview),
    *(list, tuple, dict, set, frozenset, range),
)


def _hints_of(cls: type) -> dict[str, Any]:
    """The types of a class's fields by name, those of its bases included.

    Raises:
        TypeError: An annotation names what cannot be found.
    """
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise TypeError(
            f"The annotations of {cls.__module__}.{cls.__qualname__} cannot be resolved ({error}), "
            "so its fields cannot be checked. Import what they name at run time, not only for "
            "type checking."
        ) from error


def describe(hint: Any, owner: type) -> Description | None:
    """The check for a type hint.

    Args:
        hint: Any hint that `typing.get_type_hints` gives.
        owner: The class that has the field; what ``Self`` means.

    Returns:
        None where it allows anything, or nothing that can be checked.
    """
    return _describe(hint, owner, 0)


def _describe(hint: Any, owner: type, depth: int) -> Description | None:
    hint = _bare(hint, owner)
    if depth > _DEPTH_MAX or hint is Any or hint is object:
        return None
    if hint is None or hint is types.NoneType:
        return ("None", "type", types.NoneType)
    origin = get_origin(hint)
    if origin is Union or origin is types.UnionType:
        return _union([_describe(part, owner, depth + 1) for part in get_args(hint)])
    if origin is typing.Literal:
        values = get_args(hint)
        return (f"one of {', '.join(map(_shown, values))}", "literal", *values)
    if origin is None:
        return _class(hint) if isinstance(hint, type) else None
    parts = [_describe(part, owner, depth + 1) for part in get_args(hint) if part is not ...]
    return _generic(origin, parts, endless=... in get_args(hint))


def _bare(hint: Any, owner: type) -> Any:
    """Without what says nothing about the value: Annotated, Final, NewType, an alias."""
    for _ in range(_DEPTH_MAX):
        if get_origin(hint) in (typing.Annotated, typing.Final, typing.Required):
            hint = get_args(hint)[0]
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        elif isinstance(hint, dataclasses.InitVar):
            hint = Any
        elif hint == typing.Self:
            hint = owner
        elif type(hint).__name__ == "TypeAliasType":  # Python 3.12
            hint = hint.__value__
        else:
            break
    return hint


def _class(cls: type) -> Description | None:
    if cls is int:
        return ("int", "int")
    if cls is float:
        return ("float", "float")
    if cls is complex:
        return ("complex", "type", complex, float, int)
    if getattr(cls, "_is_protocol", False) or cls.__name__ == "Callable":
        return None
    classes = [cls]
    if type(cls) is not type and isinstance(cls, type(collections.abc.Sized)):
        classes += [known for known in _CONCRETE if issubclass(known, cls)]
    return (_name(cls), "type", *classes)


def _union(parts: list[Description | None]) -> Description | None:
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    return (" | ".join(part[0] for part in known), "union", *known)


def _generic(origin: Any, parts: list[Description | None], *, endless: bool) -> Description | None:
    checks = [part or ("Any", "any") for part in parts]
    inner = ", ".join(check[0] for check in checks)
    if origin is tuple:
        if endless:
            return (f"tuple[{inner}, ...]", "tuple of", checks[0])
        return (f"tuple[{inner or '()'}]", "tuple", *checks)
    if origin in _SEQUENCES and len(checks) == 1:
        as_list = (f"list[{inner}]", "list", checks[0])
        if origin is not collections.abc.Sequence:
            return as_list
        return (f"Sequence[{inner}]", "union", as_list, (f"tuple[{inner}]", "tuple of", checks[0]))
    if origin in _SETS and len(checks) == 1:
        return (f"set[{inner}]", "set", checks[0])
    if origin is frozenset and len(checks) == 1:
        return (f"frozenset[{inner}]", "frozenset", checks[0])
    if origin is collections.abc.Set and len(checks) == 1:
        forms = [(f"{name}[{inner}]", name, checks[0]) for name in ("set", "frozenset")]
        return (f"Set[{inner}]", "union", *forms)
    if origin in _MAPPINGS and len(checks) == 2:
        return (f"dict[{inner}]", "dict", *checks)
    if origin in _ITERABLES:
        return _class(origin)
    return _class(origin) if isinstance(origin, type) else None


def _name(cls: type) -> str:
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Enum) else repr(value)


def checks_of(cls: type, names: tuple[str, ...], *, lenient: bool) -> Iterator[Description | None]:
    """The check of each field, in order.

    Args:
        cls: The class.
        names: Its fields.
        lenient: Whether annotations that cannot be resolved allow anything.

    Raises:
        TypeError: An annotation cannot be resolved.
    """
    hints: Mapping[str, Any] = {}
    try:
        hints = _hints_of(cls) if names else {}
    except TypeError:
        if not lenient:
            raise
    for name in names:
        yield describe(hints[name], cls) if name in hints else None
