"""pandas' frames, series, indexes and timestamps at the registered level, column by column.

A column of numbers, dates or times is a numpy array; one of Python objects, a list of them, each of
which must be able to travel itself. What pandas hashes where it is made (names, categories, levels)
comes as keys of a dict, so that the codec has hashed it before, with a bound on the work.
"""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Any

import numpy
import pandas
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import Day, Tick

from interlock.errors import TypeSerializationError
from interlock.serialize import registry
from interlock.serialize.registry import Registration
from interlock.serialize.work import shown

__all__ = ["register_types"]

_FREQUENCY_MAX = 100  # characters
_CALENDAR_MAX = 100_000  # moments whose calendar (business days, say) is checked one by one
_MASKED = (
    "boolean",
    "Float32",
    "Float64",
    *(f"{u}Int{n}" for u in ("", "U") for n in (8, 16, 32, 64)),
)


def register_types() -> None:
    """Enter the types."""
    _register(pandas.DataFrame, "pandas.DataFrame", _encode_frame, _decode_frame)
    _register(pandas.Series, "pandas.Series", _encode_series, _decode_series)
    _register(pandas.Index, "pandas.Index", _encode_index, _decode_index)
    _register(pandas.RangeIndex, "pandas.RangeIndex", _encode_range, _decode_range)
    _register(pandas.DatetimeIndex, "pandas.DatetimeIndex", _encode_moments, _decode_moments)
    _register(pandas.TimedeltaIndex, "pandas.TimedeltaIndex", _encode_moments, _decode_moments)
    _register(pandas.CategoricalIndex, "pandas.CategoricalIndex", _encode_index, _decode_index)
    _register(pandas.MultiIndex, "pandas.MultiIndex", _encode_multi, _decode_multi)
    _register(pandas.Timestamp, "pandas.Timestamp", _encode_timestamp, _decode_timestamp)
    _register(pandas.Timedelta, "pandas.Timedelta", _encode_timedelta, _decode_timedelta)
    _register(type(pandas.NaT), "pandas.NaT", lambda _: None, lambda _: pandas.NaT)
    _register(type(pandas.NA), "pandas.NA", lambda _: None, lambda _: pandas.NA)


def _register(cls: Any, name: str, encode: Any, decode: Any) -> None:
    registry.add(
        Registration(
            cls,
            "function",
            name,
            encode=encode,
            decode=decode,
            trusted_too=False,
            in_pickles=False,
        )
    )


# ---- columns -------------------------------------------------------------------------------------


def _encode_values(values: Any) -> Any:
    """The values of a column: what they are, and what stands for them.

    Raises:
        TypeSerializationError: They are of an extension type that has no form here.
    """
    if isinstance(values, numpy.ndarray):
        if values.dtype.hasobject:
            return "objects", values.tolist()
        return "numpy", values
    dtype = values.dtype
    if isinstance(dtype, pandas.DatetimeTZDtype):
        known = isinstance(dtype.tz, datetime.timezone | zoneinfo.ZoneInfo)
        return "zoned", values.asi8, dtype.unit, dtype.tz if known else str(dtype.tz)
    if isinstance(dtype, pandas.CategoricalDtype):
        return "categories", values.codes, _encode_unique(values.categories), bool(values.ordered)
    if dtype.kind in "mM":
        return "numpy", values.to_numpy()
    if isinstance(dtype, pandas.StringDtype):
        objects = [None if pandas.isna(each) else str(each) for each in values]
        return "texts", objects, str(dtype.storage), dtype.na_value is pandas.NA
    if hasattr(values, "_mask") and hasattr(values, "_data"):
        return "masked", values._data, values._mask, str(dtype)
    raise TypeSerializationError(
        f"A column of dtype {dtype} has no form without pickle. Send it as numbers or texts "
        "(astype), or as an Arrow table."
    )


def _encode_unique(index: Any) -> Any:
    """Values that pandas will hash to see that each is there once."""
    form, *rest = _encode_values(index.array if _is_extension(index) else index.to_numpy())
    return ("keys", dict.fromkeys(*rest)) if form == "objects" else (form, *rest)


