"""A folder in the place of cgroupfs."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.pool import delegated
from interlock.pool.cgroup import Group
from interlock.pool.delegated import Groups

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
