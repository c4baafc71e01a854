"""Each limit at its exact border, where it is written and read, before memory is taken."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

import interlock
from interlock.errors import DecodeError, SerializationError
from interlock.serialize import Limits, dumps, loads
from tests.serialize.registered.models import Row
from tests.serialize.terms.peers import KINDS, Ends

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def nested(levels: int) -> Any:
    made: Any = 1
    for _ in range(levels):
        made = [made]
    return made


# A limit, a value that is exactly at it, and one that is one beyond.
BORDERS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "items of a list": ({"max_items": 20}, [1] * 20, [1] * 21),
    "items of several": ({"max_items": 20}, [[1] * 9, (2,) * 9], [[1] * 9, (2,) * 10]),
    "items of a set": ({"max_items": 20}, set(range(20)), set(range(21))),
    "keys and values": ({"max_items": 20}, dict.fromkeys(range(10)), dict.fromkeys(range(11))),
    "fields": ({"max_items": 8}, [Row(1), 2], [Row(1), 2, 3]),
    "levels of lists": ({"max_depth": 20}, nested(20), nested(21)),
    "characters": ({"max_string": 100}, "a" * 100, "a" * 101),
    "wide characters": ({"max_string": 100}, "\u20ac" * 50, "\u20ac" * 51),
    "bytes": ({"max_string": 100}, b"a" * 100, b"a" * 101),
    "bytes of a bytearray": ({"max_string": 100}, bytearray(100), bytearray(101)),
    "digits": ({"max_string": 100}, 1 << 798, 1 << 800),
}


@pytest.mark.parametrize("name", BORDERS)
def test_what_is_at_a_limit_travels_and_what_is_beyond_does_not(name: str) -> None:
    """P4: `dumps` refuses with the path, `loads` with offset and path; both name the limit."""
    terms, at, beyond = BORDERS[name]
    limits = Limits(**terms)
    limit = next(iter(terms))
    assert loads(dumps(at, limits=limits), limits=limits) == at
    with pytest.raises(SerializationError, match=limit) as refused:
        dumps(beyond, limits=limits)
    assert refused.value.path is not None
    with pytest.raises(DecodeError, match=limit) as caught:
        loads(dumps(beyond), limits=limits)
    assert caught.value.offset is not None
    assert caught.value.path is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BORDERS)
def test_a_channel_has_the_same_borders(kind: str, name: str) -> None:
    """P4: at `put` and at `get`; a peer without limits reaches no further."""
    terms, at, beyond = BORDERS[name]
    ends = Ends.of(interlock.get_context(), kind, trust="registered", limits=Limits(**terms))
    ends.put(at)
    assert ends.take() == at
    with pytest.raises(SerializationError, match=next(iter(terms))):
        ends.put(beyond)
    ends.put_anything(beyond)
    ends.put("next")
    assert ends.outcome() == "DecodeError"
    assert ends.take() == "next"
    ends.close()


def test_the_bytes_of_a_message_are_counted_alike_on_both_sides() -> None:
    """P4: the first byte too, and buffers in the message and beside it."""
    for sent in ("abc", [1, 2.5], numpy.zeros(9000, "u1")):
        size = len(dumps(sent))
        exact, less = Limits(max_bytes=size), Limits(max_bytes=size - 1)
        loads(dumps(sent, limits=exact), limits=exact)
        with pytest.raises(SerializationError, match="max_bytes"):
            dumps(sent, limits=less)
        with pytest.raises(DecodeError, match="max_bytes"):
            loads(dumps(sent), limits=less)
    buffers: list[Any] = []
    data = dumps(numpy.zeros(9000, "u1"), buffers=buffers)
    exact, less = (Limits(max_bytes=len(data) + 9000 - spare) for spare in (0, 1))
    loads(data, buffers=buffers, limits=exact)
    with pytest.raises(DecodeError, match="max_bytes"):
        loads(data, buffers=buffers, limits=less)
    with pytest.raises(SerializationError, match="max_bytes"):
        dumps(numpy.zeros(9000, "u1"), buffers=[], limits=less)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_of_a_channel_s_message_are_counted_alike(kind: str) -> None:
    """P4: whatever its terms let be put can be taken."""
    for size in range(200, 216):
        limits = Limits(max_bytes=208)
        ends = Ends.of(interlock.get_context(), kind, trust="registered", limits=limits)
        sent = "a" * size
        try:
            ends.put(sent)
        except SerializationError:
            ends.put_anything(sent)
            assert ends.outcome() == "DecodeError"
        else:
            assert ends.take() == sent
        ends.close()


# Lengths in 8 bytes behind a tag (native/codec/format.hpp).
CLAIMS = {"bytes": 0xC1, "bytearray": 0xC2, "text": 0xB9, "list": 0xC4, "tuple": 0xC5, "dict": 0xC3}
READ_ALL = """
import resource, sys
from interlock.errors import DecodeError
from interlock.serialize import Limits, loads
limits = Limits(max_items=1000, max_string=1000)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (96 << 20),) * 2)
for line in sys.stdin:
    data = bytes.fromhex(line) + bytes(32 << 20)
    try:
        loads(data, limits=limits)
    except DecodeError as error:
        print("max_" in str(error))
    del data
"""


def test_a_limit_is_looked_at_before_memory_is_taken() -> None:
    """P4: the message has the bytes that it claims, the process not the memory for the list."""
    claims = [bytes([1, tag]) + struct.pack("<Q", 30 << 20) for tag in CLAIMS.values()]
    claims[-1] = bytes([1, CLAIMS["dict"]]) + struct.pack("<Q", 15 << 20)
    tried = subprocess.run(
        [sys.executable, "-c", READ_ALL],
        input="\n".join(each.hex() for each in claims),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert tried.returncode == 0, tried.stderr[-2000:]
    assert tried.stdout.split() == ["True"] * len(CLAIMS)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"max_items": 0}, ValueError),
        ({"max_bytes": -1}, ValueError),
        ({"max_depth": 1001}, ValueError),
        ({"max_string": 1.5}, TypeError),
        ({"max_items": True}, TypeError),
    ],
)
def test_limits_that_make_no_sense_are_refused(terms: Any, error: type[Exception]) -> None:
    """P6: where they are given."""
    with pytest.raises(error, match=next(iter(terms))):
        Limits(**terms)
