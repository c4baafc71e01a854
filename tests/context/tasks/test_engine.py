"""The engine of a cluster's pools, on a cluster that does what the test says."""

from __future__ import annotations

import faulthandler
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interlock.context.tasks import work
from interlock.context.tasks.batch import FarBatch
from interlock.context.tasks.crew import FarCrew, FarFunctions, Preparation
from interlock.context.tasks.options import FarOptions
from interlock.context.tasks.pool import FarPool
from interlock.context.tasks.work import VALUE, Report, run
from interlock.errors import ServerGone
from interlock.pool import PoolTerminated, TaskCancelled
from interlock.pool.messages import MAP

BOUND_S = 20.0
GUILTY = 13


class Cluster:
    """Keeps what it is given until the test has it done."""

    def __init__(self) -> None:
        self.functions = FarFunctions(Preparation(None), lambda value: value)
        self.begun: list[tuple[FarBatch, Callable[[Any], None]]] = []
        self.stopped: list[tuple[FarBatch, bool]] = []
        self.came = threading.Condition()
        self.is_gone = False
        self.interrupts = 0

    def launch(self, batch: FarBatch, tell: Callable[[Any], None]) -> FarBatch:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        if GUILTY in batch.items:
            raise ValueError("it cannot be sent")
        with self.came:
            self.begun.append((batch, tell))
            self.came.notify_all()
        return batch

    def stop(self, begun: FarBatch, now: bool) -> None:
        self.stopped.append((begun, now))

    def explain(self, batch: FarBatch, place: int, error: BaseException) -> BaseException:
        return RuntimeError(f"{batch.first + place}: {error}")

    def unpack(self, payload: Any) -> Any:
        if payload == "no result":
            raise ValueError("it cannot be read")
        return payload

    def lost(self) -> BaseException | None:
        return ServerGone("the cluster is gone") if self.is_gone else None

    def share(self, obj: Any) -> Any:
        return obj

    def next(self) -> tuple[FarBatch, Callable[[Any], None]]:
        """The oldest batch that is not done."""
        with self.came:
            assert self.came.wait_for(lambda: self.begun, BOUND_S), "nothing is given out"
            return self.begun.pop(0)

    def do_next(self) -> FarBatch:
        """Run it, as a worker does."""
        batch, tell = self.next()
        order = batch.order("pool", "")
        bundle = self.functions.bundle(batch.job.function)
        tell(run(order, bundle, list(batch.items), lambda value: value, lambda payload: payload))
        return batch


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def pool(cluster: Cluster) -> Iterator[FarPool]:
    """Two batches are with the cluster at once, at the most."""
    made: Any = cluster
    pool = FarPool(FarCrew(None, made, 2, 2), made.functions, FarOptions())
    with pool:
        yield pool


def double(number: int) -> int:
    return 2 * number


def test_no_more_is_given_out_than_there_is_room_for(cluster: Cluster, pool: FarPool) -> None:
    """P1: the rest waits here, and follows."""
    result = pool.map_async(double, range(5), 1)
    assert len(cluster.begun) == 2
    for _ in range(5):
        cluster.do_next()
    assert result.get(BOUND_S) == [0, 2, 4, 6, 8]
    assert not cluster.begun


def test_what_cannot_be_sent_fails_alone(cluster: Cluster, pool: FarPool) -> None:
    """P6: those that were to go with it are sent without it."""
    results = pool.imap(double, [12, GUILTY, 14], 3)
    for _ in range(2):
        cluster.do_next()
    assert results.next(BOUND_S) == 24
    with pytest.raises(ValueError, match="cannot be sent"):
        results.next(BOUND_S)
    assert results.next(BOUND_S) == 28


def test_ctrl_c_as_a_batch_is_sent_takes_none_with_it(cluster: Cluster, pool: FarPool) -> None:
    """P2: what its caller was sending may be another's; the pool's own thread sends it again."""
    cluster.interrupts = 1
    with pytest.raises(KeyboardInterrupt):
        pool.map_async(double, [7], 1)
    batch, _ = cluster.next()
    assert batch.items == [7]


def test_what_came_back_and_is_cancelled_is_not_sent(cluster: Cluster, pool: FarPool) -> None:
    """P3: of a batch that was split for what could not be sent."""
    result = pool.map_async(double, [1, 2, GUILTY, 4, 5], 5)
    first, second = cluster.next(), cluster.next()
    assert result.cancel(running=True)
    for _, tell in (first, second):
        tell(RuntimeError("it was stopped"))
    with pytest.raises(TaskCancelled):
        result.get(BOUND_S)
    pool.close()
    pool.join()
    assert not cluster.begun


def test_a_closed_pool_reads_no_more_of_an_endless_input(cluster: Cluster, pool: FarPool) -> None:
    """P3: what was read is done, and join() returns."""
    results = pool.imap(double, itertools.count(), 1)
    cluster.do_next()
    assert results.next(BOUND_S) == 0
    pool.close()
    joined = threading.Thread(target=pool.join)
    joined.start()
    while joined.is_alive():
        with cluster.came:
            is_there = cluster.came.wait_for(lambda: cluster.begun, 0.05)
        if is_there:
            cluster.do_next()
    assert results.next(BOUND_S) == 2


