"""What the table at the end of a run says."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.cli.map.compare import OneProcess, estimate
from interlock.cli.map.job import Statistics
from interlock.cli.map.ledger import Ledger
from interlock.cli.map.results import Results
from interlock.cli.map.table import common_folder, duration, number, print_summary, short, span
from interlock.cli.map.work.outcome import attempt


@pytest.mark.parametrize(
    ("inputs", "folder"),
    [
        (["/a/b/x.py", "/a/b/c/y.py"], "/a/b/"),
        (["/a/bc/x.py", "/a/bd/y.py"], "/a/"),
        (["/x.py", "/a/y.py"], "/"),
        (["a/x.py", "a/y.py"], "a/"),
        (["a/x.py", "b/y.py"], ""),
        (["a/x.py", "/a/y.py"], ""),
        (["x.py", "/a/y.py"], ""),
        (["word", "another"], ""),
    ],
)
def test_what_all_inputs_have_in_common_is_left_away(inputs: list[str], folder: str) -> None:
    """Whole folders of paths only."""
    assert common_folder(inputs) == folder


def test_figures_are_written_for_people() -> None:
    """Thousands apart, times in a unit that fits."""
    assert [number(n) for n in (1234567, 1234.5, 0.25)] == ["1,234,567", "1,234.5", "0.25"]
    assert [duration(s) for s in (2e-6, 0.0123, 3.14159, 600)] == [
        "2 us",
        "12.3 ms",
        "3.14 s",
        "10.0 min",
    ]
    assert span("1.2", "1.2") == "1.2"
    assert span("1.2", "1.3") == "1.2 to 1.3"
    assert len(short("x" * 10_000, "")) < 250


def test_an_estimate_is_between_cpu_and_wall_clock_time() -> None:
    """Several threads may take more CPU time than wall-clock time."""
    assert estimate(3.0, 2.0) == estimate(2.0, 3.0)
    assert (estimate(3.0, 2.0).least_s, estimate(3.0, 2.0).most_s) == (2.0, 3.0)


def test_the_slowest_inputs_and_the_first_failures_are_shown(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ten of each; the rest is counted."""

    def fail(text: str) -> str:
        raise ValueError("[red]no[/red]")  # not markup, but what the function said

    inputs = [f"/folder/input{number}" for number in range(30)]
    results = Results(f"{tmp_path}/out")
    ledger = Ledger(results)
    ledger.record((attempt(fail, index, given, 1, 1), given) for index, given in enumerate(inputs))
    results.close()
    print_summary(ledger, Statistics(2, 2.0, 1), OneProcess(3.0, 3.0, "measured"), (5, 1))
    shown = capsys.readouterr().out
    assert shown.count("ValueError: [red]no[/red]") == 10
    assert "20  more, in the results" in shown
    assert "1.50  times as fast" in shown
    assert "1 worker died and was replaced, 0 inputs delivered again" in shown
    assert "Inputs are shown from /folder/\n" in shown
    assert f"Results: {tmp_path}/out\n" in shown
    assert "the results had them already, 1 of them failed" in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_why_one_process_was_not_measured_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In place of the figure."""
    results = Results(f"{tmp_path}/out")
    print_summary(Ledger(results), Statistics(1), "not measured: the process was killed")
    results.close()
    shown = capsys.readouterr().out
    assert "one process" in shown and "not measured: the process was killed" in shown
    assert "times as fast" not in shown
