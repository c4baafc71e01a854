"""Keys of a managed dict that the map in shared memory does not take as they are.

The map compares keys by their bytes and takes str, bytes, int and tuples of them. `dict` compares
by ``==``, and a hash of another process is no help: str's are salted. So, for the key

    is one of those, exactly            the map's key is the key
    is equal to one of those            the map's key is that one (True is 1, 2.0 is 2, an IntEnum
                                        its int, a named tuple its tuple)
    is of a type whose equality we      the map's key is a tuple that begins with MARK and says
    know (see `standing_for`)           what equal keys have in common
    is of any other type                it lies in a *bucket* with all keys of its kind, and is
                                        compared by ``==`` with each of them

In all but the first case the key itself lies with the value, so that it comes back as it was. Why
not the pickle of a key: equal keys may have different ones (a frozenset's order, what is shared in
it, a datetime in another zone), and a dict that loses keys is worse than a slow one.

"Its kind" is the class that defines ``__eq__``: keys of different kinds are taken for different. A
key that is equal to nothing but itself is never found again, here as in any other manager: what
comes to another process is a copy.
"""

from __future__ import annotations

import datetime
import enum
import pathlib
import types
import uuid
from fractions import Fraction
from numbers import Complex, Number, Rational, Real
from typing import Any

__all__ = ["EXACT", "MARK", "bucket_of", "is_exact", "standing_for"]

MARK = "\0"
EXACT = frozenset((bytes, int, str))
_BY_NAME = (type, types.FunctionType, types.BuiltinFunctionType)


def is_exact(key: Any) -> bool:
    """Whether the map takes it and gives it back as it is."""
    kind = type(key)
    if kind is tuple:
        return all(map(is_exact, key)) and not (key and key[0] == MARK)
    return kind in EXACT


def standing_for(key: Any) -> Any:
    """What the map has in place of the key: equal for equal keys, and for no others.

    Raises:
        LookupError: The type's equality is not known.
    """
    if is_exact(key):
        return key
    equality: Any = type(key).__eq__
    for kind, its, build in _STANDING:
        if isinstance(key, kind) and equality is its:
            return build(key)
    if isinstance(key, Number):
        return _number(key)
    if equality is object.__eq__:
        if isinstance(key, enum.Enum):
            return MARK, "member", *_name(type(key)), key.name
        if isinstance(key, _BY_NAME):
            return MARK, "name", *_name(key)
        if key in (None, ..., NotImplemented):
            return MARK, "one", repr(key)
    raise LookupError


def bucket_of(key: Any) -> Any:
    """The map's key for all keys of its kind."""
    kind = next(kind for kind in type(key).__mro__ if "__eq__" in vars(kind))
    return MARK, "bucket", *_name(kind)


def _name(what: Any) -> tuple[str, str]:
    return str(what.__module__), what.__qualname__


def _number(key: Any) -> Any:
    """Numbers of all types are equal by value."""
    if not isinstance(key, Complex) or isinstance(key, Real):
        return _real(key)
    if key.imag == 0:
        return _real(key.real)
    return MARK, "complex", float(key.real).hex(), float(key.imag).hex()


def _real(key: Any) -> Any:
    if key != key or key in (float("inf"), float("-inf")):
        return MARK, "number", str(float(key))
    exact = Fraction(key) if isinstance(key, Rational) else Fraction(*key.as_integer_ratio())
    if exact.denominator == 1:
        return exact.numerator
    return MARK, "number", exact.numerator, exact.denominator


def _elements(key: Any) -> Any:
    return tuple(map(standing_for, key)) if not key or key[0] != MARK else (MARK, "tuple", *key)


def _moment(key: datetime.datetime) -> Any:
    if key.utcoffset() is None:
        return MARK, "datetime", key.replace(fold=0).isoformat()
    since = key - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return MARK, "moment", since.days, since.seconds, since.microseconds


def _span(key: datetime.timedelta) -> Any:
    return MARK, "timedelta", key.days, key.seconds, key.microseconds


# The type, its __eq__ (a subclass's own is not known), and what equal ones have in common.
_STANDING: tuple[tuple[type, Any, Any], ...] = (
    (bool, int.__eq__, int),
    (str, str.__eq__, str.__str__),
    (int, int.__eq__, int.__int__),
    (bytes, bytes.__eq__, lambda key: bytes.__getitem__(key, slice(None))),
    (tuple, tuple.__eq__, lambda key: _elements(tuple(key))),
    (
        frozenset,
        frozenset.__eq__,
        lambda key: (MARK, "set", *sorted(repr(standing_for(each)) for each in key)),
    ),
    (float, float.__eq__, _number),
    (complex, complex.__eq__, _number),
    (datetime.datetime, datetime.datetime.__eq__, _moment),
    (datetime.date, datetime.date.__eq__, lambda key: (MARK, "date", key.toordinal())),
    (datetime.timedelta, datetime.timedelta.__eq__, _span),
    (uuid.UUID, uuid.UUID.__eq__, lambda key: (MARK, "uuid", key.int)),
    (
        pathlib.PurePosixPath,
        pathlib.PurePosixPath.__eq__,
        lambda key: (MARK, "path", str(key)),
    ),
)
