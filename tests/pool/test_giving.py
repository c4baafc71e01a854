"""What is given to workers arrives once or not at all, and leaves nothing behind."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.context import BaseContext
from interlock.errors import MessageTooLarge
from interlock.pool import ApplyResult, Pool, PoolTerminated, TaskTimeout, giving
from interlock.pool.crew import Crew
from interlock.pool.jobs import Function
from interlock.pool.member import Member
from interlock.queues import Queue
from interlock.shared_memory import AtomicInt
from tests.pool import work

LONG_S = 30.0
QUEUE_BYTES = 1 << 20


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools are as on a machine with little memory."""

    def queue(crew: Crew) -> Queue[object]:
        return Queue(ctx=crew.context, writable=True, max_bytes=QUEUE_BYTES)

    monkeypatch.setattr(Crew, "_queue", queue)


class Calling:
    """An argument that calls something when it is serialized."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def __reduce__(self) -> tuple[object, ...]:
        self._call()
        return int, ()


@pytest.mark.usefixtures("small")
def test_a_function_that_is_too_large_fails_its_tasks_alone(context: BaseContext) -> None:
    """P3: neither they nor others wait for ever, nor does the end of the pool."""
    with Pool(1, context=context) as pool:
        function = functools.partial(max, bytes(2 * QUEUE_BYTES))
        results = [
            pool.apply_async(function, (1,)),
            pool.map_async(function, range(9)),
            pool.map_async(function, range(9), 3),
        ]
        for result in results:
            with pytest.raises(MessageTooLarge):
                result.get(LONG_S)
        assert pool.apply_async(abs, (-1,)).get(LONG_S) == 1
        pool.close()
        pool.join()


@pytest.mark.usefixtures("small")
def test_a_task_before_one_that_is_too_large_runs_once(
    context: BaseContext, tmp_path: Path
) -> None:
    """P2: both are given to a worker at once, as they came while something was serialized."""
    path = tmp_path / "lines"
    given: list[ApplyResult] = []

    def give() -> None:
        given.append(pool.apply_async(written, (path, b"small")))
        given.append(pool.apply_async(written, (path, bytes(2 * QUEUE_BYTES))))

    with Pool(1, context=context) as pool:
        for _ in range(20):  # the pool knows that they are short: several wait at a worker
            pool.apply(written, (path, b""))
        assert pool.map(abs, [Calling(give)]) == [0]
        given[0].get(LONG_S)
        with pytest.raises(MessageTooLarge):
            given[1].get(LONG_S)
        assert pool.apply(abs, (-1,)) == 1
    assert path.read_bytes() == b"small"


def written(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_function_that_gets_another_number_while_a_batch_is_made_is_sent(
    context: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another worker says that it needs it by value."""
    knows = Member.knows
    looked = itertools.count()

    def renewing(member: Member, function: Function) -> bool:
        is_known = knows(member, function)
        if next(looked) == 1:  # first when it is given, then when its message is made
            assert is_known, "it was sent before"
            function.renew()
        return is_known

    with Pool(1, context=context) as pool:
        assert pool.map(work.square, [2], 1) == [4]
        monkeypatch.setattr(Member, "knows", renewing)
        assert pool.map(work.square, [3], 1) == [9]


def test_no_descriptor_waits_for_a_message_that_a_worker_passes_over(pool: Pool) -> None:
    """Its tasks were taken back, and the worker lives."""
    counter, flag = AtomicInt(), AtomicInt()
    for number in range(100):  # the pool knows that they are short: many wait at a worker
        assert pool.apply(work.counted, (counter, number)) == number
    long = pool.apply_async(work.wait_until, (flag, 0))
    behind = [pool.apply_async(work.counted, (counter, n)) for n in range(100)]
    assert [result.get(LONG_S) for result in behind] == list(range(100))
    flag.store(1)
    long.get(LONG_S)
    for thread in threading.enumerate():
        if thread.name == "interlock-handover":  # it lives as long as descriptors wait
            thread.join(LONG_S)
            assert not thread.is_alive()


def test_a_call_returns_while_its_items_are_serialized(
    context: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: where that takes long; meanwhile results are told of, times kept, and the pool ends."""
    monkeypatch.setattr(giving, "SLOW_S", 0.0)
    goes_on = threading.Event()
    waiting = [Calling(lambda: goes_on.wait(LONG_S))] * 2
    with Pool(2, context=context) as pool:
        pool.map(abs, range(4), 1)
        first = pool.apply_async(work.square, (2,))
        result = pool.map_async(abs, [-1, *waiting], 1)
        assert not goes_on.is_set()
        assert first.get(LONG_S) == 4
        goes_on.set()
        assert result.get(LONG_S) == [1, 0, 0]
        goes_on.clear()
        late = pool.apply_async(work.wait_until, (AtomicInt(), 0), timeout=0.01)
        result = pool.map_async(abs, [-1, *waiting], 1)
        with pytest.raises(TaskTimeout):
            late.get(LONG_S)
        pool.terminate()
        with pytest.raises(PoolTerminated):
            result.get(LONG_S)
        goes_on.set()


def test_a_function_is_there_as_long_as_one_that_is_like_it(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread gave it first, and lets go of its own just when it was found."""
    givers = [lambda number: number + 1 for _ in range(2)]
    functions = pool._functions
    known = functions.known
    known(givers[0])

    def found(call: Callable[..., object]) -> Function:
        function = known(call)
        del givers[0]
        return function

    monkeypatch.setattr(functions, "known", found)
    assert pool.apply(givers[1], (1,)) == 2
