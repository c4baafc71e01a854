"""Registered classes of every shape go there and back, shared and within themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.errors import DecodeError, SerializationError
from interlock.serialize import dumps, loads
from tests.serialize.registered import models
from tests.serialize.registered.models import SAMPLES, Plain, Row, state_of

names = [type(sample).__name__ for sample in SAMPLES]


@pytest.mark.parametrize("trust", ["process", "registered"])
@pytest.mark.parametrize("sample", SAMPLES, ids=names)
def test_an_object_comes_back_as_it_was(sample: Any, trust: Any) -> None:
    """P4: at both levels of trust, alone and among others."""
    got = loads(dumps([sample, {"key": sample}], trust=trust), trust=trust)
    assert type(got[0]) is type(sample)
    assert state_of(got[0]) == state_of(sample)
    assert got[0] is got[1]["key"]


def test_every_sample_goes_through_every_process(there_and_back: Callable[[Any], Any]) -> None:
    """P4: fork, spawn, forkserver; what a child reads it can write."""
    got = there_and_back(list(SAMPLES))
    assert [state_of(each) for each in got] == [state_of(each) for each in SAMPLES]


def test_a_record_may_contain_itself() -> None:
    """P1: as a list may; its fields are set when it is there."""
    row = Row(1)
    row.next = row
    plain = Plain(1)
    plain.__dict__["loop"] = [plain]
    got_row, got_plain = loads(dumps([row, plain]))
    assert got_row.next is got_row
    assert vars(got_plain)["loop"][0] is got_plain


def test_what_is_made_from_its_parts_cannot_contain_itself() -> None:
    """P6: the error names the path, instead of a recursion without end."""
    pair = models.Pair(1, [])
    pair.right.append(pair)
    with pytest.raises(SerializationError, match="contains itself") as caught:
        dumps({"pair": pair})
    assert caught.value.path == "$['pair'].right[0]"


def test_a_hook_makes_the_object_anew() -> None:
    """P1: __setstate__ runs, __init__ does not."""
    assert loads(dumps(models.Stateful(3))).cache == "made anew"


def test_a_subclass_is_another_type() -> None:
    """P4: it is refused until it is registered itself, and never taken for its base."""

    class Special(Row):
        pass

    with pytest.raises(SerializationError, match="not registered"):
        dumps(Special(1))


def test_validation_refuses_what_an_object_may_not_hold() -> None:
    """P4: validate=, attrs' validators, and pydantic's own."""
    account = models.Account(1)
    account.balance = -5
    with pytest.raises(DecodeError, match="not negative") as caught:
        loads(dumps({"accounts": [account]}))
    assert caught.value.path == "$['accounts'][0]"
    assert isinstance(caught.value.__cause__, ValueError)
    sized = models.Sized(1)
    object.__setattr__(sized, "size", -1)
    with pytest.raises(DecodeError, match="must be positive"):
        loads(dumps(sized))


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (lambda: models.Model.model_construct(id="no", names=[]), "$[0].id"),
        (lambda: models.Model.model_construct(id=1, names=["a", 3]), "$[0].names[1]"),
        (lambda: models.Struct("no"), "$[0].id"),  # type: ignore[arg-type]
        (lambda: models.Struct(1, [3]), "$[0].rows[0]"),  # type: ignore[list-item]
    ],
)
def test_models_name_the_path_to_the_bad_field(spoil: Callable[[], Any], path: str) -> None:
    """P4: pydantic's and msgspec's validation, with the path from the message's root."""
    with pytest.raises(DecodeError) as caught:
        loads(dumps([spoil()]))
    assert caught.value.path == path


def test_what_a_decoder_raises_refuses_the_message() -> None:
    """P4: a stranger's state that the function does not like is a DecodeError with its cause."""
    with pytest.raises(DecodeError, match="no number of cents") as caught:
        loads(dumps([models.Foreign("many")]))
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.path == "$[0]"


def test_a_flag_has_no_bits_that_its_class_has_not() -> None:
    """P4: each unknown value would stay in the class for ever."""
    data = dumps(models.Access.READ)
    assert data.endswith(b"\x01")
    before = len(models.Access._value2member_map_)
    with pytest.raises(DecodeError, match="no combination"):
        loads(data[:-1] + b"\x0b")
    assert loads(data[:-1] + b"\x03") == models.Access.READ | models.Access.WRITE
    assert len(models.Access._value2member_map_) <= before + 1


def test_a_member_that_does_not_exist_is_refused() -> None:
    """P4: by value, whatever the value."""
    data = dumps(models.Colour.RED)
    assert data.endswith(b"\x01")
    with pytest.raises(DecodeError, match="no member of this value"):
        loads(data[:-1] + b"\x05")


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (type("OwnNew", (), {"__new__": lambda cls: None}), "__new__"),
        (type("OwnReduce", (), {"__reduce__": lambda self: (int, ())}), "hook of pickle"),
        (type("Both", (type("S", (), {"__slots__": ("a",)}),), {}), "slots and a __dict__"),
        (int, "__new__"),
        (7, "only a class"),
    ],
)
def test_what_cannot_be_made_of_its_fields_is_refused_at_once(cls: Any, reason: str) -> None:
    """P6: where it is registered, with what to do."""
    with pytest.raises(TypeError, match=reason):
        interlock.serializable(cls)


def test_bad_arguments_are_refused_where_they_are_given() -> None:
    """P6: and nothing is registered by them."""

    class Fresh:
        pass

    register: Any = interlock.register
    with pytest.raises(TypeError, match="together"):
        register(Fresh, encode=str)
    with pytest.raises(ValueError, match="at least 1"):
        register(Fresh, version=0)
    with pytest.raises(TypeError, match="an int"):
        register(Fresh, version="1")
    with pytest.raises(ValueError, match="cannot be a name"):
        register(Fresh, name="")
    with pytest.raises(ValueError, match="migrate"):
        register(Fresh, version=2, migrate={2: str})
    with pytest.raises(TypeError, match="no function"):
        register(Fresh, version=2, migrate={1: "x"})
    with pytest.raises(ValueError, match="registered for"):
        register(Fresh, name="foreign")
    with pytest.raises(LookupError):
        interlock.unregister(Fresh)
    with pytest.raises(SerializationError, match="not registered"):
        dumps(Fresh())


def test_a_class_that_is_defined_again_replaces_the_first() -> None:
    """P1: as a reloaded module or a notebook's cell does it."""

    def define() -> Any:
        @interlock.serializable
        @dataclasses.dataclass
        class Again:
            x: int

        return Again

    first, second = define(), define()
    assert type(loads(dumps(second(1)))) is second
    with pytest.raises(SerializationError):
        dumps(first(1))
    interlock.unregister(second)
