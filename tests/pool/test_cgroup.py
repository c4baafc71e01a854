"""Memory limits by cgroup: with a folder in the place of the kernel's, and with what is here.

A machine that gives this process no group keeps limits without: then the tests at the end say so.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
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
from interlock.pool.delegated import Groups
from interlock.shared_memory import AtomicInt
from tests.pool import work
from tests.pool.work_in_groups import (
    SlowToSend,
    counted_as,
    eats_in_a_child,
    files_of_my_group,
    fills,
    killed_after,
    waits_for_room,
)

LONG_S = 30.0
MIB = 1 << 20
LIMIT = 100 * MIB
VERSIONS = "v1", "v2"


class Tree:
    """A folder that stands for cgroupfs, in which this process is in a group.

    Attributes:
        version: The kernel's interface, v1 or v2.
        place: Where groups are to be made.
    """

    def __init__(self, top: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.version = version
        self.place = top / "memory" / "given"
        (self.place / "main").mkdir(parents=True)
        (self.place / "cgroup.controllers").write_text("cpu memory pids\n")
        (self.place / "cgroup.subtree_control").write_text("pids\n")
        self._mine, self._mounts = top / "mine", top / "mounts"
        self.is_in("/given/main" if version == "v2" else "/given")
        kind, options = ("cgroup2", "rw") if version == "v2" else ("cgroup", "rw,memory")
        self._mounts.write_text(
            "23 1 0:1 / / rw shared:1 - ext4 /dev/root rw\n"
            f"31 23 0:28 / {top}/cpu rw - cgroup cgroup rw,cpu\n"
            f"35 23 0:32 / {top}/memory rw,relatime shared:9 - {kind} none {options}\n"
        )
        monkeypatch.setattr(delegated, "MINE", self._mine)
        monkeypatch.setattr(delegated, "MOUNTS", self._mounts)
        monkeypatch.setattr(delegated, "_is_given", lambda folder: folder == self.place)

    def is_in(self, group: str) -> None:
        """This process is in the group."""
        line = f"0::{group}" if self.version == "v2" else f"5:cpu:/other\n4:memory,hugetlb:{group}"
        self._mine.write_text(f"{line}\n")

    def new(self, limit: int | None = LIMIT) -> Group:
        """A group, which there has to be."""
        group = Groups().new(limit)
        assert group is not None
        return group

    def made(self) -> list[Path]:
        """The groups that were made and are there."""
        return sorted(self.place.glob("interlock-*"))

    def bounds(self, group: Group) -> tuple[int, ...]:
        """Where the kernel slows it down, if it does, and where it kills; -1 for nowhere."""
        names = ("memory.high", "memory.max")
        if self.version == "v1":
            names = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        texts = [(group.folder / name).read_text() for name in names]
        return tuple(-1 if text == "max" else int(text) for text in texts)


@pytest.fixture(params=VERSIONS)
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Of each version."""
    return Tree(tmp_path, request.param, monkeypatch)


@pytest.fixture
def tree2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Of cgroup v2."""
    return Tree(tmp_path, "v2", monkeypatch)


# ---- the files -------------------------------------------------------------------


def test_a_group_has_its_bounds_in_files(tree: Tree) -> None:
    """Beside this process's group or in it; no swap in v2, and all of it is killed together."""
    group = tree.new()
    assert group.folder in tree.made()
    files = {path.name: path.read_text() for path in group.folder.iterdir()}
    room, most = str(LIMIT + SLACK), str(2 * LIMIT + SLACK + BURST)
    if tree.version == "v1":
        assert files == {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most}
        assert (tree.place / "cgroup.subtree_control").read_text() == "pids\n"
    else:
        assert files == {
            "memory.high": room,
            "memory.max": most,
            "memory.swap.max": "0",
            "memory.oom.group": "1",
        }
        assert (tree.place / "cgroup.subtree_control").read_text() == "+memory"


