"""Locks by name: tokens that only rise, and dicts that refuse old ones (P3)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from interlock.errors import LockNotHeld, NoSuchObject, ServerGone, StaleToken
from interlock.managers.named import Connection, connect
from interlock.managers.named.address import shown
from interlock.managers.references import Reference
from interlock.managers.served.lock import ServedLock
from interlock.serialize.exceptions import RemoteError
from tests.managers.named.hosted import BOUND_S, KEY, Hosted
from tests.managers.relay import Relay
from tests.managers.waiting import until


def test_one_has_it_at_a_time(connection: Connection) -> None:
    """First come, first served; each time with a higher token."""
    lock, other = connection.lock("x"), connection.lock("x")
    with lock as token:
        assert lock.token == token == 1 and lock.locked()
        assert not other.acquire(block=False) and not other.acquire(timeout=0.01)
    assert lock.token == 0 and not lock.locked()
    assert other.acquire() and other.token == 2
    other.release()
    with pytest.raises(LockNotHeld):
        other.release()


def test_threads_take_turns(hosted: Hosted, connection: Connection) -> None:
    """What they do under it is never done by two at once."""
    shared, tokens = {"n": 0}, []

    def add() -> None:
        lock = connection.lock("x")
        for _ in range(10):
            with lock as token:
                tokens.append(token)
                seen = shared["n"]
                shared["n"] = seen + 1

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert shared["n"] == 50 and tokens == list(range(1, 51))
    assert hosted.service is not None
    (lock,) = hosted.service.store._names.values()
    assert isinstance(lock, ServedLock) and not lock._claims._has  # nothing stays behind


def test_who_gave_up_waiting_is_not_given_it(connection: Connection) -> None:
    """A lock or a message; it goes to the next, who came later."""
    lock, queue = connection.lock("x"), connection.queue("q")
    call = connection.client.call

    def wait(reference: Reference, method: str, *args: object) -> None:
        with pytest.raises(RemoteError, match="CancelledError"):
            call(reference, method, *args)
        told.append(method)

    told: list[str] = []
    lock.acquire()
    threads = [
        threading.Thread(target=wait, args=(lock._reference, "acquire", 101, None)),
        threading.Thread(target=wait, args=(queue._reference, "take", 102, 1, None)),
    ]
    for thread in threads:
        thread.start()
    until(lambda: call(lock._reference, "state")[2] == 1)
    call(lock._reference, "abandon", 101)
    call(queue._reference, "abandon", 102)
    lock.release()
    queue.put("message")
    for thread in threads:
        thread.join(BOUND_S)
    assert sorted(told) == ["acquire", "take"]
    assert lock.acquire(block=False) and queue.get(block=False) == "message"


def test_who_says_goodbye_has_it_no_more(hosted: Hosted, connection: Connection) -> None:
    """The next one has it at once."""
    with hosted.connect() as gone:
        assert gone.lock("x").acquire()
    assert connection.lock("x").acquire(timeout=BOUND_S)


def test_who_was_cut_off_writes_nothing_under_its_old_token(hosted: Hosted) -> None:
    """Its lock is given out again after the grace, and the dict refuses it then."""
    with Relay(hosted.address) as relay, hosted.connect() as second:
        with connect(shown(relay.address), authkey=KEY, absent_timeout=1.0) as first:
            lock = first.lock("x")
            guarded, plain = first.dict("d").under(lock), second.dict("d")
            lock.acquire()
            guarded["by"] = "first"
            relay.is_down.set()
            relay.cut()
            mine = second.lock("x")
            assert mine.acquire(timeout=BOUND_S)
            assert mine.token > lock.token
            second.dict("d").under(mine)["by"] = "second"
            with pytest.raises(ServerGone):
                guarded["by"] = "first again"
            assert plain["by"] == "second"
            relay.is_down.clear()


def test_an_old_token_is_refused(connection: Connection) -> None:
    """For dicts and lists, by every change; and nothing is changed."""
    lock = connection.lock("x")
    state, items = connection.dict("d").under(lock), connection.list("l").under(lock)
    with pytest.raises(LockNotHeld):
        state["a"] = 1
    with lock:
        state["a"] = 1
        items.append(1)
        number, token = lock.fence().fence()
        assert (number, token) == (lock._reference.id, 1)
        # As when the grace has ended: it is free, and this object does not know.
        connection.client.call(lock._reference, "release", lock._mine().ticket)
        with pytest.raises(StaleToken, match="is free"):
            state["a"] = 2
        other = connection.lock("x")
        assert other.acquire()
        for change in (
            lambda: state.update(a=2),
            lambda: state.pop("a"),
            lambda: state.clear(),
            lambda: items.append(2),
            lambda: items.pop(),
        ):
            with pytest.raises(StaleToken, match="token 2"):
                change()
        other.release()
        lock.acquire()
    assert connection.dict("d").copy() == {"a": 1} and connection.list("l").copy() == [1]


def test_a_cancelled_acquire_has_not_got_it(connection: Connection) -> None:
    """Whether it still waits, or has it already."""

    async def work() -> None:
        async with asyncio.timeout(BOUND_S), connection.aio as there:
            await there.lock("x").locked()
            for number in range(50):
                lock = there.lock("x")
                acquiring = asyncio.create_task(lock.acquire())
                for _ in range(number % 9):
                    await asyncio.sleep(0)
                acquiring.cancel()
                await asyncio.gather(acquiring, return_exceptions=True)
                if lock.token:
                    await lock.release()
            async with there.lock("x") as token:
                assert token > 0

    asyncio.run(work())
    until(lambda: not connection.lock("x").locked())


def test_who_waits_for_a_lock_that_is_removed_is_told(connection: Connection) -> None:
    """It would wait for ever, and another lock may have the name by then."""
    lock, told = connection.lock("x"), []

    def wait() -> None:
        with pytest.raises(NoSuchObject) as caught:
            connection.lock("x").acquire()
        told.append(caught.value)

    lock.acquire()
    waiting = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    until(lambda: connection.client.call(lock._reference, "state")[2] == 3)
    connection.remove("x")
    for thread in waiting:
        thread.join(BOUND_S)
    assert len(told) == 3
    lock.release()
    assert connection.lock("x").acquire(block=False)


def test_a_program_that_ends_lets_go_at_once(hosted: Hosted, connection: Connection) -> None:
    """Though it closed nothing; only who is killed, or away, has the time of grace."""
    program = (
        "import sys, interlock\n"
        "connection = interlock.connect(sys.argv[1], authkey=sys.argv[2].encode())\n"
        "lock, queue = connection.lock('x'), connection.queue('q')\n"
        "assert lock.acquire()\n"
        "queue.put('job')\n"
        "queue.lease().__enter__()\n"
    )
    assert hosted.service is not None
    address = shown(hosted.address)
    command = [sys.executable, "-c", program, address, KEY.decode()]
    subprocess.run(command, check=True, timeout=BOUND_S)
    assert hosted.service.server.statistics()["sessions"] == 1  # ours
    assert connection.lock("x").acquire(timeout=0.0)
    assert connection.queue("q").get(timeout=0.0) == "job"
