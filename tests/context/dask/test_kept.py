"""Results that stay where they were computed (keep_remote)."""

from __future__ import annotations

import gc
import threading
import traceback
from typing import Any

import pytest

from interlock.context.dask import DaskContext
from interlock.context.dask.handles import Handle
from interlock.errors import SerializationError
from interlock.pool.faults import ResultNotSent
from tests.context.dask import work

BOUND_S = 20.0


def test_an_array_stays_and_its_user_goes_there(local: DaskContext) -> None:
    """P7: the second task runs in the process that has the array; only a number comes here."""
    with local.Pool() as pool:
        arrays = pool.map(work.array_of, [1000, 2000, 3000], keep_remote=True)
        assert all(isinstance(each, Handle) for each in arrays)
        assert all(each.wait(BOUND_S) for each in arrays)
        homes = [each.workers for each in arrays]
        pids = local.client.run(work.where)
        sums = pool.map(work.total, arrays, keep_remote=True)
        for home, (total, pid), size in zip(homes, pool.gather(sums), (1, 2, 3), strict=True):
            assert total == 1500.0 * size
            assert pid in [pids[each] for each in home]
        assert arrays[0].get(BOUND_S).shape == (1000,)


def test_handles_among_other_arguments(local: DaskContext) -> None:
    """P8: at any depth; in apply, starmap and an executor."""
    with local.Pool() as pool:
        two = pool.apply(work.double, (1,), keep_remote=True)
        assert pool.apply(work.add, (two,), {"second": two}) == 4
        assert pool.starmap(work.add, [(two, 1), (two, two)], keep_remote=True)[1].get() == 4
        assert pool.map(lambda parts: parts["a"][0] + 1, [{"a": [two]}]) == [3]
    with local.ProcessPoolExecutor() as executor:
        kept: Any = executor.map(work.double, [two], keep_remote=True)
        assert [each.get() for each in kept] == [4]
        assert executor.submit(work.add, two, 3).result(BOUND_S) == 5


def test_an_error_of_a_kept_one_is_as_it_was_raised(local: DaskContext) -> None:
    """P6: with cause, notes and traceback, whatever Dask could send; also where it is passed on."""
    with local.Pool() as pool:
        with pytest.raises(ValueError, match="bad 7") as raised:
            pool.apply(work.raising, (7,), keep_remote=True).get(BOUND_S)
        assert raised.value.__notes__ == ["a note"]
        assert isinstance(raised.value.__cause__, KeyError)
        assert "in raising" in "".join(traceback.format_exception(raised.value))
        deep = pool.apply(work.deep, (0,), keep_remote=True)
        with pytest.raises(RecursionError):
            deep.get(BOUND_S)
        with pytest.raises(RecursionError):
            pool.apply(work.double, (deep,))
        with pytest.raises(work.Odd, match="odd"):
            pool.apply(work.raise_odd, (), keep_remote=True).get(BOUND_S)


def test_what_cannot_be_sent_stays(local: DaskContext) -> None:
    """P6: tasks have it; who wants it here is told, and who shares such a thing."""
    with local.Pool() as pool:
        kept = pool.apply(work.unsendable, keep_remote=True)
        assert pool.apply(work.name_of_type, (kept,)) == "lock"
        with pytest.raises(ResultNotSent, match=r"a lock.*cannot pickle") as raised:
            kept.get(BOUND_S)
        assert "Traceback" not in str(raised.value)
        with pytest.raises(SerializationError, match=r"\$\[1\]"):
            pool.share([0, threading.Lock()])


def test_an_error_is_raised_where_the_value_is_asked_for(local: DaskContext) -> None:
    """P6: and in what depends on it."""
    with local.Pool() as pool:
        bad = pool.apply(work.raising, (7,), keep_remote=True)
        with pytest.raises(ValueError, match="bad 7"):
            bad.get(BOUND_S)
        with pytest.raises(ValueError, match="bad 7"):
            pool.apply(work.double, (bad,))
        started = local.Event()
        slow = pool.apply(work.stay, (started,), keep_remote=True, timeout=0.5)
        with pytest.raises(TimeoutError, match="its task goes on"):
            slow.get(0.01)
        with pytest.raises(TimeoutError, match=r"its timeout of 0\.5 s"):
            slow.get(BOUND_S)
        assert slow.ready()


def test_a_handle_in_a_queue_keeps_the_result(local: DaskContext) -> None:
    """P2: though its sender has forgotten it; afterwards nobody has it, and it is gone."""
    queue = local.Queue()
    with local.Pool() as pool:
        handle = pool.apply(work.array_of, (500,), keep_remote=True)
        key = handle.future.key
        queue.put({"result": handle})
        del handle
        gc.collect()
        received = queue.get(timeout=BOUND_S)["result"]
        assert received.get(BOUND_S).sum() == 750.0
        del received
        gc.collect()
        pool.apply(work.double, (1,))  # what was sent before has arrived by then
        assert key not in local.client.run_on_scheduler(known_tasks)


def known_tasks(dask_scheduler: object) -> list[str]:
    return list(dask_scheduler.tasks)  # type: ignore[attr-defined]


def test_a_shared_object_is_on_each_worker(local: DaskContext) -> None:
    """P7: put there once, and as itself for the tasks."""
    with local.Pool() as pool:
        table = pool.share({"a": 1, "b": 2})
        assert len(table.workers) == 2
        assert pool.starmap(dict.get, [(table, "a"), (table, "b")]) == [1, 2]


def test_a_handle_means_something_on_its_cluster_only(local: DaskContext) -> None:
    """P6: whoever pickles it otherwise is told."""
    import pickle

    with local.Pool() as pool:
        handle = pool.apply(work.double, (1,), keep_remote=True)
        with pytest.raises(SerializationError, match="on its cluster only"):
            pickle.dumps(handle)
        with pytest.raises(SerializationError, match="on its cluster only"):
            pickle.dumps(local.Lock())


@pytest.mark.anyio
async def test_a_handle_is_awaited(local: DaskContext) -> None:
    """P10: under asyncio and Trio."""
    with local.Pool() as pool:
        handle = pool.apply(work.double, (4,), keep_remote=True)
        assert await handle.aio.wait(BOUND_S)
        assert await handle.aio.get(BOUND_S) == 8