def _decode_unique(state: Any) -> Any:
    if type(state) is tuple and len(state) == 2 and state[0] == "keys" and type(state[1]) is dict:
        return _objects(list(state[1]))
    if type(state) is tuple and state[:1] != ("objects",):
        return _decode_values(state)
    raise ValueError("categories or levels of no known form")


def _decode_categories(state: Any) -> Any:
    values = _decode_unique(state)
    dtype = object if isinstance(values, numpy.ndarray) and values.dtype.hasobject else None
    return pandas.Index(values, dtype=dtype, tupleize_cols=False)


def _encode_name(name: Any) -> Any:
    return {name: None}


def _decode_name(state: Any) -> Any:
    if type(state) is not dict or len(state) != 1:
        raise ValueError("a name that was not hashed")
    return next(iter(state))


def _objects(values: list[Any]) -> Any:
    # One by one: of lists within the list numpy would make further dimensions.
    made = numpy.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        made[at] = value
    return made


def _is_extension(column: Any) -> bool:
    return not isinstance(column.dtype, numpy.dtype) or column.dtype.kind in "mM"


def _decode_values(state: Any) -> Any:
    if type(state) is not tuple or len(state) < 2:
        raise ValueError("a column of no known form")
    form, values, *rest = state
    if form == "objects" and type(values) is list:
        return _objects(values)
    if form == "texts" and type(values) is list:
        storage, missing_is_na = rest
        if not {type(each) for each in values} <= {str, type(None)}:
            raise ValueError("texts that are no str")
        missing = pandas.NA if missing_is_na is True else numpy.nan
        dtype = pandas.StringDtype(_one_of(storage, "python", "pyarrow"), na_value=missing)
        return pandas.array(values, dtype=dtype)
    if type(values) is not numpy.ndarray:
        raise ValueError("a column that is no array")
    if form == "numpy":
        return values
    if form == "zoned":
        unit, zone = rest
        moments = values.view(f"M8[{_one_of(unit, 's', 'ms', 'us', 'ns')}]")
        return pandas.DatetimeIndex(moments, tz="UTC").tz_convert(_zone(zone)).array
    if form == "categories":
        categories, ordered = rest
        return pandas.Categorical.from_codes(
            values, _decode_categories(categories), ordered=ordered is True
        )
    if form == "masked":
        mask, name = rest
        if type(mask) is not numpy.ndarray or mask.dtype != bool or mask.shape != values.shape:
            raise ValueError("a column whose mask is none")
        made = pandas.array(values, dtype=_one_of(name, *_MASKED))
        made[mask] = pandas.NA
        return made
    raise ValueError("a column of no known form")


def _one_of(word: Any, *words: str) -> str:
    if type(word) is not str or word not in words:
        raise ValueError(f"{shown(word)} is none of {words}")
    return word


def _zone(zone: Any) -> Any:
    """A time zone, or the name of one of a library that is not known here.

    Raises:
        ValueError: It is none. A name with dateutil in it may be that of any file.
    """
    if isinstance(zone, datetime.tzinfo) or (type(zone) is str and "dateutil" not in zone):
        return zone
    raise ValueError(f"{shown(zone)} is no time zone")


# ---- indexes, series, frames ---------------------------------------------------------------------


def _encode_index(index: Any) -> Any:
    values = _encode_values(index.array if _is_extension(index) else index.to_numpy())
    return values, _encode_name(index.name)


def _decode_index(state: Any) -> Any:
    values, name = state
    decoded = _decode_values(values)
    as_objects = isinstance(decoded, numpy.ndarray) and decoded.dtype.hasobject
    dtype = object if as_objects else None
    return pandas.Index(decoded, name=_decode_name(name), dtype=dtype, tupleize_cols=False)


def _encode_moments(index: Any) -> Any:
    name = index.freqstr
    return _encode_index(index), name if name and to_offset(name) == index.freq else None


