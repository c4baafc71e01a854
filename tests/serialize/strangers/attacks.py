"""States that are made to cost their decoder: `python -m tests.serialize.strangers.attacks`.

Runs by itself, with a bound on its memory and on the time of each attack, so that a crash or a hang
is an exit status and a stack. Prints a line for each attack: its name, and what came of it.
"""

from __future__ import annotations

import collections
import faulthandler
import fractions
import ipaddress
import pathlib
import resource
import time
import zoneinfo
from collections.abc import Callable
from pickle import PickleBuffer
from typing import Any

import msgspec
import numpy
import pandas
import pyarrow
import pydantic

import interlock
from interlock import _native
from interlock.errors import DecodeError
from interlock.serialize import dumps, loads
from tests.serialize.registered.models import Access, Colour, Fixed, Row
from tests.serialize.strangers.forged import doubled, doubled_list, forged, one_hash

MEMORY_MAX = 256 << 20  # beyond what the process has when it begins
TIME_MAX_S = 2.0  # for one message
EXIT_AFTER_S = 20


@interlock.serializable
class Node(msgspec.Struct):
    children: list[Node] = []


@interlock.serializable
class Matrix(msgspec.Struct):
    rows: list[list[list[list[int]]]] = []


@interlock.serializable
class Tree(pydantic.BaseModel):
    children: list[Tree] = []


DEEP, LISTS = doubled(), doubled_list()
NUMBERS = numpy.arange(3)
COLUMN = ("numpy", NUMBERS)
NO_NAME = {None: None}
INDEX = pandas.Index([1, 2, 3])
TWO_LEVELS = pandas.MultiIndex.from_tuples([(1, 2)])
MOMENT = pandas.Timestamp(0)
TABLE = pyarrow.table({"a": [1]})


def many_children() -> Any:
    made: Any = {"children": []}
    for _ in range(60):
        made = {"children": [made, made]}
    return made


def wide() -> Any:
    made: Any = [1] * 1000
    for _ in range(3):
        made = [made] * 1000
    return made


def many_fields() -> Any:
    made: Any = "i1"
    for _ in range(60):
        made = ("fields", [("a", made), ("b", made)], [0, 0], 1, False)
    return made


