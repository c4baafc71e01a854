"""SyncManager's kinds by TCP: the same interface, and no thread of the server for who waits."""

from __future__ import annotations

import array
import copy
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from interlock.errors import BrokenBarrier, LimitReached
from tests.managers.remote.programs import BOUND_S, context_of, fill
from tests.managers.waiting import until


def started(target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def elsewhere(call: Callable[..., object], **options: float) -> object:
    """What a call returns, or raises, in another thread."""
    got: list[object] = []

    def run() -> None:
        try:
            got.append(call(**options))
        except Exception as error:
            got.append(error)

    started(run).join(BOUND_S)
    return got[0]


def test_a_dict_is_as_a_dict(manager: Any) -> None:
    shared = manager.dict(a=1)
    shared["b"] = [1, 2]
    shared |= {"c": 3}
    shared.update({"d": 4}, e=5)
    assert dict(shared) == {"a": 1, "b": [1, 2], "c": 3, "d": 4, "e": 5} == shared.copy()
    assert list(shared) == ["a", "b", "c", "d", "e"] == list(reversed(shared))[::-1]
    assert (len(shared), "a" in shared, "x" in shared) == (5, True, False)
    assert (shared.pop("e"), shared.setdefault("f", 6), shared.popitem()) == (5, 6, ("f", 6))
    assert shared | {"z": 0} == {**shared.copy(), "z": 0}
    assert (shared.get("x"), shared.get("x", 7)) == (None, 7)
    assert (shared.items()[0], shared.values()[0]) == (("a", 1), 1)
    assert copy.deepcopy(shared) == shared.copy()
    assert str(manager.dict(a=1)) == "{'a': 1}"
    with pytest.raises(KeyError):
        shared["x"]
    shared.clear()
    assert not shared.keys()


def test_a_list_is_as_a_list(manager: Any) -> None:
    shared = manager.list([3, 1, 2])
    shared.sort(reverse=True)
    shared += (0, -1)
    assert list(shared) == [3, 2, 1, 0, -1] == shared[:]
    assert (shared.pop(), shared.index(1), shared.count(2), 3 in shared) == (-1, 2, 1, True)
    shared *= 2
    del shared[4:]
    shared[0:1] = [9, 8]
    shared.insert(0, 7)
    shared.reverse()
    shared.remove(8)
    assert shared.copy() == [0, 1, 2, 9, 7] == list(reversed(shared))[::-1]
    assert shared + shared.copy() == 2 * shared.copy() and shared * 2 == shared.copy() * 2
    with pytest.raises(IndexError):
        shared[10]


def test_a_client_cannot_ask_for_memory_or_time_by_a_number(manager: Any) -> None:
    """What one number says is not done before it was compared with a limit."""
    shared, semaphore = manager.list([0]), manager.Semaphore(0)
    with pytest.raises(LimitReached):
        shared * 10**12
    with pytest.raises(LimitReached):
        shared *= 10**12
    semaphore._callmethod("release", (10**12,))
    assert semaphore.acquire(False)


def test_values_arrays_and_namespaces(manager: Any) -> None:
    value, numbers, names = (
        manager.Value("i", 3),
        manager.Array("i", [1, 2, 3]),
        manager.Namespace(x=1),
    )
    value.value += 1
    assert (value.value, value.get(), str(value)) == (4, 4, "Value('i', 4)")
    numbers[0] = 7
    assert (numbers[0], len(numbers), list(numbers)) == (7, 3, [7, 2, 3])
    assert numbers[1:] == array.array("i", [2, 3])
    names.y = 2
    assert (names.x, names.y, str(names)) == (1, 2, "Namespace(x=1, y=2)")
    del names.x
    for name in ("x", "__dict__", "_y"):
        with pytest.raises(AttributeError):
            names._callmethod("__getattribute__", (name,))


def test_a_lock_is_one_threads_and_an_rlock_as_often_as_it_likes(manager: Any) -> None:
    for lock in (manager.Lock(), manager.RLock()):
        with pytest.raises(RuntimeError):
            lock.release()
        with lock as acquired:
            assert acquired is True
            assert elsewhere(lock.acquire, timeout=0.01) is False
    lock = manager.RLock()
    assert lock.acquire() and lock.acquire(False) and lock.acquire(timeout=1)
    for _ in range(3):
        lock.release()
    with lock:
        assert "un-acquired" in str(elsewhere(lock.release))


def test_a_lock_goes_to_who_waits_longest(manager: Any) -> None:
    lock, order = manager.Lock(), list[int]()
    lock.acquire()

    def take(number: int) -> None:
        with lock:
            order.append(number)

    threads = []
    for number in range(3):
        threads.append(started(partial(take, number)))
        until(partial(lambda said: said in str(lock), f"{number + 1} waiting"))
    lock.release()
    for thread in threads:
        thread.join(BOUND_S)
    assert order == [0, 1, 2]


def test_semaphores_count(manager: Any) -> None:
    semaphore, bounded = manager.Semaphore(2), manager.BoundedSemaphore(1)
    assert semaphore.acquire() and semaphore.acquire() and not semaphore.acquire(False)
    waits = started(semaphore.acquire)
    until(lambda: "1 waiting" in str(semaphore))
    semaphore.release()
    waits.join(BOUND_S)
    assert not waits.is_alive()
    with pytest.raises(ValueError, match="too many"):
        bounded.release()


def test_a_condition_is_waited_for_and_notified(manager: Any) -> None:
    lock = manager.RLock()
    condition, items, got = manager.Condition(lock), manager.list(), list[Any]()

    def consume() -> None:
        with condition:
            condition.wait_for(lambda: len(items) > 0, BOUND_S)
            got.append(items.pop())

    consumers = [started(consume) for _ in range(3)]
    until(lambda: not got)
    for number in range(3):
        with condition:
            items.append(number)
            condition.notify()
    with condition:
        condition.notify_all()
    for consumer in consumers:
        consumer.join(BOUND_S)
    assert sorted(got) == [0, 1, 2]
    with pytest.raises(RuntimeError, match="un-acquired"):
        condition.notify()
    with condition:
        assert condition.wait(0.01) is False
        assert lock.acquire(False)  # it is this thread's again
        lock.release()


def test_events_and_barriers_let_all_go_at_once(manager: Any) -> None:
    event, barrier, passed = manager.Event(), manager.Barrier(3), list[int]()
    assert not event.is_set() and not event.wait(0.01)

    def meet() -> None:
        event.wait(BOUND_S)
        passed.append(barrier.wait(BOUND_S))

    threads = [started(meet) for _ in range(3)]
    event.set()
    for thread in threads:
        thread.join(BOUND_S)
    assert sorted(passed) == [0, 1, 2] and (barrier.parties, barrier.n_waiting) == (3, 0)
    with pytest.raises(BrokenBarrier):
        barrier.wait(0.01)
    assert barrier.broken
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait()
    barrier.reset()
    assert not barrier.broken


def test_queues_have_room_and_are_joined(manager: Any) -> None:
    small, joinable = manager.Queue(1), manager.JoinableQueue()
    small.put("first")
    with pytest.raises(queue.Full):
        small.put("second", timeout=0.01)
    putting = started(lambda: small.put("second"))
    assert [small.get(timeout=BOUND_S), small.get(timeout=BOUND_S)] == ["first", "second"]
    putting.join(BOUND_S)
    with pytest.raises(queue.Empty):
        small.get_nowait()
    for number in range(3):
        joinable.put(number)
    joining = started(joinable.join)
    for _ in range(3):
        assert joining.is_alive()
        joinable.get()
        joinable.task_done()
    joining.join(BOUND_S)
    assert not joining.is_alive()


def test_processes_use_what_they_are_given(manager: Any, method: str) -> None:
    """Proxies as arguments: each process has a session of its own, and its own locks."""
    context = context_of(method)
    totals, lock, names = manager.dict(sum=0), manager.Lock(), manager.list()
    children = [context.Process(target=fill, args=(totals, lock, names, 20)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(BOUND_S)
    assert (totals["sum"], list(names)) == (60, [20, 20, 20])
