"""joblib's Parallel on our workers."""

from __future__ import annotations

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config

import interlock
from interlock.pool import TaskTimeout, WorkerDied
from interlock.pool.joblib_backend import register
from tests.pool import work

register()


def test_parallel_has_its_results_in_order() -> None:
    """By name, and by value: a lambda, a closure."""
    parallel = Parallel(n_jobs=2, backend="interlock")
    assert parallel(delayed(work.square)(n) for n in range(500)) == [n * n for n in range(500)]
    offset = 7
    assert parallel(delayed(lambda n: n + offset)(n) for n in range(50)) == list(range(7, 57))


@pytest.mark.parametrize("return_as", ["generator", "generator_unordered"])
def test_results_come_as_they_are_ready(return_as: str) -> None:
    """As a generator, ordered or not."""
    parallel = Parallel(n_jobs=2, backend="interlock", return_as=return_as)
    squares = list(parallel(delayed(work.square)(n) for n in range(100)))
    assert sorted(squares) == [n * n for n in range(100)]


def test_arrays_go_there_and_back() -> None:
    """Beside the message, by name and by value."""
    arrays = [np.full(100_000, n) for n in range(8)]
    with parallel_config(backend="interlock", n_jobs=2):
        sums = Parallel()(delayed(np.sum)(array) for array in arrays)
        twice = Parallel()(delayed(lambda a: 2 * a)(array) for array in arrays)
    assert [int(s) for s in sums] == [100_000 * n for n in range(8)]
    assert all((two == 2 * one).all() for one, two in zip(arrays, twice, strict=True))


def test_a_dead_worker_and_an_error_are_told() -> None:
    """P6: WorkerDied, where loky's executor is broken; and the next call works."""
    parallel = Parallel(n_jobs=2, backend="interlock", batch_size=1)
    with pytest.raises(WorkerDied):
        parallel(delayed(work.killed)() for _ in range(4))
    with pytest.raises(ZeroDivisionError):
        parallel(delayed(work.inverse)(n) for n in (1, 0, 1))
    assert parallel(delayed(work.square)(n) for n in range(4)) == [0, 1, 4, 9]


def test_options_of_the_executor_are_given_on() -> None:
    """A time for each batch, a start method."""
    context = interlock.get_context("spawn")
    with (
        parallel_config(backend="interlock", n_jobs=2, timeout=0.2, mp_context=context),
        pytest.raises(TaskTimeout),
    ):
        Parallel(batch_size=1)(delayed(work.wait_a_while)(n) for n in (0, 60))


def test_it_counts_cpus_as_joblib_does() -> None:
    """-1 for all, and one worker is no worker."""
    assert joblib.effective_n_jobs(-1) >= 1
    with parallel_config(backend="interlock"):
        assert joblib.effective_n_jobs(-1) == interlock.pool.limits.cpu_count()
        assert Parallel(n_jobs=1)(delayed(work.pid)() for _ in range(2)) == [work.pid()] * 2
    with pytest.raises(ValueError, match="no meaning"):
        Parallel(n_jobs=0, backend="interlock")(delayed(work.pid)() for _ in range(2))
