"""Queues, locks and values of a cluster, used from here and from afar."""

from __future__ import annotations

import os
import queue as standard
import signal
import socket
import threading
from contextlib import suppress
from typing import Any

import anyio
import numpy
import pytest

from interlock.context.far.signals import FarEvent
from interlock.errors import (
    BrokenBarrier,
    LockNotHeld,
    LockNotOwned,
    NoSuchOption,
    NotInContext,
    SerializationError,
    ServerGone,
    ShutDown,
)
from interlock.pool import PoolClosed
from tests.context.ray import work

BOUND_S = 40.0


def test_messages_go_there_and_back_whole(on_ray: Any) -> None:
    """P2: in order, of any size; large arrays are read in place."""
    there, back = on_ray.SimpleQueue(), on_ray.Queue()
    with on_ray.Pool(1, num_cpus=0) as pool:
        echo = pool.apply_async(work.echoes, (there, back))
        for message in ({"a": [1, 2]}, b"x" * 300_000, {3, 4}):
            there.put(message)
            assert back.get(timeout=BOUND_S) == message
        there.put(numpy.arange(100_000.0))
        array = back.get(timeout=BOUND_S)
        assert array.sum() == numpy.arange(100_000.0).sum() and not array.flags.writeable
        there.put(None)
        echo.get(BOUND_S)
        carrier, cargo = on_ray.Queue(), on_ray.Queue()
        answer = pool.apply_async(work.answers, (carrier,))
        carrier.put(cargo)
        assert cargo.get(timeout=BOUND_S) == "from afar"
        answer.get(BOUND_S)


def test_a_queue_has_bounds_and_ends(on_ray: Any) -> None:
    """P1: Full, Empty, sizes, put_many, tasks, shutdown."""
    queue = on_ray.JoinableQueue(2)
    queue.put_many([1, 2])
    assert queue.full() and queue.qsize() == 2
    with pytest.raises(standard.Full):
        queue.put(3, timeout=0.05)
    with pytest.raises(standard.Full):
        queue.put_nowait(3)
    assert queue.get_many(5) == [1, 2] and queue.empty()
    with pytest.raises(standard.Empty):
        queue.get(timeout=0.05)
    queue.task_done()
    queue.task_done()
    queue.join()
    with pytest.raises(ValueError, match="too many"):
        queue.task_done()
    with pytest.raises(SerializationError, match="lock"):
        queue.put(threading.Lock())
    queue.put("last")
    queue.shutdown()
    assert list(queue) == ["last"]
    with pytest.raises(ShutDown):
        queue.put("more")
    seen = queue.statistics()
    assert (seen.ready, seen.put, seen.maxsize, seen.is_shut_down) == (0, 3, 2, True)
    queue.close()
    with pytest.raises(ValueError, match="closed"):
        queue.get()


def test_a_lease_that_fails_gives_back(on_ray: Any) -> None:
    """P2: and what fails too often is a dead letter."""
    queue = on_ray.Queue(max_deliveries=2)
    queue.put("cursed")
    for attempt in (1, 2):
        with pytest.raises(RuntimeError, match="failed"):
            with queue.lease(timeout=BOUND_S) as delivery:
                assert (delivery.message, delivery.attempt) == ("cursed", attempt)
                raise RuntimeError("failed")
    assert queue.empty() and list(queue.dead_letters) == ["cursed"]


def test_processes_take_turns(on_ray: Any) -> None:
    """P1: a lock of theirs, or the value's own."""
    value = on_ray.Value("i", 0)
    with on_ray.Pool(3, num_cpus=0) as pool:
        pool.starmap(work.adds, [(value, value.get_lock(), 10)] * 3, 1)
        assert value.value == 30
        barrier, queue = on_ray.Barrier(3), on_ray.Queue()
        going = pool.starmap_async(work.passes, [(barrier, queue)] * 2, 1)
        mine = barrier.wait(BOUND_S)
        going.get(BOUND_S)
        assert sorted([mine, queue.get(), queue.get()]) == [0, 1, 2]


