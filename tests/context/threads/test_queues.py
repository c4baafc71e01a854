"""Queues and pipes of the thread context, where their contracts say nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import interlock
from interlock.connection import wait
from interlock.testing import wait_asleep

LONG_S = 20.0
context: Any = interlock.get_context("thread")


def test_a_timeout_that_is_no_number_is_an_error() -> None:
    """P3: as a queue of processes has it; else it would be waited for, for ever."""
    for get in context.Queue().get, interlock.get_context("fork").Queue().get:
        with pytest.raises(ValueError, match="timeout is not a number"):
            get(timeout=float("nan"))
    with pytest.raises(ValueError, match="timeout is not a number"):
        context.Pipe()[0].poll(float("nan"))
    with pytest.raises(TypeError, match="must be real number"):
        context.Queue().put("there", timeout="soon")
    queue = context.Queue()
    threading.Timer(0.05, queue.put, ("there",)).start()
    assert queue.get(timeout=float("inf")) == "there"


@pytest.mark.parametrize("name", ["thread", "fork"])
def test_the_dead_letters_of_a_queue_that_was_shut_down_are_read_to_the_end(name: str) -> None:
    """P2: `for` takes those that are there, and ends."""
    queue: Any = interlock.get_context(name).Queue(max_deliveries=1)
    queue.put_many("ab")
    for _ in range(2):
        with pytest.raises(KeyError), queue.lease(LONG_S):
            raise KeyError
    queue.shutdown()
    assert [*queue.dead_letters] == ["a", "b"]


def test_a_thread_that_nobody_can_stop_sleeps_until_there_is_something() -> None:
    """Decision 0027: looking for a stop costs nothing where there can be none."""
    waits: list[float] = []
    for process_kind in threading.Thread, context.Process:
        queue = context.Queue()

        def note(rest_s: float, queue: Any = queue) -> None:
            waits.append(rest_s)
            queue.put("there")

        queue._store._changed.wait = note
        process = process_kind(target=queue.get)
        process.start()
        process.join(LONG_S)
    assert waits[0] > LONG_S > 1 > waits[1]


@pytest.mark.parametrize("name", ["thread", "fork"])
def test_a_message_that_is_too_long_ends_one_direction(name: str) -> None:
    """P1: as multiprocessing's connections; the other direction goes on, if there is one."""
    make: Any = interlock.get_context(name).Pipe
    ours, theirs = make()
    theirs.send_bytes(b"12345")
    with pytest.raises(OSError, match="bad message length"):
        ours.recv_bytes(4)
    assert (ours.readable, ours.writable, ours.closed) == (False, True, False)
    with pytest.raises(OSError, match="write-only"):
        ours.recv()
    ours.send("there")
    assert theirs.recv() == "there"
    receiver, sender = make(False)
    sender.send_bytes(b"12345")
    with pytest.raises(OSError, match="bad message length"):
        receiver.recv_bytes(4)
    assert receiver.closed


def test_who_waits_by_a_handle_that_is_closed_is_told() -> None:
    """P3: at once, though there is nothing to receive; other handles go on."""
    queue, (ours, _theirs) = context.Queue(), context.Pipe()
    other = ours._duplicate()
    for handle, wait_for in (queue, queue.get), (ours, ours.recv), (other, other.poll):
        told: list[Exception] = []

        def wait_and_tell(wait_for: Any = wait_for, told: list[Exception] = told) -> None:
            try:
                wait_for(*[None] * (wait_for == other.poll))
            except (OSError, ValueError) as error:
                told.append(error)

        waiter = threading.Thread(target=wait_and_tell)
        waiter.start()
        wait_asleep(waiter, LONG_S)
        handle.close()
        waiter.join(LONG_S)
        assert "closed" in str(told[0])


def test_what_is_leased_keeps_its_place() -> None:
    """P2: given back in the order in which it was put; it counts as being in the queue."""
    queue = context.Queue(3)
    queue.put_many("abc")
    first, second = queue.lease().__enter__(), queue.lease().__enter__()
    assert queue.full()
    with pytest.raises(interlock.Full):
        queue.put_nowait("d")
    queue.shutdown()
    first.give_back()
    second.give_back()
    assert [*queue] == ["a", "b", "c"]


def test_the_end_waits_for_what_is_leased() -> None:
    """P2: it may come back."""
    queue = context.JoinableQueue(max_deliveries=2)
    queue.put("there")
    held = queue.lease().__enter__()
    queue.shutdown()
    with pytest.raises(interlock.Empty):
        queue.get(timeout=0.01)
    held.give_back()
    queue.lease().__enter__().give_back()
    queue.join()
    assert [*queue, *queue.dead_letters] == ["there"]


@pytest.mark.parametrize("name", ["thread", "fork"])
def test_what_was_under_a_lease_that_nobody_has_is_delivered_again(name: str) -> None:
    """P2: to one that waits for it already, too; one that has a message takes no other."""
    queue: Any = interlock.get_context(name).JoinableQueue()
    queue.put("there")
    held = [queue.lease().__enter__()]
    with pytest.raises(RuntimeError, match="has a message already"):
        held[0].__enter__()
    got: list[str] = []
    taker = threading.Thread(target=lambda: got.append(queue.get(timeout=LONG_S)))
    taker.start()
    wait_asleep(taker, LONG_S)
    held.clear()
    taker.join(LONG_S)
    assert got == ["there"]
    queue.task_done()
    queue.join()


def test_what_a_thread_had_leased_at_its_end_is_delivered_again() -> None:
    """P2: whoever has the lease; and so is what a task had that was stopped."""
    queue = context.Queue()
    held: list[Any] = []

    def lease() -> None:
        held.append(queue.lease().__enter__())

    def lease_and_spin() -> None:
        lease()
        while True:
            pass

    queue.put("there")
    process = context.Process(target=lease)
    process.start()
    process.join(LONG_S)
    assert queue.get_nowait() == "there"
    queue.put("there")
    with context.Pool(1) as pool:
        with pytest.raises(interlock.pool.TaskTimeout):
            pool.apply(lease_and_spin, timeout=0.05)
    assert queue.get_nowait() == "there"


def test_a_forked_child_waits_for_no_thread_of_its_parent() -> None:
    """P3: the queue is not shared with it, and its copy works."""
    queue = context.Queue()
    assert queue.fileno() >= 0
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with queue._store.held():
            held.set()
            go.wait(LONG_S)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(LONG_S)
    child = interlock.get_context("fork").Process(target=queue.put, args=("there",))
    child.start()
    child.join(LONG_S)
    go.set()
    holder.join(LONG_S)
    assert child.exitcode == 0
    assert (queue.empty(), wait([queue], 0)) == (True, [])


def test_what_a_shutdown_drops_is_freed_without_the_lock() -> None:
    """P3: its end may wait for another queue, where somebody waits for this one."""
    queue = context.Queue()
    others: list[bool] = []

    class Message:
        def __del__(self) -> None:
            other = threading.Thread(target=queue.fileno)
            other.start()
            other.join(1.0)
            others.append(not other.is_alive())

    queue.put(Message())
    queue.shutdown(immediate=True)
    assert others == [True]
