"""An outcome becomes one line of JSON, whatever the function returned or raised."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import pytest

from interlock.cli.map.work import outcome as outcomes
from interlock.cli.map.work.function import load
from interlock.cli.map.work.outcome import Outcome, attempt, died
from interlock.pool.watch import Ended
from tests.cli import mapped


def line_of(outcome: Outcome, given: str = "input") -> dict[str, Any]:
    """The line, read back."""
    line = outcome.line(given)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_result_is_written_as_it_is() -> None:
    """With the time, the worker and the attempts beside it."""
    found = line_of(attempt(mapped.described, 7, "naïve 漢字\n", 2, 99), "naïve 漢字\n")
    assert list(found) == ["input", "result", "seconds", "worker", "attempts"]
    assert found["input"] == found["result"]["text"] == "naïve 漢字\n"
    assert (found["worker"], found["attempts"]) == (99, 2)
    assert 0 <= found["seconds"] < 10


def test_text_in_any_language_stays_readable() -> None:
    """Not as \\u escapes, but for what UTF-8 cannot write."""
    assert "漢字".encode() in attempt(mapped.picky, 0, "漢字", 1, 1).line("漢字")
    assert b"\\udcff" in attempt(mapped.picky, 0, "漢\udcff", 1, 1).line("漢\udcff")


def test_an_exception_has_the_functions_own_traceback() -> None:
    """P6: type, message and where, without our frames."""
    error = line_of(attempt(mapped.picky, 0, "bad one", 1, 1))["error"]
    assert error["type"] == "ValueError"
    assert error["message"] == "I do not like bad one"
    assert "mapped.py" in error["traceback"]
    assert "outcome.py" not in error["traceback"]
    by_name = line_of(attempt(load(f"{mapped.__file__}:picky"), 0, "bad one", 1, 1))["error"]
    assert "function.py" not in by_name["traceback"]
    assert error["traceback"].endswith("ValueError: I do not like bad one\n")


@pytest.mark.parametrize(("given", "kind"), [("sys.exit", "SystemExit"), ("interrupt", "Keyboard")])
def test_an_exit_of_the_function_fails_its_input_only(given: str, kind: str) -> None:
    """sys.exit() in the function does not end the worker."""
    outcome = attempt(mapped.sometimes_fatal, 0, given, 1, 1)
    assert outcome.failure is not None and outcome.failure.startswith(kind)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("lock", "result['all'][1] is <unlocked _thread.lock"),
        ("set", "result is {1} of type set"),
        ("nan", "result[1] is nan of type float"),
        ("key", "a key of result is (1, 2) of type tuple"),
        ("loop", "it contains itself"),
    ],
)
def test_a_result_that_is_no_json_is_an_error_that_names_the_part(given: str, said: str) -> None:
    """P6: the path to the guilty part; no repr in its place that nothing reads back."""
    error = line_of(attempt(mapped.unwritable, 0, given, 1, 1))["error"]
    assert error["type"] == "TypeError"
    assert said in error["message"]


def test_an_exception_that_cannot_be_told_is_told_all_the_same() -> None:
    """A __str__ that raises does not end the worker."""

    class Mute(Exception):
        def __str__(self) -> NoReturn:
            raise RuntimeError("no")

    def raise_mute(text: str) -> NoReturn:
        raise Mute

    assert "Mute" in line_of(attempt(raise_mute, 0, "", 1, 1))["error"]["type"]


def test_a_message_without_end_is_cut() -> None:
    """The results stay readable."""

    def raise_long(text: str) -> NoReturn:
        raise ValueError("x" * 10_000_000)

    assert len(attempt(raise_long, 0, "", 1, 1).line("")) < 300_000


def test_a_result_that_is_too_large_becomes_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same attempt, with what to do: a message of the pool has to hold it."""
    monkeypatch.setattr(outcomes, "RESULT_MAX", 100)
    outcome = attempt(mapped.picky, 3, "x" * 99, 2, 9)
    assert (outcome.index, outcome.attempts, outcome.measures) == (3, 2, [])
    assert "write it into a file" in line_of(outcome)["error"]["message"]
    assert attempt(mapped.picky, 3, "x" * 98, 2, 9).failure is None


def test_what_the_pool_ends_an_attempt_by_goes_on_to_the_pool() -> None:
    """A timeout is no failure that the function raised."""

    def ended(text: str) -> NoReturn:
        raise Ended

    with pytest.raises(Ended):
        attempt(ended, 0, "", 1, 1)


def test_a_death_has_no_time() -> None:
    """Nobody knows how long the function ran."""
    found = line_of(died(0, 2, 9, "WorkerDied", "was killed", "its stack"))
    assert (found["seconds"], found["error"]["type"]) == (None, "WorkerDied")
    assert found["error"]["traceback"] == "its stack"


def test_an_outcome_travels_as_plain_types() -> None:
    """And is the same afterwards."""
    outcome = attempt(mapped.described, 7, "text", 2, 99)
    assert Outcome(*outcome.as_tuple()) == outcome
