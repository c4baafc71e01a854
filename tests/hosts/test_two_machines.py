"""examples/two_machines: work for several machines, which survives that cables are pulled out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.managers.waiting import until

PROGRAM = Path(__file__).resolve().parent.parent.parent / "examples" / "two_machines" / "run.py"
BOUND_S = 100.0


def test_no_file_is_lost_or_described_twice_while_cables_are_pulled_out() -> None:
    """P2, P3: for a moment, and for longer than the grace; the sums are right."""
    done = subprocess.run(
        [sys.executable, PROGRAM], capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert len(re.findall(r"^\d+ of 500 files: the cable", done.stdout, re.MULTILINE)) == 3
    assert done.stdout.count("after 3 s it is back") == 2
    assert "west: was away for too long, begins anew\n" in done.stdout
    assert "west: nothing more to do\n" in done.stdout
    # Within the grace nobody loses what it has; beyond it, one has one file at most.
    again = re.search(r"given to a second worker: (\d+)", done.stdout)
    assert again is not None
    assert int(again[1]) <= 1
    found, expected = re.findall(r"^(?:found|expected): +(.*)$", done.stdout, re.MULTILINE)
    assert found == expected
    assert "'files': 500" in found


def test_nothing_stays_behind_when_the_program_is_killed() -> None:
    """P5: its machines, and what runs on them, end with it."""
    program = subprocess.Popen([sys.executable, PROGRAM], stdout=subprocess.PIPE, text=True)
    with program:
        assert program.stdout is not None
        assert "hub: serving" in program.stdout.readline()
        until(lambda: len(psutil.Process(program.pid).children()) == 3 + 4)
        started = psutil.Process(program.pid).children()
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        _, alive = psutil.wait_procs(started, timeout=BOUND_S)
        assert alive == []
