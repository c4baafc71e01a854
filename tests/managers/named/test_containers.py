"""Dicts and lists by name: as Python's, in few calls, each change in one step (P2)."""

from __future__ import annotations

import asyncio
import os
import pickle
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interlock.errors import (
    AccessDenied,
    BadArgument,
    LimitReached,
    NoSuchObject,
    ServerGone,
    ShutDown,
    WrongKind,
)
from interlock.managers.named import Connection
from tests.managers.named.hosted import BOUND_S, KEY, Hosted

SEED = 20_261_128


def test_a_dict_is_as_a_dict(connection: Connection) -> None:
    """Of all that it can do, the same comes out."""
    ours, theirs = connection.dict("d"), dict[Any, Any]()
    for each in (ours, theirs):
        each["a"] = [1, {"b": None}]
        each[1, "x"] = 2
        each.update({"c": 3}, d=4)
        assert each.setdefault("c", 9) == 3 and each.setdefault("e", 5) == 5
        assert each.pop("d") == 4 and each.pop("d", 0) == 0
        assert each.popitem() == ("e", 5)
        assert each.get("zz") is None and each.get("zz", 7) == 7
        del each["c"]
        with pytest.raises(KeyError):
            each["c"]
        with pytest.raises(KeyError):
            del each["c"]
    assert dict(ours) == ours.copy() == theirs
    assert list(ours) == list(theirs) and len(ours) == 2 and "a" in ours and "c" not in ours
    assert list(ours.items()) == list(theirs.items()) and list(ours.values()) == [*theirs.values()]
    ours.clear()
    with pytest.raises(KeyError):
        ours.popitem()
    assert not ours


def test_every_client_sees_the_same(hosted: Hosted, connection: Connection) -> None:
    """By its name; arrays too."""
    connection.dict("d")["array"] = np.arange(50_000)
    with hosted.connect() as other:
        assert (other.dict("d")["array"] == np.arange(50_000)).all()
        assert other.names() == {"d": "dict"}


def test_a_key_is_a_plain_value(connection: Connection) -> None:
    """What has no equality that all clients agree on is refused."""
    with pytest.raises(BadArgument, match="A key is"):
        connection.dict("d")[frozenset({1})] = 1
    deep: Any = "x"
    for _ in range(30):
        deep = (deep,)
    with pytest.raises(BadArgument, match="A key is"):
        connection.dict("d")[deep] = 1
    with pytest.raises(BadArgument, match="A key is"):
        connection.dict("d").update({1: 1, frozenset({1}): 1})
    assert connection.dict("d").copy() == {}


def test_threads_that_change_one_entry_lose_nothing(connection: Connection) -> None:
    """By `update_with`, and by `compare_and_set`."""
    shared = connection.dict("d")
    shared["n"] = shared["m"] = 0

    def add() -> None:
        for _ in range(20):
            shared.update_with("n", lambda value: value + 1)
            while not shared.compare_and_set("m", seen := shared["m"], seen + 1):
                pass

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert (shared["n"], shared["m"]) == (80, 80)
    assert shared.update_with("new", lambda value: [*value, 1], default=[]) == [1]
    with pytest.raises(KeyError):
        shared.update_with("none", lambda value: value)
    assert not shared.compare_and_set("none", None, 1)


class Late:
    """Equals what it is to equal; before that, once, it does something else."""

    def __init__(self, value: object, do: Callable[[], object]) -> None:
        self._value = value
        self._do = [do]

    def __eq__(self, other: object) -> bool:
        if self._do:
            self._do.pop()()
        return self._value == other

    __hash__ = None  # type: ignore[assignment]


