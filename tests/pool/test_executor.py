"""ProcessPoolExecutor as concurrent.futures as of Python 3.14, and what it has beside."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from interlock.context import BaseContext
from interlock.pool import (
    InitializerFailed,
    PoolClosed,
    ProcessPoolExecutor,
    TaskTimeout,
    WorkerDied,
)
from interlock.shared_memory import AtomicInt
from interlock.testing.trial import Trial
from tests.pool import endless, oddities, work

LONG_S = 30.0


def test_futures_are_the_standard_library_s(context: BaseContext) -> None:
    """as_completed, wait and wrap_future take them."""
    with ProcessPoolExecutor(2, context) as executor:
        futures = [executor.submit(work.square, n) for n in range(20)]
        assert all(isinstance(f, concurrent.futures.Future) for f in futures)
        ended = concurrent.futures.as_completed(futures, LONG_S)
        assert sorted(f.result() for f in ended) == [n * n for n in range(20)]
        more = [executor.submit(work.square, n) for n in range(20)]
        done, rest = concurrent.futures.wait(more, LONG_S)
        assert (len(done), len(rest)) == (20, 0)

        async def wrapped() -> int:
            return await asyncio.wrap_future(executor.submit(work.square, 7))

        assert asyncio.run(wrapped()) == 49


def test_a_dead_worker_does_not_break_it(context: BaseContext) -> None:
    """P6: where concurrent.futures is broken for good; and its except clause still catches it."""
    with ProcessPoolExecutor(2, context) as executor:
        before = [executor.submit(work.square, n) for n in range(50)]
        crashed = executor.submit(work.killed)
        after = [executor.submit(work.square, n) for n in range(50)]
        with pytest.raises(BrokenProcessPool) as raised:
            crashed.result(LONG_S)
        assert isinstance(raised.value, WorkerDied)
        assert [f.result(LONG_S) for f in before + after] == [n * n for n in range(50)] * 2
        assert executor.submit(work.square, 3).result(LONG_S) == 9


def test_keywords_are_the_function_s_where_it_takes_them(context: BaseContext) -> None:
    """Options are the others; with_options leaves no doubt."""
    with ProcessPoolExecutor(1, context) as executor:
        assert executor.submit(work.takes_timeout, timeout=3).result(LONG_S) == 3
        assert executor.submit(work.takes_any, priority=3).result(LONG_S) == {"priority": 3}
        with pytest.raises(TaskTimeout):
            executor.submit(endless.for_ever, timeout=0.1).result(LONG_S)
        limited = executor.with_options(timeout=0.1)
        with pytest.raises(TaskTimeout):
            limited.submit(endless.for_ever).result(LONG_S)
        assert list(limited.map(work.square, range(3))) == [0, 1, 4]
        with pytest.raises(TypeError, match="unknown"):
            executor.submit(work.square, 3, unknown=1).result(LONG_S)


def test_shutdown_cancels_what_waits(context: BaseContext) -> None:
    """cancel_futures: what runs goes on."""
    flag = AtomicInt()
    executor = ProcessPoolExecutor(1, context)
    running = executor.submit(work.wait_until, flag, 5)
    while not running.running():
        concurrent.futures.wait([running], 0.01)
    waiting = [executor.submit(work.square, n) for n in range(5)]
    executor.shutdown(wait=False, cancel_futures=True)
    flag.store(1)
    assert running.result(LONG_S) == 5
    assert all(f.cancelled() for f in waiting[1:])
    with pytest.raises(RuntimeError, match="after shutdown") as raised:
        executor.submit(work.square, 1)
    assert isinstance(raised.value, PoolClosed)
    executor.shutdown()


@pytest.mark.parametrize("how", ["terminate_workers", "kill_workers"])
def test_workers_are_ended_at_once(context: BaseContext, how: str) -> None:
    """As of Python 3.14: what is not done fails, and nobody waits."""
    executor = ProcessPoolExecutor(2, context)
    futures = [executor.submit(endless.for_ever) for _ in range(4)]
    getattr(executor, how)()
    for future in futures:
        with pytest.raises((BrokenProcessPool, CancelledError)):
            future.result(LONG_S)
    assert not executor._processes


@pytest.mark.parametrize("argument", [{"max_workers": 0}, {"max_tasks_per_child": 0}])
def test_bad_arguments_are_refused(context: BaseContext, argument: dict[str, int]) -> None:
    """At the call."""
    with pytest.raises(ValueError, match=next(iter(argument))):
        ProcessPoolExecutor(**argument)  # type: ignore[arg-type]
    with ProcessPoolExecutor(1, context) as executor:
        with pytest.raises(ValueError, match="buffersize"):
            executor.map(work.square, [1], buffersize=0)
        with pytest.raises(TypeError, match="buffersize"):
            executor.map(work.square, [1], buffersize=1.5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="chunksize"):
            executor.map(work.square, [1], chunksize=0)


def test_a_worker_is_replaced_after_so_many_calls(context: BaseContext) -> None:
    """max_tasks_per_child; with fork it is refused, as the standard library does."""
    if context.get_start_method() == "fork":
        with pytest.raises(ValueError, match="fork"):
            ProcessPoolExecutor(1, context, max_tasks_per_child=2)
        return
    with ProcessPoolExecutor(1, context, max_tasks_per_child=2) as executor:
        pids = [executor.submit(work.pid).result(LONG_S) for _ in range(6)]
    assert len(set(pids)) == 3


def test_the_interpreter_s_end_waits_for_its_calls(tmp_path: Path) -> None:
    """As the standard library's: an executor that nobody shuts down finishes its work."""
    script = tmp_path / "script.py"
    script.write_text(
        "from interlock.pool import ProcessPoolExecutor\n"
        "import time\n"
        "if __name__ == '__main__':\n"
        "    executor = ProcessPoolExecutor(1)\n"
        "    executor.submit(time.sleep, 0.2).add_done_callback(lambda f: print('done'))\n"
    )
    ended = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("done\n", "", 0)


