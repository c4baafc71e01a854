"""What a manager makes is in shared memory, and is the standard library's to look at."""

from __future__ import annotations

import multiprocessing.managers as standard
from typing import Any

import pytest

from interlock.context import BaseContext
from interlock.testing.trial import Trial
from tests.managers import work

KINDS = {
    "dict": standard.DictProxy,
    "list": standard.ListProxy,
    "Lock": standard.AcquirerProxy,  # type: ignore[attr-defined]
    "RLock": standard.AcquirerProxy,  # type: ignore[attr-defined]
    "Semaphore": standard.AcquirerProxy,  # type: ignore[attr-defined]
    "BoundedSemaphore": standard.AcquirerProxy,  # type: ignore[attr-defined]
    "Condition": standard.ConditionProxy,  # type: ignore[attr-defined]
    "Event": standard.EventProxy,  # type: ignore[attr-defined]
    "Queue": standard.BaseProxy,
    "JoinableQueue": standard.BaseProxy,
    "Namespace": standard.NamespaceProxy,  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_in_memory_and_a_proxy_of_the_standard_library(
    manager: Any, kind: str
) -> None:
    """P1: isinstance holds; and no call goes to the server."""
    made = getattr(manager, kind)()
    assert isinstance(manager, standard.SyncManager)
    assert isinstance(made, KINDS[kind])
    assert type(made).__module__ == "interlock.managers.local.proxies"
    assert made._handle.what is not None
    assert not hasattr(made, "_tls")


def test_children_change_the_same_memory(trial: Trial, manager: Any) -> None:
    """P1: a dict, a list and a lock, from several processes."""
    shared, numbers, lock = manager.dict(sum=0), manager.list(), manager.Lock()
    children = [trial.child(work.fill, shared, numbers, lock, 100) for _ in range(3)]
    for child in children:
        child.result()
    assert shared["sum"] == 300
    assert sorted(numbers) == sorted([*range(100)] * 3)


def test_memory_goes_on_when_the_manager_has_shut_down(context: BaseContext) -> None:
    """P5: whoever has a proxy has the object."""
    with work.started(context) as manager:
        shared, queue = manager.dict(a=1), manager.Queue()
    shared["b"] = 2
    queue.put("late")
    assert shared.copy() == {"a": 1, "b": 2}
    assert queue.get() == "late"


def test_values_arrays_and_namespaces(manager: Any) -> None:
    """P1: as there, their looks included."""
    value, array = manager.Value("i", 3), manager.Array("d", [1.5, 2.5, 3.5])
    space = manager.Namespace(x=1, _hidden=2)
    value.value += 1
    array[1] = 9.0
    array[0:1] = type(array[:])("d", [0.5])
    space.y = [1]
    assert (value.value, str(value)) == (4, "Value('i', 4)")
    assert (list(array[:]), len(array)) == ([0.5, 9.0, 3.5], 3)
    assert (space.x, space.y, str(space)) == (1, [1], "Namespace(x=1, y=[1])")
    del space.x
    with pytest.raises(AttributeError):
        space.x  # noqa: B018
    with pytest.raises(TypeError):
        array[0:1] = [1]


def test_errors_are_those_of_threading(manager: Any) -> None:
    """P1: a RuntimeError where nobody has the lock."""
    for turn in (manager.Lock(), manager.RLock(), manager.BoundedSemaphore(1)):
        with pytest.raises((RuntimeError, ValueError)):
            turn.release()
    with pytest.raises(RuntimeError):
        manager.Condition().notify()
    with pytest.raises(standard.RemoteError, match="parties"):
        manager.Barrier(0)


def test_a_condition_takes_a_managed_lock(manager: Any) -> None:
    """P1: they are one lock."""
    lock = manager.Lock()
    condition = manager.Condition(lock)
    with condition:
        assert not lock.acquire(False)
        assert condition.wait_for(lambda: True)
    assert lock.acquire(timeout=work.BOUND_S)
    lock.release()


def test_the_server_pool_is_ours(manager: Any) -> None:
    """P1: with its results behind proxies."""
    with manager.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
        assert pool.apply_async(abs, (-3,)).get(work.BOUND_S) == 3
        assert sorted(pool.imap_unordered(abs, [-1, -2])) == [1, 2]


def test_a_proxy_calls_only_what_is_exposed(manager: Any) -> None:
    """P4: no walk along attributes."""
    shared: Any = manager.dict(a=1)
    assert shared._callmethod("__getitem__", ("a",)) == 1
    assert shared._callmethod("__repr__") == "{'a': 1}"
    with pytest.raises(AttributeError, match="not exposed"):
        shared._callmethod("__class__")