def _decode_moments(state: Any) -> Any:
    values, name = state
    index = _decode_index(values)
    if name is not None:
        if type(name) is not str or len(name) > _FREQUENCY_MAX:
            raise ValueError("a frequency that is none")
        offset = to_offset(name)
        if isinstance(offset, Tick | Day) or len(index) <= _CALENDAR_MAX:
            index.freq = offset  # which checks that the moments have it
    return index


def _encode_range(index: Any) -> Any:
    return index.start, index.stop, index.step, _encode_name(index.name)


def _decode_range(state: Any) -> Any:
    start, stop, step, name = state
    return pandas.RangeIndex(start, stop, step, name=_decode_name(name))


def _encode_multi(index: Any) -> Any:
    codes = [numpy.asarray(each) for each in index.codes]
    levels = [_encode_unique(each) if each.dtype == object else each for each in index.levels]
    return levels, codes, [_encode_name(name) for name in index.names]


def _decode_multi(state: Any) -> Any:
    levels, codes, names = state
    if not all(type(each) is numpy.ndarray and each.dtype.kind == "i" for each in codes):
        raise ValueError("a MultiIndex of what are no codes")
    return pandas.MultiIndex(  # which checks the codes
        levels=[_decode_level(each) for each in levels],
        codes=codes,
        names=[_decode_name(each) for each in names],
    )


def _decode_level(state: Any) -> Any:
    if isinstance(state, pandas.Index) and state.dtype != object:
        return state
    return pandas.Index(_decode_unique(state), dtype=object, tupleize_cols=False)


def _encode_series(series: Any) -> Any:
    values = _encode_values(series.array if _is_extension(series) else series.to_numpy())
    return values, series.index, _encode_name(series.name)


def _decode_series(state: Any) -> Any:
    values, index, name = state
    decoded = _decode_values(values)
    as_objects = isinstance(decoded, numpy.ndarray) and decoded.dtype.hasobject
    dtype = object if as_objects else None
    return pandas.Series(
        decoded, index=_index(index), name=_decode_name(name), dtype=dtype, copy=False
    )


def _encode_frame(frame: Any) -> Any:
    columns = [
        _encode_values(column.array if _is_extension(column) else column.to_numpy())
        for column in (frame.iloc[:, at] for at in range(frame.shape[1]))
    ]
    return columns, frame.columns, frame.index


def _decode_frame(state: Any) -> Any:
    encoded, columns, index = state
    if type(encoded) is not list or len(encoded) != len(_index(columns)):
        raise ValueError("a frame with another number of columns than names")
    series = []
    for each in encoded:
        values = _decode_values(each)
        as_objects = isinstance(values, numpy.ndarray) and values.dtype.hasobject
        dtype = object if as_objects else None
        series.append(pandas.Series(values, index=_index(index), dtype=dtype, copy=False))
    if not series:
        return pandas.DataFrame(index=_index(index), columns=columns)
    frame = pandas.concat(series, axis=1)
    frame.columns = columns
    return frame


def _index(index: Any) -> Any:
    if not isinstance(index, pandas.Index):
        raise ValueError("an index that is none")
    return index


# ---- moments -------------------------------------------------------------------------------------


def _encode_timestamp(moment: Any) -> Any:
    # asm8 is in UTC, or as it is where there is no zone.
    return moment.asm8.view("i8").item(), moment.unit, moment.tz


def _decode_timestamp(state: Any) -> Any:
    value, unit, zone = state
    chosen: Any = _one_of(unit, "s", "ms", "us", "ns")
    made = pandas.Timestamp(numpy.datetime64(_count(value), chosen))
    return made if zone is None else made.tz_localize("UTC").tz_convert(_zone(zone))


def _count(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("a moment that is no number")
    return value


def _encode_timedelta(delta: Any) -> Any:
    return delta.asm8.view("i8").item(), delta.unit


def _decode_timedelta(state: Any) -> Any:
    value, unit = state
    chosen: Any = _one_of(unit, "s", "ms", "us", "ns")
    return pandas.Timedelta(numpy.timedelta64(_count(value), chosen))
