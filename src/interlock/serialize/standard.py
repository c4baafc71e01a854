"""The standard library's types at the registered level, without pickle.

Those of `datetime`, `decimal` and `uuid` have tags of their own in the codec; these here are what
it does with them. The others are encoded by a function each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pickle import PickleBuffer
from typing import Any

from interlock.errors import TypeSerializationError
from interlock.serialize import registry
from interlock.serialize.registry import Registration

__all__ = ["has_tag", "register_name", "register_type"]

# By module: its types that are native in the codec.
_NATIVE = {
    "datetime": ("date", "time", "datetime", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "uuid": ("UUID",),
}
_PATHS = ("PurePosixPath", "PureWindowsPath", "PosixPath")
_FRACTION_BITS_MAX = 1 << 14  # of a stranger's numerator: reducing one takes the square of it
_ADDRESS_MAX = 1000  # characters, with the name of a zone; splitting one takes ten times as many
_CHARACTERS = "uw"  # of arrays
_PATH_MAX = 1 << 20  # characters: 200 times what Linux takes; each part of one is an object
_FORMATS = frozenset("cbB?hHiIlLqQnNfdP")  # a memoryview is cast to no others


def register_type(cls: type) -> bool:
    """Register a type of the standard library, if it is one of these; whether it was."""
    name = getattr(cls, "__name__", "")
    module = _module_of(cls)
    if has_tag(cls):
        registry.add_builtin(cls, name.lower())
        return True
    make = _FUNCTIONS.get(f"{module}.{name}")
    if make is None or not _is(cls, module, name):
        return False
    registry.add(make(cls))
    return True


def has_tag(cls: type) -> bool:
    """Whether it is one of those that the codec itself encodes."""
    name = getattr(cls, "__name__", "")
    module = _module_of(cls)
    return name in _NATIVE.get(module, ()) and _is(cls, module, name)


def register_name(name: str) -> bool:
    """Register the type of that name, if it is one of these: a message brings one."""
    module, _, attribute = name.rpartition(".")
    if name not in _FUNCTIONS:
        return False
    __import__(module)
    registry.add(_FUNCTIONS[name](getattr(sys.modules[module], attribute)))
    return True


def _module_of(cls: type) -> str:
    # In 3.13 pathlib is a package whose classes live in a module below it.
    module = cls.__module__
    return "pathlib" if module.startswith("pathlib.") else module


def _is(cls: type, module: str, name: str) -> bool:
    return getattr(sys.modules.get(module), name, None) is cls


def _by(encode: Callable[[Any], Any], decode: Callable[..., Any], **options: Any) -> Any:
    def make(cls: type) -> Registration:
        return Registration(
            cls,
            "function",
            f"{_module_of(cls)}.{cls.__name__}",
            encode=encode,
            decode=lambda state: decode(cls, state),
            **options,
        )

    return make


def _checked(state: Any, *types: type) -> Any:
    """A tuple of values of exactly these types."""
    if type(state) is not tuple or tuple(map(type, state)) != types:
        raise ValueError("its state is another than that of its type")
    return state


def _text(cls: type, state: Any) -> Any:
    if type(state) is not str:
        raise ValueError(f"a {cls.__name__} is made of a str")
    return cls(state)


def _address(cls: type, state: Any) -> Any:
    if type(state) is str and len(state) > _ADDRESS_MAX:
        raise ValueError(f"an address of {len(state)} characters")
    return _text(cls, state)


def _encode_path(path: Any) -> str:
    text = str(path)
    if len(text) > _PATH_MAX:
        raise TypeSerializationError(
            f"A path of {len(text)} characters is longer than any that can be sent, {_PATH_MAX}. "
            "Send it as a str."
        )
    return text


def _decode_path(cls: type, state: Any) -> Any:
    if type(state) is str and len(state) > _PATH_MAX:
        raise ValueError(f"a path of more than {_PATH_MAX} characters")
    return _text(cls, state)


def _encode_view(view: memoryview) -> tuple[str, tuple[int, ...], PickleBuffer]:
    code, shape = view.format.removeprefix("@"), tuple(view.shape or ())
    if code not in _FORMATS:
        raise TypeSerializationError(
            f"A memoryview of the format {view.format!r} cannot be made on the other side; only "
            "single native items can. Send the object behind it, or view.tobytes()."
        )
    if view.nbytes == 0 or not view.c_contiguous:
        return code, shape, PickleBuffer(view.tobytes())
    return code, shape, PickleBuffer(view)


def _decode_view(cls: type, state: Any) -> memoryview:
    code, shape, buffer = _checked(state, str, tuple, memoryview)
    flat: memoryview = buffer.cast("B")
    if 0 in shape:
        return flat[:0].cast(code)  # a view of no items has one dimension
    return flat.cast(code, shape)


def _encode_array(array: Any) -> tuple[str, PickleBuffer | str]:
    if array.typecode in _CHARACTERS:
        return array.typecode, array.tounicode()
    return array.typecode, PickleBuffer(array)


def _decode_array(cls: Any, state: Any) -> Any:
    if type(state) is tuple and state[:1] in (("u",), ("w",)):  # any number is no character
        return cls(*_checked(state, str, str))
    code, buffer = _checked(state, str, memoryview)
    if len(code) != 1:
        raise ValueError("an array of no such type code")
    made = cls(code)
    made.frombytes(buffer)
    return made


def _decode_zone(cls: Any, state: Any) -> Any:
    # Refuses what is no name within its folders.
    return cls._unpickle(*_checked(state, str, int))


def _encode_deque(queue: Any) -> tuple[list[Any], int | None]:
    return list(queue), queue.maxlen


def _decode_deque(cls: Any, state: Any) -> Any:
    if type(state) is not tuple or len(state) != 2 or type(state[0]) is not list:
        raise ValueError("its state is no list and a length")
    return cls(*state)


def _decode_dict(cls: Any, state: Any) -> Any:
    if type(state) is not dict:
        raise ValueError("its state is no dict")
    return cls(state)


def _decode_fraction(cls: Any, state: Any) -> Any:
    numerator, denominator = _checked(state, int, int)
    if max(numerator.bit_length(), denominator.bit_length()) > _FRACTION_BITS_MAX:
        raise ValueError(f"a Fraction of more than {_FRACTION_BITS_MAX} bits")
    return cls(numerator, denominator)


_UNTRUSTED: dict[str, Any] = {"trusted_too": False, "in_pickles": False}
_PLACED: dict[str, Any] = {"in_pickles": False, "yields": True}
_BUFFERS: dict[str, Any] = {"yields": True}

_FUNCTIONS: dict[str, Callable[[type], Registration]] = {
    **{f"pathlib.{name}": _by(_encode_path, _decode_path, **_PLACED) for name in _PATHS},
    "builtins.memoryview": _by(_encode_view, _decode_view, **_BUFFERS),
    "array.array": _by(_encode_array, _decode_array, **_BUFFERS),
    "zoneinfo.ZoneInfo": _by(lambda zone: zone.__reduce__()[1], _decode_zone, **_PLACED),
    "collections.deque": _by(_encode_deque, _decode_deque, **_UNTRUSTED),
    "collections.OrderedDict": _by(dict, _decode_dict, **_UNTRUSTED),
    "collections.Counter": _by(dict, _decode_dict, **_UNTRUSTED),
    "fractions.Fraction": _by(
        lambda f: (f.numerator, f.denominator), _decode_fraction, **_UNTRUSTED
    ),
    **{
        f"ipaddress.{name}": _by(str, _address, **_UNTRUSTED)
        for name in (
            *("IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"),
            *("IPv4Interface", "IPv6Interface"),
        )
    },
}
