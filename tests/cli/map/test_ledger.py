"""Each finished input has its line, and is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.cli.map.ledger import Ledger, shown_input
from interlock.cli.map.results import Results, Unwritten
from interlock.cli.map.work.outcome import attempt, died
from tests.cli import mapped
from tests.cli.command import by_input


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that writes into the test's folder."""
    results = Results(str(tmp_path / "results.jsonl"))
    yield Ledger(results)
    results.close()


def test_what_is_recorded_is_in_the_file_and_counted(ledger: Ledger, tmp_path: Path) -> None:
    """Failures, and inputs that were tried again."""
    ledger.record([
        (attempt(mapped.picky, 0, "a", 1, 11), "a"),
        (attempt(mapped.picky, 1, "bad", 2, 11), "bad"),
        (died(2, 2, 33, "WorkerDied", "worker 33 was killed"), "c"),
    ])  # fmt: skip
    assert (ledger.done, ledger.failed, ledger.again) == (3, 2, 2)
    assert [given for given, _ in ledger.failures] == ["bad", "c"]
    found = by_input(tmp_path)
    assert (found["a"]["result"], found["a"]["worker"]) == ("a", 11)
    assert found["c"]["error"]["message"] == "worker 33 was killed"


def test_what_is_kept_for_the_table_is_bounded(ledger: Ledger) -> None:
    """However many inputs there are, and however long they are."""
    for number in range(1000):
        given = {"row": number, "text": "x" * 10_000}
        outcome = attempt(lambda each: {f"name{each['row']}": 1}, number, given, 1, 1)
        ledger.record([(outcome, given)])
    assert len(ledger.slowest) == 10
    assert len(ledger.totals.sums) == 200
    assert len(shown_input(given)) < 5000


def test_results_that_cannot_be_written_stop_the_run() -> None:
    """A full disk is said, with what to do."""
    results = Results("/dev/full")
    with pytest.raises(Unwritten, match=r"No space left on device.*another file by --out"):
        Ledger(results).record([(attempt(mapped.picky, 0, "a", 1, 11), "a")])
    results.close()
