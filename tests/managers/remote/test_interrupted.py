"""Ctrl-C in a call that waits, and what is left behind by it: nothing that stays or goes astray."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from interlock.managers import SyncManager
from interlock.managers.calling.channel import Channel
from interlock.managers.calling.switchboard import Switchboard
from interlock.managers.calling.waiters import Waiter
from interlock.managers.client import Client
from interlock.managers.remote.line import line_to
from interlock.managers.wire.client_state import Pending
from tests.managers.relay import Relay
from tests.managers.remote.programs import BOUND_S, KEY, context_of, wait_for
from tests.managers.served import Served
from tests.managers.waiting import until


def interrupted(call: Callable[[], object], is_waiting: Callable[[], object]) -> None:
    """Call, and press Ctrl-C when it waits."""

    def press() -> None:
        until(is_waiting)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    presses = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        presses.start()
        call()
    presses.join(BOUND_S)


def test_who_is_interrupted_in_a_condition_leaves_it_in_good_order(manager: Any) -> None:
    """It has the lock again at the end of the block, as of threading.Condition."""
    condition, has_it = manager.Condition(), threading.Event()

    def wait() -> None:
        with condition:
            has_it.set()
            condition.wait()

    def waits() -> bool:
        with condition:  # free only while the other waits
            return True

    interrupted(wait, lambda: has_it.is_set() and waits())
    assert condition.acquire(timeout=BOUND_S)
    condition.release()


def test_what_an_interrupted_get_waited_for_goes_to_the_next(manager: Any) -> None:
    queue, lock = manager.Queue(), manager.Lock()
    lock.acquire()
    interrupted(queue.get, lambda: True)
    interrupted(lock.acquire, lambda: "1 waiting" in str(lock))
    until(lambda: "0 waiting" in str(lock))
    queue.put("for the next")
    assert queue.get(timeout=BOUND_S) == "for the next"


def test_a_call_that_is_given_up_while_cut_off_is_not_made_again(manager: Any) -> None:
    """The server could not be told then; it is, when there is a connection again."""
    with Relay(manager.address) as relay:
        client: Any = SyncManager(relay.address, KEY)
        client.connect()
        queue = client.Queue()
        got: list[Any] = []
        waits = threading.Thread(target=lambda: got.append(queue.get(timeout=BOUND_S)))
        waits.start()
        interrupted(queue.get, lambda: cut_in_a_call(relay, client))
        relay.is_down.clear()
        for number in (1, 2):
            queue.put(number)
        waits.join(BOUND_S)
        assert sorted([*got, queue.get(timeout=BOUND_S)]) == [1, 2]


def cut_in_a_call(relay: Relay, client: Any) -> bool:
    state = line_to(client._remote.place).client._board._state
    if len(state._pending) < 2:
        return False
    relay.is_down.set()
    relay.cut()
    until(lambda: not any(pending.is_sent for pending in state._pending.values()))
    return True


def test_what_a_signals_handler_raises_is_raised(manager: Any) -> None:
    """Many programs raise TimeoutError in one: an OSError, but none of the connection."""
    queue = manager.Queue()

    def late(*_: object) -> None:
        raise TimeoutError("it took too long")

    before = signal.signal(signal.SIGALRM, late)
    try:
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(TimeoutError, match="took too long"):
                queue.get(timeout=BOUND_S)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    queue.put(1)
    assert queue.get(timeout=BOUND_S) == 1


def test_half_a_frame_is_the_last_of_its_connection() -> None:
    """What comes behind would be taken for the rest of it."""
    here, there = socket.socketpair()
    channel = Channel(here)

    def full() -> bool:
        return bool(there.recv(1, socket.MSG_PEEK))

    interrupted(lambda: channel.send([b"x" * 50_000_000], BOUND_S), full)
    with pytest.raises(OSError):
        channel.send([b"the next"], BOUND_S)
    there.settimeout(BOUND_S)
    while there.recv(1 << 20):
        pass
    channel.close()
    there.close()


def test_a_notification_of_a_killed_waiter_goes_to_another(manager: Any, method: str) -> None:
    """P3: at the end of its grace, or else whoever waits would wait for ever."""
    condition, entered, got = manager.Condition(), manager.list(), list[Any]()
    child = context_of(method).Process(target=wait_for, args=(condition, entered))
    child.start()

    def wait() -> None:
        with condition:
            entered.append(os.getpid())
            got.append(condition.wait(BOUND_S))

    until(lambda: len(entered) == 1)
    waits = threading.Thread(target=wait)
    waits.start()
    until(lambda: len(entered) == 2)
    os.kill(child.pid, signal.SIGKILL)
    child.join(BOUND_S)
    with condition:
        condition.notify()
    waits.join(BOUND_S)
    assert got == [True]


def test_small_answers_are_not_held_back() -> None:
    """By the kernel, which would have one wait for the acknowledgement of the one before, 40 ms."""
    given: Any = socket.create_server(("127.0.0.1", 0))
    with Served(given) as served, Client(served.address, authkey=KEY) as client:
        assert client.find("shared") and served.server is not None
        (link,) = served.server._links
        accepted = link._transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(accepted)) as its:
            assert its.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "Condition"])
def test_a_lock_that_came_too_late_for_who_was_interrupted_is_given_back(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is there, and Ctrl-C is quicker than who waits for it."""
    with SyncManager(("127.0.0.1", 0), KEY) as manager:
        lock, wait = getattr(manager, kind)(), Switchboard._wait

        def interrupts(board: Switchboard, waiter: Waiter) -> None:
            wait(board, waiter)
            raise KeyboardInterrupt

        monkeypatch.setattr(Switchboard, "_wait", interrupts)
        with pytest.raises(KeyboardInterrupt):
            lock.acquire()
        monkeypatch.undo()
        got: list[bool] = []
        other = threading.Thread(target=lambda: got.append(lock.acquire(timeout=BOUND_S)))
        other.start()
        other.join(BOUND_S)
        assert got == [True]


@pytest.mark.parametrize("kind", ["Lock", "RLock", "BoundedSemaphore", "Condition"])
def test_a_lock_that_came_too_late_for_a_cancelled_task_is_given_back(kind: str) -> None:
    """As with a time-out of asyncio, which ends in the moment in which the lock is free."""

    async def race(lock: Any) -> None:
        await lock.aio.acquire()
        await lock.aio.release()
        client = await lock._line.aio()
        answered = client._answered

        def cancels(pending: Pending) -> None:
            answered(pending)
            task.cancel()

        client._answered = cancels
        task = asyncio.create_task(lock.aio.acquire())
        with pytest.raises(asyncio.CancelledError):
            await task
        client._answered = answered
        assert await lock.aio.acquire(True, BOUND_S)

    with SyncManager(("127.0.0.1", 0), KEY) as manager:
        asyncio.run(race(getattr(manager, kind)()))
