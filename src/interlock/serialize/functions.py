"""A function as bytes, for a process of the same program (trust="process" only).

One of a module goes by its name. One of ``__main__`` goes by its name and a fingerprint of its
code: a child of fork or of a script has it, a child that began before the function was written, or
of a notebook, has not, and says so with `Unknown`; then it goes by value. Lambdas, closures and
local functions go by value at once. By value is cloudpickle's work.

Why not always by value: a function by value has copies of the globals it uses, and does not see
what the initializer has set in the module.
"""

from __future__ import annotations

import io
import marshal
import pickle
import sys
import zlib
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

from interlock.errors import InterlockError, SerializationError
from interlock.serialize.codec import decode, encode_all

__all__ = [
    "Unknown",
    "by_value",
    "by_value_apart",
    "from_apart",
    "pack_function",
    "unpack_function",
]

_MAIN = "__main__"
_BY_NAME, _PICKLED = b"n", b"p"

Function = Callable[..., Any]


class Unknown(InterlockError, AttributeError):
    """This process has no such function in its ``__main__``; it must come by value."""


def pack_function(function: Function) -> bytes:
    """The function, by name where the other process may have it.

    Raises:
        SerializationError: It cannot be sent, by name or by value.
    """
    if isinstance(function, FunctionType) and function.__module__ == _MAIN:
        if _found(function.__qualname__) is function:
            return _BY_NAME + marshal.dumps((function.__qualname__, _fingerprint(function)))
    try:
        return _PICKLED + encode_all(function, None)
    except (SerializationError, pickle.PicklingError, AttributeError, TypeError) as error:
        try:
            return by_value(function)
        except ImportError:
            raise error from None


def by_value(function: Function) -> bytes:
    """The function itself: its code, what it closes over, and copies of the globals it uses.

    Raises:
        SerializationError: What it uses cannot be serialized.
        ImportError: cloudpickle is not installed.
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        return _PICKLED + bytes(cloudpickle.dumps(function, 5))
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        raise SerializationError(
            f"The function {name} cannot be sent by value: {error}. Define it in a module, or "
            "pass what it closes over as arguments."
        ) from error


def by_value_apart(obj: Any) -> tuple[bytes, list[Any]]:
    """An object with the functions in it by value; its large buffers beside it.

    Raises:
        ImportError: cloudpickle is not installed.
        Exception: A part of it cannot be sent; as cloudpickle says it.
    """
    import cloudpickle

    buffers: list[Any] = []
    data: bytes = cloudpickle.dumps(obj, 5, buffer_callback=buffers.append)
    return data, [memoryview(buffer) for buffer in buffers]


def from_apart(data: bytes, buffers: list[Any], carried: Sequence[Any] = ()) -> Any:
    """What `by_value_apart` was given, in the process that is to use it.

    Args:
        data: Its bytes.
        buffers: Its large buffers.
        carried: Objects beside it, which its persistent ids number.
    """
    if not carried:
        return pickle.loads(data, buffers=buffers)
    reader = _Reader(io.BytesIO(data), buffers=buffers)
    reader.carried = carried
    return reader.load()


class _Reader(pickle.Unpickler):
    carried: Sequence[Any]

    def persistent_load(self, place: Any) -> Any:
        return self.carried[place]


def unpack_function(data: bytes) -> Function:
    """The function, in the process that is to run it.

    Raises:
        Unknown: It came by name, and this process has not got it.
        Exception: What importing its module raised.
    """
    if data[:1] == _PICKLED:
        function: Function = decode(data[1:])
        return function
    name, fingerprint = marshal.loads(data[1:])
    found = _found(name)
    if not isinstance(found, FunctionType) or _fingerprint(found) != fingerprint:
        raise Unknown(f"The __main__ of this process has no function {name} like the sender's.")
    return found


def _found(name: str) -> Any:
    place: Any = sys.modules.get(_MAIN)
    for part in name.split("."):
        place = getattr(place, part, None)
    return place


def _fingerprint(function: FunctionType) -> int:
    """Of its code, constants and defaults; not of names of files: processes differ in these."""
    defaults = _said(function.__defaults__), _said(function.__kwdefaults__)
    return zlib.crc32(repr((_parts(function.__code__), defaults)).encode())


def _parts(code: CodeType) -> tuple[Any, ...]:
    constants = [_parts(c) if isinstance(c, CodeType) else _said(c) for c in code.co_consts]
    return code.co_firstlineno, code.co_code, code.co_names, code.co_varnames, constants


def _said(value: Any) -> str:
    """Plain values in words; of others, whose words may have an address, the type."""
    if isinstance(value, (tuple, list)):
        return f"({','.join(map(_said, value))})"
    if isinstance(value, (set, frozenset)):
        return f"{{{','.join(sorted(map(_said, value)))}}}"
    if isinstance(value, dict):
        return f"{{{','.join(f'{_said(k)}:{_said(v)}' for k, v in value.items())}}}"
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return repr(value)
    return type(value).__qualname__
