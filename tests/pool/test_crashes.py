"""A crash costs one task, whatever it is (P6, P2)."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from multiprocessing.pool import MaybeEncodingError  # type: ignore[attr-defined]
from typing import Any

import pytest

from interlock.context import BaseContext
from interlock.errors import SerializationError
from interlock.pool import InitializerFailed, Pool, RemoteTraceback, WorkerDied
from interlock.shared_memory import AtomicInt
from tests.pool import endless, oddities, work

LONG_S = 30.0
NUMBERS = range(100)


@pytest.mark.parametrize(
    ("crash", "exitcode"),
    [(work.killed, -signal.SIGKILL), (work.segfault, -signal.SIGSEGV), (work.leave, 3)],
)
def test_a_crash_costs_its_task(pool: Pool, crash: Callable[[], None], exitcode: int) -> None:
    """P6: WorkerDied tells how; every other task, before and after, has its result."""
    before = [pool.apply_async(work.square, (n,)) for n in NUMBERS]
    crashed = pool.apply_async(crash)
    after = [pool.apply_async(work.square, (n,)) for n in NUMBERS]
    with pytest.raises(WorkerDied) as raised:
        crashed.get(LONG_S)
    assert [r.get(LONG_S) for r in before + after] == [n * n for n in NUMBERS] * 2
    error = raised.value
    assert (error.exitcode, error.attempt) == (exitcode, 1)
    assert error.signal == (-exitcode if exitcode < 0 else None)
    assert crash.__name__ in error.task
    assert error.pid not in [process.pid for process in pool._pool]
    if pool._ctx.get_start_method() != "forkserver":  # whose children others reap
        assert 1 << 20 < error.peak_bytes < 1 << 40
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (WorkerDied, str(error), vars(error))


def test_a_segfault_shows_its_stack(pool: Pool) -> None:
    """P6: as faulthandler saw it."""
    with pytest.raises(WorkerDied) as raised:
        pool.apply(work.segfault)
    assert "in segfault" in raised.value.stack
    assert raised.value.stack.rstrip() in str(raised.value)


def test_a_segfault_shows_its_stack_where_a_library_has_a_handler() -> None:
    """P6: as Ray has one; the program's own faulthandler is on, and does not know of it."""
    program = """
    import faulthandler, signal
    from interlock import get_context
    from interlock.pool import Pool, WorkerDied
    from tests.pool import work

    faulthandler.enable()
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    with Pool(1, context=get_context("fork")) as pool:
        try:
            pool.apply(work.segfault)
        except WorkerDied as error:
            print(error.stack)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=True)
    assert "in segfault" in ended.stdout


def test_the_kill_of_a_long_task_shows_its_stack(pool: Pool) -> None:
    """P6: where it was when it was last looked at."""
    result = pool.apply_async(endless.for_ever)
    status = busy(pool)
    while not status.stack():
        result.wait(0.01)
    os.kill(next(m.process.pid for m in pool._engine.members.values() if m.batches), 9)
    with pytest.raises(WorkerDied) as raised:
        result.get(LONG_S)
    assert "for_ever" in raised.value.stack


def busy(pool: Pool) -> Any:
    """The page of the worker that has a task."""
    while True:
        for member in list(pool._engine.members.values()):
            if member.batches:
                return member.status


def test_the_kill_of_idle_workers_costs_nothing(pool: Pool) -> None:
    """P6: measured against others in the issue; a worker holds nothing while it waits."""
    assert pool.map(work.square, NUMBERS) == [n * n for n in NUMBERS]
    for _ in range(5):
        for process in pool._pool:
            with contextlib.suppress(ProcessLookupError):  # of the last round, not yet replaced
                os.kill(process.pid, signal.SIGKILL)
        assert pool.map(work.square, NUMBERS) == [n * n for n in NUMBERS]


def test_each_of_many_in_one_message_is_answered(pool: Pool) -> None:
    """P6: deaths within a batch: the guilty fail, the others are run once."""
    guilty = frozenset((3, 40, 41, 99))
    counter = AtomicInt()
    pool.map(work.square, range(2000))  # the pool knows that tasks are short
    results = pool.imap(functools.partial(work.die_at, guilty), NUMBERS, 25)
    seen = []
    while True:
        try:
            seen.append(next(results))
        except StopIteration:
            break
        except WorkerDied:
            seen.append(-1)
    assert seen == [-1 if n in guilty else n for n in NUMBERS]
    assert pool.map(functools.partial(work.counted, counter), NUMBERS, 25) == list(NUMBERS)
    assert counter.load() == len(NUMBERS)


def test_a_result_that_cannot_be_sent_costs_its_task(pool: Pool) -> None:
    """P6: by both names of the error; its worker goes on."""
    workers = {process.pid for process in pool._pool}
    with pytest.raises(SerializationError, match="lock") as raised:
        pool.apply(work.returns_a_lock)
    assert isinstance(raised.value, MaybeEncodingError)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.exc, again.value) == (raised.value.exc, raised.value.value)
    assert {process.pid for process in pool._pool} == workers


def test_an_argument_that_cannot_be_sent_costs_its_task(pool: Pool) -> None:
    """P6: of a map the one item; its error names the path."""
    items: list[Any] = [1, [work.returns_a_lock()], 3]
    results = pool.imap(work.made, items)
    assert next(results) == 1
    with pytest.raises(SerializationError, match="lock"):
        next(results)
    assert next(results) == 3


def test_exceptions_arrive_as_they_are(pool: Pool) -> None:
    """P6: type, arguments, notes, cause, remote traceback."""
    with pytest.raises(ValueError, match="outer") as raised:
        pool.apply(work.raises_with_all)
    error = raised.value
    assert error.args == ("outer",)
    assert error.__notes__ == ["a note"]
    assert isinstance(error.__cause__, KeyError)
    assert error.__cause__.args == ("inner",)
    assert isinstance(error.__cause__.__cause__, RemoteTraceback)
    assert "raise error from inner" in str(error.__cause__.__cause__)


def test_an_exception_with_other_arguments_arrives(pool: Pool) -> None:
    """P6: pickle alone cannot make it."""
    with pytest.raises(oddities.OtherArguments, match="one-2") as raised:
        pool.apply(oddities.raises_other_arguments)
    assert raised.value.second == 2


def test_an_exception_that_holds_a_lock_arrives_in_words(pool: Pool) -> None:
    """P6: what cannot travel is told."""
    with pytest.raises(Exception, match="locked") as raised:
        pool.apply(work.raises_a_lock)
    assert "ValueError" in str(raised.value)


@pytest.mark.parametrize("initializer", [work.broken, work.exits])
def test_an_initializer_that_always_fails_ends_the_pool(
    context: BaseContext, initializer: Callable[[], None]
) -> None:
    """P3: with its error, for what waits and for what comes."""
    pool = Pool(2, initializer, context=context)
    with pytest.raises(InitializerFailed) as raised:
        pool.apply_async(work.square, (1,)).get(LONG_S)
    if initializer is work.broken:
        assert isinstance(raised.value.__cause__, LookupError)
    with pytest.raises(InitializerFailed):
        pool.map(work.square, NUMBERS)
    pool.terminate()
    pool.join()


def test_what_the_initializer_returns_is_the_workers_state(context: BaseContext) -> None:
    """A connection or a model, made once for each worker."""
    with Pool(1, work.made, (["ready"],), context=context) as pool:
        assert pool.apply(work.state) == ["ready"]
