"""Pickles of ordinary objects, and pickles by hand that reach for more, to be explained."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import ipaddress
import os
import pathlib
import pickle
import time
import uuid
import zoneinfo
from collections.abc import Iterator
from typing import Any

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Listing:
    """The tutorial chapter's own example."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("ls -lh",)


def text(value: str) -> bytes:
    """Pushes a str, as protocol 4 does."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def name(module: str, qualname: str) -> bytes:
    """Pushes what is found by a name, as protocol 4 does."""
    return text(module) + text(qualname) + b"\x93"


PLAIN: list[Any] = [
    None,
    [True, False, 0, 255, 65_535, -1, 2**31, -(2**40), 2**2100, 1.5, float("inf")],
    ["", "text", "\u20ac", "\ud800", "x" * 300, b"", b"bytes" * 60, bytearray(b"array")],
    [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, {"k": [1], 2: (3,)}],
]
VALUES: list[Any] = [
    {1, 2},
    frozenset({3}),
    datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC),
    datetime.datetime(2024, 2, 29, tzinfo=zoneinfo.ZoneInfo("UTC")),
    datetime.timedelta(1),
    uuid.UUID(int=17),
    decimal.Decimal("1.50"),
    fractions.Fraction(1, 3),
    collections.OrderedDict(a=1),
    collections.deque([1, 2], 3),
    collections.Counter("aab"),
    collections.defaultdict(list, {1: [2]}),
    pathlib.PurePosixPath("/a/b"),
    ipaddress.ip_network("10.0.0.0/8"),
    array.array("i", [1, 2]),
    range(3),
    1 + 2j,
    b"\xff",
    ValueError("no", 1),
    time.gmtime(0),
    NotImplemented,
]

# By hand: each of them loads something by a name that is no plain value's, or would.
REACHING: dict[str, bytes] = {
    "GLOBAL": b"cos\nsystem\n.",
    "GLOBAL, beyond ASCII": "cos\nsyst\u00e8me\n.".encode(),
    "GLOBAL, then REDUCE": b"cos\nsystem\n(Vls -lh\ntR.",
    "GLOBAL, with a list for the tuple": b"cos\nsystem\n(lVls -lh\naR.",
    "STACK_GLOBAL": b"\x80\x04" + name("os", "system") + text("ls") + b"\x85R.",
    "STACK_GLOBAL through the memo": (
        b"\x80\x04" + text("os") + b"\x940" + text("system") + b"\x940h\x00h\x01\x93."
    ),
    "STACK_GLOBAL, a name made at run time": (
        b"\x80\x04" + text("os") + name("builtins", "str") + text("system") + b"\x85R\x93."
    ),
    "STACK_GLOBAL, dotted": b"\x80\x04" + name("collections", "deque.__init__") + b")R.",
    "INST": b"(Vls\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nVls\no.",
    "NEWOBJ": b"\x80\x02cos\nsystem\n(Vls\nt\x81.",
    "NEWOBJ_EX": b"\x80\x04" + name("os", "system") + b")}" + text("command") + b"K\x01s\x92.",
    "EXT1": b"\x80\x02\x82\x05.",
    "EXT2": b"\x80\x02\x83\x05\x00.",
    "EXT4": b"\x80\x02\x84\x05\x00\x00\x00.",
    "PERSID": b"Pid 1\n.",
    "BINPERSID": b"K\x01Q.",
    "BUILD of a class": b"ccollections\nOrderedDict\n}Vname\nI1\nsb.",
    "BUILD of slots of a class": b"ccollections\nOrderedDict\nN}Vname\nI1\ns\x86b.",
    "BUILD of an unknown object": b"cos\nstat_result\n)R}b.",
    "APPEND to a class": b"ccollections\nUserList\nI1\na.",
    "APPENDS to a class": b"ccollections\nUserList\n(I1\ne.",
    "SETITEM of a class": b"ctyping\nList\nI1\nI2\ns.",
    "ADDITEMS to a class": b"\x80\x04" + name("weakref", "WeakSet") + b"(K\x01\x90.",
    "a call of what a call made": b"cfunctools\npartial\n(cos\nsystem\ntR(Vls\ntR.",
    "getattr of a registered class": (
        b"cbuiltins\ngetattr\n(ccollections\ndeque\nV__init__\ntR."
    ),
    "getattr, given away": b"ccollections\ndefaultdict\n(cbuiltins\ngetattr\ntR.",
    "getattr, the result": b"cbuiltins\ngetattr\n.",
    "getattr twice": (
        b"cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(ccollections\ndeque\nV__class__\nt"
        b"RV__subclasses__\ntR."
    ),
    "Python 2's name": b"c__builtin__\neval\n(V1\ntR.",
    "Python 2's place": b"cUserDict\nUserDict\n.",
    "another encoding": b"c_codecs\nencode\n(Vtext\nVrot13\ntR.",
    "a class of another kind": (
        b"ccopy_reg\n_reconstructor\n(ctypes\nModuleType\nc__builtin__\nobject\nNtR."
    ),
    "behind a harmless pickle": b"N.cos\nsystem\n.",
    "behind another memo": (
        # For a new unpickler number 0 is `str`, for one that goes on it is `os`.
        b"\x80\x04" + text("os") + b"\x940N." + b"\x80\x04" + text("collections")
        + b"\x940h\x00" + text("system") + b"\x93."
    ),
    "before the damage": b"cos\nsystem\n(Vls\ntRg9\n.",
    "without STOP": b"cos\nsystem\n(Vls\ntR",
    "thrown away": b"cos\nsystem\n(Vls\ntR0N.",
    "under a mark thrown away": b"(cos\nsystem\n(Vls\ntR1N.",
    "as a key": b"(cos\nsystem\n(Vls\ntRNd.",
    "a frame that is too long": b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
    "a protocol of the future": b"\x80\x09cos\nsystem\n.",
    "an importer": b"cimportlib\nimport_module\n(Vantigravity\ntR.",
    "a compiled pattern": b"cre\n_compile\n(V(a+)+b\nI0\ntR.",
    "types": b"cbuiltins\ntype\n(Vx\n(t}tR.",
}  # fmt: skip


def harmless() -> Iterator[tuple[str, bytes]]:
    """Each plain object and each plain value, by each protocol, with its verdict."""
    for protocol in PROTOCOLS:
        for value in VALUES:
            yield "registered types only", pickle.dumps([value], protocol)
