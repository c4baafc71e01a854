"""Processes of a cluster: functions in a worker that is chosen when they start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.context.dask import DaskContext
from interlock.context.dask.work import place
from interlock.context.dask.work.process import Killed, Terminated
from interlock.errors import (
    AbandonedLockWarning,
    InterlockError,
    NotInContext,
    SerializationError,
)
from tests.context.dask import work

BOUND_S = 20.0


def test_a_process_runs_in_a_worker(local: DaskContext) -> None:
    """P8: start, join, is_alive, exitcode, name; on the workers in turn."""
    answers = local.Queue()
    processes = [
        local.Process(target=lambda: answers.put(work.where()), name=f"here {number}")
        for number in range(2)
    ]
    assert processes[0].exitcode is None and not processes[0].is_alive()
    for process in processes:
        process.start()
    pids = {answers.get(timeout=BOUND_S) for _ in processes}
    for process in processes:
        process.join(BOUND_S)
        assert (process.exitcode, process.is_alive()) == (0, False)
    assert len(pids) == len({process.worker for process in processes})
    assert processes[1].name == "here 1"
    assert wait([process.sentinel for process in processes], BOUND_S)
    processes[0].close()
    with pytest.raises(ValueError, match="closed"):
        processes[0].is_alive()
    with pytest.raises(AssertionError, match="twice"):
        processes[1].start()


def test_they_begin_on_the_workers_in_turn(
    local: DaskContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: one after the other, too: a program that looks for another worker finds it."""
    monkeypatch.setattr(DaskContext, "_load", staticmethod(lambda info: 0))  # told now and then
    workers = []
    for _ in range(4):
        process = local.Process(target=work.where)
        process.start()
        process.join(BOUND_S)
        workers.append(process.worker)
    assert len({*workers[:2]}) == len({*workers[2:]}) == 2


def test_exit_codes(local: DaskContext) -> None:
    """P8: as multiprocessing has them."""
    cases = [(work.exit_with, (3,), 3), (work.exit_with, (None,), 0), (work.raising, (1,), 1)]
    for target, args, code in cases:
        process = local.Process(target=target, args=args)
        process.start()
        process.join(BOUND_S)
        assert process.exitcode == code


def test_more_processes_than_slots_run_at_once(local: DaskContext) -> None:
    """P3: they wait for each other, and for tasks."""
    barrier = local.Barrier(6)
    processes = [local.Process(target=work.meet, args=(barrier,)) for _ in range(5)]
    for process in processes:
        process.start()
    with local.Pool() as pool:
        assert pool.map(work.double, range(4)) == [0, 2, 4, 6]
    barrier.wait(BOUND_S)
    for process in processes:
        process.join(BOUND_S)
        assert process.exitcode == 0


def test_a_process_is_ended_in_its_code(local: DaskContext) -> None:
    """terminate() and kill(); one that catches the first is asked again by kill()."""
    started = local.Event()
    process = local.Process(target=work.stay, args=(started,))
    process.start()
    assert started.wait(BOUND_S)
    assert process in local.active_children()
    process.join(0.01)
    assert process.is_alive()
    with pytest.raises(ValueError, match="still running"):
        process.close()
    process.terminate()
    process.join(BOUND_S)
    assert process.exitcode == -15
    started.clear()
    survived = local.Event()
    process = local.Process(target=work.stay_stubbornly, args=(started, survived))
    process.start()
    assert started.wait(BOUND_S)
    process.kill()
    process.join(BOUND_S)
    assert process.exitcode == -9
    assert survived.is_set()


def test_one_that_waits_is_ended(local: DaskContext) -> None:
    """P3: in a get or an acquire; and has taken nothing."""
    queue, lock, started = local.Queue(), local.Lock(), local.Event()

    def wait() -> None:
        started.set()
        queue.get()

    process = local.Process(target=wait)
    process.start()
    assert started.wait(BOUND_S)
    process.terminate()
    process.join(BOUND_S)
    assert process.exitcode == -15
    queue.put("for another")
    assert queue.get(timeout=BOUND_S) == "for another"
    assert lock.acquire(timeout=BOUND_S)


