"""A state that is made to cost its decoder is refused before it does (P4).

How: a process with a bound on memory and time reads one message after another
(`tests/serialize/strangers/attacks.py`): values that are shared so often that to hash, print or
walk through them takes for ever, sizes that are not there, and files that nobody asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.serialize.work import check_unfolded, shown
from tests.serialize.strangers.attacks import ATTACKS, MADE
from tests.serialize.strangers.forged import doubled, doubled_list

ROOT = Path(__file__).resolve().parent.parent.parent.parent
WITHIN_S = 55


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """What came of each attack; a process that ended says what of the last one."""
    tried = subprocess.run(
        [sys.executable, "-m", "tests.serialize.strangers.attacks"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
    )
    lines = [line.split("\t", 1) for line in tried.stdout.splitlines()]
    found = {name: result or tried.stderr[-3000:] for name, result in lines}
    assert tried.returncode == 0 or found, tried.stderr[-3000:]
    return found


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_its_receiver_little(name: str, outcomes: dict[str, str]) -> None:
    """P4: DecodeError with offset and path, within 2 s and 256 MiB."""
    expected = "made" if name in MADE else "refused"
    assert outcomes.get(name, "not tried: an attack before it ended the process") == expected


def test_a_value_is_shown_by_its_type_unless_it_is_short() -> None:
    """P4: its own repr may take for ever."""
    assert shown(17) == "17"
    assert shown(None) == "None"
    assert shown("a" * 1000) == repr("a" * 100)
    assert shown(2**1_000_000) == "a int"
    assert shown(doubled()) == "a tuple"


def test_sharing_as_an_honest_sender_has_it_is_let_pass() -> None:
    """P1: one row a thousand times, and a list within itself; not a list 2**100 times."""
    row = {"id": 1, "tags": ["a", ("b", frozenset({1}))]}
    check_unfolded([row] * 1000)
    within: list[object] = [row]
    within.append(within)
    check_unfolded(within)
    for made in (doubled(), doubled_list()):
        with pytest.raises(ValueError, match="shared so often"):
            check_unfolded({"key": made})
