"""Proxies in containers and messages, to every kind of process."""

from __future__ import annotations

import multiprocessing.managers as standard
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.managers import BaseManager, SyncManager
from interlock.testing.trial import Trial
from tests.managers import work


class Counter:
    """An object that lives in the server."""

    def __init__(self) -> None:
        self.number = 0

    def add(self) -> int:
        """One more."""
        self.number += 1
        return self.number


class OwnManager(SyncManager):
    """One that serves it too."""


OwnManager.register("Counter", Counter)


def test_a_list_in_a_dict_is_changed_through_it(manager: Any) -> None:
    """P1: as python/cpython#119937 would have it."""
    shared = manager.dict({"a": manager.list([1]), "b": [manager.list()]})
    shared["a"].append(2)
    shared["a"][0] = 0
    shared["b"][0].extend("xy")
    shared["a"] += [3]
    assert shared["a"].copy() == [0, 2, 3]
    assert shared["b"][0].copy() == ["x", "y"]
    assert isinstance(shared["a"], standard.ListProxy)


@pytest.mark.parametrize("carrier", ["Queue", "managed"])
def test_proxies_travel_in_messages(
    trial: Trial, context: BaseContext, manager: Any, carrier: str
) -> None:
    """P1: there and back, of every kind, by a queue of either kind."""
    make = manager.Queue if carrier == "managed" else trial.make
    there, back = make(), make()
    child = trial.child(work.serve_echo, there, back)
    shared, numbers, lock = manager.dict(a=1), manager.list(), manager.Lock()
    for each in (shared, [numbers, lock], {"deep": {"x": (shared, numbers)}}):
        there.put(each)
    assert back.get(timeout=work.BOUND_S)["a"] == 1
    its_list, its_lock = back.get(timeout=work.BOUND_S)
    its_list.append("by the other")
    with its_lock:
        assert not lock.acquire(False)
    deep = back.get(timeout=work.BOUND_S)["deep"]["x"]
    deep[0]["b"] = 2
    assert (shared["b"], numbers.copy(), deep[1][0]) == (2, ["by the other"], "by the other")
    there.put(None)
    child.result()


def test_a_proxy_goes_to_a_process_of_any_method(manager: Any) -> None:
    """P8: whatever started the manager."""
    shared = manager.dict(sum=0)
    for method in ("fork", "spawn", "forkserver"):
        context = interlock.get_context(method)
        child = context.Process(target=work.fill, args=(shared, manager.list(), manager.Lock(), 10))
        child.start()
        child.join(work.BOUND_S)
        assert child.exitcode == 0
    assert shared["sum"] == 30


def test_a_pool_gets_proxies(context: BaseContext, manager: Any) -> None:
    """P1: as arguments of its tasks."""
    shared, numbers, lock = manager.dict(sum=0), manager.list(), manager.Lock()
    with context.Pool(2) as pool:
        pool.starmap(work.fill, [(shared, numbers, lock, 5)] * 8, chunksize=1)
    pool.join()
    assert (shared["sum"], len(numbers)) == (40, 40)


def test_a_client_of_its_own_on_this_machine(trial: Trial, manager: Any) -> None:
    """P1: `connect` by address and key: shared memory, too."""
    key = bytes(vars(manager)["_authkey"])
    child = trial.child(work.connect_and_use, manager.address, key, "there")
    module, content = child.result()
    assert module == "interlock.managers.local.proxies"
    assert content == {"made": "there", "list": [1, 2, 3]}
    work.wait_for_number(manager, 0)


def test_a_client_of_the_standard_library(manager: Any) -> None:
    """P1: it calls the same objects through the server, which lets them go with its proxies."""
    client: Any = standard.SyncManager(address=manager.address, authkey=vars(manager)["_authkey"])
    client.connect()
    shared: Any = client.dict(a=1)
    assert type(shared) is standard.DictProxy
    shared["list"] = client.list([1, 2])
    shared.update(b=2)
    assert (shared["a"], list(shared), len(shared), str(client.list([1]))) == (
        1, ["a", "list", "b"], 3, "[1]",
    )  # fmt: skip
    space, queue, lock = client.Namespace(x=1), client.Queue(), client.Lock()
    space.y = 2
    queue.put(space.x + space.y)
    with lock:
        assert queue.get() == 3


def test_a_manager_of_the_standard_library_is_connected_to(context: BaseContext) -> None:
    """P1: our client, their server: their proxies."""
    theirs: Any = standard.SyncManager()
    theirs.start()
    try:
        client: Any = SyncManager(address=theirs.address)
        client.connect()
        shared = client.dict(a=1)
        assert type(shared) is standard.DictProxy
        assert (shared["a"], client.list([2])[0]) == (1, 2)
        del shared
    finally:
        theirs.shutdown()


def test_proxies_of_both_libraries_in_each_other(manager: Any) -> None:
    """P1: theirs in our dict, and ours in theirs."""
    theirs: Any = standard.SyncManager()
    theirs.start()
    try:
        ours = manager.dict(theirs=theirs.list([1]))
        ours["theirs"].append(2)
        assert list(ours["theirs"]) == [1, 2]
        shared = theirs.dict(ours=ours)
        shared["ours"]["x"] = 1
        assert ours["x"] == 1
        del ours, shared
    finally:
        theirs.shutdown()


def test_an_object_in_the_server_is_kept_by_a_container(context: BaseContext) -> None:
    """P5: a proxy of one's own class, in shared memory, outlives the proxy that was put there."""
    own: Any = OwnManager(ctx=context)
    with own as manager:
        shared = manager.dict()
        shared["counter"] = manager.Counter()
        assert [shared["counter"].add() for _ in range(3)] == [1, 2, 3]


def test_base_manager_is_the_standard_library_s() -> None:
    """P1: isinstance holds for what a program derives."""
    assert issubclass(BaseManager, standard.BaseManager)
    assert issubclass(SyncManager, BaseManager)
    assert issubclass(SyncManager, standard.SyncManager)
    assert vars(SyncManager)["_registry"] is not vars(standard.SyncManager)["_registry"]
