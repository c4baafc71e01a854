"""Queues, locks and the like of a cluster, in one program and between its tasks (P2, P3, P8)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from interlock.context.dask import DaskContext
from interlock.errors import (
    BrokenBarrier,
    Empty,
    Full,
    LockNotHeld,
    LockNotOwned,
    MessageTooLarge,
    QueueClosed,
    SerializationError,
    ServerGone,
    ShutDown,
)
from tests.context.dask import work

BOUND_S = 20.0


class Aside:
    """A function in a thread."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._results: list[Any] = []
        self._thread = threading.Thread(target=self._run, args=(function, args), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., Any], args: Any) -> None:
        try:
            self._results.append(function(*args))
        except BaseException as error:  # for the test
            self._results.append(error)

    def result(self) -> Any:
        self._thread.join(BOUND_S)
        assert self._results, "it has not ended"
        return self._results[0]


def until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < ends, "it did not come about"


def test_a_queue_is_first_in_first_out(local: DaskContext) -> None:
    """P2: messages of any kind, whole and in order; counts are exact."""
    queue = local.Queue(maxsize=3)
    for message in (1, {"two": [2]}, lambda: 3):
        queue.put(message)
    assert (queue.qsize(), queue.empty(), queue.full()) == (3, False, True)
    with pytest.raises(Full):
        queue.put_nowait(4)
    with pytest.raises(Full):
        queue.put(4, timeout=0.01)
    assert queue.get() == 1
    assert queue.get() == {"two": [2]}
    assert queue.get()() == 3
    with pytest.raises(Empty):
        queue.get_nowait()
    with pytest.raises(Empty):
        queue.get(timeout=0.01)
    with pytest.raises(SerializationError, match=r"\$\[1\]"):
        queue.put([0, threading.Lock()])
    statistics = queue.statistics()
    assert (statistics.ready, statistics.put, statistics.maxsize) == (0, 3, 3)
    queue.close()
    with pytest.raises(QueueClosed):
        queue.put(1)


def refuse() -> None:
    raise LookupError("not here")


class Poison:
    """Cannot be unpacked."""

    def __reduce__(self) -> Any:
        return refuse, ()


def test_a_message_that_cannot_be_unpacked(local: DaskContext) -> None:
    """P2: get() raises and has taken it; get_many() ends before it, and a lease gives it back."""
    queue = local.Queue(max_deliveries=9)
    queue.put_many([1, Poison(), 3])
    assert queue.get_many(3) == [1]
    with pytest.raises(LookupError, match="not here"):
        queue.lease(BOUND_S).__enter__()
    with pytest.raises(LookupError, match="not here"):
        queue.get(timeout=BOUND_S)
    assert queue.get(timeout=BOUND_S) == 3
    until(lambda: not queue.statistics().leased)
    assert queue.empty()


def test_who_waits_is_served_in_order(local: DaskContext) -> None:
    """P3: a get that waits has the message at once; a put that waits has the room."""
    queue = local.Queue(maxsize=1)
    reader = Aside(queue.get)
    queue.put("early")
    assert reader.result() == "early"
    queue.put("first")
    writer = Aside(queue.put, "second")
    assert queue.get(timeout=BOUND_S) == "first"
    assert writer.result() is None
    assert queue.get(timeout=BOUND_S) == "second"


def test_many_messages_and_bounds(local: DaskContext) -> None:
    """put_many, get_many, max_bytes, iteration and shutdown."""
    queue = local.Queue(max_bytes=10_000)
    queue.put_many(range(10))
    assert queue.get_many(4) == [0, 1, 2, 3]
    queue.shutdown()
    with pytest.raises(ShutDown):
        queue.put(1)
    assert list(queue) == [4, 5, 6, 7, 8, 9]
    with pytest.raises(ShutDown):
        queue.get()
    with pytest.raises(MessageTooLarge, match="keep_remote"):
        local.Queue(max_bytes=100).put(bytes(1000))
    with pytest.raises(ValueError, match="max_bytes is 0"):
        local.Queue(max_bytes=0)
    full = local.Queue(maxsize=2)
    with pytest.raises(Full) as caught:
        full.put_many(range(5), block=False)
    assert caught.value.accepted == 2
    full.shutdown(immediate=True)
    with pytest.raises(ShutDown):
        full.get()


