"""The standard library's pools and executors, given one of our contexts (P1)."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.pool import Pool
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext, ForkContext
from tests.context.work import die, fail, my_class, square, squares_of

NUMBERS = range(50)
SQUARES = [number * number for number in NUMBERS]
LONG_S = 30.0


def test_a_pool_maps(context: BaseContext) -> None:
    """P1: results in their order, errors where they belong, workers of this context."""
    with context.Pool(2) as pool:
        assert pool.map(square, NUMBERS) == SQUARES
        assert sorted(pool.imap_unordered(square, NUMBERS)) == SQUARES
        with pytest.raises(LookupError, match="7"):
            pool.apply(fail, (7,))
        assert pool.apply(my_class) == type(context.Process()).__name__
        pool.close()
        pool.join()


def test_a_pool_takes_a_context_of_ours(context: BaseContext) -> None:
    """P1: given to the class by hand, it uses our SimpleQueue; it is closed or terminated."""
    pool = Pool(2, context=context)
    assert pool.map(square, NUMBERS) == SQUARES
    pool.close()
    pool.join()
    with Pool(2, context=context) as pool:
        assert pool.apply_async(square, (3,)).get(LONG_S) == 9
    pool.join()


class NoDaemonProcess(interlock.Process):
    """A worker that may have children: a recipe that many programs use."""

    @property
    def daemon(self) -> bool:
        return False

    @daemon.setter
    def daemon(self, _wanted: bool) -> None:
        pass


class NoDaemonContext(ForkContext):
    Process = NoDaemonProcess  # type: ignore[assignment]


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_context_of_one_s_own_keeps_its_processes(by_hand: bool) -> None:
    """P1: a subclass with its own Process, to a pool given by hand or by the context itself."""
    context = NoDaemonContext()
    with Pool(2, context=context) if by_hand else context.Pool(2) as pool:
        assert pool.map(squares_of, [[1, 2], [3]]) == [[1, 4], [9]]
        pool.close()
        pool.join()


def executor(context: BaseContext, **options: Any) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=context, **options)


def test_an_executor_maps(context: BaseContext) -> None:
    """P1: `concurrent.futures` takes our context, with its queues."""
    with executor(context) as workers:
        assert list(workers.map(square, NUMBERS)) == SQUARES
        assert list(workers.map(square, NUMBERS, chunksize=7)) == SQUARES
        with pytest.raises(LookupError, match="7"):
            workers.submit(fail, 7).result(LONG_S)
        assert workers.submit(my_class).result(LONG_S) == type(context.Process()).__name__


def test_an_executor_replaces_its_workers(context: BaseContext) -> None:
    """P1: after so many tasks each, where the standard library allows it.

    A task for each worker and no more: with further ones waiting, the executor of 3.11
    and 3.12 itself hangs at times (python/cpython#115634).
    """
    if context.get_start_method() == "fork":
        with pytest.raises(ValueError, match="incompatible"):
            executor(context, max_tasks_per_child=2)
        return
    with executor(context, max_tasks_per_child=1) as workers:
        assert list(workers.map(square, range(2))) == SQUARES[:2]


def test_an_executor_notices_a_dead_worker(context: BaseContext) -> None:
    """P3: its futures fail; nothing hangs on our result queue."""
    with executor(context) as workers:
        with pytest.raises(BrokenProcessPool):
            workers.submit(die, 1).result(LONG_S)


def test_the_workers_of_a_killed_program_end(context: BaseContext) -> None:
    """P5: a pool of ours leaves no orphans, as the standard library's leaves none."""
    command = [sys.executable, "-m", "tests.context.work", context.get_start_method()]
    source = os.path.dirname(os.path.dirname(interlock.__file__))
    program = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": source},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdout is not None
        workers = [os.pidfd_open(int(pid)) for pid in program.stdout.readline().split()]
        program.kill()
    assert len(workers) == 2
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], LONG_S)
        os.close(worker)
        assert ended, "a worker outlived its program"
