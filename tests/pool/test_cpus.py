"""How many CPUs there are, and how many threads a worker's libraries use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.context import BaseContext
from interlock.pool import Pool, limits
from tests.pool import work


@pytest.mark.parametrize(
    ("quota", "usable"),
    [("max 100000", 64), ("150000 100000", 2), ("50000 100000", 1), ("9999999 1000", 64), ("", 64)],
)
def test_a_cgroup_s_quota_bounds_the_cpus(
    quota: str, usable: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounded up; a larger one, or none that can be read, leaves what the affinity allows."""
    said = tmp_path / "cpu.max"
    said.write_text(quota)
    monkeypatch.setattr(limits, "_CPU_MAX", said)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
    assert limits.cpu_count() == usable


def test_the_affinity_bounds_the_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that may use one CPU has a pool of one worker."""
    monkeypatch.setattr(limits, "_CPU_MAX", tmp_path / "none")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        with Pool() as pool:
            assert len(pool._pool) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_libraries_in_a_worker_use_so_many_threads(context: BaseContext) -> None:
    """By threadpoolctl what is loaded already, by the environment what is loaded later."""
    with Pool(1, context=context, threads=1) as pool:
        variables, used = pool.apply(work.threads_of_libraries)
    assert set(variables) == {"1"}
    assert used and set(used) == {1}