def compressed(table: Any) -> PickleBuffer:
    """Arrow's own way to have many bytes from few."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    with pyarrow.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return PickleBuffer(sink.getvalue().to_pybytes())


def array(dtype: Any, shape: Any, memory: bytes = b"") -> Any:
    return dtype, shape, False, PickleBuffer(memory)


def another_value(member: Any) -> bytes:
    """A member whose value is another: it is a byte at the end."""
    value = _native.encode(DEEP)
    assert value is not None
    return dumps(member)[:-1] + value


def with_attribute(made: Any, name: str, value: Any) -> bytes:
    object.__setattr__(made, name, value)
    return dumps(made)


def zeros() -> Any:
    return pyarrow.table({"a": numpy.zeros(40 << 20, "u1")})


ATTACKS: dict[str, Callable[[], bytes]] = {
    "enum": lambda: another_value(Colour.RED),
    "flag": lambda: another_value(Access.READ),
    "field of lists": lambda: with_attribute(Row(1), "tags", LISTS),
    "field of tuples": lambda: with_attribute(Fixed(1), "y", DEEP),
    "struct within itself": lambda: forged(Node(), many_children()),
    "struct of lists": lambda: forged(Matrix(), {"rows": wide()}),
    "model within itself": lambda: forged(Tree(), many_children()),
    "dtype of many fields": lambda: forged(NUMBERS.dtype, many_fields()),
    "dtype of a long name": lambda: forged(NUMBERS.dtype, "i1," * 1_000_000),
    "dtype of a name": lambda: forged(NUMBERS.dtype, ("fields", [(DEEP, "i1")], [0], 1, False)),
    "dtype before its memory": lambda: forged(
        NUMBERS, array(("fields", [("a", "i8")], [-8], 8, False), (1,), bytes(8))
    ),
    "scalar": lambda: forged(numpy.int64(1), ("i8", DEEP)),
    "array of empty texts": lambda: forged(NUMBERS, array("S0", (2**36,))),
    "array of empty wide texts": lambda: forged(NUMBERS, array("U0", (2**34,))),
    "array of large items": lambda: forged(NUMBERS, array("S2147483647", (0,))),
    "array of more than there is": lambda: forged(NUMBERS, array("i8", (2**40,), bytes(8))),
    "array of endless shape": lambda: forged(NUMBERS, array("i1", (2**62, 4), bytes(8))),
    "array of a shape": lambda: forged(NUMBERS, array("i1", DEEP)),
    "masked array": lambda: forged(numpy.ma.array([1]), (NUMBERS, None, DEEP)),
    "timestamp's unit": lambda: forged(MOMENT, (1, DEEP, None)),
    "timestamp's value": lambda: forged(MOMENT, (DEEP, "s", None)),
    "timestamp's zone": lambda: forged(MOMENT, (1, "s", DEEP)),
    "timestamp's zone in a file": lambda: forged(MOMENT, (1, "s", "dateutil//dev/zero")),
    "timedelta": lambda: forged(pandas.Timedelta(0), (DEEP, "s")),
    "index's name": lambda: forged(INDEX, (COLUMN, DEEP)),
    "index's form": lambda: forged(INDEX, ((DEEP, NUMBERS), NO_NAME)),
    "texts": lambda: forged(INDEX, (("texts", [DEEP], "python", True), NO_NAME)),
    "texts' storage": lambda: forged(INDEX, (("texts", ["a"], DEEP, True), NO_NAME)),
    "zone": lambda: forged(INDEX, (("zoned", NUMBERS, "s", DEEP), NO_NAME)),
    "zone in a file": lambda: forged(
        INDEX, (("zoned", NUMBERS, "s", "dateutil//dev/zero"), NO_NAME)
    ),
    "categories": lambda: forged(
        INDEX, (("categories", NUMBERS, ("objects", [1, DEEP, 3]), True), NO_NAME)
    ),
    "categories of one hash": lambda: forged(
        INDEX,
        (("categories", NUMBERS, ("keys", dict.fromkeys(one_hash(5000))), True), NO_NAME),
    ),
    "mask": lambda: forged(INDEX, (("masked", NUMBERS, DEEP, "Int64"), NO_NAME)),
    "mask of lists": lambda: forged(INDEX, (("masked", NUMBERS, LISTS, "Int64"), NO_NAME)),
    "masked type": lambda: forged(INDEX, (("masked", NUMBERS, NUMBERS > 5, "category"), NO_NAME)),
    "range": lambda: forged(pandas.RangeIndex(1), (DEEP, 1, 1, NO_NAME)),
    "range's name": lambda: forged(pandas.RangeIndex(1), (0, 1, 1, DEEP)),
    "levels": lambda: forged(TWO_LEVELS, ([DEEP, DEEP], [NUMBERS] * 2, [NO_NAME] * 2)),
    "levels' names": lambda: forged(TWO_LEVELS, ([INDEX] * 2, [NUMBERS] * 2, [DEEP, NO_NAME])),
    "levels' codes": lambda: forged(
        TWO_LEVELS, ([INDEX] * 2, [NUMBERS, NUMBERS + 90], [NO_NAME] * 2)
    ),
    "series' name": lambda: forged(pandas.Series([1]), (COLUMN, INDEX, DEEP)),
    "frame's columns": lambda: forged(pandas.DataFrame({"a": [1]}), ([COLUMN], DEEP, INDEX)),
    "frame longer than its columns": lambda: forged(
        pandas.DataFrame({"a": [1]}), ([COLUMN], pandas.RangeIndex(1), pandas.RangeIndex(10**9))
    ),
    "fraction": lambda: forged(fractions.Fraction(1, 2), (2**200_000, 2**199_999 - 1)),
    "address": lambda: forged(ipaddress.ip_address("::1"), ":" * (32 << 20)),
    "network": lambda: forged(ipaddress.ip_network("::/8"), "/" * (32 << 20)),
    "deque": lambda: forged(collections.deque(), ([1], DEEP)),
    "counter": lambda: forged(collections.Counter(), DEEP),
    "zone of the system": lambda: forged(zoneinfo.ZoneInfo("UTC"), ("../../../dev/zero", 1)),
    "path": lambda: forged(pathlib.PurePosixPath("a"), DEEP),
    "shape of a view": lambda: forged(memoryview(b"a"), ("B", DEEP, PickleBuffer(b"a"))),
    "endless view": lambda: forged(memoryview(b"a"), ("B", (2**40, 2**40), PickleBuffer(b"a"))),
    "table": lambda: forged(TABLE, DEEP),
    "table of few bytes": lambda: forged(TABLE, compressed(zeros())),
    "table of few words": lambda: forged(
        TABLE, compressed(pyarrow.table({"a": pyarrow.array(["x"]).dictionary_encode()}))
    ),
    "table of no bytes": lambda: forged(TABLE, PickleBuffer(b"\xff\xff\xff\xff\xff\xff\xff\x7f")),
}
MADE = {"array of empty texts", "array of empty wide texts", "array of large items"}  # of no memory


def attacked(data: bytes) -> str:
    """What came of a message."""
    begun = time.monotonic()
    try:
        loads(data)
    except DecodeError as error:
        assert error.offset is not None and error.path is not None, error
        result = "refused"
    except BaseException as error:
        result = f"{type(error).__name__}: {str(error)[:200]}"
    else:
        result = "made"
    taken = time.monotonic() - begun
    return result if taken < TIME_MAX_S else f"{result} after {taken:.1f} s"


def main() -> None:
    faulthandler.enable()
    messages = {name: make() for name, make in ATTACKS.items()}
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_MAX,) * 2)
    for name, data in messages.items():
        faulthandler.dump_traceback_later(EXIT_AFTER_S, exit=True)
        print(f"{name}\t", end="", flush=True)
        print(attacked(data), flush=True)


if __name__ == "__main__":
    main()
