"""A memory cgroup's files, with a folder in the place of the kernel's; where there is none."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from interlock.pool import delegated
from interlock.pool.cgroup import BURST, SLACK
from interlock.pool.delegated import Groups
from tests.pool.group_tree import LIMIT, MIB, Tree
from tests.pool.work_in_groups import counted_as

LONG_S = 30.0

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
