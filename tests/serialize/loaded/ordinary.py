"""A hundred ordinary objects, and the names that a program allows for them."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import functools
import inspect
import io
import ipaddress
import operator
import pathlib
import re
import signal
import time
import types
import urllib.parse
import uuid
import zoneinfo
from http import HTTPStatus
from typing import Any

import numpy
import pandas

from interlock.serialize import NUMPY
from tests.serialize import things
from tests.serialize.loaded import classes

__all__ = ["ALLOW", "OBJECTS"]

_MOMENT = datetime.datetime(2024, 10, 27, 2, 30, 15, 7)
_BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
_FRAME = pandas.DataFrame({"text": ["a", None], "number": [1, 2], "share": [0.5, None]})

_PLAIN: dict[str, Any] = {
    "numbers": [None, True, 0, 255, 65_535, -1, 2**31, -(2**63), 2**2100, 1.5, float("inf"), -0.0],
    "texts": ["", "text", "\u20ac", "\U0001f512", "\ud800", "x" * 300, "line\nline", "\\u0041"],
    "bytes": [b"", b"bytes", bytes(range(256)), b"x" * 70_000],
    "bytearrays": [bytearray(), bytearray(b"array"), bytearray(300)],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((),)],
    "lists and dicts": [[], [1, [2]], {}, {"k": [1], 2: (3,)}, dict.fromkeys(range(2000))],
    "sets": [set(), {1, 2}, frozenset(), frozenset({"a", (1, 2)})],
    "equal sets": [{2**70, (1, 2)} for _ in range(100)],
    "shared": [classes.function, *[[1]] * 3],
    "in each other": classes.looped(),
    "deep": classes.nested(400),
    "complex": 1 - 2j,
    "range": range(2**70, 5, -3),
    "slice": slice(1, "two", (3,)),
    "singletons": [..., NotImplemented, type(None), type(...)],
    "types": [int, dict, ValueError, object],
    "builtin functions": [things.remade, classes.function],
}
_VALUES: dict[str, Any] = {
    "date": _MOMENT.date(),
    "time": _MOMENT.time().replace(fold=1),
    "datetime": _MOMENT,
    "datetime in UTC": _MOMENT.replace(tzinfo=datetime.UTC),
    "datetime in a zone": _MOMENT.replace(tzinfo=_BERLIN, fold=1),
    "timedelta": datetime.timedelta(-1, 2, 3),
    "timezone": datetime.timezone(datetime.timedelta(hours=2), "name"),
    "zone": _BERLIN,
    "a zone of its own": zoneinfo.ZoneInfo.no_cache("UTC"),
    "Decimal": [decimal.Decimal(text) for text in ("1.50", "-0", "NaN", "-Infinity", "1E+1000")],
    "Fraction": fractions.Fraction(-1, 3),
    "UUID": uuid.UUID(int=17),
    "UUID of a time": uuid.UUID(int=17, is_safe=uuid.SafeUUID.safe),
    "Path": pathlib.Path("/a/b"),
    "PurePaths": [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("c:/x")],
    "addresses": [ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8")],
    "interface": ipaddress.ip_interface("10.0.0.1/8"),
    "OrderedDict": collections.OrderedDict(b=1, a=[2]),
    "deque": collections.deque([1, 2], 3),
    "Counter": collections.Counter("aab"),
    "defaultdict": collections.defaultdict(list, {1: [2]}),
    "defaultdict of a function": collections.defaultdict(classes.function, {1: 2}),
    "ChainMap": collections.ChainMap({1: 2}, {3: 4}),
    "UserDict": collections.UserDict(a=1),
    "UserList": collections.UserList([1]),
    "UserString": collections.UserString("text"),
    "namespace": types.SimpleNamespace(a=1, b=[2]),
    "array": array.array("i", [1, 2]),
    "arrays": [array.array(code, [1]) for code in "bBhHlLqQfd"],
    "struct_time": time.gmtime(0),
    "exceptions": [ValueError("no", 1), KeyError("k"), StopIteration(3), OSError(2, "no", "f")],
    "exception of a text": UnicodeDecodeError("ascii", b"\xff", 0, 1, "why"),
    "exception with a note": classes.noted(ValueError("no")),
    "exceptions in a group": ExceptionGroup("all", [ValueError(1), TypeError(2)]),
    "ImportError": ImportError("no", name="module", path="path"),
    "pattern": re.compile("a+", re.IGNORECASE),
    "partial": functools.partial(classes.function, 3),
    "partial with keywords": functools.partial(classes.function, first=3),
    "itemgetter": operator.itemgetter(1, "two"),
    "StringIO": io.StringIO("text\n"),
    "BytesIO": io.BytesIO(b"bytes"),
    "a parsed URL": urllib.parse.urlsplit("http://host/path"),
    "a status": HTTPStatus.NOT_FOUND,
    "a signal": signal.Signals.SIGTERM,
    "a parameter": inspect.Parameter("a", inspect.Parameter.KEYWORD_ONLY),
    "GenericAlias": list[int],
}
_CLASSES: dict[str, Any] = {
    **{f"subclass {type(thing).__name__}": thing for thing in things.SUBCLASSES},
    "a dataclass": classes.Point(1, tags=["t"]),
    "a frozen dataclass": classes.FrozenPoint(1),
    "a dataclass with slots": classes.SlottedPoint(1, 2),
    "keys": {classes.Key("k", 1): 1, classes.FrozenPoint(2): 2},
    "slots": classes.Slots(),
    "slots of two": classes.MoreSlots(),
    "slots and a dict": classes.SlotsAndDict(),
    "__setstate__": classes.State(7),
    "__getstate__": classes.StateOnly(),
    "a false state": classes.FalseState(),
    "__getnewargs__": classes.Arguments(1, 2),
    "__getnewargs_ex__": things.NewArguments(1, second=2),
    "__reduce_ex__": classes.ReducedEx([1]),
    "__reduce__ to a class method": classes.ReducedToClassmethod.of(7),
    "__reduce__ with items": classes.Cells(),
    "__reduce__ to a name": things.THE_ONE,
    "__reduce__ to a function": things.Refuses(1, reason="r"),
    "copyreg": classes.ByCopyreg(3),
    "an exception of its own": classes.Failure(3),
    "a generic": classes.Box[int](3),
    "an inner class": [classes.Outer.Inner(3), classes.Outer.Kind.ONE],
    "in itself": classes.Node(),
    "a class and a function": [classes.Point, classes.function, classes.Outer.Inner],
}
_SCIENCE: dict[str, Any] = {
    "array of floats": numpy.arange(6.0).reshape(2, 3),
    "array in Fortran's order": numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
    "array of another byte order": numpy.arange(3, dtype=">i4"),
    "array of times": numpy.array(["2024-02-29", "NaT"], dtype="M8[D]"),
    "array of texts": numpy.array(["a", "bc"]),
    "array of records": numpy.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "array of nothing": numpy.zeros((0, 3)),
    "array of no dimension": numpy.array(7),
    "scalars": [numpy.float64(1.5), numpy.int8(-1), numpy.bool_(True), numpy.datetime64("2024")],
    "dtypes": [numpy.dtype("f8"), numpy.dtype(">u2"), numpy.dtype([("a", "i4", (2,))])],
    "Series": pandas.Series([1.5, 2.5]),
    "DataFrame": pandas.DataFrame(numpy.arange(6.0).reshape(2, 3)),
    "DataFrame of columns": _FRAME,
    "DataFrame by its index": _FRAME.set_index("text"),
    "DatetimeIndex": pandas.date_range("2024-02-28", periods=3),
    "Categorical": pandas.Categorical(["a", "b", "a"]),
    "Timestamp": pandas.Timestamp("2024-02-29 12:00"),
    "Timedelta": pandas.Timedelta(days=1),
}
OBJECTS: dict[str, Any] = {**_PLAIN, **_VALUES, **_CLASSES, **_SCIENCE}
_THINGS = (
    "Bytearray Bytes Colour Complex Dict Flag Float Frozenset Int Level List NewArguments Point "
    "Set Str THE_ONE Tuple Word remade"
)
_OWN = (
    "Arguments Box Cells Failure FalseState FrozenPoint Key MoreSlots Node Outer Outer.Inner "
    "Outer.Kind Point ReducedEx ReducedToClassmethod ReducedToClassmethod.of Slots SlotsAndDict "
    "SlottedPoint State StateOnly function made_by_copyreg"
)
_LIBRARY = (
    "_io:BytesIO _io:StringIO _operator:getitem functools:partial http:HTTPStatus "
    "inspect:Parameter inspect:_ParameterKind inspect:_empty operator:itemgetter re:_compile "
    "signal:Signals time:struct_time types:GenericAlias urllib.parse:SplitResult"
)
_TABLES = (
    "pandas:Categorical pandas:CategoricalDtype pandas:DataFrame pandas:DatetimeIndex "
    "pandas:Index pandas:RangeIndex pandas:Series pandas:StringDtype "
    "pandas._libs.arrays:__pyx_unpickle_NDArrayBacked pandas._libs.internals:_unpickle_block "
    "pandas._libs.tslibs.offsets:Day pandas._libs.tslibs.timedeltas:_timedelta_unpickle "
    "pandas._libs.tslibs.timestamps:_unpickle_timestamp pandas.arrays:ArrowStringArray "
    "pandas.arrays:DatetimeArray pandas.core.indexes.base:_new_Index "
    "pandas.core.indexes.datetimes:_new_DatetimeIndex pandas.core.internals.managers:BlockManager "
    "pandas.core.internals.managers:SingleBlockManager pyarrow.lib:_restore_array "
    "pyarrow.lib:py_buffer pyarrow.lib:type_for_alias"
)
ALLOW: tuple[str, ...] = (
    *(f"{things.__name__}:{name}" for name in _THINGS.split()),
    *(f"{classes.__name__}:{name}" for name in _OWN.split()),
    *_LIBRARY.split(),
    *_TABLES.split(),
    *NUMPY,
)