def test_a_process_forgets_functions_and_the_end_of_a_task_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P5: it may run for many pools; and one whose task was in time is not ended."""
    asked: list[str] = []
    monkeypatch.setattr(work, "_functions", {})
    monkeypatch.setattr(work, "FUNCTIONS_MAX", 3)
    for name in ("dump_traceback_later", "cancel_dump_traceback_later"):
        monkeypatch.setattr(faulthandler, name, lambda *_, name=name, **__: asked.append(name))
    order = work.Order("pool", 0, "double", MAP, "", 5.0, (), 0, False)
    for number in range(5):
        told = run(
            order._replace(function=number), (None, (), double), [number], lambda v: v, lambda p: p
        )
        assert told.outcomes == [(VALUE, 2 * number)]
    assert len(work._functions) == 3
    assert asked == ["dump_traceback_later", "cancel_dump_traceback_later"] * 5


def test_a_death_is_of_all_in_the_batch_and_of_no_other(cluster: Cluster, pool: FarPool) -> None:
    """P6: each of its tasks is told, in the words of the cluster."""
    results = pool.imap(double, range(4), 2)
    _, tell = cluster.next()
    tell(OSError("the worker is gone"))
    cluster.do_next()
    for number in (0, 1):
        with pytest.raises(RuntimeError, match=f"{number}: the worker is gone"):
            results.next(BOUND_S)
    assert [results.next(BOUND_S), results.next(BOUND_S)] == [4, 6]


def test_a_result_that_cannot_be_read_fails_alone(cluster: Cluster, pool: FarPool) -> None:
    """P6: and the pool goes on."""
    first, second = pool.apply_async(double, (1,)), pool.apply_async(double, (2,))
    _, tell = cluster.next()
    tell(Report([(VALUE, "no result")], 0.0, 1))
    with pytest.raises(ValueError, match="cannot be read"):
        first.get(BOUND_S)
    cluster.do_next()
    assert second.get(BOUND_S) == 4


def test_a_callback_that_raises_stops_nothing(cluster: Cluster, pool: FarPool) -> None:
    """P3: the thread that calls it has others to tell."""
    bad = pool.apply_async(double, (1,), callback=lambda value: 1 // 0)
    good = pool.apply_async(double, (2,))
    for _ in range(2):
        cluster.do_next()
    assert (bad.get(BOUND_S), good.get(BOUND_S)) == (2, 4)


def test_a_cluster_that_is_gone_is_told_to_all(cluster: Cluster, pool: FarPool) -> None:
    """P3: although it says nothing, and to those that come later."""
    running, waiting = pool.map_async(double, [1, 2], 1), pool.apply_async(double, (3,))
    results = pool.imap(double, iter([4]))
    cluster.is_gone = True
    for get in (running.get, waiting.get, results.next):
        with pytest.raises(ServerGone):
            get(BOUND_S)
    with pytest.raises(ServerGone):
        pool.apply(double, (5,))


def test_what_is_cancelled_is_not_begun_or_is_stopped(cluster: Cluster, pool: FarPool) -> None:
    """P3: and is told when the cluster has stopped it."""
    result = pool.map_async(double, range(4), 1)
    assert result.cancel(running=True)
    for batch, tell in [cluster.next(), cluster.next()]:
        assert (batch, False) in cluster.stopped
        tell(RuntimeError("it was stopped"))
    with pytest.raises(TaskCancelled):
        result.get(BOUND_S)
    assert not cluster.begun


def test_a_terminated_pool_stops_what_runs(cluster: Cluster, pool: FarPool) -> None:
    """P3: at once, and tells those that wait."""
    result = pool.map_async(double, range(4), 1)
    pool.terminate()
    with pytest.raises(PoolTerminated):
        result.get(BOUND_S)
    assert [now for _, now in cluster.stopped] == [True, True]


def test_batches_grow_where_tasks_are_short(cluster: Cluster, pool: FarPool) -> None:
    """P7: by the time that they took; but not where one may be ended or tried again."""
    pool._functions.known(double).cost_s = 0.001
    pool.resize(1)
    for options, least, most in (({}, 10, 100), ({"timeout": 1.0}, 1, 1), ({"chunksize": 7}, 7, 7)):
        result = pool.map_async(double, range(100, 1100), **options)
        batch, _ = cluster.next()
        assert least <= batch.size <= most, options
        result.cancel()
        pool.resize(pool._processes + 1)


def test_a_closed_pool_ends_when_all_is_done(cluster: Cluster, pool: FarPool) -> None:
    """P1: join() waits for that."""
    result = pool.apply_async(double, (4,))
    pool.close()
    joined = threading.Thread(target=pool.join)
    joined.start()
    assert joined.is_alive()
    cluster.do_next()
    joined.join(BOUND_S)
    assert not joined.is_alive() and result.get(0) == 8
