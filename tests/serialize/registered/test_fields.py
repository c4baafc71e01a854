"""Fields are checked against their type hints, and the error has the path to the bad one."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NewType

import pytest

import interlock
from interlock.errors import DecodeError
from interlock.serialize import dumps, loads
from tests.serialize.registered.models import Pair, Row

Identifier = NewType("Identifier", int)


class Level(enum.Enum):
    LOW = 1


# What a hint takes, and what it does not.
HINTS: tuple[tuple[Any, tuple[Any, ...], tuple[Any, ...]], ...] = (
    (int, (0, -1, 2**80), (True, 1.0, "1", None)),
    (float, (1.5, 1), (True, "1.5", None)),
    (complex, (1j, 1.0, 1), ("1",)),
    (bool, (True,), (1, None)),
    (str, ("", "x"), (b"x", 1)),
    (bytes, (b"",), ("", bytearray())),
    (None, (None,), (0, False)),
    (Any, (1, "x", None), ()),
    (object, (1, "x", None), ()),
    (int | None, (1, None), ("1",)),
    (typing.Union[int, str], (1, "1"), (1.0, None)),  # noqa: UP007
    (list, ([], [1, "x"]), ((), {})),
    (list[int], ([], [1, 2]), (["1"], (1,), [1, None])),
    (list[list[str]], ([["a"]],), ([["a"], [1]], [[["a"]]])),
    (Sequence[int], ([1], (1,)), ("1", ["1"])),
    (tuple[int, str], ((1, "a"),), ((1,), ("a", 1), [1, "a"])),
    (tuple[int, ...], ((), (1, 2)), ((1, "a"), [1])),
    (dict[str, int], ({}, {"a": 1}), ({1: 1}, {"a": "1"}, [])),
    (Mapping[str, list[int]], ({"a": [1]},), ({"a": [None]},)),
    (set[int], (set(), {1}), ({"a"}, frozenset())),
    (frozenset[str], (frozenset({"a"}),), (frozenset({1}), {"a"})),
    (Literal["a", 1], ("a", 1), ("b", True, 2)),
    (Annotated[int, "positive"], (1,), ("1",)),
    (Identifier, (1,), ("1",)),
    (Row, (Row(1),), (1, {"id": 1})),
    (list[Row], ([Row(1)],), ([Row(1), 2],)),
)


def check(hint: Any, value: Any) -> None:
    """Sends a value in a field of this type."""
    made = dataclasses.make_dataclass("Holder", [("field", hint)])
    interlock.register(made, name="test.Holder")
    try:
        assert loads(dumps(made(value))).field == value
    finally:
        interlock.unregister(made)


@pytest.mark.parametrize(("hint", "good", "bad"), HINTS, ids=[str(each[0]) for each in HINTS])
def test_a_field_takes_what_its_hint_says(
    hint: Any, good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    """P4: and refuses the rest, with the path and both types."""
    for value in good:
        check(hint, value)
    for value in bad:
        with pytest.raises(DecodeError, match=r"^\$\.field.*: expected .*, got ") as caught:
            check(hint, value)
        assert caught.value.path is not None and caught.value.path.startswith("$.field")
        assert caught.value.offset is not None and caught.value.offset > 0


@pytest.mark.parametrize(
    ("sent", "path", "text"),
    [
        ({"rows": [Row(1), Row("2")]}, "$['rows'][1].id", "expected int, got str"),  # type: ignore[arg-type]
        ([Row(1, tags=["a", 5])], "$[0].tags[1]", "expected str, got int"),  # type: ignore[list-item]
        (Row(1, next=Row(2, next=Row(3, name=None))), "$.next.next.name", "expected str"),  # type: ignore[arg-type]
        ((Pair("left", 1),), "$[0].left", "expected int, got str"),  # type: ignore[arg-type]
        ({(1, 2): Row(1, kind="c")}, "$[<tuple>].kind", "one of 'a', 'b'"),  # type: ignore[arg-type]
    ],
)
def test_the_error_has_the_path_to_the_bad_field(sent: Any, path: str, text: str) -> None:
    """P4: from the message's root, as Python would write it."""
    with pytest.raises(DecodeError, match=text) as caught:
        loads(dumps(sent))
    assert caught.value.path == path


def test_a_container_that_is_not_complete_is_checked_in_the_end() -> None:
    """P4: a list that its own items refer to cannot slip through half read."""
    row = Row(1)
    loop: list[Any] = []
    row.tags = loop
    loop.append(row)
    with pytest.raises(DecodeError, match="expected str, got"):
        loads(dumps(loop))


def test_a_hint_that_cannot_be_resolved_is_no_free_pass() -> None:
    """P4: from a stranger the field cannot be checked, so the class cannot be read."""

    @interlock.serializable(name="test.Lost")
    @dataclasses.dataclass
    class Lost:
        field: NoSuchName  # type: ignore[name-defined]  # noqa: F821

    try:
        with pytest.raises(DecodeError, match="cannot be resolved"):
            loads(dumps(Lost(1)))
        assert loads(dumps(Lost(1), trust="process"), trust="process").field == 1
    finally:
        interlock.unregister(Lost)
