"""Objects that are not plain travel as pickle has them travel, their own code included."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import functools
import operator
import pathlib
import pickle
import uuid
from collections.abc import Callable
from enum import Enum
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest

from interlock import _native
from tests.serialize import things
from tests.serialize.journey import Carrier

Journey = Callable[[Any], Any]

STANDARD: tuple[Any, ...] = (
    ...,
    NotImplemented,
    int,
    len,
    operator.attrgetter("a.b"),
    functools.partial(int, base=2),
    datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc),  # noqa: UP017
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    pathlib.PurePosixPath("/a/b"),
    uuid.UUID(int=7),
    array.array("d", [1.5, 2.5]),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.Counter("aab"),
    collections.deque([1, 2, 3], maxlen=3),
    ValueError("with", "arguments"),
    KeyError("key"),
    OSError(2, "No such file", "name"),
    range(2**70, 2**70 + 5),
    slice(1, None, 2),
)


@pytest.mark.parametrize("sent", things.SUBCLASSES, ids=lambda sent: type(sent).__name__)
def test_a_subclass_of_a_plain_type_is_not_taken_for_its_base(sent: Any, carrier: Carrier) -> None:
    """P1: alone, in a list, and where the base's own fast way is nearest: as a key or value."""
    is_member = isinstance(sent, Enum)  # which travels natively, as what it is
    assert (_native.encode(sent) is None) != is_member
    assert (_native.encode([{"deep": (sent,)}]) is None) != is_member
    got, (inner,), mapping = carrier.carry((sent, [sent], {"key": sent}))
    assert type(got) is type(sent)
    assert got == sent
    assert vars_of(got) == vars_of(sent)
    assert got is inner is mapping["key"]


@pytest.mark.parametrize("sent", [things.Int(7), things.Str("key"), things.Bytes(b"key")])
def test_a_key_of_a_subclass_stays_one(sent: Any, carrier: Carrier) -> None:
    """P1: although it equals the plain one, which would find the same value."""
    assert [type(key) for key in carrier.carry({sent: 1})] == [type(sent)]
    assert [type(member) for member in carrier.carry({sent})] == [type(sent)]


@pytest.mark.parametrize("sent", STANDARD, ids=repr)
def test_objects_of_the_standard_library_arrive_as_by_pickle(sent: Any, carrier: Carrier) -> None:
    """P1: of the same type, with the same contents, beside plain ones."""
    got, plain = carrier.carry([sent, "beside"])
    expected = pickle.loads(pickle.dumps(sent, 5))
    assert type(got) is type(expected)
    assert repr(got) == repr(expected)
    assert plain == "beside"


def test_a_bound_method_brings_its_object(there_and_back: Journey) -> None:
    """P1: of a builtin type and of a class."""
    assert there_and_back("text".upper)() == "TEXT"
    reduced = there_and_back(things.Reduced("with a method").append).__self__
    assert reduced.name == "with a method"


def vars_of(thing: Any) -> dict[str, Any]:
    return dict(getattr(thing, "__dict__", {}))


def test_attributes_come_in_dicts_and_in_slots(there_and_back: Journey) -> None:
    """P1: what is set is set, what is not is not, and shared attributes stay one object."""
    record = there_and_back(things.Record("name", [1, things.Frozen(1, "y")]))
    assert record == things.Record("name", [1, things.Frozen(1, "y")])
    slots = there_and_back(things.Slots())
    assert slots.a == [1]
    assert not hasattr(slots, "unset")
    both = there_and_back(things.SlotsAndDict())
    assert both.a is both.b
    assert not hasattr(both, "unset")


def test_getstate_and_setstate_say_what_travels(there_and_back: Journey) -> None:
    """P1: what __getstate__ leaves out is not looked at, and __init__ is not called again."""
    sent = things.Stateful([1, 2])
    got = there_and_back(sent)
    assert got.value == [1, 2]
    assert got.how == "__setstate__"
    assert not hasattr(got, "cannot_travel")
    assert sent.how == "__init__"


