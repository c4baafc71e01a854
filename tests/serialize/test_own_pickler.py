"""A program's own pickler (context.reducer) writes and reads what its processes exchange (P4)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_persistent_ids_are_honoured(method: str) -> None:
    """P4: of any object, even of a number, in queues and pipes; as pickle documents them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.serialize.own_pickler", method],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "True {'plain': [1, 'not 42', 'x']} True",
        "$[0]",
        "A load persistent id instruction was encountered, but no persistent_load function was "
        "specified.",
    ]
