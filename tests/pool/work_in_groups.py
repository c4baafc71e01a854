"""What the workers of test_groups.py do: to the files of their group, and with memory."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from interlock.shared_memory import AtomicInt
from tests.pool import endless, work

EATER = """if 1:
    import sys
    kept = bytearray(b"x") * int(sys.argv[1])
    print("full", flush=True)
    sys.stdin.read()
"""


def my_group(place: Path) -> Path | None:
    """The only one, in a pool with one worker, that somebody has entered."""
    found = [path.parent for path in place.glob("interlock-*/cgroup.procs")]
    return found[0] if found else None


def files_of_my_group(place: Path) -> dict[str, str]:
    group = my_group(place)
    return {path.name: path.read_text() for path in group.iterdir()} if group else {}


def counted_as(group: Path, private: int, shared: int, cached: int) -> None:
    """What the kernel would write, in both versions' files."""
    (group / "memory.stat").write_text(
        f"anon {private}\nfile {shared + cached}\nshmem {shared}\nrss 1\n"
        f"total_rss {private}\ntotal_cache {shared + cached}\ntotal_shmem {shared}\n"
    )
    for name in ("memory.current", "memory.usage_in_bytes"):
        (group / name).write_text(f"{private + shared + cached}\n")


def killed_after(place: Path, hit: int) -> None:
    """As the kernel kills: for the group's own bound, or for another."""
    group = my_group(place)
    assert group is not None
    (group / "memory.events").write_text(f"low 0\nhigh 9\nmax 5\noom {hit}\noom_kill 1\n")
    (group / "memory.failcnt").write_text("0\n")
    (group / "memory.memsw.failcnt").write_text(f"{hit}\n")
    (group / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    for name in ("memory.peak", "memory.max_usage_in_bytes"):
        (group / name).write_text(f"{77 << 30}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def waits_for_room(place: Path, shared: int) -> str:
    """Has that much shared memory, and waits for bounds that allow it; has too much without."""
    group = my_group(place)
    assert group is not None
    bound = group / ("memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes")
    before = bound.read_text()
    counted_as(group, private=5 << 20 if shared else 5 << 30, shared=shared, cached=0)
    wanted = str(int(before) + shared) if shared else "never"
    while bound.read_text() != wanted:
        work.wait_a_while(0.005)
    return "more room"


class SlowToSend:
    """It cannot be sent before the bounds have moved by its shared memory."""

    def __init__(self, place: Path, shared: int) -> None:
        self.args = place, shared

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (waits_for_room(*self.args),)


def eats_in_a_child(flag: AtomicInt, size: int, note: Path) -> int:
    """The child has it until the flag is up."""
    with subprocess.Popen(
        [sys.executable, "-c", EATER, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        note.write_text(str(child.pid))
        assert child.stdout is not None
        assert child.stdout.readline() == b"full\n"
        return work.wait_until(flag, size)


def fills(size: int) -> None:
    """All at once, and keeps it."""
    kept = bytearray(b"x") * size
    select.select([], [], [], endless.FOR_EVER_S)
    del kept
