"""Who is interrupted has taken nothing and keeps nothing, at whatever step of a call that is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from interlock.context.far.locks import FarLock, FarRLock, FarSemaphore
from interlock.context.far.queues import FarJoinableQueue, FarQueue
from interlock.context.far.signals import FarBarrier, FarCondition
from interlock.errors import BrokenBarrier, Empty
from tests.context.far.near import ANSWERED, BEFORE, MOMENTS, SENT, WAITING, NearLine, near_line

BOUND_S = 20.0
each_moment = pytest.mark.parametrize("moment", MOMENTS)


@pytest.fixture
def line() -> Iterator[NearLine]:
    with near_line() as line:
        yield line


def interrupted(line: NearLine, method: str, moment: str, use: Any, *args: Any) -> None:
    line.interrupts(method, moment)
    with pytest.raises(KeyboardInterrupt):
        use(*args)


@each_moment
@pytest.mark.parametrize("kind", [FarLock, FarRLock, FarSemaphore])
def test_a_lock_is_not_taken_and_is_released(line: NearLine, kind: Any, moment: str) -> None:
    """P2: acquire() has not got it, release() has given it up, once."""
    lock = kind(line)
    interrupted(line, "acquire", moment, lock.acquire)
    assert lock.acquire(False)
    interrupted(line, "release", moment, lock.release)
    assert other_thread(lock.acquire, False)


def test_a_signal_that_came_with_the_answer_is_noticed_in_time(
    line: NearLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: its handler raises before anybody has the lock."""

    def raises() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    lock = FarLock(line)
    monkeypatch.setattr("interlock.context.far.line._raise_what_signals_raise", raises)
    with pytest.raises(KeyboardInterrupt):
        lock.acquire()
    assert lock.acquire(False)


@each_moment
def test_a_second_interrupt_leaves_no_trace_either(line: NearLine, moment: str) -> None:
    """P2: while the first one's call is withdrawn; what was sent is done."""
    lock = FarLock(line)
    line.interrupts("withdraw", WAITING)
    interrupted(line, "acquire", moment, lock.acquire)
    assert lock.acquire(False)


@pytest.mark.parametrize("moment", [BEFORE, SENT])
def test_a_release_is_run_whatever_goes_before_it(line: NearLine, moment: str) -> None:
    """P2: such as the board's being told of what nobody has."""
    lock = FarLock(line)
    lock.acquire()
    line.drop("nothing")
    interrupted(line, "drop", moment, lock.release)
    assert other_thread(lock.acquire, False)


@each_moment
def test_a_release_is_run_once(line: NearLine, moment: str) -> None:
    """P2: a second one would be of who has it next, or of the same once more."""
    lock = FarRLock(line)
    assert lock.acquire() and lock.acquire()
    interrupted(line, "release", moment, lock.release)
    assert not other_thread(lock.acquire, False)
    lock.release()
    assert other_thread(lock.acquire, False)


@each_moment
@pytest.mark.parametrize("method", ["take", "done"])
def test_a_message_stays_where_it_was(line: NearLine, method: str, moment: str) -> None:
    """P2: in its place, whether it had arrived or not."""
    queue = FarJoinableQueue(line)
    queue.put_many(["first", "second"])
    interrupted(line, method, moment, queue.get)
    assert queue.statistics().ready == 2 and queue.statistics().leased == 0
    assert [queue.get(), queue.get()] == ["first", "second"]
    for _ in range(2):
        queue.task_done()
    queue.join()


@each_moment
def test_a_lease_is_done_with_or_given_back(line: NearLine, moment: str) -> None:
    """P2: the one that was to end well is acknowledged, and one that was not begun is nobody's."""
    queue = FarQueue(line)
    queue.put("work")
    with pytest.raises(KeyboardInterrupt), queue.lease():
        line.interrupts("done", moment)
    assert queue.statistics().leased == 0 and queue.empty()
    queue.put("more")
    interrupted(line, "take", moment, queue.lease().__enter__)
    with queue.lease(0) as delivery:
        assert delivery.message == "more"


