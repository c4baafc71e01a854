"""With what the constructors of known types may be called, and in which state they may be put.

Python's own constructors trust their caller: ``bytearray(2**33)`` takes 8 GiB, and
``Fraction("1e99999999")`` takes for ever. Each type has the arguments that `pickle` writes
for it, and few others. A check is found by the name of the first class of the MRO that has
one, as long as ``__new__`` and ``__init__`` are not a subclass's own.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Callable
from typing import Any

from interlock.serialize.pickles.cost import Cost
from interlock.serialize.pickles.names import Names
from interlock.serialize.pickles.refused import Refused

__all__ = ["check_arguments", "check_state", "guard_of"]

INT_BITS_MAX = 1 << 15  # of the parts of a fraction or range: gcd and quotient are quadratic
TEXT_MAX = 10_000  # characters of a number
_DECIMAL = re.compile(
    r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,18})?|[+-]?Infinity|[+-]?s?NaN\d*", re.ASCII
)
_FRACTION = re.compile(r"[+-]?\d{1,4300}(/\d{1,4300})?", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
_TYPECODES = frozenset("bBuwhHiIlLqQfd")
_ATOMS = (type(None), bool, int, float, complex, str, bytes)

_EXCEPTION = "builtins:BaseException"
_UNICODE_ERROR = "builtins:UnicodeError"

_Check = Callable[[tuple[Any, ...], Cost, Names], bool]


def guard_of(cls: type, *methods: str) -> str | None:
    """The name of the known type whose ``methods`` an instance of ``cls`` would be made by.

    None where the first class that has one of its own is not a known type: it was allowed.
    """
    owners = {next(k for k in cls.__mro__ if method in vars(k)) for method in methods}
    known = [_name(k) for k in cls.__mro__ if k in owners and k is not object]
    if not all(name in _CHECKS for name in known):
        return None
    return known[0] if known else None


def check_arguments(guard: str, args: tuple[Any, ...], cost: Cost, names: Names) -> None:
    """Refuse what a known type must not be called with.

    Raises:
        Refused: The arguments are not those that `pickle` writes.
    """
    if not _CHECKS[guard](args, cost, names):
        raise Refused(f"{guard} is called with arguments that Python does not write for it")


def check_state(cls: type, state: Any, names: Names) -> bool:
    """Whether a known type's ``__setstate__`` may have the state; True for unknown types."""
    owner = next(k for k in cls.__mro__ if "__setstate__" in vars(k))
    check = _STATES.get(f"{owner.__module__}:{owner.__qualname__}")
    return check is None or check(state, names)


def _name(owner: type) -> str:
    if owner.__module__ == "builtins" and issubclass(owner, BaseException):
        return _UNICODE_ERROR if issubclass(owner, UnicodeError) else _EXCEPTION
    return f"{owner.__module__}:{owner.__qualname__}".replace("pathlib._local:", "pathlib:")


def _is(kinds: tuple[type, ...], values: tuple[Any, ...]) -> bool:
    return all(type(value) in kinds for value in values)


