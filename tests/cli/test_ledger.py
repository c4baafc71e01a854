"""Each input has exactly one line, whatever arrives twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.cli.map.crew import Loss
from interlock.cli.map.ledger import Ledger, Unwritten
from interlock.cli.map.outcome import attempt
from tests.cli import mapped
from tests.cli.command import by_input


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger for three inputs."""
    file = os.open(tmp_path / "results.jsonl", os.O_WRONLY | os.O_CREAT)
    yield Ledger(["a", "bad", "c"], file)
    os.close(file)


def test_the_first_outcome_counts_and_the_second_does_not(ledger: Ledger, tmp_path: Path) -> None:
    """P2: a worker killed before its acknowledgement leaves an outcome, and another follows."""
    ledger.record([attempt(mapped.picky, 0, "a", 1, 11), attempt(mapped.picky, 1, "bad", 1, 11)])
    ledger.record([attempt(mapped.picky, 0, "a", 2, 22), attempt(mapped.picky, 2, "c", 1, 22)])
    assert ledger.complete()
    assert (ledger.done, ledger.failed, ledger.redelivered) == (3, 1, 0)
    assert by_input(tmp_path)["a"]["worker"] == 11


def test_a_dead_letter_with_an_outcome_is_no_failure(ledger: Ledger, tmp_path: Path) -> None:
    """Both its workers died after they had sent their outcome."""
    ledger.record([attempt(mapped.picky, 0, "a", 1, 11)])
    ledger.record([ledger.outcome_of_dead_letter(0, 2)])
    assert (ledger.done, ledger.failed) == (1, 0)
    assert "result" in by_input(tmp_path)["a"]


def test_a_dead_letter_names_what_killed_its_workers(ledger: Ledger, tmp_path: Path) -> None:
    """P6: pid and signal of each."""
    ledger.note_loss(Loss(11, "was killed by SIGKILL", 2))
    ledger.note_loss(Loss(22, "was killed by SIGSEGV", 2))
    ledger.note_loss(Loss(33, "was killed by SIGKILL", None))
    ledger.record([ledger.outcome_of_dead_letter(2, 2)])
    line = by_input(tmp_path)["c"]
    assert line["error"]["message"].startswith(
        "worker 11 was killed by SIGKILL and worker 22 was killed by SIGSEGV while running"
    )
    assert (line["worker"], line["attempts"]) == (22, 2)


def test_results_that_cannot_be_written_stop_the_run() -> None:
    """A full disk is said, with what to do."""
    file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(Unwritten, match=r"No space left on device.*another file by --out"):
        Ledger(["a"], file).record([attempt(mapped.picky, 0, "a", 1, 11)])
    os.close(file)
