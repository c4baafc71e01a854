"""Errors of a server as its clients get them: of the same class, with what they say (P6)."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from interlock.errors import DecodeError
from interlock.managers.faults import allow_error, pack_fault, unpack_fault
from interlock.managers.wire.values import pack
from interlock.serialize.exceptions import RemoteError


@allow_error
class Odd(Exception):
    """Its constructor takes other arguments than it has."""

    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


@allow_error
class OddFile(OSError):
    """So does this, and it is one of the system's."""

    def __init__(self, name: str) -> None:
        super().__init__(2, "not there", name)


def arrived(error: BaseException, *, hide: bool = False) -> Any:
    data, buffers = pack_fault(error, hide_traceback=hide)
    return unpack_fault(data, buffers)


def test_an_error_of_the_system_says_which_file() -> None:
    for error in (FileNotFoundError(2, "no", "a", None, "b"), OddFile("a"), TimeoutError("late")):
        made = arrived(error)
        assert type(made) is type(error)
        assert (str(made), made.errno) == (str(error), error.errno)
    assert "secret" not in str(arrived(OddFile("secret"), hide=True))


def test_an_error_with_a_constructor_of_its_own_is_made_without_it() -> None:
    made = arrived(Odd(3, detail="x"))
    assert (type(made), str(made), made.code) == (Odd, "3: x", 3)


def test_a_group_arrives_as_a_group() -> None:
    """What is in it, too; and what is of an unknown class as RemoteError, in its place."""
    inner = ExceptionGroup("inner", [OddFile("a")])
    made = arrived(ExceptionGroup("outer", [ValueError(1), pickle.PicklingError("x"), inner]))
    assert type(made) is ExceptionGroup
    value, unknown, group = made.exceptions
    assert (type(value), value.args) == (ValueError, (1,))
    assert type(unknown) is RemoteError
    assert str(group.exceptions[0]) == str(OddFile("a"))


@pytest.mark.parametrize(
    "args",
    [(), ("m", []), ("m", [1]), ("m", [("a",)]), ("m", "text"), (1, [2]), ("m", [None, None])],
)
def test_a_group_that_is_none_is_no_danger(args: tuple[Any, ...]) -> None:
    data, buffers = pack(("builtins.ExceptionGroup", "said", "", [], args, {}))
    assert type(unpack_fault(data, buffers)) is RemoteError


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "builtins.object", "interlock.errors.pickle", "", "."]
)
def test_no_name_makes_anything_but_an_error(name: str) -> None:
    data, buffers = pack((name, "said", "", [], ("true",), {}))
    assert type(unpack_fault(data, buffers)) is RemoteError


@pytest.mark.parametrize("state", [{"__class__": 1}, {1: 2}, {"__cause__": "x"}])
def test_no_attribute_of_pythons_own_is_taken(state: dict[Any, Any]) -> None:
    data, buffers = pack(("builtins.ValueError", "said", "", [], (), state))
    with pytest.raises(DecodeError):
        unpack_fault(data, buffers)


def test_an_attribute_does_not_stand_in_the_way_of_notes() -> None:
    data, buffers = pack(("builtins.ValueError", "s", "", ["a note"], (), {"add_note": 5}))
    assert unpack_fault(data, buffers).__notes__ == ["a note"]
