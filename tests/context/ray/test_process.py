"""A process on a cluster: how it starts, ends, and what its end gives back."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
import warnings
from typing import Any

import pytest

from interlock.connection import wait
from interlock.errors import AbandonedLockError, AbandonedLockWarning, SerializationError
from tests.context.ray import work

BOUND_S = 40.0


def test_a_process_tells_how_it_ended(on_ray: Any) -> None:
    """P1: its status, 1 for an exception, minus the number of a signal."""
    ways = {0: 0, 7: 7, 300: 44, "raise": 1, "kill": -signal.SIGKILL}
    children = [on_ray.Process(target=work.ends_with, args=(way,)) for way in ways]
    for child in children:
        assert (child.is_alive(), child.exitcode, child.pid) == (False, None, None)
        child.start()
    for child in children:
        child.join(BOUND_S)
        assert wait([child.sentinel], BOUND_S) == [child.sentinel]
    assert [child.exitcode for child in children] == [*ways.values()], children
    assert not {*children} & {*on_ray.active_children()}
    with pytest.raises(AssertionError):
        children[0].start()
    children[0].close()


def test_a_process_is_ended_and_its_life_is_seen(on_ray: Any) -> None:
    """P1: terminate(), kill(), pid, name, active_children."""
    queue, event = on_ray.Queue(), on_ray.Event()
    child = on_ray.Process(target=work.told, args=(queue, event), name="far", daemon=True)
    child.start()
    pid = queue.get(timeout=BOUND_S)
    assert (child.pid, child.is_alive(), child.name) == (pid, True, "far")
    assert pid != os.getpid()
    assert child in on_ray.active_children()
    child.join(0.01)
    assert child.exitcode is None
    child.terminate()
    child.join(BOUND_S)
    assert (child.exitcode, child.is_alive()) == (-signal.SIGTERM, False)


def test_a_class_of_process_has_its_own_run(on_ray: Any) -> None:
    """P1: as programs derive from Process."""

    class Derived(on_ray.Process):  # type: ignore[misc]
        def __init__(self, queue: Any) -> None:
            super().__init__()
            self.queue = queue

        def run(self) -> None:
            me = self.pid == os.getpid() == self.ident
            self.queue.put((me, self.is_alive(), self.exitcode, self.name in repr(self)))
            with pytest.raises(AssertionError):
                self.join()

    queue = on_ray.Queue()
    child = Derived(queue)
    child.start()
    child.join(BOUND_S)
    assert (queue.get(timeout=BOUND_S), child.exitcode) == ((True, True, None, True), 0)
    unsendable = on_ray.Process(target=work.square, args=(work.unsendable(),))
    with pytest.raises(SerializationError, match="lock"):
        unsendable.start()


@pytest.mark.parametrize("kind", ["thread", "child"])
def test_a_process_waits_for_its_threads_and_children(on_ray: Any, kind: str) -> None:
    """P1: as the standard library at the end of a process; daemons are not waited for."""
    there, back = on_ray.Queue(), on_ray.Queue()
    child = on_ray.Process(target=work.leaves_work, args=(kind, there, back))
    child.start()
    assert back.get(timeout=BOUND_S) == "left"
    child.join(0.2)
    assert child.is_alive()
    there.put("done")
    child.join(BOUND_S)
    assert child.exitcode == 0 and back.get(False) == "done"


def test_what_cannot_be_run_says_why(on_ray: Any) -> None:
    """P6: it was not killed."""
    child = on_ray.Process(target=work.square, args=(2,), runtime_env={"conda": "none-such"})
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        child.start()
        child.join(BOUND_S)
    assert child.exitcode == 1 and "could not be run" in told.getvalue()


def test_a_process_may_be_closed_as_soon_as_it_has_ended(on_ray: Any) -> None:
    """P3: while the thread of Ray's that tells of its end is not done with that."""
    child = on_ray.Process()
    child._end, child._bell = object(), os.eventfd(0)

    class Ending(threading.Event):
        def set(self) -> None:
            super().set()
            closing.start()
            closing.join(0.2)

    child._noted = Ending()
    closing = threading.Thread(target=child.close)
    child._note(0)
    closing.join(BOUND_S)
    with pytest.raises(ValueError, match="closed"):
        child.join()


