"""A run that was ended goes on: no finished input is lost, and none runs again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import (
    BOUND_S,
    MAPPED,
    by_input,
    results,
    run_map,
    start_map,
    wait_until_it_reads,
)
from tests.cli.switchboard import Switchboard

HELD = f"{MAPPED}:held"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("ordered", [False, True])
def test_a_run_that_a_signal_ended_goes_on(
    number: signal.Signals, ordered: bool, tmp_path: Path
) -> None:
    """Ctrl-C to the process group, SIGKILL to the parent; what was finished is as it was."""
    inputs = ["a", "held1", "held2", "b"]
    options = ["--workers", 2, *(["--ordered"] if ordered else [])]
    with Switchboard(tmp_path) as board:
        process = start_map(HELD, *inputs, *options, cwd=tmp_path, **board.environment)
        calls = {call.input: call for call in [board.answer(), board.answer()]}
        calls["held1"].release()
        board.wait_for(lambda: len((tmp_path / "results.jsonl").read_bytes().splitlines()) >= 2)
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        process.communicate(timeout=BOUND_S)
        assert calls["held2"].gone()
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    before = (tmp_path / "results.jsonl").read_bytes()
    assert {"a", "held1"} <= set(by_input(tmp_path)) < set(inputs)

    with Switchboard(tmp_path, "again") as board:
        process = start_map(HELD, *inputs, *options, "--resume", cwd=tmp_path, **board.environment)
        call = board.answer()
        assert call.input == "held2"
        call.release()
        out, _ = process.communicate(timeout=BOUND_S)
    assert process.returncode == 0
    assert (tmp_path / "results.jsonl").read_bytes().startswith(before)
    assert sorted(by_input(tmp_path)) == sorted(inputs)
    assert "the results had them already" in out
    if ordered:
        assert [line["input"] for line in results(tmp_path)] == inputs


def test_a_torn_last_line_is_run_again(tmp_path: Path) -> None:
    """And the file is whole afterwards."""
    assert run_map(f"{MAPPED}:length", "a", "bb", "ccc", "--ordered", cwd=tmp_path).returncode == 0
    path = tmp_path / "results.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second + third[:20])
    done = run_map(f"{MAPPED}:length", "a", "bb", "ccc", "--resume", cwd=tmp_path)
    assert done.returncode == 0
    assert path.read_bytes().startswith(first + second)
    assert {name: line["result"] for name, line in by_input(tmp_path).items()} == {
        "a": 1, "bb": 2, "ccc": 3,
    }  # fmt: skip


def test_a_run_that_is_all_done_runs_nothing(tmp_path: Path) -> None:
    """Exit status as before: a failed input is finished, and has failed."""
    for status, inputs in ((0, ["a", "b"]), (1, ["a", "b", "bad"])):
        assert run_map(f"{MAPPED}:picky", *inputs, cwd=tmp_path).returncode == status
        before = (tmp_path / "results.jsonl").read_bytes()
        done = run_map(f"{MAPPED}:picky", *inputs, "--resume", cwd=tmp_path)
        assert done.returncode == status
        assert "are in results.jsonl already; nothing was run" in done.stdout
        assert (tmp_path / "results.jsonl").read_bytes() == before
        assert (
            run_map(f"{MAPPED}:picky", *inputs, "c", "--resume", cwd=tmp_path).returncode == status
        )


def test_an_input_given_twice_has_two_lines(tmp_path: Path) -> None:
    """And of a third one only that is left to do."""
    assert run_map(f"{MAPPED}:length", "a", "a", cwd=tmp_path).returncode == 0
    done = run_map(f"{MAPPED}:length", "a", "b", "a", "a", "--resume", cwd=tmp_path)
    assert done.returncode == 0
    assert sorted(line["input"] for line in results(tmp_path)) == ["a", "a", "a", "b"]


def test_rows_and_values_are_known_again(tmp_path: Path) -> None:
    """By what they are, not by how they are written."""
    (tmp_path / "values").write_text('{"a":1.50, "b":"\\u00e4"}\n')
    assert run_map(f"{MAPPED}:same", "--jsonl", "values", cwd=tmp_path).returncode == 0
    (tmp_path / "values").write_text('{"a": 1.5, "b": "ä"}\n2\n', encoding="utf-8")
    assert run_map(f"{MAPPED}:same", "--jsonl", "values", "--resume", cwd=tmp_path).returncode == 0
    assert [line["input"] for line in results(tmp_path)] == [{"a": 1.5, "b": "ä"}, 2]


def test_a_file_of_something_else_is_not_gone_on_with(tmp_path: Path) -> None:
    """Exit status 2, one sentence, and the file as it was."""
    (tmp_path / "results.jsonl").write_text("my own notes\n")
    done = run_map(f"{MAPPED}:length", "a", "--resume", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "line 1 of results.jsonl is no result of interlock map" in done.stderr
    assert (tmp_path / "results.jsonl").read_text() == "my own notes\n"


def test_inputs_are_not_written_over(tmp_path: Path) -> None:
    """--out that is the file of the inputs: one sentence."""
    (tmp_path / "list").write_text("a\n")
    done = run_map(f"{MAPPED}:length", "--lines", "list", "--out", "./list", cwd=tmp_path)
    assert done.returncode == 2 and "the inputs are read from that file" in done.stderr
    assert (tmp_path / "list").read_text() == "a\n"


def test_random_kills_of_the_run_lose_and_repeat_nothing(tmp_path: Path) -> None:
    """P2: SIGKILL and Ctrl-C at any instruction, again and again; whole lines stay as they were."""
    seed = int(os.environ.get("INTERLOCK_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed: INTERLOCK_SEED={seed}")
    chance = random.Random(seed)
    inputs = [f"input{number}" for number in range(20_000)]
    (tmp_path / "list").write_text("\n".join(inputs))
    path = tmp_path / "results.jsonl"
    path.touch()
    whole = b""
    for kill in range(100):
        process = start_map(f"{MAPPED}:length", "--lines", "list", "--resume", cwd=tmp_path)
        if kill < 8:
            number = chance.choice([signal.SIGKILL, signal.SIGINT])
            wait_until_it_reads(process)
            try:
                process.wait(timeout=chance.uniform(0.0, 0.4))
            except subprocess.TimeoutExpired:
                (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        _, err = process.communicate(timeout=BOUND_S)
        assert "Traceback" not in err
        data = path.read_bytes()
        assert data.startswith(whole)
        whole = data[: data.rfind(b"\n") + 1]
        if process.returncode == 0:
            break
        # -SIGINT: Ctrl-C found Python at its very end, when it has no handlers any more.
        assert process.returncode in (-signal.SIGKILL, 130, -signal.SIGINT)
    found = [json.loads(line) for line in whole.splitlines()]
    assert sorted(line["input"] for line in found) == sorted(inputs)
    assert all(line["result"] == len(line["input"]) for line in found)