def test_locks_are_used_by_the_rules(on_ray: Any) -> None:
    """P1: what multiprocessing's raise."""
    lock, again, places = on_ray.Lock(), on_ray.RLock(), on_ray.BoundedSemaphore(1)
    with pytest.raises(ValueError, match="acquire it first") as nobodys:
        lock.release()
    assert isinstance(nobodys.value, LockNotHeld)
    with lock:
        assert lock.locked() and not lock.acquire(timeout=0.05)
    with again, again:
        assert again.acquire(False)
        again.release()
    with pytest.raises(AssertionError) as not_mine:
        again.release()
    assert isinstance(not_mine.value, LockNotOwned)
    with places:
        assert places.get_value() == 0 and not places.acquire(False)
    with pytest.raises(ValueError, match="too many"):
        places.release()
    with pytest.raises(ValueError, match="on_abandon"):
        on_ray.Lock(on_abandon="ignore")


def test_an_event_and_a_condition_wake_those_that_wait(on_ray: Any) -> None:
    """P3: no wake-up is lost."""
    event, condition = on_ray.Event(), on_ray.Condition()
    assert not event.wait(0.02)
    seen: list[bool] = []
    waiting = threading.Thread(target=lambda: seen.append(event.wait(BOUND_S)))
    waiting.start()
    event.set()
    waiting.join(BOUND_S)
    assert seen == [True] and event.is_set()

    def notify() -> None:
        with condition:
            condition.notify_all()

    with condition:
        assert not condition.wait(0.02)
        thread = threading.Thread(target=notify)
        thread.start()  # it has the lock when this waits
        assert condition.wait(BOUND_S)
    thread.join(BOUND_S)
    with pytest.raises(LockNotOwned):
        condition.notify()