def test_a_lock_of_the_dead_is_the_next_ones(on_ray: Any) -> None:
    """P3: killed by a signal; who comes next is told who it was, with the lock or before it."""
    lock, strict, queue = on_ray.Lock(), on_ray.RLock(on_abandon="raise"), on_ray.Queue()
    child = on_ray.Process(target=work.dies_with, args=(queue, lock, strict), name="holder")
    child.start()
    pid = queue.get(timeout=BOUND_S)
    for each in (lock, strict):
        owner = each.owner
        assert owner is not None and owner.pid == pid and owner.process.startswith("holder on ")
        assert not each.acquire(False)
    os.kill(pid, signal.SIGKILL)
    with pytest.warns(AbandonedLockWarning, match=f"process {pid} \\(holder on .*died"):
        assert lock.acquire(timeout=BOUND_S)
    with pytest.raises(AbandonedLockError, match="have not got"):
        strict.acquire(timeout=BOUND_S)
    with strict:
        assert strict.owner.pid == os.getpid()
    child.join(BOUND_S)
    assert child.exitcode == -signal.SIGKILL


def test_a_death_on_another_machine_is_noticed_too(on_ray: Any) -> None:
    """P3: by Ray alone, some seconds later."""
    lock, queue = on_ray.Lock(), on_ray.Queue()
    child = on_ray.Process(target=work.dies_elsewhere_with, args=(queue, lock))
    child.start()
    os.kill(queue.get(timeout=BOUND_S), signal.SIGKILL)
    with pytest.warns(AbandonedLockWarning, match="died"):
        assert lock.acquire(timeout=BOUND_S)


def test_a_condition_is_notified_from_afar(on_ray: Any) -> None:
    """P8: it travels with its lock."""
    condition, queue = on_ray.Condition(on_ray.Lock()), on_ray.Queue()
    with condition:
        child = on_ray.Process(target=work.notifies, args=(condition, queue))
        child.start()
        assert condition.wait(BOUND_S)
        assert queue.get(timeout=BOUND_S) == "about to"
    child.join(BOUND_S)
    assert child.exitcode == 0


def test_the_end_of_a_process_gives_back_what_it_had(on_ray: Any) -> None:
    """P3: in order, too, and told as well."""
    lock, places = on_ray.Lock(), on_ray.BoundedSemaphore(1)
    for turn in (lock, places):
        child = on_ray.Process(target=work.ends_with_lock, args=(turn,))
        child.start()
        child.join(BOUND_S)
        assert child.exitcode == 0
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert turn.acquire(timeout=BOUND_S)
        assert len(told) == (turn is lock)


def test_what_the_dead_had_put_is_whole(on_ray: Any) -> None:
    """P2: large arrays, too, although Ray has them from a process that is gone."""
    queue, told = on_ray.Queue(), on_ray.Queue()
    child = on_ray.Process(target=work.puts_arrays, args=(queue, told))
    child.start()
    os.kill(told.get(timeout=BOUND_S), signal.SIGKILL)
    child.join(BOUND_S)
    arrays = queue.get_many(3, timeout=BOUND_S)
    assert [int(array.min()) for array in arrays] == [0, 1, 2] == [int(a.max()) for a in arrays]


def test_a_message_of_the_dead_is_delivered_again(on_ray: Any) -> None:
    """P2: the next attempt, to whoever is next."""
    queue, told = on_ray.Queue(), on_ray.Queue()
    queue.put("work")
    for attempt in (1, 2):
        child = on_ray.Process(target=work.leases, args=(queue, told))
        child.start()
        assert told.get(timeout=BOUND_S) == ("work", attempt)
        child.kill()
    with queue.lease(timeout=BOUND_S) as delivery:
        assert (delivery.message, delivery.attempt) == ("work", 3)
    assert queue.empty()