def test_what_has_changed_since_it_was_looked_at_is_looked_at_again(
    hosted: Hosted, connection: Connection
) -> None:
    """Another client's change comes between the two; neither is lost."""
    with hosted.connect() as other:
        shared, items = connection.dict("d"), connection.list("l")
        theirs, their_items = other.dict("d"), other.list("l")
        shared["n"] = 1
        assert shared.update_with("n", lambda n: n + theirs.setdefault("added", n)) == 2
        late = Late(1, lambda: theirs.update(n=3))
        assert not shared.compare_and_set("n", late, 9)
        late = Late(3, lambda: theirs.update(n=3))
        assert shared.compare_and_set("n", late, 4) and shared["n"] == 4
        items.extend([3, 1, 2])
        late = Late(1, lambda: their_items.insert(0, 5))
        items.remove(late)
        assert items.copy() == [5, 3, 2]
        add = [lambda: their_items.append(7)]

        def key(value: int) -> int:
            if add:
                add.pop()()
            return value

        items.sort(key=key)
        assert items.copy() == [2, 3, 5, 7]
        late = Late(5, lambda: their_items.pop(0))
        items.remove(late)
        assert items.copy() == [3, 7]


def test_a_list_is_as_a_list(connection: Connection) -> None:
    """A hundred random operations, the same by both."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    ours, theirs = connection.list("l"), list[int]()
    for number in range(100):
        at = chance.randrange(len(theirs) + 1)
        do = chance.choice(["append", "insert", "pop", "set", "slice", "delete", "sort", "extend"])
        for each in (ours, theirs):
            if do == "append":
                each.append(number)
            elif do == "insert":
                each.insert(at, number)
            elif do == "extend":
                each.extend([number, -number])
            elif do == "pop" and theirs and at < len(each):
                each.pop(at)
            elif do == "set" and at < len(each):
                each[at] = number
            elif do == "slice":
                each[at : at + 2] = [number] * 3
            elif do == "delete":
                del each[at : at + 3 : 2]
            elif do == "sort":
                each.sort(key=abs, reverse=number % 2 == 0)
    assert list(ours) == theirs and len(ours) == len(theirs)
    assert ours[1:8:3] == theirs[1:8:3] and ours[-1] == theirs[-1]


def test_a_list_looks_for_what_equals(connection: Connection) -> None:
    """By the equality of Python."""
    shared = connection.list("l")
    shared.extend([1, 2.0, 2, "x"])
    assert 2 in shared and shared.index(2) == 1 and shared.count(2) == 2
    shared.remove(2)
    shared.reverse()
    assert shared.copy() == ["x", 2, 1]
    for wrong in (lambda: shared.remove(7), lambda: shared.index(7)):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(IndexError):
        shared[7]
    shared.clear()
    with pytest.raises(IndexError):
        shared.pop()


def test_items_that_have_no_room_between_them(connection: Connection) -> None:
    """All get new places, and stay in order."""
    shared = connection.list("l")
    shared.extend([0, 1000])
    for number in range(1, 60):
        shared.insert(1, 1000 - number)
    assert shared.copy() == [0, *range(941, 1001)]


def test_a_name_is_of_one_kind(connection: Connection) -> None:
    """And a queue has the options with which it was made."""
    connection.dict("state")
    connection.queue("jobs", maxsize=3)
    connection.queue("jobs")
    with pytest.raises(WrongKind, match="is a dict"):
        connection.queue("state")
    with pytest.raises(WrongKind, match="maxsize=3"):
        connection.queue("jobs", maxsize=4)
    with pytest.raises(BadArgument, match="printable"):
        connection.dict("")


def test_what_is_removed_is_gone(connection: Connection) -> None:
    """A new one of that name is empty; the old one takes nothing more."""
    old = connection.dict("d")
    old["a"] = 1
    assert connection.remove("d") and not connection.remove("d")
    with pytest.raises(NoSuchObject, match="removed"):
        old["b"] = 2
    assert connection.dict("d").copy() == {}
    assert connection.names() == {"d": "dict"}


def test_a_server_is_not_filled() -> None:
    """By bytes, and by objects; what was refused is not there."""
    with Hosted(bytes_max=100_000, things_max=2) as hosted, hosted.connect() as connection:
        shared = connection.dict("d")
        shared["a"] = b"x" * 50_000
        with pytest.raises(LimitReached):
            shared["b"] = b"x" * 60_000
        assert "b" not in shared
        del shared["a"]
        shared["b"] = b"x" * 60_000
        queue = connection.queue("q")
        with pytest.raises(LimitReached):
            queue.put(b"x" * 60_000)
        assert queue.empty()
        with pytest.raises(LimitReached):
            connection.dict("third")


def test_a_change_that_does_not_fit_is_not_made_in_part() -> None:
    """Of several values all are stored or none; what takes the place of others needs no more."""
    with Hosted(bytes_max=100_000) as hosted, hosted.connect() as connection:
        shared, items = connection.dict("d"), connection.list("l")
        shared["a"] = b"x" * 20_000
        with pytest.raises(LimitReached):
            shared.update({"a": b"", "b": b"y" * 50_000, "c": b"z" * 60_000})
        assert shared.copy() == {"a": b"x" * 20_000}
        shared.update({"b": b"y" * 70_000, "a": b""})
        shared.clear()
        items.extend([b"y" * 35_000, b"x" * 35_000])
        items.sort()
        assert items.copy() == [b"x" * 35_000, b"y" * 35_000]


def test_permissions_say_who_opens_what() -> None:
    """By the name of an object, or by its kind."""
    permissions = {"key": {"jobs": "*", "dict": ["find", "put"]}}
    with Hosted(permissions=permissions) as hosted, hosted.connect(authkey=KEY) as connection:
        connection.queue("jobs").put(1)
        state = connection.dict("state")
        state["a"] = 1
        assert state["a"] == 1
        with pytest.raises(AccessDenied):
            state.clear()
        with pytest.raises(AccessDenied):
            connection.queue("others")
        assert connection.names() == {"jobs": "queue", "state": "dict"}


def test_the_twins_for_asyncio(hosted: Hosted, connection: Connection) -> None:
    """The same objects, awaited."""

    async def work() -> None:
        async with asyncio.timeout(BOUND_S), connection.aio as there:
            shared, items = there.dict("d"), there.list("l")
            await asyncio.gather(*(shared.set(number, -number) for number in range(50)))
            assert await shared.copy() == {number: -number for number in range(50)}
            assert await shared.get("none", 1) == 1 and await shared.pop(3) == -3
            assert await shared.size() == 49 and await shared.contains(4)
            await shared.update_with(5, lambda value: value * 2)
            assert await shared.get(5) == -10
            await items.extend([1, 2, 3])
            await items.set(0, 7)
            await items.delete(1)
            assert await items.copy() == [7, 3] and await items.pop() == 3
        async with connection.aio:
            assert await connection.dict("d").aio.get(5) == -10

    asyncio.run(work())
    assert connection.dict("d")[5] == -10


def test_what_was_removed_takes_no_memory(hosted: Hosted, connection: Connection) -> None:
    """However often somebody who has it still tries to fill it."""
    shared, items, queue = connection.dict("d"), connection.list("l"), connection.queue("q")
    shared["a"] = items[:] = [1, 2]
    queue.put(1)
    for name in ("d", "l", "q"):
        connection.remove(name)
    for _ in range(3):
        with pytest.raises(NoSuchObject):
            shared["a"] = "x" * 1000
        with pytest.raises(NoSuchObject):
            items.append("x" * 1000)
        with pytest.raises(ShutDown):
            queue.put("x" * 1000)
    assert hosted.service is not None and hosted.service.store.nbytes == 0


def test_what_is_one_processs_says_so(connection: Connection) -> None:
    """By pickle, and by fork: with what to do."""
    shared = connection.dict("d")
    for thing in (connection, shared, connection.list("l"), connection.lock("k")):
        with pytest.raises(TypeError, match="one process's; send"):
            pickle.dumps(thing)
    pid = os.fork()
    if pid == 0:
        try:
            shared.copy()
        except ServerGone as error:
            os._exit(7 if "session is one process's" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    shared["a"] = 1