def test_a_process_may_end_with_an_open_executor(trial: Trial) -> None:
    """multiprocessing joins the children at a process's end, before threads are ended."""
    trial.child(work.leave_open, 0.1).result()


def test_what_a_method_belongs_to_is_let_go(context: BaseContext) -> None:
    """Here as soon as the call is done, in the worker soon after: such an object may be large."""
    with ProcessPoolExecutor(1, context) as executor:
        assert executor.submit(work.holders).result(LONG_S) == 0  # it is forked before there is one
        holder = work.Holder()
        gone = threading.Event()
        weakref.finalize(holder, gone.set)
        executor.submit(holder.nothing).result(LONG_S)
        del holder
        assert gone.wait(LONG_S)
        for _ in range(1000):  # a message tells the worker
            if executor.submit(work.holders).result(LONG_S) == 0:
                break
        else:
            pytest.fail("the worker has kept the object")


def test_a_result_that_cannot_be_sent_is_the_error_that_says_so(context: BaseContext) -> None:
    """As the standard library's: of its own class, where Pool says MaybeEncodingError."""
    with ProcessPoolExecutor(1, context) as executor:
        with pytest.raises(TypeError, match="lock"):
            executor.submit(work.returns_a_lock).result(LONG_S)
        with pytest.raises(SystemExit, match="7"):
            executor.submit(oddities.returns_what_exits).result(LONG_S)
        assert executor.submit(work.square, 3).result(LONG_S) == 9


def test_programs_find_workers_and_breakage_where_they_look(context: BaseContext) -> None:
    """Neither is public, but programs kill `_processes` and make a new pool if `_broken`."""
    flag = AtomicInt()
    with ProcessPoolExecutor(3, context) as executor:
        assert not executor._broken
        futures = [executor.submit(work.wait_until, flag, n) for n in range(9)]
        assert len(executor._processes) == 3
        flag.store(1)
        assert [f.result(LONG_S) for f in futures] == list(range(9))
    with ProcessPoolExecutor(1, context, initializer=work.broken) as executor:
        with pytest.raises(BrokenProcessPool):
            executor.submit(work.square, 3).result(LONG_S)
        assert executor._broken


def test_an_initializer_s_failure_is_logged(
    context: BaseContext, caplog: pytest.LogCaptureFixture
) -> None:
    """By the logger that concurrent.futures has: else a failure that passes is never seen."""
    with ProcessPoolExecutor(1, context, initializer=work.broken) as executor:
        with pytest.raises(InitializerFailed):
            executor.submit(work.square, 3).result(LONG_S)
    said = [r for r in caplog.records if r.name == "concurrent.futures"]
    assert [r.getMessage() for r in said] == ["Exception in initializer:"] * len(said)
    assert said and all("broken" in (r.exc_text or "") for r in said)
