"""Messages that name a C type and hold other parts than it writes: by the C API, from Python.

It runs in a process of its own, where the name is free: the type itself is not there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from ctypes import c_char_p, c_double, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from ctypes import py_object as Object
from multiprocessing import get_context
from typing import Any

from interlock import _native
from interlock.serialize import dumps

__all__ = ["Message", "Part", "forge"]

Part = tuple[str, Any]
"""What writes it (``"uint64"``, ``"int64"``, ``"double"``, ``"bytes"``, ``"object"``,
``"buffer"``), and the value."""
Message = tuple[int, Sequence[Part]]
"""The version that it claims, and its parts."""

CAPSULE = b"interlock._native.C_API"

Encode = ctypes.PYFUNCTYPE(c_int, Object, c_void_p)
Decode = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_uint32)
Function = ctypes.PYFUNCTYPE


class API(ctypes.Structure):
    """The writing half of InterlockAPI, as native/include/interlock.h has it."""

    _fields_ = (
        ("api_version", c_uint32),
        ("size", c_uint32),
        ("register_type", Function(c_int, Object, c_char_p, c_uint32, Encode, Decode)),
        ("write_bytes", Function(c_int, c_void_p, c_char_p, c_size_t)),
        ("write_int64", Function(c_int, c_void_p, c_int64)),
        ("write_uint64", Function(c_int, c_void_p, c_uint64)),
        ("write_double", Function(c_int, c_void_p, c_double)),
        ("write_object", Function(c_int, c_void_p, Object)),
        ("write_buffer", Function(c_int, c_void_p, Object, c_char_p, c_size_t, c_int)),
    )


class Forged:
    """Stands for the C type, and has the parts that it is to write."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts


def forge(name: str, messages: Sequence[Message]) -> list[bytes]:
    """The bytes of each message, which says that it holds a type of that name."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(_forge_here, name, messages).result()


def _forge_here(name: str, messages: Sequence[Message]) -> list[bytes]:
    api = _api()
    functions = Encode(lambda forged, writer: _write(api, forged, writer)), Decode(lambda *_: None)
    forged = []
    for version, parts in messages:
        assert api.register_type(Forged, name.encode(), version, *functions) == 0
        sent = Forged(parts)  # it has a name, as who sends the type itself has one for it
        forged.append(dumps(sent))
    return forged


def _api() -> Any:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = c_void_p, [Object, c_char_p]
    return API.from_address(pointer(_native.C_API, CAPSULE))


def _write(api: Any, forged: Forged, writer: int) -> int:
    for kind, value in forged.parts:
        if kind == "bytes":
            api.write_bytes(writer, value, len(value))
        elif kind == "buffer":
            api.write_buffer(writer, value, value, len(value), 1)
        else:
            getattr(api, f"write_{kind}")(writer, value)
    return 0
