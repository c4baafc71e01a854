"""An old peer's message is migrated by a registered function, or refused by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.errors import DecodeError
from interlock.serialize import dumps, loads

NAME = "test.Versioned"


def version(number: int, *fields: tuple[str, Any], **options: Any) -> Any:
    """A dataclass of these fields, registered under the one name."""
    made = dataclasses.make_dataclass("Versioned", fields)
    made.__module__ = __name__
    interlock.register(made, name=NAME, version=number, **options)
    return made


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """The name is free afterwards."""
    yield
    from interlock.serialize.registry import registered_types

    if NAME in registered_types():
        interlock.unregister(registered_types()[NAME])


def test_an_older_message_is_brought_up_step_by_step() -> None:
    """P4: through each version between, to the present one's fields."""
    first = dumps([version(1, ("price", float))(2.5)])
    second = dumps([version(2, ("cents", int))(999)])
    steps = {
        1: lambda old: {"cents": round(old["price"] * 100)},
        2: lambda old: {"cents": old["cents"], "currency": "EUR"},
    }
    present = version(3, ("cents", int), ("currency", str), migrate=steps)
    assert loads(first) == [present(250, "EUR")]
    assert loads(second) == [present(999, "EUR")]
    assert loads(dumps(present(1, "CHF"))) == present(1, "CHF")


def test_a_version_that_nobody_migrates_is_refused_by_name() -> None:
    """P4: older and newer ones."""
    first = dumps(version(1, ("price", float))(2.5))
    version(3, ("cents", int), migrate={2: dict})
    with pytest.raises(DecodeError, match=rf"{NAME!r} of version 1.*no function that migrates"):
        loads(first)
    newer = dumps(version(4, ("cents", int))(1))
    version(3, ("cents", int))
    with pytest.raises(DecodeError, match=rf"{NAME!r} of version 4.*up to version 3"):
        loads(newer)


def test_what_a_migration_gives_is_checked_too() -> None:
    """P4: a field that is missing or of another type."""
    first = dumps(version(1, ("price", float))(2.5))
    version(2, ("cents", int), migrate={1: lambda old: {"cents": "many"}})
    with pytest.raises(DecodeError, match="cents is to be int, not str"):
        loads(first)
    version(2, ("cents", int), migrate={1: lambda old: {}})
    with pytest.raises(DecodeError, match="no value for the field cents"):
        loads(first)


def test_fields_that_changed_without_a_version_are_noticed() -> None:
    """P4: never taken for each other; another order is no change."""
    first = dumps(version(1, ("a", int), ("b", str))(1, "x"))
    swapped = version(1, ("b", str), ("a", int))
    assert loads(first) == swapped("x", 1)
    version(1, ("a", int), ("c", str))
    with pytest.raises(DecodeError, match=r"other fields \(a, b\)"):
        loads(first)


def test_a_type_that_is_not_registered_here_is_refused_by_name() -> None:
    """P4: nothing is imported for it."""
    made = version(1, ("a", int))
    data = dumps(made(1))
    interlock.unregister(made)
    with pytest.raises(DecodeError, match=f"holds a '{NAME}', and no type is registered"):
        loads(data)


def test_functions_have_versions_as_well() -> None:
    """P4: the state of an older one goes through the migration before decode has it."""

    class Price:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    interlock.register(Price, name=NAME, encode=lambda p: p.cents / 100, decode=Price)
    old = dumps(Price(250))
    interlock.register(
        Price,
        name=NAME,
        version=2,
        encode=lambda p: p.cents,
        decode=Price,
        migrate={1: lambda euros: round(euros * 100)},
    )
    assert loads(old).cents == 250
    assert loads(dumps(Price(3))).cents == 3
