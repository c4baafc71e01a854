"""A cluster that a context starts here is its own, and gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

BOUND_S = 100.0
PROGRAM = Path(__file__).with_name("own_cluster.py")
EXPECTED = """\
[0, 1, 4, 9]
interrupted
interrupted
True whole
-15
PoolTerminated
ServerGone
ServerGone
ServerGone
ServerGone
"""


def test_a_cluster_of_its_own_is_gone_with_the_context(tmp_path: Path) -> None:
    """P5: no process is left; P2: Ctrl-C takes no message and no lock; P3: who waits is told."""
    value = str(tmp_path)
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:  # sockets are in it
        done = subprocess.run(
            [sys.executable, str(PROGRAM)],
            env=os.environ | {"INTERLOCK_TEST_OWN_CLUSTER": value, "RAY_TMPDIR": folder},
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, EXPECTED), done.stderr
    left = [each for each in psutil.process_iter() if value in environment_of(each)]
    _, left = psutil.wait_procs(left, BOUND_S)
    assert not left


def environment_of(process: psutil.Process) -> set[str]:
    """The values in it; none where the process is gone meanwhile, or somebody else's."""
    try:
        return {*process.environ().values()}
    except psutil.Error:
        return set()
