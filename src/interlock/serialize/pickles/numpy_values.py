"""numpy's arrays, scalars and dtypes: made of bytes that are there, never of pointers.

numpy's own ``__setstate__`` believes what it is told: flags that say that the bytes are
references, offsets beyond the item. Here the state is read, a dtype is made from it by the
public constructor, which checks it, and the state of that dtype is what is set. Dtypes with
objects are refused.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy

from interlock.serialize.pickles.cost import Cost
from interlock.serialize.pickles.names import Names
from interlock.serialize.pickles.refused import Refused

__all__ = ["check_subtype", "make", "set_state"]

_CODE = re.compile(r"[biufcmM](1|2|4|8|12|16|24|32)|[SUV]([0-9]{1,9})", re.ASCII)
_ORDERS = ("<", ">", "|", "=")
_DIMENSIONS_MAX = 64
_ITEM_MAX = 1 << 24
_UNITS = re.compile(rb"Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as|generic")


def dtype_arguments(args: tuple[Any, ...]) -> bool:
    """Whether a dtype is made of a plain code such as ``f8``."""
    if args and type(args[0]) is str and args[0].startswith("O"):
        raise _no_objects()
    return (
        len(args) == 3
        and type(args[0]) is str
        and _CODE.fullmatch(args[0]) is not None
        and args[1] in (False, 0, True)
        and args[2] in (True, 1)
    )


def check_subtype(args: tuple[Any, ...], names: Names) -> None:
    """The class of an array that is about to be made must be allowed."""
    if not args or not isinstance(args[0], type) or names.key_of(args[0]) is None:
        raise Refused("An array of no allowed class is made")


def make(name: str, args: tuple[Any, ...], cost: Cost) -> Any:
    """What numpy's function of this name makes, of checked arguments."""
    return {"_reconstruct": _empty, "scalar": _scalar, "_frombuffer": _from_buffer}[name](
        args, cost
    )


def set_state(target: Any, state: Any, cost: Cost) -> None:
    """BUILD of an array or dtype."""
    if type(state) is not tuple:
        raise Refused("The state of a numpy object is no tuple")
    if isinstance(target, numpy.ndarray) and type(target).__setstate__ is _ARRAY_SETSTATE:
        _set_array(target, state, cost)
    elif isinstance(target, numpy.dtype):
        _set_dtype(target, state)
    else:
        raise Refused(f"A numpy {type(target).__name__} gets a state")


_ARRAY_SETSTATE: Any = numpy.ndarray.__setstate__


def _empty(args: tuple[Any, ...], cost: Cost) -> Any:
    if len(args) != 3 or args[1:] not in (((0,), b"b"), ((0,), "b")):
        raise Refused("An array is made otherwise than empty")
    if not issubclass(args[0], numpy.ndarray):
        raise Refused("An array of another class is made")
    return numpy.ndarray.__new__(args[0], (0,), "b")


def _scalar(args: tuple[Any, ...], cost: Cost) -> Any:
    if len(args) != 2 or type(args[1]) is not bytes:
        raise Refused("A numpy scalar is made of no bytes")
    dtype = _plain_dtype(args[0])
    if dtype.itemsize != len(args[1]):
        raise Refused(f"A numpy scalar of {dtype.itemsize} bytes has {len(args[1])}")
    cost.copied(len(args[1]))
    return numpy.frombuffer(args[1], dtype=dtype, count=1).copy()[0] if args[1] else dtype.type()


def _from_buffer(args: tuple[Any, ...], cost: Cost) -> Any:
    if len(args) not in (4, 5):
        raise Refused("An array is made of no buffer")
    buffer, dtype, shape, order = args[:4]
    axes = args[4] if len(args) == 5 else None
    size = memoryview(buffer).nbytes
    _check_shape(shape, _plain_dtype(dtype), size)
    if order not in ("C", "F", "K") or not (axes is None or _integers(axes)):
        raise Refused("An array has an order that numpy does not write")
    array = numpy.frombuffer(buffer, dtype=dtype)
    if order == "K" and axes is not None:
        return array.reshape(shape, order="C").transpose(axes)
    return array.reshape(shape, order="C" if order == "K" else order)


def _plain_dtype(dtype: Any) -> numpy.dtype[Any]:
    if not isinstance(dtype, numpy.dtype) or dtype.hasobject or dtype.char == "T":
        raise _no_objects()
    return dtype


