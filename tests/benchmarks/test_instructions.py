"""The gate on instruction counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import hot_paths, instructions

needs_callgrind = pytest.mark.skipif(
    bool(instructions.missing_tools()), reason="callgrind is not installed; see `make deps`"
)


@needs_callgrind
def test_counts_repeat() -> None:
    """Two counts of the same path are the same to a thousandth."""
    first, second = (instructions.count(instructions.CONTROL, 100, 300) for _ in range(2))
    assert first == pytest.approx(second, rel=0.001)


def test_every_hot_path_runs() -> None:
    """The counted code is code that works."""
    for path in hot_paths.PATHS.values():
        path(2 * hot_paths.BATCH)


def test_growth_of_more_than_a_tenth_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was recorded is the limit, for the build it was recorded on; a new path is told."""
    now = {instructions.CONTROL: 1000, "queue: int": 1099}
    monkeypatch.setattr(instructions, "RECORDED", tmp_path / "instructions.json")
    monkeypatch.setattr(instructions, "PATHS", now)
    monkeypatch.setattr(instructions, "count", now.get)
    monkeypatch.setattr(instructions, "missing_tools", list)
    recorded = {instructions.build(): {instructions.CONTROL: 1000, "queue: int": 1000}}
    instructions.RECORDED.write_text(json.dumps(recorded))
    assert instructions.main(["--check"]) == 0
    now["new path"] = 5
    assert instructions.main(["--check"]) == 0
    assert "nothing is recorded (`--write` does it): new path." in capsys.readouterr().out
    now["queue: int"] = 1101
    assert instructions.main(["--check"]) == 1
    assert "queue: int: 1000 -> 1101 instructions (+10%)" in capsys.readouterr().out
    now[instructions.CONTROL] = 1100
    assert instructions.main(["--check"]) == 0
    assert "Nothing compared: another build" in capsys.readouterr().out
