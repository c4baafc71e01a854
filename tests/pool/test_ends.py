"""What is left when the pool's process ends, however it does: nobody (P5)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from interlock.context import BaseContext
from interlock.pool import Pool, PoolClosed, ProcessPoolExecutor
from interlock.testing import wait_ended
from tests.conftest import METHODS
from tests.pool import work

LONG_S = 60.0
GONE_S = 1.0

PROGRAM = """
    import os, subprocess, sys, time
    import interlock

    def for_ever(kind):
        if kind == "own":
            child = interlock.Process(target=time.sleep, args=(600,))
            child.start()
            print(os.getpid(), child.pid, flush=True)
        else:
            print(os.getpid(), flush=True)
        while kind == "busy":
            pass
        time.sleep(600)

    if __name__ == "__main__":
        context = interlock.get_context(sys.argv[1])
        with context.Pool(3) as pool:
            pool.map(for_ever, sys.argv[2:], 1)
"""


@contextmanager
def program(
    method: str, folder: Path, *tasks: str
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A program with a busy pool in a process group of its own, and the pids of its workers."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(PROGRAM))
    with subprocess.Popen(
        [sys.executable, str(script), method, *tasks],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stdout is not None
        try:
            said = b""
            number = len(tasks) + tasks.count("own")
            while len(said.split()) < number or not said.endswith(b"\n"):
                ready, _, _ = select.select([started.stdout], [], [], LONG_S)
                assert ready, f"it said only {said!r}"
                said += os.read(started.stdout.fileno(), 4096)
            yield started, [int(pid) for pid in said.split()]
        finally:
            started.kill()


def is_gone(pid: int, deadline: float) -> bool:
    """Whether a process ends before the moment; one that nobody has reaped yet has."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0])
    finally:
        os.close(fd)


@pytest.mark.parametrize("method", METHODS)
def test_the_workers_of_a_killed_process_are_gone(method: str, tmp_path: Path) -> None:
    """By SIGKILL, within a second: asleep, busy, and what they started."""
    with program(method, tmp_path, "asleep", "busy", "own") as (started, pids):
        started.kill()
        deadline = time.monotonic() + GONE_S
        assert [pid for pid in pids if not is_gone(pid, deadline)] == []


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_ends_it_without_a_storm(method: str, tmp_path: Path) -> None:
    """The whole group gets SIGINT: one KeyboardInterrupt, the caller's; the workers say nothing."""
    with program(method, tmp_path, "asleep", "busy", "asleep") as (started, pids):
        os.killpg(started.pid, signal.SIGINT)
        _, said = started.communicate(timeout=LONG_S)
        assert said.count("KeyboardInterrupt") == 1, said
        assert said.count("Traceback") == 1, said
        assert started.returncode == -signal.SIGINT
        deadline = time.monotonic() + GONE_S
        assert [pid for pid in pids if not is_gone(pid, deadline)] == []


BEGINS = """
    import os, sys
    import interlock

    def wait():
        os.read(os.pipe()[0], 1)

    if __name__ == "__main__":
        context = interlock.get_context(sys.argv[1])
        print("begins", flush=True)
        try:
            with context.Pool(6) as pool:
                pool.apply(wait)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
"""


def group_of(leader: int) -> set[int]:
    """The processes of a group."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(ProcessLookupError):
            if os.getpgid(int(name)) == leader:
                found.add(int(name))
    return found


@pytest.mark.parametrize(
    ("method", "there"),
    [("fork", 3), ("fork", 7), ("spawn", 4), ("spawn", 7), ("spawn", 8), ("forkserver", 6)],
)
def test_ctrl_c_while_workers_begin(method: str, there: int, tmp_path: Path) -> None:
    """P5: the caller has its KeyboardInterrupt; workers say nothing, and nobody waits or stays."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(BEGINS))
    with subprocess.Popen(
        [sys.executable, str(script), method],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "begins\n"
            deadline = time.monotonic() + LONG_S
            while len(group_of(started.pid)) < there:
                assert time.monotonic() < deadline, "the workers do not begin"
            os.killpg(started.pid, signal.SIGINT)
            said, errors = started.communicate(timeout=LONG_S / 2)
            assert (said, errors, started.returncode) == ("interrupted\n", "", 0)
            deadline = time.monotonic() + GONE_S
            assert [pid for pid in group_of(started.pid) if not is_gone(pid, deadline)] == []
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


@pytest.mark.parametrize("method", METHODS)
def test_sigterm_ends_it_quietly(method: str, tmp_path: Path) -> None:
    """As any program without a handler; the workers with it."""
    with program(method, tmp_path, "asleep", "busy", "asleep") as (started, pids):
        started.terminate()
        _, said = started.communicate(timeout=LONG_S)
        assert said == ""
        assert started.returncode == -signal.SIGTERM
        deadline = time.monotonic() + GONE_S
        assert [pid for pid in pids if not is_gone(pid, deadline)] == []


def test_a_pool_that_nobody_has_any_more_ends(context: BaseContext) -> None:
    """With a ResourceWarning, as the standard library's."""
    pool = Pool(2, context=context)
    processes = pool._pool
    engine = pool._engine
    assert pool.map(work.square, range(10)) == [n * n for n in range(10)]
    with pytest.warns(ResourceWarning, match="unclosed running"):
        del pool
    engine.join()
    for process in processes:
        wait_ended(process, LONG_S)
    executor = ProcessPoolExecutor(2, context)
    assert executor.submit(work.square, 3).result(LONG_S) == 9
    engine = executor._engine
    del executor
    engine.join()


def test_a_forked_process_does_not_use_its_parent_s_pool() -> None:
    """P3: it says whose it is, and waits for no lock of a thread that is not here."""
    with Pool(1) as pool, ProcessPoolExecutor(1) as executor:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                pool.apply_async(work.square, (1,))
            except PoolClosed:
                try:
                    executor.submit(work.square, 1)
                except PoolClosed:
                    pool.terminate()
                    executor.shutdown()
                    status = 0
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert pool.apply(work.square, (3,)) == 9


def test_a_hundred_thousand_tasks_leave_nothing(context: BaseContext) -> None:
    """Of memory, descriptors, threads and processes."""
    with Pool(2, context=context) as pool:
        assert sum(pool.map(work.square, range(1000), 1)) == sum(n * n for n in range(1000))
        before = work.in_use()
        for _ in range(9):
            assert pool.map(work.square, range(10_000)) == [n * n for n in range(10_000)]
        for number, result in enumerate(pool.imap(work.square, range(10_000), 1)):
            assert result == number * number
        after = work.in_use()
    assert after.descriptors <= before.descriptors
    assert after.threads <= before.threads
    assert after.processes <= before.processes
    assert after.memory <= before.memory + (16 << 20)


def test_many_pools_leave_nothing() -> None:
    """What one has is given back when it is terminated, or closed and joined."""

    def once(number: int) -> None:
        with Pool(1) as pool:
            assert pool.apply(work.square, (number,)) == number * number
            if number % 2:
                pool.close()
                pool.join()
        with ProcessPoolExecutor(1) as executor:
            assert executor.submit(work.square, number).result(LONG_S) == number * number

    once(0)
    before = work.in_use()
    for number in range(20):
        once(number)
    after = work.in_use()
    assert after.descriptors <= before.descriptors
    assert after.threads <= before.threads
    assert after.processes <= before.processes