def test_reduce_with_all_its_parts_is_followed(there_and_back: Journey) -> None:
    """P1: function, arguments, state, items, pairs, and the function that sets the state."""
    sent = things.Reduced("name")
    sent.items, sent.pairs, sent.state = [1, [2]], {"key": (3,)}, {"any": "state"}
    got = there_and_back(sent)
    assert vars(got) == vars(sent)
    assert there_and_back(things.NewArguments(1, second=2)).both == (1, 2)


def test_what_travels_by_its_name_is_the_receiver_s_own(carrier: Carrier) -> None:
    """P1: functions, classes, members of enums, and what __reduce__ gives a name."""
    for sent in (things.THE_ONE, things.Record, things.remade, things.Colour.RED, len):
        assert carrier.carry([sent])[0] is sent


@pytest.mark.parametrize(
    ("kind", "by"),
    [
        (things.RegisteredWithCopyreg, "copyreg"),
        (things.RegisteredWithForkingPickler, "ForkingPickler"),
        (things.RegisteredWithBoth, "ForkingPickler"),
        (things.Registered, "its own __reduce__"),
    ],
)
def test_registered_reducers_are_used(kind: Any, by: str, there_and_back: Journey) -> None:
    """P1: those of copyreg, and before them ForkingPickler's, as in `multiprocessing`."""
    assert there_and_back([kind()])[0].by == by
    assert pickle.loads(ForkingPickler.dumps([kind()]))[0].by == by


def test_a_registered_subclass_of_a_plain_type_goes_its_registered_way(carrier: Carrier) -> None:
    """P1: it has no short cut through its base's."""
    got = carrier.carry(things.RegisteredList([1, 2, 3]))
    assert type(got) is things.RegisteredList
    assert got == [3, 2, 1]


def test_a_reducer_registered_later_holds_from_then_on(carrier: Carrier) -> None:
    """P1: also for a type whose objects have travelled before."""
    kind = things.Frozen
    assert carrier.carry(things.Frozen(1)) == things.Frozen(1)
    table: Any = vars(ForkingPickler)["_extra_reducers"]
    ForkingPickler.register(kind, lambda thing: (things.Record, ("registered", [thing.x])))
    try:
        assert carrier.carry(things.Frozen(1)) == things.Record("registered", [1])
    finally:
        del table[kind]


def test_an_exception_of_a_program_s_own_arrives_with_its_fields(there_and_back: Journey) -> None:
    """P1: by its __reduce__; its type, text and fields."""
    got = there_and_back(things.Refuses(4, reason="busy"))
    assert type(got) is things.Refuses
    assert (str(got), got.code, got.reason) == ("4: busy", 4, "busy")


def test_plain_parts_and_objects_share_what_they_shared(there_and_back: Journey) -> None:
    """P1: a list that is in the message and in an object's attribute is one list afterwards."""
    shared = [1, 2]
    message = {"plain": shared, "record": things.Record("holder", shared)}
    got = there_and_back(message)
    assert got["plain"] is got["record"].parts


def test_an_object_may_be_part_of_itself(there_and_back: Journey) -> None:
    """P1: through its attributes, through a plain list, and within a tuple."""
    record = things.Record("own", [])
    record.parts.extend([record, (record,)])
    got = there_and_back([record])[0]
    assert got.parts[0] is got
    assert got.parts[1][0] is got
    cyclic: Any = ([],)
    cyclic[0].append(cyclic)
    got = there_and_back(cyclic)
    assert got[0][0] is got


def test_what_changes_while_it_is_serialized_does_no_harm(carrier: Carrier) -> None:
    """P2: a hook that changes the list it is in: an error or a message, and the next one comes."""
    for change in ("clear", "grow"):
        message: list[Any] = []
        message.extend([Meddler(message, change), *range(100)])
        try:
            carrier.put(message)
        except (RuntimeError, IndexError):
            assert carrier.is_empty()
        else:
            assert carrier.take()[0] == "meddled"
        assert carrier.carry("after") == "after"


class Meddler:
    def __init__(self, target: list[Any], change: str) -> None:
        self.target, self.change = target, change

    def __reduce__(self) -> Any:
        if self.change == "clear":
            del self.target[1:]
        else:
            self.target.extend(range(1000))
        return str, ("meddled",)
