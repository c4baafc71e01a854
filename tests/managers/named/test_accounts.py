"""After any changes a restart has all of it, and counts the same memory for it (P2)."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import Empty
from interlock.managers.named import Connection
from interlock.managers.named.queue import QueueCounts
from interlock.managers.served.dict import ServedDict
from interlock.managers.served.list import ServedList
from interlock.managers.served.lock import ServedLock
from interlock.managers.served.queue import ServedQueue
from interlock.managers.served.store import Store
from interlock.managers.served.thing import Item, Thing
from tests.managers.named.hosted import Hosted
from tests.managers.waiting import until

SEED = int(os.environ.get("INTERLOCK_SEED", "20261128"))
ROUNDS, CHANGES = 4, 60


def store_of(hosted: Hosted) -> Store:
    assert hosted.service is not None
    return hosted.service.store


def row(item: Item) -> list[object]:
    return [getattr(item, name) for name in Item.__slots__]


def within(thing: Thing) -> list[object]:
    """All that an object knows, but for what it gives out anew at each start."""
    if isinstance(thing, ServedDict):
        return [[key, row(item)] for key, item in thing._entries.items()]
    if isinstance(thing, ServedList):
        return list(map(row, thing._items))
    if isinstance(thing, ServedLock):
        return list(thing.state())
    assert isinstance(thing, ServedQueue)
    there = [row(thing._items[place]) for place in sorted(thing._items)]
    return [there, sorted(thing._ready), list(map(row, thing._dead)), thing._is_shut]


def all_of(hosted: Hosted) -> dict[str, object]:
    """By the names, and the memory that is counted; when no client is there any more."""
    until(lambda: hosted.service and hosted.service.server.statistics()["sessions"] == 0)
    store = store_of(hosted)
    found: dict[str, object] = {
        name: [thing.number, thing.options, within(thing)] for name, thing in store._names.items()
    }
    return found | {"": store.nbytes}


def change_dict(chance: random.Random, shared: Any) -> None:
    """One change, of one out of a few keys."""
    key, value = chance.randrange(6), "x" * chance.randrange(300)
    do = chance.choice(["set", "set", "pop", "popitem", "default", "update", "with", "clear"])
    if do == "set":
        shared[key] = value
    elif do == "pop":
        shared.pop(key, None)
    elif do == "popitem" and shared:
        shared.popitem()
    elif do == "default":
        shared.setdefault(key, value)
    elif do == "update":
        shared.update({key: value, (key, "more"): value})
    elif do == "with":
        shared.update_with(key, lambda old: old[1:], default=value)
    elif do == "clear" and chance.random() < 0.2:
        shared.clear()


def change_list(chance: random.Random, items: Any) -> None:
    """One change, wherever."""
    at, value = chance.randrange(len(items) + 1), "x" * chance.randrange(300)
    do = chance.choice(["append", "insert", "first", "set", "pop", "slice", "delete", "reverse"])
    if do == "append":
        items.extend([value, value[:9]])
    elif do in ("insert", "first"):
        items.insert(at if do == "insert" else 0, value)
    elif do == "set" and at < len(items):
        items[at] = value
    elif do == "pop" and at < len(items):
        items.pop(at)
    elif do == "slice" and chance.random() < 0.2:  # that gives new places to all
        items[at : at + 2] = [value] * 3
    elif do == "delete":
        del items[at : at + 4 : 2]
    elif do == "reverse" and chance.random() < 0.2:
        items.reverse()


def change_queue(chance: random.Random, queue: Any) -> None:
    """One change; what fails twice is a dead letter."""
    do = chance.choice(["put", "put", "get", "lease", "fail", "fail", "dead"])
    with contextlib.suppress(Empty, KeyError):  # there is nothing to take; it failed as it should
        if do == "put":
            queue.put_many(["x" * chance.randrange(300), chance.random()])
        elif do == "get":
            queue.get_many(2, timeout=0.0)
        elif do == "dead":
            queue.dead_letter()
        else:
            with queue.lease(timeout=0.0):
                if do == "fail":
                    raise KeyError


def change(chance: random.Random, connection: Connection) -> None:
    """Many changes of all of them."""
    shared, items = connection.dict("d"), connection.list("l")
    queue = connection.queue("q", max_deliveries=2)
    for number in range(CHANGES):
        change_dict(chance, shared)
        change_list(chance, items)
        change_queue(chance, queue)
        if number % 10 == 0:
            with connection.lock("k"):
                items.insert(1, number)


def crowd(connection: Connection) -> None:
    """So many between two items of the list that there is no room."""
    for number in range(25):
        connection.list("l").insert(1, number)


def test_a_restart_has_what_was_there(tmp_path: Path) -> None:
    """Each row, in its order; and it goes on from there, to where nothing is left."""
    journal, chance = str(tmp_path / "journal"), random.Random(SEED)
    print(f"seed {SEED}")
    before: dict[str, object] | None = None
    for number in range(ROUNDS):
        with Hosted(journal=journal) as hosted:
            assert before is None or all_of(hosted) == before
            with hosted.connect() as connection:
                change(chance, connection)
                if number % 2:
                    crowd(connection)
            before = all_of(hosted)
    with Hosted(journal=journal) as hosted, hosted.connect() as connection:
        connection.dict("d").clear()
        connection.list("l").clear()
        queue = connection.queue("q")
        for _ in range(queue.counts().dead):
            queue.dead_letter()
        queue.put(1)
        queue.get_many(queue.qsize())
        until(lambda: queue.counts() == QueueCounts(0, 0, 0))
        assert store_of(hosted).nbytes == 0


@pytest.mark.parametrize("immediate", [False, True])
def test_a_queue_that_was_shut_down_stays_so(tmp_path: Path, immediate: bool) -> None:
    """With what was left in it, if anything was; what is dropped takes no memory."""
    journal = str(tmp_path / "journal")
    with Hosted(journal=journal) as hosted:
        with hosted.connect() as connection:
            queue = connection.queue("q")
            queue.put_many(["x", "y"])
            queue.shutdown(immediate)
        before = all_of(hosted)
        assert (before[""] == 0) == immediate
    with Hosted(journal=journal) as hosted:
        assert all_of(hosted) == before
        with hosted.connect() as connection:
            assert list(connection.queue("q")) == ([] if immediate else ["x", "y"])


def test_what_is_removed_gives_back_its_memory(hosted: Hosted, connection: Connection) -> None:
    """Messages that are leased and dead letters, too."""
    connection.dict("d")["a"] = "x"
    connection.list("l").append("x")
    queue = connection.queue("q", max_deliveries=1)
    queue.put_many(["dead", "leased", "ready"])
    with pytest.raises(KeyError), queue.lease():
        raise KeyError
    queue.lease().__enter__()
    assert queue.counts() == QueueCounts(1, 1, 1)
    for name in ("d", "l", "q"):
        connection.remove(name)
    assert store_of(hosted).nbytes == 0