def _atoms(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return len(args) <= 8 and _is(_ATOMS, args)


def _small(values: tuple[Any, ...], cost: Cost) -> bool:
    """Whether numbers among the values are such that work with them takes little time."""
    bits = max((v.bit_length() for v in values if isinstance(v, int)), default=0)
    if bits > INT_BITS_MAX:
        return False
    cost.copied(bits >> 3)
    cost.work(_quadratic(bits))
    return True


def _quadratic(bits: int) -> int:
    """Steps for the gcd or quotient of two such numbers, or to read one from digits."""
    return (bits >> 6) ** 2 >> 5


def _exception(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return True  # it keeps them, whatever they are


def _unicode_error(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    """No negative place in the text: its ``__str__`` reads there, in C, without a look."""
    return all(a >= 0 for a in args if isinstance(a, int))


def _number(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    cost.copied(sum(sys.getsizeof(a) for a in args))
    return (
        len(args) <= 1
        and _atoms(args, cost, names)
        and not any(isinstance(a, str | bytes) and len(a) > 4300 for a in args)
    )


def _text(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    cost.copied(sum(sys.getsizeof(a) for a in args))
    return len(args) <= 1 and _is((str,), args)


def _buffer(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    """Copies of bytes; Python 3 writes bytearrays for Python 2 as text in latin-1."""
    if len(args) == 2 and args[1] in ("latin-1", "latin1"):
        args = args[:1] if _is((str,), args[:1]) else args
    cost.copied(sum(len(a) for a in args if isinstance(a, str | bytes | bytearray)))
    return len(args) <= 1 and _is((str, bytes, bytearray), args)


def _items(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if len(args) > 1 or not _is((list, tuple, set, frozenset), args):
        return False
    cost.value(sum(map(len, args)))
    return True


def _keys(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if not _items(args, cost, names):
        return False
    for keys in args:
        cost.new_keys(keys)
    return True


def _mapping(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if len(args) > 1:
        return False
    for pairs in args:
        if type(pairs) is dict:
            cost.value(2 * len(pairs))
            cost.new_keys(pairs)
            continue
        if type(pairs) not in (list, tuple):
            return False
        if not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs):
            return False
        cost.value(2 * len(pairs))
        cost.new_keys([key for key, _ in pairs])
    return True


def _counts(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    """A dict. Pairs would be counted themselves, and what is second in them hashed too."""
    return _is((dict,), args) and _mapping(args, cost, names)


def _default_dict(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if args and args[0] is not None and names.key_of(args[0]) is None:
        return False
    return _mapping(args[1:], cost, names)


def _deque(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if len(args) == 2 and type(args[1]) in (int, type(None)):
        args = args[:1]
    return _items(args, cost, names)


def _mappings(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return all(isinstance(a, dict) for a in args)


def _integers(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    """Ends and step; the length is a quotient of them, which takes quadratic time."""
    return 1 <= len(args) <= 3 and _is((int, bool), args) and _small(args, cost)


def _slice(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    """No slice in a slice: freeing a chain of them is recursive in C, without a bound."""
    return 1 <= len(args) <= 3 and not any(isinstance(a, slice) for a in args)


def _time(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return _small(args, cost) and all(
        type(a) in (int, bool, float, bytes, str, datetime.timedelta, type(None))
        or isinstance(a, datetime.tzinfo)
        for a in args
    )


def _decimal(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    length = sum(len(a) for a in args if type(a) is str)
    cost.copied(length)
    cost.work(length >> 4)
    return len(args) <= 1 and all(
        type(a) is str and len(a) <= TEXT_MAX and _DECIMAL.fullmatch(a) for a in args
    )


def _fraction(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if len(args) == 1 and type(args[0]) is str:
        if not _FRACTION.fullmatch(args[0]):
            return False
        cost.copied(len(args[0]))
        cost.work(_quadratic(2 * len(args[0])))
        return True
    return 1 <= len(args) <= 2 and _is((int,), args) and _small(args, cost)


def _path(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    cost.copied(sum(len(a) for a in args if isinstance(a, str)))
    return _is((str,), args)


def _address(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if len(args) == 1 and type(args[0]) is str:
        return len(args[0]) <= 100
    return len(args) == 1 and type(args[0]) is int and _small(args, cost)


def _nothing(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return not args


def _small_int(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return len(args) == 1 and type(args[0]) is int and _small(args, cost)


def _array(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    if not args or type(args[0]) is not str or args[0] not in _TYPECODES or len(args) > 2:
        return False
    items = args[1] if len(args) == 2 else []
    if type(items) not in (list, str, bytes) or (
        type(items) is list and not _is(_ATOMS, tuple(items))
    ):
        return False
    cost.copied(8 * len(items))
    return True


def _partial(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return len(args) >= 1 and callable(args[0]) and names.key_of(args[0]) is not None


def zone(args: tuple[Any, ...]) -> bool:
    """Whether the arguments are a time zone's key, which is a path within the database."""
    return (
        len(args) == 2
        and type(args[0]) is str
        and _ZONE.fullmatch(args[0]) is not None
        and type(args[1]) in (int, bool)
    )


def _never(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    return False


_BY_CHECK: dict[_Check, str] = {
    _nothing: "uuid:UUID types:SimpleNamespace",
    _number: "builtins:int builtins:float builtins:bool",
    _atoms: "builtins:complex",
    _text: "builtins:str collections:UserString",
    _buffer: "builtins:bytes builtins:bytearray",
    _items: "builtins:list builtins:tuple collections:UserList",
    _keys: "builtins:set builtins:frozenset",
    _mapping: "builtins:dict collections:OrderedDict collections:UserDict",
    _counts: "collections:Counter",
    _default_dict: "collections:defaultdict",
    _mappings: "collections:ChainMap",
    _deque: "collections:deque",
    _integers: "builtins:range",
    _slice: "builtins:slice",
    _time: "datetime:date datetime:time datetime:datetime datetime:timedelta datetime:timezone",
    _decimal: "decimal:Decimal",
    _fraction: "fractions:Fraction",
    _path: (
        "pathlib:PurePath pathlib:PurePosixPath pathlib:PureWindowsPath pathlib:Path "
        "pathlib:PosixPath pathlib:WindowsPath"
    ),
    _address: (
        "ipaddress:IPv4Address ipaddress:IPv6Address ipaddress:IPv4Network "
        "ipaddress:IPv6Network ipaddress:IPv4Interface ipaddress:IPv6Interface"
    ),
    _small_int: "uuid:SafeUUID",
    _array: "array:array",
    _exception: _EXCEPTION,
    _unicode_error: _UNICODE_ERROR,
    _partial: "functools:partial",
    # Only by the functions that numpy writes, which are done by hand; a zone by its key.
    _never: "numpy:ndarray zoneinfo:ZoneInfo builtins:NoneType builtins:memoryview",
}
_CHECKS: dict[str, _Check] = {
    name: check for check, names in _BY_CHECK.items() for name in names.split()
}


def _dtype(args: tuple[Any, ...], cost: Cost, names: Names) -> bool:
    from interlock.serialize.pickles.numpy_values import dtype_arguments

    return dtype_arguments(args)


_CHECKS["numpy:dtype"] = _dtype


def _uuid_state(state: Any, names: Names) -> bool:
    return (
        type(state) is dict
        and set(state) <= {"int", "is_safe"}
        and type(state.get("int")) is int
        and 0 <= state["int"] < 1 << 128
        and type(state.get("is_safe", 0)) is int
    )


def _partial_state(state: Any, names: Names) -> bool:
    return (
        type(state) is tuple
        and len(state) == 4
        and callable(state[0])
        and names.key_of(state[0]) is not None
        and type(state[1]) is tuple
        and type(state[2]) in (dict, type(None))
        and type(state[3]) in (dict, type(None))
    )


_STATES: dict[str, Callable[[Any, Names], bool]] = {
    "uuid:UUID": _uuid_state,
    "functools:partial": _partial_state,
}
