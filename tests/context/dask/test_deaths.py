"""Workers, programs and schedulers that are killed: Dask's retry or an error, never silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

import interlock
from interlock.errors import (
    AbandonedLockError,
    AbandonedLockWarning,
    BrokenBarrier,
    Empty,
    NoSuchObject,
    ServerGone,
)
from interlock.pool import WorkerDied
from tests.context.dask import work
from tests.context.dask.machines import BOUND_S, Machines


def until(condition: Any) -> None:
    ends = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < ends, "it did not come about"


def test_a_worker_is_killed_in_the_middle_of_a_map(machines: Machines) -> None:
    """P6: what it ran is run again by another; every result comes, once and in order."""
    with machines.context(workers=2) as context, context.Pool() as pool:
        seen, gate = context.Queue(), context.Event()
        result = pool.starmap_async(work.note_and_wait, [(seen, gate, n) for n in range(9)], 1)
        begun = dict(seen.get(timeout=BOUND_S) for _ in range(2))
        killed = begun[min(begun)]
        machines.kill(machines.alive[killed])
        gate.set()
        found = result.get(BOUND_S)
        assert [number for number, _ in found] == list(range(9))
        assert killed not in {pid for _, pid in found}


def test_a_task_that_kills_its_workers_fails(machines: Machines) -> None:
    """P6: WorkerDied, by name, after as many tries as Dask's scheduler is told to make."""
    with machines.context(workers=3) as context, context.Pool() as pool:
        with pytest.raises(WorkerDied, match=r"tcp://.*\(name \w+\).*0 `die`.*2 workers") as died:
            pool.apply(work.die)
        assert (died.value.attempt, died.value.task) == (2, "0 `die`")
        assert pool.map(work.double, range(6), 1) == [0, 2, 4, 6, 8, 10]


def test_there_is_no_worker_any_more(machines: Machines) -> None:
    """P3: after the context's patience; a kept result says so where it is asked for."""
    with machines.context(workers=1) as context, context.Pool() as pool:
        for name in machines.alive.values():
            machines.kill(name)
        impatient = context.get_context("dask", client=context.client, patience=0.1)
        with impatient.Pool() as other:
            kept = other.apply(work.double, (1,), keep_remote=True)
            with pytest.raises(WorkerDied, match="no worker"):
                other.apply(work.double, (1,))
            with pytest.raises(WorkerDied, match="no worker"):
                kept.get()
        later = pool.apply_async(work.double, (2,))
        machines.start("spring")
        assert later.get(BOUND_S) == 4


def test_what_a_killed_worker_held_is_free(machines: Machines) -> None:
    """P2, P3: its lease is delivered again; its locks are the next one's, who is told."""
    with machines.context(workers=1) as context:
        queue, barrier, ready = context.Queue(), context.Barrier(3), context.Event()
        lock, semaphore = context.Lock(on_abandon="raise"), context.Semaphore(1)
        condition = context.Condition()
        queue.put("work")
        things = (queue, lock, semaphore, condition, ready, barrier)
        process = context.Process(target=work.hold, args=things)
        process.start()
        assert ready.wait(BOUND_S)
        until(lambda: barrier.n_waiting == 1)
        pid = context.client.run(work.where)[process.worker]
        with pytest.raises(Empty):
            queue.get_nowait()
        machines.kill(machines.alive[pid])
        with pytest.raises(AbandonedLockError, match=f"process {pid} .*half changed"):
            lock.acquire(timeout=BOUND_S)
        assert lock.acquire(timeout=BOUND_S)
        assert semaphore.acquire(timeout=BOUND_S)
        with pytest.warns(AbandonedLockWarning, match=f"process {pid}"):
            assert condition.acquire(timeout=BOUND_S)
        with pytest.raises(BrokenBarrier):
            barrier.wait(BOUND_S)
        with queue.lease(BOUND_S) as delivery:
            assert (delivery.message, delivery.attempt) == ("work", 2)
        process.join(BOUND_S)
        assert process.exitcode == -signal.SIGKILL


def test_a_get_that_was_killed_has_taken_nothing(machines: Machines) -> None:
    """P2: a consumer that waits when it is killed takes no message with it."""
    with machines.context(workers=1) as context:
        queue, started = context.Queue(), context.Event()
        process = context.Process(target=work.wait_for_message, args=(queue, started))
        process.start()
        assert started.wait(BOUND_S)
        pid = context.client.run(work.where)[process.worker]
        machines.kill(machines.alive[pid])
        process.join(BOUND_S)
        queue.put("for whom it may concern")
        assert queue.get(timeout=BOUND_S) == "for whom it may concern"


PROGRAM = """
import sys, threading
import interlock
from tests.context.dask import work

context = interlock.get_context("dask", address=sys.argv[1])
queue = context.Queue()
queue.put("mine")
with context.Pool() as pool:
    pool.apply(work.adopt, (queue,))
    print("adopted", flush=True)
    threading.Event().wait()
"""


def test_the_program_that_made_a_queue_is_killed(machines: Machines) -> None:
    """P3, P5: the queue ends with it, and who uses it is told."""
    path = os.pathsep.join([os.getcwd(), *filter(None, sys.path)])
    with machines.context(workers=1) as context, context.Pool() as pool:
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, machines.address],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
        )
        with program:
            assert program.stdout is not None
            assert program.stdout.readline() == b"adopted\n"
            program.kill()
        with pytest.raises(NoSuchObject, match="has ended"):
            until(lambda: 2 in pool.map(work.look_at_adopted, range(4), 1))


def test_the_scheduler_is_killed() -> None:
    """P3: tasks, waits and calls end with ServerGone, and so does what comes after."""
    with (
        Machines() as machines,
        machines.context(workers=1, patience=5.0) as context,
        context.Pool() as pool,
        ThreadPoolExecutor(1) as aside,
    ):
        queue, started, barrier = context.Queue(), context.Event(), context.Barrier(2)
        waiting = aside.submit(barrier.wait)
        until(lambda: barrier.n_waiting == 1)
        result = pool.apply_async(work.stay, (started,))
        kept = pool.apply(work.double, (1,), keep_remote=True)
        process = context.Process(target=work.stay, args=(context.Event(),))
        process.start()
        assert started.wait(BOUND_S)
        machines.kill("scheduler")
        with pytest.raises(ServerGone, match="scheduler is lost"):
            waiting.result(BOUND_S)
        with pytest.raises(ServerGone, match="scheduler is lost"):
            queue.get(timeout=BOUND_S)
        with pytest.raises(ServerGone, match="lost"):
            result.get(BOUND_S)
        with pytest.raises(ServerGone):
            process.join(BOUND_S)
        with pytest.raises(ServerGone):
            kept.get(BOUND_S)
        with pytest.raises(ServerGone):
            pool.apply(work.double, (1,))


def test_there_is_no_scheduler() -> None:
    """P6: in a sentence, with what to do."""
    with pytest.raises(ServerGone, match=r"no Dask scheduler at tcp://127\.0\.0\.1:9.*workers="):
        interlock.get_context("dask", address="tcp://127.0.0.1:9", patience=0.5)
    with mock.patch("interlock.context.dask.cluster.Client") as client:  # it could not be collected
        for address in ("nonsense", "far://away:1"):
            with pytest.raises(ServerGone, match=f"no Dask scheduler at {address}"):
                interlock.get_context("dask", address=address)
        assert not client.called
    with pytest.raises(ValueError, match="give one of"):
        interlock.get_context("dask", address="tcp://127.0.0.1:9", workers=2)
    with pytest.raises(ValueError, match="workers is 0"):
        interlock.get_context("dask", workers=0)
