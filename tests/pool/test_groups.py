"""Pools whose workers have memory cgroups: with folders for them, and with what is here.

A machine that gives this process no group keeps limits without: the last tests then say that.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest

from interlock.context import BaseContext
from interlock.pool import (
    MemoryLimitExceeded,
    Pool,
    ProcessPoolExecutor,
    WorkerDied,
    cgroup,
    delegated,
    supervision,
)
from interlock.pool.cgroup import BURST, SLACK, Group
from interlock.shared_memory import AtomicInt
from tests.pool import work
from tests.pool.group_tree import MIB, Tree
from tests.pool.work_in_groups import (
    SlowToSend,
    eats_in_a_child,
    files_of_my_group,
    fills,
    killed_after,
    waits_for_room,
)

LONG_S = 30.0
LIMIT = 1024 * MIB  # more than this process has, of which a forked worker is a copy


def test_a_pool_without_a_limit_looks_for_no_group(
    tree2: Tree, context: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs nothing more than before."""
    looked: list[int] = []
    monkeypatch.setattr(delegated, "_place", lambda: looked.append(1))
    monkeypatch.setattr(Group, "raise_to", lambda *_: looked.append(2))
    with Pool(2, context=context) as pool:
        assert pool.map(work.square, range(50)) == [n * n for n in range(50)]
        assert pool.apply(files_of_my_group, (tree2.place,)) == {}
    assert looked == []
    assert tree2.made() == []


def test_a_worker_is_in_its_group_before_the_task_runs(tree: Tree, context: BaseContext) -> None:
    """It goes there itself, so no other process can be moved; the limit is there, too."""
    with Pool(1, context=context) as pool:
        assert pool.apply(files_of_my_group, (tree.place,)) == {}
        files = pool.apply(files_of_my_group, (tree.place,), memory_limit=LIMIT)
        assert files["cgroup.procs"] == "0"
        most = "memory.max" if tree.version == "v2" else "memory.limit_in_bytes"
        assert files[most] == str(2 * LIMIT + SLACK + BURST)
        files = pool.apply(files_of_my_group, (tree.place,), memory_limit=3 * LIMIT)
        assert files[most] == str(6 * LIMIT + SLACK + BURST)
        files = pool.apply(files_of_my_group, (tree.place,))
        assert files[most] in ("max", "-1")
    assert len(tree.made()) == 1


def test_a_pools_limit_holds_from_the_start(tree: Tree, context: BaseContext) -> None:
    """What the initializer starts is in the group; it is given back."""
    with ProcessPoolExecutor(
        1, context, initializer=files_of_my_group, initargs=(tree.place,), memory_limit=1 << 30
    ) as executor:
        files = executor.submit(work.state).result(LONG_S)
        assert files["cgroup.procs"] == "0"
    (folder,) = tree.made()
    bound = "memory.max" if tree.version == "v2" else "memory.limit_in_bytes"
    assert files[bound] in ("max", "-1"), "nobody looks before it is ready"
    assert (folder / bound).read_text() in ("max", "-1"), "not given back"


