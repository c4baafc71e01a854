"""numpy's arrays, scalars and dtypes at the registered level: numbers, dates, texts and structures.

An array is its dtype, its shape, its order, and its memory. Arrays of objects are refused: what is
in them would have to be pickled.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pickle import PickleBuffer
from typing import Any

import numpy

from interlock.errors import TypeSerializationError
from interlock.serialize import registry
from interlock.serialize.registry import Registration
from interlock.serialize.work import shown

__all__ = ["register_types"]

_DIMENSIONS_MAX = 32
_FIELDS_MAX = 1 << 14  # of a dtype, those within its fields included; each may be met many times
_NAME_MAX = 32  # of a dtype without fields; "<M8[1000000us]" is a long one


def register_types() -> None:
    """Enter the types; numpy's own scalar types are one registration each."""
    _register(numpy.ndarray, "numpy.ndarray", _encode_array, _decode_array)
    _register(numpy.ma.MaskedArray, "numpy.ma.MaskedArray", _encode_masked, _decode_masked)
    for kind in {numpy.dtype, *map(type, map(numpy.dtype, "?bBhHiIlLqQefdgFDGSUVMm"))}:
        _register(kind, f"numpy.dtype[{kind.__name__}]", _describe, _dtype)
    for kind in sorted(_scalar_types(), key=lambda each: each.__name__):
        _register(kind, f"numpy.{kind.__name__}", _encode_scalar, _decode_scalar)


def _register(cls: Any, name: str, encode: Any, decode: Any) -> None:
    registry.add(
        Registration(
            cls,
            "function",
            name,
            encode=encode,
            decode=decode,
            trusted_too=False,  # pickle has them exactly, and the fast way of arrays.py
            in_pickles=False,
        )
    )


def _scalar_types() -> set[type]:
    codes = "?bBhHiIlLqQefdgFDGSUVMm"
    return {numpy.dtype(code).type for code in codes}


# ---- dtypes --------------------------------------------------------------------------------------


def _describe(dtype: Any) -> Any:
    """A dtype as plain values: its string, or its fields with their offsets.

    Raises:
        TypeSerializationError: It has Python objects in it.
    """
    if dtype.hasobject:
        raise TypeSerializationError(
            f"An array of dtype {dtype} holds Python objects, which have no form without pickle. "
            "Send array.tolist(), or an array of numbers or texts."
        )
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ("sub", _describe(base), tuple(shape))
    if dtype.names is None:
        return dtype.str
    fields = [(name, _describe(dtype.fields[name][0])) for name in dtype.names]
    offsets = [dtype.fields[name][1] for name in dtype.names]
    return (
        "fields",
        fields,
        offsets,
        dtype.itemsize,
        dtype.alignment > 1 and dtype.isalignedstruct,
    )


def _dtype(described: Any) -> Any:
    """A dtype of what `_describe` gave.

    Raises:
        ValueError: It describes none, or one with objects in it, or with too many fields.
    """
    return _part_of_dtype(described, itertools.count())


def _part_of_dtype(described: Any, met: Iterator[int]) -> Any:
    if next(met) > _FIELDS_MAX:
        raise ValueError(f"a dtype of more than {_FIELDS_MAX} fields")
    if type(described) is str:
        if len(described) > _NAME_MAX:
            raise ValueError("a dtype whose name is too long")
        made = numpy.dtype(described)
    elif type(described) is tuple and described[0] == "sub":
        _, base, shape = described
        made = numpy.dtype((_part_of_dtype(base, met), _shape(shape)))
    elif type(described) is tuple and described[0] == "fields":
        _, fields, offsets, size, aligned = described
        made = numpy.dtype(
            {
                "names": [_checked_name(name) for name, _ in fields],
                "formats": [_part_of_dtype(each, met) for _, each in fields],
                "offsets": offsets,
                "itemsize": size,
            },
            align=bool(aligned),
        )
    else:
        raise ValueError("a description of no dtype")
    if made.hasobject:
        raise ValueError("a dtype that holds Python objects")
    return made


def _checked_name(name: Any) -> str:
    if type(name) is not str:
        raise ValueError("a field's name that is no str")
    return name


def _shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is not tuple or len(shape) > _DIMENSIONS_MAX:
        raise ValueError("a shape is a tuple of at most 32 lengths")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError("a shape of what are no lengths")
    return shape


# ---- arrays --------------------------------------------------------------------------------------


def _encode_array(array: Any) -> tuple[Any, tuple[int, ...], bool, PickleBuffer]:
    described = _describe(array.dtype)
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    laid = array.T if fortran else array
    if not laid.flags.c_contiguous:
        laid = numpy.ascontiguousarray(laid).reshape(laid.shape)
        laid.flags.writeable = array.flags.writeable
    return described, array.shape, fortran, PickleBuffer(_bytes_of(laid))


def _bytes_of(array: Any) -> Any:
    """Its memory: of dates and structures too, which have no format that a buffer could tell."""
    if array.size == 0 or array.dtype.itemsize == 0:
        return b""
    return array.reshape(-1).view(numpy.uint8)


def _decode_array(state: Any) -> Any:
    described, shape, fortran, buffer = state
    dtype, shape = _dtype(described), _shape(shape)
    if type(buffer) is not memoryview:
        raise ValueError("an array without its memory")
    if math.prod(shape) * dtype.itemsize != buffer.nbytes:
        raise ValueError(f"{buffer.nbytes} bytes are no array of shape {shape} of {dtype}")
    order: Any = "F" if fortran is True else "C"
    if buffer.nbytes == 0:
        # Not numpy.empty(), which takes memory for an item of a type that may have 2 GB.
        return numpy.ndarray(shape, dtype, bytearray(), order=order)
    return numpy.ndarray(shape, dtype, buffer, order=order)


def _encode_masked(array: Any) -> tuple[Any, Any, Any]:
    mask = numpy.ma.getmask(array)
    return numpy.asarray(array.data), None if mask is numpy.ma.nomask else mask, array.fill_value


def _decode_masked(state: Any) -> Any:
    data, mask, fill_value = state
    if type(data) is not numpy.ndarray or type(mask) not in (numpy.ndarray, type(None)):
        raise ValueError("a masked array of what is no array")
    if not isinstance(fill_value, numpy.generic):
        raise ValueError("a masked array that is filled with what is no item")
    chosen = numpy.ma.nomask if mask is None else mask
    return numpy.ma.MaskedArray(data, mask=chosen, fill_value=fill_value, copy=False)


def _encode_scalar(scalar: Any) -> tuple[Any, bytes]:
    # Of an empty text numpy gives the bytes of an array of it, which has a character.
    return _describe(scalar.dtype), scalar.tobytes()[: scalar.dtype.itemsize]


def _decode_scalar(state: Any) -> Any:
    described, data = state
    dtype = _dtype(described)
    if type(data) is not bytes or len(data) != dtype.itemsize:
        raise ValueError(f"{shown(data)} is no {dtype}")
    if not data:
        return dtype.type()
    return numpy.frombuffer(data, dtype)[0]
