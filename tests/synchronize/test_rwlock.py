"""RWLock: readers together, writers alone, in the order they came; and who died (P3, P9, P10)."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import anyio
import pytest

import interlock
from interlock.errors import (
    AbandonedLockError,
    AbandonedLockWarning,
    LockNotOwned,
    WouldDeadlock,
)
from interlock.testing import die
from interlock.testing.trial import Task, Trial

LONG_S = 30.0
LATE_S = 2.0
TURNS = 30


def make(trial: Trial, **options: Any) -> Any:
    return trial.context.RWLock(**options)  # type: ignore[attr-defined]


def test_readers_together_writers_alone(trial: Trial) -> None:
    """In processes and threads; what is guarded is whole whenever one looks."""
    lock = make(trial)
    words = interlock.RawArray("q", 2)
    tasks: list[Task] = [
        *(trial.child(_read, lock, words) for _ in range(2)),
        *(trial.thread(_read, lock, words) for _ in range(2)),
        trial.child(_write, lock, words),
        trial.thread(_write, lock, words),
    ]
    for task in tasks:
        task.result()
    assert words[:] == [2 * TURNS, 2 * TURNS]
    assert (lock.owner, lock.readers, lock.waiters) == (None, (), ())


def _read(lock: Any, words: Any) -> None:
    for _ in range(TURNS):
        with lock.reader:
            assert words[0] == words[1]


def _write(lock: Any, words: Any) -> None:
    for _ in range(TURNS):
        with lock.writer:
            words[0] += 1
            os.sched_yield()
            words[1] += 1


def test_two_read_at_once(trial: Trial) -> None:
    """A reader keeps no reader out, and every writer."""
    lock = make(trial)
    with lock.reader:
        child = trial.child(_try_both, lock)
        assert child.result() == (True, False)
        assert [reader.pid for reader in lock.readers] == [os.getpid()]
        assert lock.owner is None
    with lock.writer:
        assert trial.child(_try_both, lock).result() == (False, False)
        owner: Any = lock.owner
        assert (owner.pid, owner.thread) == (os.getpid(), threading.get_native_id())
        assert lock.readers == ()


def _try_both(lock: Any) -> tuple[bool, bool]:
    seen = []
    for side in (lock.reader, lock.writer):
        seen.append(side.acquire(block=False))
        if seen[-1]:
            side.release()
    return seen[0], seen[1]


def test_who_came_first_is_let_in_first(trial: Trial) -> None:
    """P5: a reader does not pass a writer that waits; readers in a row go in together."""
    lock = make(trial)
    order: list[str] = []

    def take(name: str, side: Any) -> None:
        with side:
            order.append(name)

    lock.reader.acquire()
    names = ["writer 1", "reader 1", "reader 2", "writer 2", "reader 3"]
    tasks = []
    for name in names:
        tasks.append(trial.thread(take, name, getattr(lock, name[:6])))
        while len(lock.waiters) < len(tasks):
            os.sched_yield()
    lock.reader.release()
    for task in tasks:
        task.result()
    assert [sorted(order[:1]), sorted(order[1:3]), order[3:4], order[4:]] == [
        names[:1],
        names[1:3],
        names[3:4],
        names[4:],
    ]


def test_a_timeout_is_kept_and_leaves_nothing(trial: Trial) -> None:
    """A writer that gives up lets the readers behind it in."""
    lock = make(trial)
    lock.reader.acquire()
    begun = time.monotonic()
    assert trial.thread(lock.writer.acquire, True, 0.05).result() is False
    assert time.monotonic() - begun >= 0.048
    writer = trial.thread(lock.writer.acquire, True, 0.3)
    while len(lock.waiters) < 1:
        os.sched_yield()
    reader = trial.thread(_had, lock.reader)
    assert (writer.result(), reader.result()) == (False, True)
    lock.reader.release()
    assert _had(lock.writer)
    assert lock.waiters == ()


def _had(side: Any) -> bool:
    with side:
        return True


def test_a_thread_may_have_it_again() -> None:
    """As often as it likes, also to read while it writes; then it may go on reading."""
    lock: Any = interlock.RWLock()
    with lock.writer, lock.writer, lock.reader:
        assert lock.owner is not None
    lock.writer.acquire()
    lock.reader.acquire()
    lock.writer.release()
    assert lock.owner is None
    assert len(lock.readers) == 1
    with pytest.raises(LockNotOwned, match="to write"):
        lock.writer.release()
    with pytest.raises(WouldDeadlock, match="wait for itself"):
        lock.writer.acquire()
    lock.reader.release()
    with pytest.raises(LockNotOwned, match="to read"):
        lock.reader.release()
    assert lock.readers == ()


def test_a_thread_cannot_release_another_s(trial: Trial) -> None:
    """P6: the error says so, and nothing has changed."""
    lock = make(trial)
    with lock.reader:
        other = trial.thread(lock.reader.release)
        with pytest.raises(LockNotOwned):
            other.result()
        trial.forget(other)
        assert len(lock.readers) == 1


@pytest.mark.parametrize("options", [{"on_abandon": "ask"}, {"on_abandon": None}])
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    """P6: at the call."""
    with pytest.raises(ValueError, match="give 'warn' or 'raise'"):
        interlock.RWLock(**options)


@pytest.mark.parametrize("side", ["reader", "writer"])
def test_a_dead_one_holds_nobody_up(trial: Trial, side: str) -> None:
    """P3: a dead reader has changed nothing; after a dead writer one is told, once."""
    lock = make(trial)
    doomed = trial.doomed(_die_with, lock, side)
    doomed.wait_dead()
    begun = time.monotonic()
    if side == "writer":
        with pytest.warns(AbandonedLockWarning, match=str(doomed.pid)) as told:
            lock.reader.acquire()
        assert [warning.filename for warning in told] == [__file__]
        lock.reader.release()
        assert lock.abandoned.pid == doomed.pid
    assert _had(lock.writer)
    assert time.monotonic() - begun < LATE_S
    assert (lock.abandoned is None) == (side == "reader")


def _die_with(lock: Any, side: str) -> None:
    getattr(lock, side).acquire()
    die()


def test_a_dead_writer_raises_where_it_was_asked_for(trial: Trial) -> None:
    """P3: who is told has not got it; the next one has."""
    lock = make(trial, on_abandon="raise")
    assert lock.on_abandon == "raise"
    trial.doomed(_die_with, lock, "writer").wait_dead()
    with pytest.raises(AbandonedLockError, match="have not got"):
        lock.reader.acquire()
    assert lock.readers == ()
    assert _had(lock.writer)


def test_an_ended_thread_s_turn_comes_back(trial: Trial) -> None:
    """P3: of a process that goes on."""
    lock = make(trial)
    trial.thread(lock.reader.acquire).result()
    assert lock.writer.acquire(timeout=LATE_S)
    lock.writer.release()


def test_an_interrupt_reaches_who_waits(trial: Trial) -> None:
    """P3: at once; and nothing is left."""
    lock = make(trial)
    holder = trial.child(_hold, lock)
    while not lock.readers:
        os.sched_yield()
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        while not lock.waiters:
            os.sched_yield()
        signal.pthread_kill(main, signal.SIGINT)

    interrupting = trial.thread(interrupt)
    with pytest.raises(KeyboardInterrupt):
        lock.writer.acquire()
    interrupting.result()
    assert lock.waiters == ()
    holder.kill()
    assert _had(lock.writer)


def _hold(lock: Any) -> None:
    lock.reader.acquire()
    signal.pause()


def test_it_is_sent_and_comes_back_as_what_it_was(trial: Trial) -> None:
    """Whole, or one side of it."""
    lock = make(trial)
    queue: Any = interlock.Queue()
    queue.put((lock, lock.reader))
    back, side = queue.get()
    assert back is lock
    assert side._lock is lock


@pytest.mark.anyio
async def test_tasks_have_it_in_the_order_they_came() -> None:
    """P10: two that read, one that writes, one that reads; the tasks are one thread."""
    lock = interlock.RWLock()
    order: list[str] = []

    async def take(name: str, side: Any) -> None:
        async with side.aio:
            order.append(name)
            await anyio.sleep(0.01)
            order.append("/" + name)

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            await lock.writer.aio.acquire()
            for count, name in enumerate(["r1", "r2", "w", "r3"], 1):
                group.start_soon(take, name, lock.writer if name == "w" else lock.reader)
                while len(lock.waiters) < count:
                    await anyio.lowlevel.checkpoint()
            lock.writer.aio.release()
    assert set(order[:2]) == {"r1", "r2"}
    assert order[4:] == ["w", "/w", "r3", "/r3"]
    assert (lock.owner, lock.readers, lock.waiters) == (None, (), ())


@pytest.mark.anyio
async def test_a_task_may_have_it_again_and_a_cancelled_one_has_nothing() -> None:
    """P10: no trace of who gave up; and one task cannot release another's."""
    lock = interlock.RWLock()
    async with lock.writer.aio, lock.reader.aio:
        with anyio.move_on_after(0.02) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(lock.reader.aio.acquire)
        assert scope.cancelled_caught
        async with anyio.create_task_group() as group:
            group.start_soon(_cannot_release, lock)
    assert (lock.owner, lock.readers, lock.waiters) == (None, (), ())
    async with lock.reader.aio:
        with pytest.raises(WouldDeadlock):
            await lock.writer.aio.acquire()
        with pytest.raises(LockNotOwned):
            lock.writer.aio.release()
        assert await lock.reader.aio.acquire(block=False)
        lock.reader.aio.release()
    assert lock.readers == ()


async def _cannot_release(lock: Any) -> None:
    with pytest.raises(LockNotOwned):
        lock.writer.aio.release()
    assert await lock.writer.aio.acquire(timeout=0.02) is False


@pytest.mark.anyio
async def test_who_awaits_it_is_told_of_a_dead_writer(trial: Trial) -> None:
    """P3, P10."""
    lock = make(trial)
    doomed = trial.doomed(_die_with, lock, "writer")
    await anyio.to_thread.run_sync(doomed.wait_dead)
    with anyio.fail_after(LONG_S), pytest.warns(AbandonedLockWarning):
        await lock.writer.aio.acquire()
    assert lock.abandoned.pid == doomed.pid
    lock.writer.aio.release()
    assert lock.owner is None
