"""Memory that is not there is an error at the call (P5), and nobody is killed for it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

import interlock
from interlock.shared_memory import SharedMemory, room

CODE = """if 1:
    import sys
    from interlock.shared_memory import SharedMemory
    small = SharedMemory("small", create=True, size=200_000)
    try:
        SharedMemory("large", create=True, size=int(sys.argv[1]))
    except MemoryError as error:
        print(error)
    small.buf[:] = bytes(200_000)
    again = SharedMemory("again", create=True, size=100_000)
    again.buf[:] = bytes(100_000)
    for each in small, again:
        each.close()
        each.unlink()
"""


@pytest.mark.parametrize("chosen", [False, True])
def test_more_than_there_is_is_a_memory_error(chosen: bool) -> None:
    """P5: no page is taken, and nothing is left under the name."""
    name = f"interlock-test-{secrets.token_hex(6)}" if chosen else None
    for size in (1 << 50, 2 * room.available_bytes()):
        with pytest.raises(interlock.errors.OutOfSharedMemory, match="ask for less"):
            SharedMemory(name, create=True, size=size)
    assert name is None or list(Path("/dev/shm").glob(f"*{name}")) == []


def test_arrays_and_values_say_so_too() -> None:
    """As for SharedMemory."""
    with pytest.raises(MemoryError, match="ask for less"):
        interlock.RawArray("d", 1 << 47)
    with pytest.raises(MemoryError, match="ask for less"):
        interlock.Array("b", 2 * room.available_bytes())


@pytest.mark.parametrize("size", [900_000, 10_000_000])
def test_a_small_dev_shm_is_told_at_the_call(size: int) -> None:
    """In a mount namespace with 1 MB of it: what fits is there to be written."""
    mounted = "mount -t tmpfs -o size=1m none /dev/shm && exec "
    command = [*_unshared(), "sh", "-c", mounted + '"$@"', "sh", sys.executable, "-c", CODE]
    done = subprocess.run([*command, str(size)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"no {size:,} bytes" in done.stdout


def _unshared() -> list[str]:
    as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *as_user]


def _cgroup(folder: Path, most: str, used: int, cached: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(most)
    (folder / "memory.current").write_text(str(used))
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cached}\nactive_file 0\n")


def test_the_limit_of_a_cgroup_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The narrowest of those that this process is in, less what is taken that must stay."""
    _cgroup(tmp_path / "top", "5000000", 3_000_000, 500_000)
    _cgroup(tmp_path / "top" / "mine", "max", 10, 0)
    (tmp_path / "cgroup").write_text("0::/top/mine\n")
    monkeypatch.setattr(room, "CGROUPS", tmp_path)
    monkeypatch.setattr(room, "MY_CGROUP", tmp_path / "cgroup")
    assert room.available_bytes() == 2_500_000
    with pytest.raises(MemoryError, match="2,500,000 are available"):
        SharedMemory(create=True, size=3_000_000)
    SharedMemory(create=True, size=2_000_000).unlink()


def test_a_machine_without_cgroups_has_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such file, and no such controller, are no limit."""
    monkeypatch.setattr(room, "MY_CGROUP", tmp_path / "none")
    everything = room.available_bytes()
    assert everything > 1 << 20
    (tmp_path / "cgroup").write_text("3:cpuset:/\n0::/\n")
    monkeypatch.setattr(room, "MY_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(room, "CGROUPS", tmp_path)
    assert room.available_bytes() > 1 << 20