def test_at_its_end_a_pool_removes_what_has_become_empty(
    tree2: Tree, context: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that what its worker had started was in still, when the worker ended."""
    removed: list[Path] = []

    def is_not_empty(group: Group) -> bool:
        removed.append(group.folder)
        return False

    monkeypatch.setattr(Group, "remove", is_not_empty)
    with Pool(1, context=context) as pool:
        pool.apply(work.square, (3,), memory_limit=LIMIT)
        pool.close()
        pool.join()
    assert removed == 2 * tree2.made()


@pytest.mark.parametrize("hit", [0, 1])
def test_the_kernels_kill_is_told(tree: Tree, context: BaseContext, hit: int) -> None:
    """P6: for the group's bound it is the task's limit; for the machine's memory it is not."""
    with Pool(1, context=context) as pool:
        with pytest.raises(WorkerDied, match="killed_after") as raised:
            pool.apply(killed_after, (tree.place, hit), memory_limit=1 << 30)
        assert pool.apply(work.square, (3,)) == 9
    assert raised.value.exitcode == -signal.SIGKILL
    assert isinstance(raised.value, MemoryLimitExceeded) == bool(hit)
    if hit:
        assert raised.value.peak_bytes == 77 << 30
        assert f"memory_limit of {1 << 30} bytes" in str(raised.value)


def test_a_kill_without_a_limit_is_no_limits(tree: Tree, context: BaseContext) -> None:
    """Though an earlier task of the worker had one."""
    with Pool(1, context=context) as pool:
        pool.apply(work.square, (1,), memory_limit=1 << 30)
        with pytest.raises(WorkerDied) as raised:
            pool.apply(killed_after, (tree.place, 1))
    assert not isinstance(raised.value, MemoryLimitExceeded)


def test_what_the_group_has_counts(tree: Tree, context: BaseContext) -> None:
    """Though the worker itself has little; shared memory does not, and raises the bounds."""
    with Pool(1, context=context) as pool:
        shared = tree.place, 2 << 30
        assert pool.apply(waits_for_room, shared, memory_limit=1 << 30) == "more room"
        with pytest.raises(MemoryLimitExceeded, match="waits_for_room") as raised:
            pool.apply(waits_for_room, (tree.place, 0), memory_limit=1 << 30)
    assert raised.value.peak_bytes == 5 << 30
    assert [(each / "cgroup.kill").read_text() for each in tree.made()] == ["1"]


def test_bounds_move_while_a_result_is_sent(tree: Tree, context: BaseContext) -> None:
    """Its task has returned by then; v2 slows it down until there is room."""
    with Pool(1, context=context) as pool:
        sent = pool.apply(SlowToSend, (tree.place, 2 << 30), memory_limit=1 << 30)
    assert sent == "more room"


# ---- with what is here -----------------------------------------------------------


@pytest.fixture
def has_groups() -> Iterator[bool]:
    """Whether this machine gives this process memory groups; after the pool, none is left."""
    place = delegated._place()
    yield place is not None
    if place is not None:
        assert list(place[0].glob(f"interlock-{os.getpid()}-*")) == []


def test_what_a_child_takes_counts_where_there_are_groups(
    has_groups: bool, pool: Pool, tmp_path: Path
) -> None:
    """It is killed with its worker. Without a group it is not seen, as the guide says."""
    limit, size = _with(pool, 200 * MIB), _with(pool, 230 * MIB)
    flag, note = AtomicInt(), tmp_path / "child"
    result = pool.apply_async(eats_in_a_child, (flag, size, note), memory_limit=limit)
    if has_groups:
        with pytest.raises(MemoryLimitExceeded, match="eats_in_a_child") as raised:
            result.get(LONG_S)
        assert raised.value.peak_bytes > limit
        assert _is_gone(int(note.read_text()))
    else:
        flag.store(1)
        assert result.get(LONG_S) == size
    assert pool.apply(work.square, (3,)) == 9


def test_the_kernel_kills_what_grows_too_fast(
    has_groups: bool, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are groups nobody looks here, so it is the kernel; it is told the same."""
    limit = _with(pool, 100 * MIB)
    if has_groups:
        monkeypatch.setattr(supervision, "TICK_S", 10 * LONG_S)
        monkeypatch.setattr(cgroup, "BURST", -limit)  # no slowing down before
    with pytest.raises(MemoryLimitExceeded, match="fills") as raised:
        pool.apply(fills, (2 * limit + SLACK,), memory_limit=limit)
    assert raised.value.exitcode == -signal.SIGKILL
    assert raised.value.peak_bytes > limit
    assert pool.apply(work.square, (3,)) == 9


def test_results_that_are_kept_are_not_the_workers(
    has_groups: bool, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: in shared memory they stay charged to who wrote them, and kill nobody."""
    monkeypatch.setattr(cgroup, "BURST", 128 * MIB)
    pool.resize(1)
    limit, size = _with(pool, 64 * MIB), 16 * MIB
    number = (2 * limit + SLACK + 2 * 128 * MIB) // size  # more than its first bound
    results = pool.imap(numpy.ones, [size // 8] * number, chunksize=1, memory_limit=limit)
    assert [int(array[-1]) for array in list(results)] == [1] * number


def _with(pool: Pool, size: int) -> int:
    """Beside what a worker has: a forked one has this process's."""
    return size + int(pool.apply(work.in_use).memory)


def _is_gone(pid: int) -> bool:
    """Whether it has ended, or does within the bound."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(pidfd) as end:
        return bool(select.select([end], [], [], LONG_S)[0])
