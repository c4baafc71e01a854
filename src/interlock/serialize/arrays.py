"""Large numpy arrays of numbers: their pickle is made once for each shape.

With its buffer out of band, the pickle of an array says only dtype, shape and
whether it may be written to; yet making and reading it takes numpy and pickle 8 us,
more than it takes to copy 64 KiB. So both sides remember it. It is the very pickle
that would be made anew: a receiver that has not met it reads it as any other.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

__all__ = ["decode", "encode"]

_NUMBERS = "biufc"  # kinds of dtype that their number names fully, when they are builtin
_KNOWN_MAX = 1024  # shapes; then a table begins anew
_PICKLE_MAX = 512  # no pickle of a lone array is longer

_pickles: dict[tuple[int, tuple[int, ...], bool], bytes] = {}  # dtype's number, shape, writable
_arrays: dict[bytes, tuple[tuple[int, ...], Any]] = {}  # shape, dtype


def encode(obj: Any, least: int) -> tuple[bytes, list[Any]] | None:
    """The pickle and the buffer of an array of numbers of at least ``least`` bytes.

    Returns:
        None for any other object.
    """
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or type(obj) is not numpy.ndarray or obj.nbytes < least:
        return None
    flags, dtype = obj.flags, obj.dtype
    if not flags.c_contiguous or not _is_number(dtype):
        return None
    form = (dtype.num, obj.shape, flags.writeable)
    known = _pickles.get(form)
    if known is None:
        known = _pickle(obj)
        if len(_pickles) >= _KNOWN_MAX:
            _pickles.clear()
        _pickles[form] = known
    return known, [obj]


def decode(data: bytes, buffer: Any) -> Any:
    """The object whose pickle has one buffer, whether it is an array or not.

    Raises:
        Exception: As `interlock.serialize.codec.decode`.
    """
    known = _arrays.get(data)
    if known is not None:
        shape, dtype = known
        numpy: Any = sys.modules["numpy"]
        return numpy.ndarray(shape, dtype, buffer)
    obj = pickle.loads(data, buffers=[buffer])
    if type(obj).__module__ == "numpy" and len(data) <= _PICKLE_MAX:
        _learn(data, obj)
    return obj


def _learn(data: bytes, obj: Any) -> None:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or type(obj) is not numpy.ndarray or not _is_number(obj.dtype):
        return
    # An array may have come from a stranger's __reduce__, which did something with the
    # buffer. Only where the array's own pickle is the same one, nothing was done to it.
    if obj.flags.c_contiguous and _pickle(obj) == data:
        if len(_arrays) >= _KNOWN_MAX:
            _arrays.clear()
        _arrays[data] = (obj.shape, obj.dtype)


def _is_number(dtype: Any) -> bool:
    return dtype.isbuiltin == 1 and dtype.kind in _NUMBERS


def _pickle(array: Any) -> bytes:
    return pickle.dumps(array, 5, buffer_callback=lambda buffer: None)
