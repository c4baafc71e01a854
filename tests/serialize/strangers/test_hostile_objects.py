"""Damaged messages with objects in them: an error or objects of registered types, nothing worse.

How: as tests/serialize/test_hostile.py, at the registered level and with limits. Its message names
the seed, to be tried by `python -m tests.serialize.hostile KIND SEED registered`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serialize.hostile import KINDS, TIME_MAX_S
from tests.serialize.strangers.messages import ARRAYS, STANDARD, messages, read

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SEED = 20_240_301
READABLE = {"flipped", "spliced", "noise"}  # no beginning of a message is a message


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_objects_are_refused_or_made_and_nothing_worse(kind: str) -> None:
    """P4: DecodeError with offset and path is the only error; 2 s and 256 MiB are the bounds."""
    tried = subprocess.run(
        [sys.executable, "-m", "tests.serialize.hostile", kind, str(SEED), "registered"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=TIME_MAX_S + 30,
    )
    assert tried.returncode == 0, f"seed {SEED}: {tried.stderr[-3000:]}"
    restored, refused = map(int, tried.stdout.split())
    assert refused >= 10
    assert (restored > 0) == (kind in READABLE)


def test_what_is_damaged_is_sound_before() -> None:
    """The attack is on messages that can be read, of every sample."""
    known = messages()
    assert len(known) > len(STANDARD) + len(ARRAYS)
    for data in known:
        read(data)
