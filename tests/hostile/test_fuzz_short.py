"""A short part of `make fuzz`, without its guidance: damaged inputs of every reader, by a seed.

How: a process of its own for each target, with a bound on its memory and on each input's time. The
same process on targets with a fault planted in them shows that none would be missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.child import FOUND, INPUT_MAX_S, Kept
from tests.fuzz.planted import PLANTED, WANTED
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = 20_261_126
MEMORY_MIB = 512
BOUND_S = 100.0
COUNTS = {
    "decode_trusted": 60_000,
    "decode_limited": 20_000,
    "queue_segment": 1_000,
    "manager_frames": 10_000,
    "manager_answers": 10_000,
    "load_pickle": 4_000,
    "explain_pickle": 8_000,
}
OUTCOMES_LEAST = 8  # damage that leads to fewer ends would look at nothing


def fuzz(target: str, count: int, kept: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The child's end."""
    numbers = ["--seed", str(SEED), "--count", str(count), "--memory", str(MEMORY_MIB)]
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.child", target, *numbers, "--kept", str(kept), *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_a_damaged_input_is_read_or_refused_and_nothing_worse(target: str, tmp_path: Path) -> None:
    """P4: no crash, no hang, no flood, no other error than those that are promised."""
    done = fuzz(target, COUNTS[target], tmp_path / "input")
    assert done.returncode == 0, (
        f"python -m tests.fuzz.child {target} --seed {SEED} --count {COUNTS[target]}: "
        f"{done.stderr[-3000:]}\ninput: {Kept.read(tmp_path / 'input').hex()}"
    )
    outcomes = json.loads(done.stdout)
    assert sum(outcomes.values()) == COUNTS[target]
    assert len(outcomes) >= OUTCOMES_LEAST, outcomes


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ("raises", "ZeroDivisionError"),
        ("crashes", "Fatal Python error: Aborted"),
        ("hangs", "in hangs"),
        ("floods", "MemoryError"),
    ],
)
def test_a_planted_fault_is_found_with_its_input(fault: str, shown: str, tmp_path: Path) -> None:
    """The fuzzer itself: what ends the process, and where the input is then."""
    done = fuzz(fault, 10_000, tmp_path / "input", "--bound", "1")
    assert done.returncode == FOUND or done.returncode < 0, done.stdout
    assert shown in done.stderr
    assert WANTED in Kept.read(tmp_path / "input")


def test_every_target_and_every_fault_is_tried() -> None:
    """One that is added has its number here."""
    assert COUNTS.keys() == TARGETS.keys()
    assert len(PLANTED) == 4
    assert INPUT_MAX_S < BOUND_S