def test_a_lease_ends_well_or_gives_back(local: DaskContext) -> None:
    """P2: attempts are counted, and bounded by max_deliveries."""
    queue = local.Queue(max_deliveries=2)
    queue.put_many(["work", "next"])
    with queue.lease() as delivery:
        assert (delivery.message, delivery.attempt) == ("work", 1)
        assert queue.statistics().leased == 1
        delivery.give_back()
    with pytest.raises(KeyError), queue.lease() as delivery:
        assert (delivery.message, delivery.attempt) == ("work", 2)
        raise KeyError
    with queue.lease() as delivery:
        assert delivery.message == "next"
    assert queue.empty()
    assert queue.dead_letters.qsize() == 1
    assert list(queue.dead_letters) == ["work"]
    with pytest.raises(Empty):
        queue.dead_letters.get_nowait()
    with pytest.raises(Empty):
        queue.lease(0.01).__enter__()


def test_a_joinable_queue_knows_when_it_is_done(local: DaskContext) -> None:
    """task_done and join; a lease that ends well is a task done."""
    queue = local.JoinableQueue()
    queue.put_many("ab")
    joining = Aside(queue.join)
    assert queue.get() == "a"
    queue.task_done()
    with queue.lease() as delivery:
        assert delivery.message == "b"
    assert joining.result() is None
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()


def test_a_simple_queue(local: DaskContext) -> None:
    """put, get and empty, as multiprocessing has them."""
    queue = local.SimpleQueue()
    assert queue.empty()
    queue.put("one")
    assert queue.get() == "one"
    assert not hasattr(queue, "qsize")


def test_a_lock_is_one_s(local: DaskContext) -> None:
    """P3: anybody may release it; who waits gets it."""
    lock = local.Lock()
    with lock:
        assert lock.locked()
        assert not lock.acquire(block=False)
        assert not lock.acquire(timeout=0.01)
        waiting = Aside(lock.acquire)
    assert waiting.result() is True
    assert lock.owner is not None
    lock.release()
    with pytest.raises(LockNotHeld):
        lock.release()
    with pytest.raises(ValueError, match="on_abandon"):
        local.Lock(on_abandon="shrug")  # type: ignore[arg-type]


def test_a_recursive_lock_is_its_thread_s(local: DaskContext) -> None:
    """Taken twice, released twice, and by nobody else."""
    lock = local.RLock()
    with lock, lock:
        assert isinstance(Aside(lock.release).result(), LockNotOwned)
        waiting = Aside(lock.acquire)
        assert lock.acquire()  # before those that wait
        lock.release()
    assert waiting.result() is True
    with pytest.raises(LockNotOwned):
        lock.release()


def test_semaphores_count(local: DaskContext) -> None:
    """So many at a time; the bounded one never more."""
    semaphore = local.Semaphore(2)
    assert semaphore.acquire() and semaphore.acquire()
    assert not semaphore.acquire(block=False)
    semaphore.release()
    semaphore.release()
    semaphore.release()
    assert semaphore.get_value() == 3
    bounded = local.BoundedSemaphore(1)
    with bounded:
        assert bounded.get_value() == 0
    with pytest.raises(ValueError, match="too many times"):
        bounded.release()