def _no_objects() -> Refused:
    return Refused(
        "A numpy array has objects, or no dtype", "Convert it to numbers before it is sent."
    )


def _integers(values: Any) -> bool:
    return type(values) is tuple and all(type(v) is int and 0 <= v < 1 << 62 for v in values)


def _check_shape(shape: Any, dtype: numpy.dtype[Any], size: int) -> None:
    if not _integers(shape) or len(shape) > _DIMENSIONS_MAX:
        raise Refused("The shape of an array is no tuple of numbers")
    if math.prod(shape) * dtype.itemsize != size:
        raise Refused(f"An array of shape {shape} has {size} bytes")


def _set_array(target: Any, state: tuple[Any, ...], cost: Cost) -> None:
    if len(state) != 5 or type(state[3]) not in (int, bool):
        raise Refused("The state of an array is not one that numpy writes")
    version, shape, dtype, _, content = state
    if version != 1 or type(content) not in (bytes, bytearray):
        raise Refused(
            "The content of an array is no bytes", "Convert it to numbers before it is sent."
        )
    _check_shape(shape, _plain_dtype(dtype), len(content))
    cost.copied(len(content))
    _ARRAY_SETSTATE(target, (1, shape, dtype, bool(state[3]), bytes(content)))


def _set_dtype(target: numpy.dtype[Any], state: tuple[Any, ...]) -> None:
    if len(state) not in (8, 9) or state[0] not in (3, 4):
        raise Refused("The state of a dtype is not one that numpy writes")
    made = _dtype_of(target, state)
    if made.hasobject or made.itemsize != target.itemsize or made.kind != target.kind:
        raise Refused("The state of a dtype does not fit it")
    target.__setstate__(made.__reduce__()[2])  # type: ignore[attr-defined]


def _dtype_of(target: numpy.dtype[Any], state: tuple[Any, ...]) -> numpy.dtype[Any]:
    _, order, sub, names, fields, size, _, flags = state[:8]
    if order not in _ORDERS:
        raise Refused("A dtype has no byte order")
    if sub is not None:
        return _subarray(sub)
    if names is not None:
        return _structure(names, fields, size, flags)
    if fields is not None:
        raise Refused("A dtype has fields without names")
    if target.kind in "mM" and len(state) == 9:
        return _time_dtype(target.kind, state[8]).newbyteorder(order)
    return numpy.dtype(target.str).newbyteorder(order)


def _time_dtype(kind: str, metadata: Any) -> numpy.dtype[Any]:
    """``(None, (unit, count, 1, 1))``"""
    unit = metadata[1] if type(metadata) is tuple and len(metadata) == 2 else None
    if type(unit) is not tuple or len(unit) != 4 or type(unit[1]) is not int:
        raise Refused("A dtype of times has no unit")
    if type(unit[0]) is not bytes or not _UNITS.fullmatch(unit[0]) or not 0 < unit[1] < 2**31:
        raise Refused("A dtype of times has no unit")
    if unit[0] == b"generic":
        return numpy.dtype(f"{kind}8")
    return numpy.dtype(f"{kind}8[{unit[1]}{unit[0].decode()}]")


def _subarray(sub: Any) -> numpy.dtype[Any]:
    if type(sub) is not tuple or len(sub) != 2:
        raise Refused("A dtype of arrays has no shape")
    base, shape = _plain_dtype(sub[0]), sub[1]
    if not _integers(shape) or base.itemsize * math.prod(shape) > _ITEM_MAX:
        raise Refused("A dtype of arrays has no shape")
    return numpy.dtype((base, shape))


def _structure(names: Any, fields: Any, size: Any, flags: Any) -> numpy.dtype[Any]:
    if type(names) is not tuple or type(fields) is not dict or type(size) is not int:
        raise Refused("A dtype has no fields")
    if set(names) != set(fields) or type(flags) is not int:
        raise Refused("A dtype has fields without names")
    parts = [fields[name] for name in names]
    if not all(type(p) is tuple and len(p) == 2 and type(p[1]) is int for p in parts):
        raise Refused("A dtype has a field without offset")
    formats = [_plain_dtype(part[0]) for part in parts]
    return numpy.dtype(
        {
            "names": list(names),
            "formats": formats,
            "offsets": [part[1] for part in parts],
            "itemsize": size,
        },
        align=bool(flags & 0x80),
    )