def test_a_barrier_breaks_by_time_and_by_its_action(on_ray: Any) -> None:
    """P1: as threading.Barrier."""
    barrier = on_ray.Barrier(2)
    with pytest.raises(BrokenBarrier, match="in time"):
        barrier.wait(0.05)
    assert barrier.broken
    barrier.reset()
    assert not barrier.broken and barrier.n_waiting == 0
    alone = on_ray.Barrier(1, action=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        alone.wait(BOUND_S)
    with pytest.raises(threading.BrokenBarrierError):
        alone.wait(BOUND_S)


def test_values_arrays_and_managed_objects_are_shared(on_ray: Any) -> None:
    """P1: the interfaces of sharedctypes and managers."""
    array, text = on_ray.Array("d", [1, 2, 3]), on_ray.Array("c", b"abc")
    array[1] = 5
    array[2:] = [7]
    assert (array[:], len(array), list(array)) == ([1, 5, 7], 3, [1, 5, 7])
    text.value = b"xy"
    assert (text.value, text.raw) == (b"xy", b"xy\0")
    with pytest.raises(TypeError):
        array[0] = "text"
    with on_ray.Manager() as manager:
        shared, items, names = manager.dict(a=1), manager.list([3, 1]), manager.Namespace(x=1)
        with on_ray.Pool(1) as pool:
            pool.apply(_changes, (shared, items, names))
        assert dict(shared) == {"a": 1, "b": [2]} and list(items) == [1, 3, 9] and names.x == 2
        assert "b" in shared and len(items) == 3 and str(items) == "[1, 3, 9]"
        with pytest.raises(KeyError):
            shared["none"]
        with pytest.raises(AttributeError):
            names.none  # noqa: B018
        assert manager.Queue().empty()


def _changes(shared: Any, items: Any, names: Any) -> None:
    shared["b"] = [2]
    items.sort()
    items += [9]
    names.x += 1


def test_they_are_awaited(on_ray: Any, anyio_backend: str) -> None:
    """P10: a cancelled wait has taken nothing, under asyncio and Trio."""
    queue, lock, event, barrier = on_ray.Queue(), on_ray.RLock(), on_ray.Event(), on_ray.Barrier(2)

    async def use() -> None:
        with anyio.move_on_after(0.05):
            await queue.aio.get()
        await queue.aio.put("message")
        assert await queue.aio.get(timeout=BOUND_S) == "message"
        async with lock.aio:
            assert not lock.acquire(False)  # the thread's; it is the task's
        assert lock.acquire(False)
        lock.release()
        assert not await event.aio.wait(0.02)
        numbers: list[int] = []

        async def pass_it() -> None:
            numbers.append(await barrier.aio.wait(BOUND_S))

        async with anyio.create_task_group() as group:
            group.start_soon(pass_it)
            group.start_soon(pass_it)
        assert sorted(numbers) == [0, 1]
        async with queue_lease(queue) as delivery:
            assert delivery.message == "leased"

    def queue_lease(queue: Any) -> Any:
        queue.put("leased")
        return queue.aio.lease(BOUND_S)

    anyio.run(use, backend=anyio_backend)


def test_ctrl_c_takes_no_message_and_no_lock(on_ray: Any) -> None:
    """P2: nor does a wait for a condition that is interrupted lose its lock."""
    lock, queue, condition = on_ray.Lock(), on_ray.Queue(), on_ray.Condition()
    lock.acquire()
    with condition:
        for wait in (lock.acquire, queue.get, condition.wait):
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                wait()
            timer.join(BOUND_S)
        condition.notify()  # it is this thread's still
    lock.release()
    assert lock.acquire(timeout=BOUND_S)
    queue.put("whole")
    assert queue.get(timeout=BOUND_S) == "whole"


def test_a_forked_process_is_refused(on_ray: Any) -> None:
    """P3: Ray is not there after fork; it would wait for ever."""
    lock = on_ray.Lock()
    with on_ray.Pool() as pool:
        pid = os.fork()
        if pid == 0:
            for use in (lock.acquire, lambda: pool.apply(work.pid), on_ray.Event):
                with suppress(ServerGone, PoolClosed):
                    use()
                    os._exit(1)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("name", ["Pipe", "RWLock", "RawValue", "SharedArray", "SharedDict"])
def test_what_it_has_not_names_the_alternative(on_ray: Any, name: str) -> None:
    """P8: hasattr is False."""
    assert not hasattr(on_ray, name)
    with pytest.raises(NotInContext, match=rf"'ray' has no {name}\. Use "):
        getattr(on_ray, name)


def test_the_death_of_the_actor_is_told_to_all_that_use_it(on_ray: Any) -> None:
    """P3: who waits there gets ServerGone, and nobody waits for ever."""
    import ray

    import interlock

    other: Any = interlock.get_context("ray")  # an actor of its own
    lock, queue = other.Lock(), other.Queue()
    caught: list[BaseException] = []

    def take() -> None:
        try:
            queue.get()
        except ServerGone as error:
            caught.append(error)

    waiting = threading.Thread(target=take)
    waiting.start()
    ray.kill(other._board()._actor)
    waiting.join(BOUND_S)
    assert len(caught) == 1
    with pytest.raises(ServerGone, match="Make a new context"):
        lock.acquire()
    other.close()
    assert on_ray.Lock().acquire()  # this one's is another
    for use in (other.Lock, other.Pool, other.cpu_count):
        with pytest.raises(ServerGone, match="context was closed"):
            use()


def test_a_lock_of_a_cluster_that_was_left_says_so(on_ray: Any) -> None:
    """P6: and Ray's bare Exception is not for programs."""
    from interlock.context.ray.line import RayLine

    class Left:
        def __getattr__(self, name: str) -> Any:
            raise Exception("it is from a different cluster")

    with pytest.raises(ServerGone, match=r"a different cluster\. What was"):
        FarEvent(RayLine("left", Left()))


def test_what_only_a_new_connection_has_is_refused(on_ray: Any) -> None:
    """P6: nothing is dropped in silence; the cluster that is there may be named."""
    import ray

    import interlock

    here = ray.get_runtime_context().gcs_address
    for address in ("auto", here, f"localhost:{here.rpartition(':')[2]}"):
        assert interlock.get_context("ray", address=address).cpu_count() == on_ray.cpu_count()
    elsewhere = {"address": "192.0.2.1:6379"}
    for options in ({"num_cpus": 1}, {"runtime_env": {"env_vars": {"A": "1"}}}, elsewhere):
        with pytest.raises(NoSuchOption, match=f"^{next(iter(options))}: "):
            interlock.get_context("ray", **options)


def test_where_nobody_listens_is_told_at_once(on_ray: Any) -> None:
    """P3: Ray itself would try for minutes."""
    from interlock.context.ray.cluster import _check_reached

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(ServerGone, match="refused"):
            _check_reached(f"127.0.0.1:{bound.getsockname()[1]}")
        bound.listen()
        _check_reached(f"127.0.0.1:{bound.getsockname()[1]}")
    _check_reached("auto")
    with pytest.raises(NoSuchOption, match="job submit"):
        _check_reached("ray://127.0.0.1:10001")
