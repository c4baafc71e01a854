"""The tour of crashes in pools: `broken.py` loses fine tasks, `fixed.py` none."""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples" / "pool_crashes"
METHODS = ("fork", "spawn", "forkserver")
BOUND_S = 60.0  # it takes about five
END_S = 10.0  # for servers of the start method, which end after the program

# Where two outcomes are as good, it is a race which comes first.
FIVE = r"""    task 10 eats_memory     (MemoryError|MemoryLimitExceeded by SIGKILL)
    task 30 returns_a_lock  ResultNotSent
    task 50 segfaults       WorkerDied by SIGSEGV
    task 70 is_killed       WorkerDied by SIGKILL
    task 90 never_ends      TaskTimeout
    95 of 95 fine tasks have their results\.
"""
SAID = {
    "broken.py": r"""ProcessPoolExecutor:
    task 10 eats_memory     (MemoryError|BrokenProcessPool)
    task 30 returns_a_lock  TypeError
    task 50 segfaults       BrokenProcessPool
    task 70 is_killed       BrokenProcessPool
    task 90 never_ends      BrokenProcessPool
    [1-6]\d of 95 fine tasks have their results\.
Pool:
    task 10 eats_memory     MemoryError
    task 30 returns_a_lock  MaybeEncodingError
    task 50 segfaults       STUCK, nothing came in 4 seconds
    48 of 95 fine tasks have their results\.
""",
    "fixed.py": "ProcessPoolExecutor:\n"
    + FIVE.replace("ResultNotSent", "TypeSerializationError")
    + f"Pool:\n{FIVE}",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("program", SAID)
def test_it_shows_what_the_readme_says_and_leaves_nothing_running(
    program: str, method: str
) -> None:
    """P6: one crash costs one task; exit status 0 says that it was shown."""
    running = subprocess.Popen(
        [sys.executable, FOLDER / program, method],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # by which those that it leaves are found
    )
    try:
        out, err = running.communicate(timeout=BOUND_S)
        left = _session(running.pid)
        _, alive = psutil.wait_procs(left, END_S)
    finally:
        for process in _session(running.pid):
            process.kill()
        running.wait()
    assert (running.returncode, err) == (0, ""), out
    assert re.fullmatch(SAID[program], out), out
    assert not alive


def _session(leader: int) -> list[psutil.Process]:
    """The processes of a session that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


@pytest.mark.parametrize("program", SAID)
def test_the_readme_shows_what_the_program_says(program: str) -> None:
    """The whole of its output, after the command."""
    readme = (FOLDER / "README.md").read_text()
    shown = readme.partition(f"    $ python {program}\n")[2].partition("\n\n")[0] + "\n"
    assert re.fullmatch(SAID[program], re.sub("^    ", "", shown, flags=re.MULTILINE))


def test_the_cure_is_the_import_and_two_keywords() -> None:
    """P1: nothing else but the bound that the broken one sets itself, and the exit status."""
    broken, fixed = ((FOLDER / name).read_text().splitlines()[6:] for name in SAID)
    differs = {
        line for line in difflib.unified_diff(broken, fixed, lineterm="", n=0)
        if line[:1] in "+-" and line[1:].strip() and line[:3] not in ("---", "+++")
    }  # fmt: skip
    assert differs == {
        "-import multiprocessing",
        "-import resource",
        "-from concurrent.futures import ProcessPoolExecutor",
        "+import interlock as multiprocessing",
        "+from interlock.pool import ProcessPoolExecutor",
        "-def bound_memory():",
        '-    """Without this the example would eat the machine: the pools bound nothing."""',
        "-    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))",
        "-    with ProcessPoolExecutor(2, context, initializer=bound_memory) as executor:",
        "+    with ProcessPoolExecutor(2, context, timeout=1, memory_limit=200_000_000)"
        " as executor:",
        "-    with context.Pool(2, initializer=bound_memory) as pool:",
        "+    with context.Pool(2, timeout=1, memory_limit=200_000_000) as pool:",
        "-    sys.exit(1 if sound else 0)",
        "+    sys.exit(0 if sound else 1)",
    }
