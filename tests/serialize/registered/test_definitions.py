"""How messages introduce types: each way is looked up once, and there are not too many of them."""

from __future__ import annotations

import gc
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import FrameType
from typing import Any

import pytest

import interlock
from interlock.serialize import dumps, loads

ROUNDS = 300


@interlock.serializable
@dataclass
class Many:
    aa: str
    bb: Any
    cc: Any
    dd: Any
    ee: Any = None


def calls(function: Callable[[], object]) -> Counter[str]:
    """The Python functions of interlock that are called, by name."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "interlock/serialize" in frame.f_code.co_filename:
            counted[frame.f_code.co_name] += 1

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return counted


def permuted(data: bytes, names: tuple[bytes, ...]) -> bytes:
    return data.replace(b"aa\0bb\0cc\0dd\0ee", b"\0".join(names))


def test_kinds_that_are_known_are_not_asked_for_again() -> None:
    """P7: a message with several types of objects is read without a look at the registry."""
    obj = [Many("x", Fraction(1, 3), Fraction(2, 3), None), Fraction(1, 2), complex(1)]
    data = dumps(obj)
    assert loads(data) == obj
    assert calls(lambda: [loads(data) for _ in range(ROUNDS)])["_find_name"] == 0
    interlock.unregister(Many)
    interlock.serializable(Many)
    assert calls(lambda: loads(data))["_find_name"] > 0


def test_no_message_leaves_a_kind_behind() -> None:
    """P4: what was made to read a definition is there for the next message."""
    data = dumps([Many("x", Fraction(1, 3), None, None)])
    for _ in range(ROUNDS):
        loads(data)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(ROUNDS):
        loads(data)
    gc.collect()
    assert sys.getallocatedblocks() - before < ROUNDS // 3


def test_a_stranger_s_orders_of_fields_are_bounded() -> None:
    """P4: 120 orders are one type's; the codec keeps what it makes for each, so it makes 64."""
    data = dumps(Many("x", "x", "x", "x", "x"))
    orders = list(itertools.permutations((b"aa", b"bb", b"cc", b"dd", b"ee")))
    refused = 0
    for order in reversed(orders):
        try:
            assert loads(permuted(data, order)) == Many("x", "x", "x", "x", "x")
        except interlock.DecodeError as error:
            assert "in more than 64 ways" in str(error)
            refused += 1
    assert refused >= len(orders) - 65
    assert loads(data) == Many("x", "x", "x", "x", "x")  # its own order is never refused


def test_a_type_that_is_registered_again_is_looked_up_again() -> None:
    """P4: what was known of a name may be another type's, or have other checks."""

    @interlock.serializable(name="tests.Again")
    @dataclass
    class First:
        number: int

    data = dumps(First(1))
    assert type(loads(data)) is First
    interlock.unregister(First)
    with pytest.raises(interlock.DecodeError, match="no type is registered"):
        loads(data)

    @interlock.serializable(name="tests.Again")
    @dataclass
    class Second:
        number: str

    with pytest.raises(interlock.DecodeError, match=r"\$\.number: expected str, got int"):
        loads(data)
    interlock.unregister(Second)
