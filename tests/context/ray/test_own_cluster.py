"""A cluster that a context starts here is its own, and gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

BOUND_S = 100.0
PROGRAM = Path(__file__).with_name("own_cluster.py")
EXPECTED = """\
[0, 1, 4, 9]
interrupted
interrupted
True whole
ServerGone
PoolClosed
ServerGone
-15
PoolTerminated
ServerGone
ServerGone
ServerGone
ServerGone
"""


@pytest.mark.campaign
def test_a_cluster_of_its_own_is_gone_with_the_context(tmp_path: Path) -> None:
    """P5: no process is left; P2: Ctrl-C takes nothing; P3: who waits, or was forked, is told."""
    run_to_its_end(tmp_path, EXPECTED)


@pytest.mark.campaign
def test_who_waits_is_told_when_ray_is_shut_down_by_others(tmp_path: Path) -> None:
    """P3: Ray itself would say nothing to those that wait for its tasks."""
    expected = EXPECTED.replace("-15", "-9").replace("PoolTerminated", "ServerGone")
    run_to_its_end(tmp_path, expected, "--by-ray")


def run_to_its_end(tmp_path: Path, expected: str, *arguments: str) -> None:
    """Run the program; it prints that, and leaves no process."""
    value = str(tmp_path)
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:  # sockets are in it
        done = subprocess.run(
            [sys.executable, str(PROGRAM), *arguments],
            env=os.environ | {"INTERLOCK_TEST_OWN_CLUSTER": value, "RAY_TMPDIR": folder},
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, expected), done.stderr
    left = [each for each in psutil.process_iter() if value in environment_of(each)]
    _, left = psutil.wait_procs(left, BOUND_S)
    assert not left


def environment_of(process: psutil.Process) -> set[str]:
    """The values in it; none where the process is gone meanwhile, or somebody else's."""
    try:
        return {*process.environ().values()}
    except psutil.Error:
        return set()
