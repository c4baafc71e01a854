"""Messages with every registered kind of object, and what reads them as from a stranger."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import ipaddress
import pathlib
import uuid
import zoneinfo
from typing import Any

import numpy

from interlock import _native
from interlock.serialize.limits import Limits
from interlock.serialize.trust import Bounds, bounds_of
from tests.serialize.registered.models import SAMPLES

# Small, so that a damaged length meets them.
LIMITS = Limits(max_bytes=4 << 20, max_depth=100, max_items=100_000, max_string=1 << 20)
BOUNDS: Bounds = bounds_of("registered", LIMITS)

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
MOMENT = datetime.datetime(2024, 2, 29, 12, 30, 15, 250_000)

STANDARD: tuple[Any, ...] = (
    datetime.date(2024, 2, 29),
    datetime.time(23, 59, 59, 999_999, fold=1),
    MOMENT,
    MOMENT.replace(tzinfo=datetime.UTC),
    MOMENT.replace(tzinfo=PARIS, fold=1),
    MOMENT.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=-90), "named")),
    datetime.time(1, tzinfo=datetime.UTC),
    datetime.timedelta(days=-3, seconds=5, microseconds=7),
    datetime.UTC,
    datetime.timezone(datetime.timedelta(hours=1)),
    PARIS,
    decimal.Decimal("1.10"),
    decimal.Decimal("-0E-7"),
    decimal.Decimal("Infinity"),
    uuid.UUID(int=7),
    uuid.UUID(int=2**128 - 1, is_safe=uuid.SafeUUID.safe),
    pathlib.PurePosixPath("/a/b"),
    pathlib.PureWindowsPath("c:\\a"),
    pathlib.Path("a/../b"),
    memoryview(b"bytes"),
    memoryview(array.array("d", [1.5, -2.5])),
    memoryview(bytearray(range(24))).cast("B", (2, 3, 4)),
    memoryview(b""),
    array.array("d", [1.5, 2.5]),
    array.array("q", [-(2**63), 2**63 - 1]),
    array.array("b"),
    collections.deque([1, [2], 3], maxlen=3),
    collections.deque(),
    collections.OrderedDict([("b", 1), ("a", [2])]),
    collections.Counter("aab"),
    fractions.Fraction(-1, 3),
    ipaddress.ip_address("192.0.2.1"),
    ipaddress.ip_address("2001:db8::1%eth0"),
    ipaddress.ip_network("192.0.2.0/24"),
    ipaddress.ip_network("2001:db8::/32"),
    ipaddress.ip_interface("192.0.2.1/24"),
    ipaddress.ip_interface("2001:db8::1/32"),
)
ARRAYS: tuple[Any, ...] = (
    numpy.arange(3.0),
    numpy.zeros((0, 2)),
    numpy.array(["a", "bcd"]),
    numpy.zeros(2, [("a", "i4"), ("b", "f8", (2,))]),
    numpy.array([1, 2], "M8[s]"),
    numpy.int64(3),
    numpy.dtype([("a", "i4")]),
)


def messages() -> list[bytes]:
    """As a stranger's honest peer would have written them."""
    shared = list(SAMPLES[:4])
    within: list[Any] = [MOMENT, {SAMPLES[3]: PARIS, decimal.Decimal(1): SAMPLES[6]}]
    within.append(within)
    sent = [*STANDARD, *SAMPLES, *ARRAYS, within, [shared, {"again": shared}, tuple(shared)]]
    data = [_native.encode(each, BOUNDS, prefix=b"") for each in sent]
    return [each for each in data if each is not None]


def read(data: bytes) -> Any:
    """At the registered level, within the limits."""
    return _native.decode(data, BOUNDS)
