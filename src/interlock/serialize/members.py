"""Members of an Enum: which of its classes travel natively, and what a value may lead to."""

from __future__ import annotations

import sys
from enum import Enum, EnumType, Flag
from types import FunctionType
from typing import Any, TypeVar

from interlock.serialize.work import shown

E = TypeVar("E", bound=Enum)

_REDUCES_BY_VALUE = Enum.__reduce_ex__

__all__ = ["flag_of", "is_enum", "member_of", "travels_by_name"]

# What can be hashed and shown at once, whoever sent it.
_ATOMS = (type(None), bool, int, float, complex, str, bytes)


def is_enum(obj: Any) -> bool:
    """Whether it is a class that Enum made."""
    return isinstance(obj, EnumType) and issubclass(obj, Enum)


def travels_by_name(cls: Any) -> bool:
    """Whether pickle would write its members by class and value, and the class is found by name.

    Not those that say themselves how they are reduced.
    """
    if type(cls) is not EnumType or not issubclass(cls, Enum):
        return False
    own = cls.__reduce_ex__ is not Enum.__reduce_ex__ or cls.__reduce__ is not object.__reduce__
    if own or isinstance(cls.__getattribute__, FunctionType):
        return False
    if Enum.__reduce_ex__ is not _REDUCES_BY_VALUE:
        return False
    found: Any = sys.modules.get(cls.__module__)
    for step in cls.__qualname__.split("."):
        found = getattr(found, step, None)
    return found is cls


def flag_of(cls: type[Flag], value: Any) -> Flag:
    """The flag of a value from a stranger.

    Raises:
        ValueError: The value has bits that none of its members has: each such value would
            stay in the class for ever.
    """
    if type(value) is not int or value < 0 or value & ~cls._flag_mask_:  # type: ignore[attr-defined]
        raise ValueError(f"{shown(value)} is no combination of members of {cls.__qualname__}")
    return cls(value)


def member_of(cls: type[E], value: Any) -> E:
    """The member of a value from a stranger.

    Raises:
        ValueError: There is none. `Enum` would hash the value first, and then print it.
    """
    if type(value) in _ATOMS:
        return cls(value)
    for member in cls:
        if type(member._value_) is type(value) and member._value_ == value:
            return member
    raise ValueError(f"{shown(value)} is the value of no member of {cls.__qualname__}")
