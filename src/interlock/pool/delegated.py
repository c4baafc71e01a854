"""Where this process may make memory cgroups: only in a subtree that was given to it.

That the kernel lets it (root may mkdir anywhere) does not make a group ours. Whoever made the group
we are in, a service manager, a container's runtime, a batch system, counts and kills by it. So a
folder is used when one of these holds, and else there is none and limits are kept without:

    its attribute user.delegate (or trusted.delegate) is 1   systemd's Delegate=, or set by hand
    we are not root, it is ours by its owner, and its name is no systemd unit's

v1  The folder is the group we are in: a group may have processes and groups there.
v2  A group with processes has none below it that have controllers ("no internal processes"), so it
    can only be the one above ours: a service with DelegateSubgroup=, or by hand. Where the process
    itself is at the top of what was delegated there is none: nobody but workers is moved.

A worker's pool, in a worker that has a group, makes none: it would get out of the one it is in.

A group is named interlock-<pid>-<start of that process>-<number>. One whose pool was killed is
found by a later pool there, when no such process is left, and removed by rmdir: the kernel refuses
that as long as anything is in it.

Source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint",
"Delegation"; cgroup-v1/memory.rst; systemd's CGROUP_DELEGATION.md; proc_pid_mountinfo(5).
"""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

from interlock.pool.cgroup import V1, V2, Group, Interface

__all__ = ["Groups"]

MOUNTS = Path("/proc/self/mountinfo")
MINE = Path("/proc/self/cgroup")
PREFIX = "interlock-"
_MARKS = "user.delegate", "trusted.delegate"
_UNITS = ".slice", ".service", ".scope"
_USERS_MANAGER = "user@"  # what is marked as its is not ours
_numbers = itertools.count(1)


class Groups:
    """The groups of a pool's workers; it looks for their place when the first is wanted."""

    def __init__(self) -> None:
        self._place: tuple[Path, Interface] | None = None
        self._has_looked = False
        self._left: list[Group] = []

    def new(self, limit: int | None) -> Group | None:
        """A group with a limit in bytes, or none yet; None where there can be no group."""
        if not self._has_looked:
            self._has_looked = True
            self._place = _place()
            if self._place is not None:
                _remove_abandoned(self._place[0])
        if self._place is None:
            return None
        folder, interface = self._place
        name = f"{PREFIX}{os.getpid()}-{_start_time(os.getpid())}-{next(_numbers)}"
        group = Group(folder / name, interface)
        try:
            group.make(limit)
        except OSError:
            self._place = None
            return None
        return group

    def give_back(self, group: Group) -> None:
        """The worker is gone. What it started and is still there keeps the group, without limit."""
        if not group.remove():
            self._left.append(group)

    def close(self) -> None:
        """Try again for those that were not empty."""
        self._left = [group for group in self._left if not group.remove()]


def _place() -> tuple[Path, Interface] | None:
    try:
        return _v1() or _v2()
    except (OSError, ValueError):
        return None


def _v1() -> tuple[Path, Interface] | None:
    mine = _my_folder(is_v1=True)
    if mine is None or mine.name.startswith(PREFIX) or not _is_given(mine):
        return None
    return mine, V1


def _v2() -> tuple[Path, Interface] | None:
    mine = _my_folder(is_v1=False)
    if mine is None or mine.name.startswith(PREFIX) or not _is_given(mine.parent):
        return None
    folder = mine.parent
    if "memory" not in (folder / "cgroup.controllers").read_text().split():
        return None
    control = folder / "cgroup.subtree_control"
    if "memory" not in control.read_text().split():
        control.write_text("+memory")  # EBUSY where it has processes
    return folder, V2


def _my_folder(is_v1: bool) -> Path | None:
    """The folder of the memory group that this process is in, where that hierarchy is mounted."""
    for line in MINE.read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if ("memory" in controllers.split(",")) if is_v1 else (number == "0" and not controllers):
            break
    else:
        return None
    for line in MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        kind, *_, options = after.split()
        if kind != ("cgroup" if is_v1 else "cgroup2"):
            continue
        if not is_v1 or "memory" in options.split(","):
            return _below(Path(point), Path(root), Path(path))
    return None


def _below(point: Path, root: Path, path: Path) -> Path | None:
    """Where a group is under a mount of `root`; None for its top, and for what is not there."""
    if ".." in (*root.parts, *path.parts) or path == root or not path.is_relative_to(root):
        return None
    return point / path.relative_to(root)


def _is_given(folder: Path) -> bool:
    marks = []
    for name in _MARKS:
        with suppress(OSError):
            marks.append(os.getxattr(folder, name))
    return _given(folder.name, marks, folder.stat().st_uid, os.geteuid())


def _given(name: str, marks: list[bytes], owner: int, me: int) -> bool:
    if name.startswith(_USERS_MANAGER):
        return False
    return b"1" in marks or (owner == me != 0 and not name.endswith(_UNITS))


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{PREFIX}*"):
        try:
            pid, start, _ = map(int, path.name.removeprefix(PREFIX).split("-"))
        except ValueError:
            continue  # not by us
        if _start_time(pid) != start:
            with suppress(OSError):
                path.rmdir()


def _start_time(pid: int) -> int:
    """When a process began, in ticks after the boot; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(stat.rpartition(b")")[2].split()[19])
