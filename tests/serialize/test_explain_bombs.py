"""Pickles that are small and would be huge are explained in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from interlock.serialize import Verdict
from tests.serialize.explained.bombs import TIME_MAX_S, bombs

ROOT = Path(__file__).resolve().parent.parent.parent
HANG_S = 2.0


def test_no_bomb_goes_off() -> None:
    """P4: two seconds at most, 384 MiB at most, and a verdict for each."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.serialize.explained.bombs"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=TIME_MAX_S + 30,
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each[0] for each in told] == [kind for kind, _ in bombs()]
    for kind, verdict, seconds, _, _ in told:
        assert seconds < HANG_S, kind
        assert verdict in list(Verdict)
    verdicts = {each[0]: each[1] for each in told}
    assert verdicts["doubled tuples"] == Verdict.PLAIN_DATA
    assert verdicts["doubled tuples as arguments"] == Verdict.RUNS_CODE
    assert verdicts["a length of 8 bytes for 0x8d"] == Verdict.DAMAGED
