"""SharedDict: a dict, in several processes at once."""

from __future__ import annotations

import enum
import pickle
import random
import threading
from collections.abc import MutableMapping
from typing import Any

import numpy
import pytest

import interlock
from interlock import SharedDict
from interlock.context import BaseContext
from interlock.testing.trial import Trial

SEED = 20_261_127
KEYS = [
    "text",
    "",
    "ünï\ud800",
    b"bytes",
    b"",
    0,
    -1,
    2**63,
    -(2**200),
    (),
    ("a", 1, (b"z", ())),
    (1,),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_any_key_comes_back_as_it_was(key: Any) -> None:
    """Of each kind, and told apart from all others."""
    shared: SharedDict[Any] = SharedDict((other, "other") for other in KEYS if other != key)
    assert key not in shared
    shared[key] = "its value"
    assert shared[key] == "its value"
    assert len(shared) == len(KEYS)
    assert set(shared) == set(KEYS)
    del shared[key]
    assert key not in shared
    with pytest.raises(KeyError):
        shared[key]


def test_keys_are_in_the_order_in_which_they_came() -> None:
    """As in a dict: a new value keeps the place, one that was taken out comes last."""
    chance = random.Random(SEED)
    shared: SharedDict[bytes] = SharedDict()
    model: dict[int, bytes] = {}
    for _ in range(3_000):  # enough to leave a space several times
        key, value = chance.randrange(40), bytes(chance.randrange(3_000))
        if chance.randrange(3):
            shared[key] = model[key] = value
        else:
            assert shared.pop(key, None) == model.pop(key, None)
    assert list(shared.items()) == list(model.items())


def test_equal_keys_are_one() -> None:
    """As in a dict: True is 1, and a subclass's value is its base's."""

    class Colour(enum.IntEnum):
        RED = 7

    shared = SharedDict({1: "a", 7: "b", "x": "c"})
    assert (shared[True], shared[Colour.RED]) == ("a", "b")
    assert (shared[numpy.int64(7)], shared[numpy.str_("x")]) == ("b", "c")
    shared[True] = "d"
    assert shared.snapshot() == {1: "d", 7: "b", "x": "c"}
    assert "1" not in shared and b"x" not in shared and (1,) not in shared


@pytest.mark.parametrize("bad", [1.0, None, [1], {}, (1, 2.0), ("a", [])], ids=repr)
def test_what_cannot_be_a_key_is_refused(bad: Any) -> None:
    """At the call, by a TypeError that says what can; and nothing is stored."""
    shared: SharedDict[int] = SharedDict()
    for call in (
        lambda: shared.__setitem__(bad, 1),
        lambda: shared[bad],
        lambda: bad in shared,
        lambda: shared.pop(bad, None),
        lambda: shared.update_with(bad, lambda value: value),
    ):
        with pytest.raises(TypeError, match="str, bytes, int or a tuple"):
            call()
    assert len(shared) == 0


def test_tuples_within_each_other_have_a_bound() -> None:
    """No stack is used up."""
    key: Any = ()
    for _ in range(60):
        key = (key,)
    shared = SharedDict({key: 1})
    assert list(shared) == [key]
    for _ in range(10_000):
        key = (key,)
    with pytest.raises(ValueError, match="at most 64"):
        shared[key] = 1


VALUES = [None, 1, "text", [1, [2]], {"a": (1, 2)}, {1, 2}, b"x" * 100_000, 1 + 2j, range(3)]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    """And is a copy."""
    shared = SharedDict({"key": value})
    assert shared["key"] == value
    assert shared.get("key") == value
    assert shared.pop("key") == value


def test_an_array_is_a_value() -> None:
    """Read-only, as everything that was received."""
    shared = SharedDict({"array": numpy.arange(100_000)})
    array = shared["array"]
    assert array.sum() == 4999950000
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_it_is_a_mutable_mapping() -> None:
    """P1 for dict: every method of it, on a model."""
    shared: SharedDict[Any] = SharedDict([("a", 1)])
    assert isinstance(shared, MutableMapping)
    shared.update({"b": 2}, c=3)
    assert shared == {"a": 1, "b": 2, "c": 3} and shared != {"a": 1}
    assert dict(shared) == shared.copy() == shared.snapshot()
    assert sorted(shared.keys()) == ["a", "b", "c"]
    assert sorted(shared.values()) == [1, 2, 3]
    assert sorted(shared.items()) == [("a", 1), ("b", 2), ("c", 3)]
    assert shared.setdefault("a", 9) == 1 and shared.setdefault("d", 9) == 9
    assert shared.pop("d") == 9 and shared.pop("d", 5) == 5 and shared.get("d") is None
    with pytest.raises(KeyError):
        shared.pop("d")
    with pytest.raises(KeyError):
        del shared["d"]
    assert shared | {"a": 0, "z": 0} == {"a": 0, "b": 2, "c": 3, "z": 0}
    assert {"a": 0, "z": 0} | shared == {"z": 0, "a": 1, "b": 2, "c": 3}
    shared |= {"c": 4}
    assert shared["c"] == 4
    taken = dict([shared.popitem(), shared.pop_item()])
    assert taken.items() <= {"a": 1, "b": 2, "c": 4}.items() and len(shared) == 1
    shared.clear()
    assert not shared and repr(shared) == "SharedDict({})"
    with pytest.raises(KeyError, match="empty"):
        shared.pop_item()
    with pytest.raises(TypeError):
        hash(shared)


def test_a_value_is_changed_if_it_is_what_is_expected() -> None:
    """compare_and_set, setdefault and update_with on one key."""
    shared: SharedDict[Any] = SharedDict({"a": [1]})
    assert not shared.compare_and_set("a", [2], [3])
    assert not shared.compare_and_set("b", None, [3])
    assert shared.compare_and_set("a", [1], [3])
    assert shared.update_with("a", lambda value: [*value, 4]) == [3, 4]
    assert shared.update_with("n", lambda value: value + 1, default=0) == 1
    assert shared == {"a": [3, 4], "n": 1}

    def fails(value: Any) -> Any:
        raise RuntimeError("in the function")

    with pytest.raises(RuntimeError, match="in the function"):
        shared.update_with("a", fails)
    assert shared["a"] == [3, 4]
    # The function may use the dict itself: nothing is locked.
    shared.update_with("a", lambda value: [*value, shared["n"]])
    assert shared["a"] == [3, 4, 1]


def count(shared: SharedDict[int], times: int) -> None:
    for _ in range(times):
        shared.update_with("sum", lambda value: value + 1, 0)


def test_no_addition_is_lost(trial: Trial, context: BaseContext) -> None:
    """Three processes and two threads add to one number."""
    shared: SharedDict[int] = context.SharedDict()
    children = [trial.child(count, shared, 2_000) for _ in range(3)]
    threads = [trial.thread(count, shared, 2_000) for _ in range(2)]
    for child in children:
        child.result()
    for thread in threads:
        thread.result()
    assert shared["sum"] == 10_000


def take_all(shared: SharedDict[int]) -> list[int]:
    taken = []
    while True:
        try:
            taken.append(shared.pop_item()[1])
        except KeyError:
            return taken


def test_each_item_is_taken_by_one(trial: Trial) -> None:
    """pop_item in several processes: a heap of work, shared out."""
    shared = SharedDict((number, number) for number in range(5_000))
    children = [trial.child(take_all, shared) for _ in range(3)]
    taken = [number for child in children for number in child.result()]
    assert sorted(taken) == list(range(5_000))


def swap(shared: SharedDict[str], wire: Any) -> None:
    wire.send("begun")
    while not wire.poll():
        for value in ("old", "new"):
            shared["first"] = value
            shared["second"] = value


def test_a_snapshot_is_of_one_moment(trial: Trial) -> None:
    """While another process changes two keys, one after the other."""
    shared = SharedDict({"first": "old", "second": "old"})
    ours, theirs = interlock.Pipe()
    trial.child(swap, shared, theirs)
    assert ours.recv() == "begun"
    seen: set[tuple[str, str]] = set()
    while len(seen) < 3 and trial.rest_s() > 0:
        for _ in range(1_000):
            snapshot = shared.snapshot()
            seen.add((snapshot["first"], snapshot["second"]))
    ours.send("enough")
    # first is stored before second, so there is a moment for each of the four.
    assert seen <= {("old", "old"), ("new", "old"), ("new", "new"), ("old", "new")}
    assert len(seen) > 2


def test_it_goes_through_a_queue_and_comes_back(context: BaseContext) -> None:
    """With its terms; two handles are one dict."""
    shared = context.SharedDict({"a": 1}, trust="registered", max_bytes=1 << 20)
    queue = context.Queue()
    queue.put(shared)
    back = queue.get()
    back["b"] = 2
    assert shared["b"] == 2
    assert (back.trust, back.max_bytes) == ("registered", 1 << 20)


class Plain:
    """A class that is not registered."""


def test_the_registered_level_takes_no_pickles() -> None:
    """P4: refused where it is stored, and where it is read."""
    shared: SharedDict[Any] = SharedDict(trust="registered")
    with pytest.raises(interlock.SerializationError):
        shared["object"] = Plain()
    shared["plain"] = [1, {"a": (2, b"x")}]
    assert shared["plain"] == [1, {"a": (2, b"x")}]
    shared._map._set("evil", pickle.dumps(Plain()), 0, None)
    with pytest.raises(interlock.DecodeError):
        shared["evil"]


def test_its_bound_is_kept_and_it_goes_on() -> None:
    """P5: MemoryError at the call, and nothing is lost; what is there can still be changed."""
    shared: SharedDict[Any] = SharedDict(max_bytes=1 << 16)
    stored = 0
    with pytest.raises(MemoryError, match="max_bytes"):
        for stored in range(100_000):
            shared[stored] = "x" * 100
    assert len(shared) == stored > 100
    assert all(shared[key] == "x" * 100 for key in range(stored))
    for key in range(stored):
        shared[key] = "y" * 100
    del shared[0], shared[1]
    shared["new"] = "z"
    with pytest.raises(MemoryError):
        shared["large"] = "x" * (1 << 16)
    assert len(shared) == stored - 1


def test_more_than_there_is_is_a_memory_error() -> None:
    """Before the kernel kills somebody for it."""
    shared: SharedDict[Any] = SharedDict({"a": 1}, max_bytes=1 << 40)
    answers = iter([1 << 45])

    def wants(key: object, value: bytes, allowed: int, seen: object) -> int:
        return next(answers)

    real = shared._map
    shared._map = type("Stub", (), {"_set": staticmethod(wants)})()
    with pytest.raises(interlock.OutOfSharedMemory, match="are available"):
        shared["b"] = 2
    shared._map = real
    assert shared == {"a": 1}
    shared["large"] = bytes(40 << 20)  # more than what is taken without a look
    assert len(shared["large"]) == 40 << 20


@pytest.mark.parametrize("bad", [0, -1, 1000, 1 << 41])
def test_a_bound_that_makes_no_sense_is_refused(bad: int) -> None:
    """By a ValueError that says which do."""
    with pytest.raises(ValueError, match="give 65,536 to"):
        SharedDict(max_bytes=bad)
    with pytest.raises(ValueError, match="trust"):
        SharedDict(trust="nobody")  # type: ignore[arg-type]


def test_it_does_what_a_dict_does() -> None:
    """A long random walk, with values from nothing to more than a space."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    shared: SharedDict[Any] = SharedDict()
    model: dict[Any, Any] = {}
    for step in range(20_000):
        key = chance.choice(["k", 5, b"b", ("t", 1)]), chance.randrange(50)
        if chance.random() < 0.25:
            assert shared.pop(key, None) == model.pop(key, None)
        else:
            shared[key] = model[key] = "v" * chance.choice([0, 1, 10, 500, 20_000]) + str(step)
        if step % 500 == 0:
            assert shared.snapshot() == model
        assert len(shared) == len(model)
    assert shared.snapshot() == model


def test_threads_share_it() -> None:
    """Of one process, reading and changing."""
    shared: SharedDict[int] = SharedDict()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            for key, value in shared.items():
                assert key == value

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(3_000):
        shared[number % 300] = number % 300
        if number % 7 == 0:
            shared.pop(number % 100, None)
    stop.set()
    for reader in readers:
        reader.join()