def test_an_event_and_a_condition_wake(local: DaskContext) -> None:
    """P3: at once; notify wakes so many."""
    event = local.Event()
    assert not event.wait(0.01)
    waiting = Aside(event.wait)
    event.set()
    assert waiting.result() is True
    event.clear()
    assert not event.is_set()
    condition = local.Condition()
    woken = local.Value("i")

    def sleep() -> Any:
        with condition:
            found = condition.wait_for(lambda: woken.value, BOUND_S)
            woken.value += 1
            return found

    sleepers = [Aside(sleep), Aside(sleep)]
    with condition:
        assert condition.wait(0.01) is False
        woken.value = 1
        condition.notify_all()
    assert {sleeper.result() for sleeper in sleepers} == {1, 2}
    with pytest.raises(AssertionError):
        condition.wait(1)
    with pytest.raises(AssertionError):
        condition.notify()


def test_a_barrier_lets_all_pass_or_none(local: DaskContext) -> None:
    """P3: the action is run once; a timeout, an abort and an action that fails break it."""
    acted = local.Value("i")

    def act() -> None:
        acted.value += 1

    barrier = local.Barrier(3, action=act)
    others = [Aside(barrier.wait, BOUND_S) for _ in range(2)]
    assert {barrier.wait(BOUND_S), *(other.result() for other in others)} == {0, 1, 2}
    assert acted.value == 1
    with pytest.raises(BrokenBarrier):
        barrier.wait(0.01)
    assert barrier.broken
    barrier.reset()
    waiting = Aside(barrier.wait, BOUND_S)
    until(lambda: barrier.n_waiting == 1)
    barrier.abort()
    assert isinstance(waiting.result(), BrokenBarrier)
    failing = local.Barrier(1, action=lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failing.wait(1)
    with pytest.raises(BrokenBarrier):
        failing.wait(1)
    with pytest.raises(ValueError, match="parties"):
        local.Barrier(0)


def test_values_and_arrays(local: DaskContext) -> None:
    """P8: plain numbers, with a lock."""
    value = local.Value("d", 1.5)
    value.value *= 2
    assert value.value == 3.0
    array = local.Array("i", range(5))
    array[1:3] = [10, 20]
    array[-1] = 7
    assert (array[:], array[1], len(array), array[::-2]) == ([0, 10, 20, 3, 7], 10, 5, [7, 20, 0])
    with pytest.raises(IndexError):
        array[5]
    with pytest.raises(TypeError, match="simple type"):
        local.Value("nonsense")
    with pytest.raises(AttributeError, match="by its value"):
        value.get_obj()
    with local.Pool() as pool:
        pool.map(lambda _: increment(array), range(10), 1)
    assert array[0] == 10


def increment(array: Any) -> None:
    with array.get_lock():
        array[0] += 1


def test_things_go_anywhere_on_the_cluster(local: DaskContext) -> None:
    """P8: in arguments, in closures and in messages of queues; they arrive as what they were."""
    questions, answers = local.Queue(), local.Queue()
    questions.put(answers)
    again = questions.get()
    again.put("to itself")
    assert answers.get(timeout=BOUND_S) == "to itself"
    with local.Pool() as pool:
        result = pool.apply_async(work.echo, (questions, answers))
        questions.put_many([1, "two"])
        questions.shutdown()
        assert [answers.get(timeout=BOUND_S) for _ in range(2)] == [("echo", 1), ("echo", "two")]
        assert result.get(BOUND_S) is None


def test_a_scheduler_that_takes_no_plugin_has_pools_all_the_same() -> None:
    """P6: what needs the desk says so; what does not, works."""
    import dask

    forbidden = {"distributed.scheduler.blocked-handlers": ["register_scheduler_plugin"]}
    with dask.config.set(forbidden), DaskContext(workers=1) as context:
        with pytest.raises(ServerGone, match="does not take Interlock's plugin"):
            context.Queue()
        with pytest.raises(ServerGone, match="does not take Interlock's plugin"):
            context.Process(target=work.double, args=(1,)).start()
        with context.Pool() as pool:
            assert pool.map(work.double, range(3)) == [0, 2, 4]
            assert pool.apply(work.double, (1,), keep_remote=True).get(BOUND_S) == 2