@pytest.mark.parametrize("how", ["return", "raise", "stay"])
def test_what_one_that_has_ended_had_is_the_next_one_s(local: DaskContext, how: str) -> None:
    """P2, P3: at once, however it ended, though its worker lives on; what it got stays got."""
    queue, lock, places, taken = local.Queue(), local.Lock(), local.Semaphore(2), local.Event()
    queue.put_many(["had", "leased"])
    process = local.Process(target=work.take_all, args=(queue, lock, places, taken, how))
    process.start()
    assert taken.wait(BOUND_S)
    if how == "stay":
        process.kill()
    process.join(BOUND_S)
    assert process.exitcode == {"return": 0, "raise": 1, "stay": -9}[how]
    with pytest.warns(AbandonedLockWarning, match="half changed"):
        assert lock.acquire(False)
    assert places.get_value() == 2
    with queue.lease(0) as delivery:
        assert (delivery.message, delivery.attempt) == ("leased", 2)
    assert queue.empty()


def test_what_a_process_has_not(local: DaskContext) -> None:
    """P8: with what to use instead."""
    process = local.Process(target=work.double, args=(threading.Lock(),))
    for name in ("pid", "ident"):
        assert not hasattr(process, name)
    with pytest.raises(NotInContext, match="its worker"):
        process.pid  # noqa: B018
    with pytest.raises(SerializationError):
        process.start()
    with pytest.raises(AssertionError, match="started"):
        process.join()


class Counting:
    """Makes a class of processes with a `run` of its own."""

    def __init__(self, context: DaskContext) -> None:
        class Own(context.Process):  # type: ignore[name-defined, misc]
            def run(self) -> None:
                self._args[0].put(self.name)

        self.kind = Own


def test_a_subclass_runs_its_own(local: DaskContext) -> None:
    """P8: as with multiprocessing.Process."""
    answers = local.Queue()
    process = Counting(local).kind(args=(answers,), name="mine")
    process.start()
    assert answers.get(timeout=BOUND_S) == "mine"
    process.join(BOUND_S)
    assert process.exitcode == 0


def test_one_that_is_ended_before_it_begins_never_does(local: DaskContext) -> None:
    """P3: whatever of it is under way, nothing runs afterwards."""
    queue = local.Queue()
    for _ in range(10):
        process = local.Process(target=queue.put, args=("too late",))
        process.start()
        process.kill()
        process.join(BOUND_S)
        assert process.exitcode in (-9, 0)
    count = queue.qsize()
    with local.Pool() as pool:
        pool.map(work.double, range(8), 1)  # the workers have begun all they had
    assert queue.qsize() == count


LEFT_OPEN = """
import interlock
from tests.context.dask import work

if __name__ == "__main__":
    context = interlock.get_context("dask", workers=1)
    print(context.Pool().map(work.double, range(3)), flush=True)
    context.ProcessPoolExecutor().submit(work.say, "called")
    context.Process(target=work.say, args=("run",)).start()
    context.Process(target=work.stay, args=(context.Event(),), daemon=True).start()
"""


def test_a_program_that_closes_nothing_ends_well(tmp_path: Path) -> None:
    """P5: as with multiprocessing: calls and processes are waited for, daemons are ended."""
    (tmp_path / "program.py").write_text(LEFT_OPEN)
    path = os.pathsep.join([os.getcwd(), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-W", "error", tmp_path / "program.py"],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=3 * BOUND_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == ["[0, 2, 4]", "called", "run"]


def use_in_a_child(context: DaskContext, said: Any) -> None:
    try:
        context.Queue()
    except InterlockError as error:
        said.send(str(error))


def test_a_forked_child_has_not_got_the_connection(local: DaskContext) -> None:
    """P6: it is told so, and ends as other children do."""
    reading, writing = interlock.Pipe(duplex=False)
    child = interlock.get_context("fork").Process(target=use_in_a_child, args=(local, writing))
    child.start()
    assert "was forked" in reading.recv()
    child.join(BOUND_S)
    assert child.exitcode == 0


def test_who_leaves_a_slot_is_not_interrupted_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """P3: an executor with a thread that was never started runs nothing any more."""
    done = []

    def interrupted_within() -> None:
        place.interrupt(["a task"], Killed)
        done.append(str.upper("left"))

    monkeypatch.setattr(place, "secede", interrupted_within)
    with pytest.raises(Killed), place.interruptible("a task"):
        place.leave_slot()
        done.append("went on")
    assert done == ["LEFT"]


def test_who_was_interrupted_before_leaves_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """P3: and may be interrupted again, if it goes on all the same."""
    left: list[None] = []
    monkeypatch.setattr(place, "secede", lambda: left.append(None))

    def interrupted() -> None:
        raise Terminated

    with place.interruptible("a task"):
        with monkeypatch.context() as before, pytest.raises(Terminated):
            before.setattr(place, "let_in", interrupted)
            place.leave_slot()
        with pytest.raises(Killed):
            place.interrupt(["a task"], Killed)
            str.upper("a step")
            str.upper("another")
    assert not left