@each_moment
def test_a_dead_letter_is_not_lost(line: NearLine, moment: str) -> None:
    """P2: it is the next one's."""
    queue = FarQueue(line, max_deliveries=1)
    queue.put("cursed")
    with pytest.raises(ZeroDivisionError), queue.lease():
        1 // 0  # noqa: B018
    interrupted(line, "take_dead", moment, queue.dead_letters.get, False)
    assert queue.dead_letters.get(False) == "cursed"


@each_moment
def test_a_wait_for_a_condition_has_the_lock_again(line: NearLine, moment: str) -> None:
    """P2: and a notification that came all the same is another's."""
    condition = FarCondition(line)
    with condition:
        interrupted(line, "wait", moment, condition.wait, 0.1)
        interrupted(line, "notify", moment, condition.notify)
        assert condition._lock.locked()
    assert other_thread(condition.acquire, False)


def test_a_notification_passes_on_from_who_is_interrupted(line: NearLine) -> None:
    """P3: to who waits behind him."""
    condition = FarCondition(line)
    told: list[bool] = []
    with condition:
        waiting = threading.Thread(target=lambda: told.append(waited(condition)))
        notifying = threading.Thread(target=notified, args=(line, condition))
        waiting.start()
        notifying.start()
        interrupted(line, "wait", ANSWERED, condition.wait, BOUND_S)
    waiting.join(BOUND_S)
    notifying.join(BOUND_S)
    assert told == [True]


def waited(condition: FarCondition) -> bool:
    with condition:
        return condition.wait(BOUND_S)


def notified(line: NearLine, condition: FarCondition) -> None:
    while len(line.board._things[condition._name]._waits) < 2:
        continue
    with condition:
        condition.notify()


@each_moment
def test_a_barrier_is_broken_or_passed_and_holds_nobody(line: NearLine, moment: str) -> None:
    """P3: those that wait for who is interrupted are told."""
    barrier = FarBarrier(line, 2)
    waiting = threading.Thread(target=breaks, args=(barrier,))
    waiting.start()
    interrupted(line, "acted", moment, passed_last, barrier)
    waiting.join(BOUND_S)
    assert not waiting.is_alive()


def passed_last(barrier: FarBarrier) -> None:
    while not barrier.n_waiting:
        continue
    barrier.wait(BOUND_S)


def breaks(barrier: FarBarrier) -> None:
    try:
        barrier.wait(BOUND_S)
    except BrokenBarrier:
        return


def test_a_message_that_cannot_be_read_takes_no_other_with_it(line: NearLine) -> None:
    """P2: those before it are had, it is an error alone, and those after it come next."""
    queue = FarQueue(line)
    queue.put_many([1, unreadable, 3, 4])
    assert queue.get_many(9) == [1]
    with pytest.raises(RuntimeError, match="cannot be read"):
        queue.get_many(9)
    assert queue.get_many(9) == [3, 4]


def unreadable() -> None:
    raise RuntimeError("it cannot be read")


@pytest.mark.parametrize("method", ["take", "done"])
def test_a_task_of_asyncio_that_is_cancelled_has_taken_nothing(line: NearLine, method: str) -> None:
    """P10: its own cancellation knows nothing of anyio's shields."""
    queue = FarQueue(line)
    queue.put_many(["first", "second"])

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        send = line._send

        def cancelling(method_of_board: str, *args: Any) -> Any:
            sent = send(method_of_board, *args)
            if method_of_board == "call" and args[3] == method:
                task.cancel()
            return sent

        line._send = cancelling  # type: ignore[method-assign, assignment]
        try:
            with pytest.raises(asyncio.CancelledError):
                await queue.aio.get()
        finally:
            line._send = send  # type: ignore[method-assign]
        assert task.uncancel() == 0

    asyncio.run(cancelled())
    # It is put back while the program goes on already.
    assert {queue.get(timeout=BOUND_S), queue.get(timeout=BOUND_S)} == {"first", "second"}
    with pytest.raises(Empty):
        queue.get(False)


def test_another_thread_is_interrupted_as_well(line: NearLine) -> None:
    """P2: by what is raised while it waits; nobody interrupts it as it sends."""
    lock = FarLock(line)
    other_thread(interrupted, line, "acquire", WAITING, lock.acquire)
    assert lock.acquire(False)


def other_thread(use: Any, *args: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(use(*args)))
    thread.start()
    thread.join(BOUND_S)
    return found[0]