def test_bounds_go_up_at_once_and_down_at_a_look(tree: Tree) -> None:
    """Between tasks with other limits: a worker may be at an earlier one still."""
    group = tree.new()
    before = tree.bounds(group)
    group.raise_to(LIMIT // 2)
    assert tree.bounds(group) == before
    group.raise_to(2 * LIMIT)
    assert tree.bounds(group)[1] == 4 * LIMIT + SLACK + BURST
    group.raise_to(None)
    assert tree.bounds(group) == (-1, -1)
    group.raise_to(LIMIT)
    assert tree.bounds(group) == (-1, -1)
    assert group.look(LIMIT, LIMIT) == 0
    assert tree.bounds(group) == before
    first = tree.new(None)
    assert tree.bounds(first) == (-1, -1)
    assert first.look(LIMIT, LIMIT) == 0
    assert tree.bounds(first) == before


def test_only_private_memory_counts(tree: Tree) -> None:
    """Shared memory raises the bounds, and lowers them when much of it is gone."""
    group = tree.new()
    counted_as(group.folder, private=LIMIT, shared=0, cached=0)
    before = tree.bounds(group)
    assert group.look(LIMIT, LIMIT) == 0
    counted_as(group.folder, private=LIMIT - 1, shared=500 * MIB, cached=300 * MIB)
    assert group.look(LIMIT, LIMIT) == LIMIT - 1
    assert tree.bounds(group) == tuple(bound + 500 * MIB for bound in before)
    counted_as(group.folder, private=LIMIT - 1, shared=450 * MIB, cached=0)
    group.look(LIMIT, LIMIT)
    assert tree.bounds(group) == tuple(bound + 500 * MIB for bound in before)
    counted_as(group.folder, private=LIMIT - 1, shared=2 * MIB, cached=0)
    group.look(LIMIT, LIMIT)
    assert tree.bounds(group) == tuple(bound + 2 * MIB for bound in before)
    counted_as(group.folder, private=LIMIT + 1, shared=900 * MIB, cached=0)
    assert group.look(LIMIT, LIMIT) == LIMIT + 1


def test_swapped_memory_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In v1, where a group may swap."""
    group = Tree(tmp_path, "v1", monkeypatch).new()
    counted_as(group.folder, private=LIMIT, shared=0, cached=MIB)
    with open(group.folder / "memory.stat", "a") as stat:
        stat.write(f"total_swap {7 * MIB}\n")
    assert group.look(LIMIT, LIMIT) == LIMIT + 7 * MIB


def test_a_bound_that_is_refused_stays_and_is_tried_again(tree2: Tree) -> None:
    """As where v1 says EBUSY: no error, and the next look does it."""
    group = tree2.new()
    most = group.folder / "memory.max"
    most.unlink()
    most.mkdir()
    group.raise_to(2 * LIMIT)
    group.look(LIMIT, 3 * LIMIT)
    most.rmdir()
    assert group.look(LIMIT, 3 * LIMIT) == 0
    assert tree2.bounds(group)[1] == 6 * LIMIT + SLACK + BURST


def test_an_empty_group_is_removed_and_another_loses_its_bounds(tree: Tree) -> None:
    """The kernel refuses to remove one with processes; here, one with files in it."""
    groups = Groups()
    group = groups.new(LIMIT)
    assert group is not None
    groups.give_back(group)
    assert tree.bounds(group) == (-1, -1)
    for path in group.folder.iterdir():
        path.unlink()
    groups.close()
    assert tree.made() == []


def test_all_of_a_group_is_killed(tree: Tree) -> None:
    """By cgroup.kill, which a folder takes as well; one by one where there is none."""
    group = tree.new()
    group.kill()
    assert (group.folder / "cgroup.kill").read_text() == "1"
    (group.folder / "cgroup.kill").unlink()
    (group.folder / "cgroup.kill").mkdir()
    sleepers = [subprocess.Popen(["sleep", "600"]) for _ in range(2)]
    (group.folder / "cgroup.procs").write_text("".join(f"{each.pid}\n" for each in sleepers))
    group.kill()
    assert [each.wait(LONG_S) for each in sleepers] == [-signal.SIGKILL] * 2


# ---- where there are none --------------------------------------------------------


def test_a_process_at_the_top_has_no_place(tree: Tree) -> None:
    """Nor one whose group is outside of what is mounted, or is a worker's."""
    inside = "/given/interlock-1-1-1"
    for group in ("/", "/../given/main", "/other", inside, "/given/main/deeper"):
        tree.is_in(group)
        assert Groups().new(LIMIT) is None, group
    assert tree.made() == []


def test_no_controller_no_group(tree2: Tree) -> None:
    """It is not there, or cannot be enabled: the folder has processes."""
    (tree2.place / "cgroup.controllers").write_text("cpu\n")
    assert Groups().new(LIMIT) is None
    (tree2.place / "cgroup.controllers").write_text("memory\n")
    (tree2.place / "cgroup.subtree_control").unlink()
    (tree2.place / "cgroup.subtree_control").mkdir()
    assert Groups().new(LIMIT) is None
    assert tree2.made() == []


def test_a_group_that_cannot_be_made_is_tried_once(tree: Tree) -> None:
    """As where the file system may only be read."""
    for path in (*tree.place.glob("*/"), *tree.place.glob("cgroup.[!cs]*")):
        path.rmdir()
    groups = Groups()
    tree.place.rename(tree.place.parent / "away")
    assert groups.new(LIMIT) is None
    (tree.place.parent / "away").rename(tree.place)
    assert groups.new(LIMIT) is None
    assert Groups().new(LIMIT) is not None


@pytest.mark.parametrize(
    "mounted", ["", "35 23 0:32 / /sys/fs/cgroup rw - cgroup2\n", "nonsense\n"]
)
def test_no_hierarchy_no_group(tree: Tree, tmp_path: Path, mounted: str) -> None:
    """Whatever the kernel says of its mounts."""
    (tmp_path / "mounts").write_text(mounted)
    assert Groups().new(LIMIT) is None
    (tmp_path / "mounts").unlink()
    assert Groups().new(LIMIT) is None
    assert tree.made() == []


@pytest.mark.parametrize(
    ("name", "marks", "owner", "me", "expected"),
    [
        ("jobs", [], 1000, 1000, True),
        ("jobs", [], 0, 1000, False),
        ("jobs", [], 0, 0, False),  # that root may does not make it ours
        ("jobs", [b"1"], 0, 0, True),
        ("jobs", [b"0"], 0, 0, False),
        ("mine.service", [b"1"], 0, 0, True),
        ("mine.service", [], 1000, 1000, False),
        ("app.slice", [], 1000, 1000, False),  # the user's service manager has that
        ("user@1000.service", [b"1"], 1000, 1000, False),
    ],
)
def test_a_group_is_ours_if_it_was_given(
    name: str, marks: list[bytes], owner: int, me: int, expected: bool
) -> None:
    """By a mark, or by its owner."""
    assert delegated._given(name, marks, owner, me) is expected


def test_what_a_killed_pool_left_is_removed(tree: Tree) -> None:
    """By the next pool: empty ones of processes that are gone, and nothing else."""
    gone = subprocess.Popen(["sleep", "600"])
    start = delegated._start_time(gone.pid)
    abandoned = tree.place / f"interlock-{gone.pid}-{start}-1"
    reused = tree.place / f"interlock-{os.getpid()}-1-1"
    mine = tree.place / f"interlock-{os.getpid()}-{delegated._start_time(os.getpid())}-0"
    full = tree.place / f"interlock-{gone.pid}-{start}-2"
    others = [tree.place / name for name in ("interlock-web", "interlock-1-2", "jobs-7-7-7")]
    for path in (abandoned, reused, mine, full, *others):
        path.mkdir()
    (full / "cgroup.procs").touch()
    new = tree.new()
    assert abandoned.exists()  # it is alive
    gone.kill()
    gone.wait(LONG_S)
    newer = tree.new()
    kept = {mine, full, new.folder, newer.folder, tree.place / "interlock-web"}
    assert set(tree.made()) == kept | {tree.place / "interlock-1-2"}
    assert others[2].exists()


# ---- pools -----------------------------------------------------------------------


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
