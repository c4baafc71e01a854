"""`interlock map` on inputs that do what they should, and on some that do not."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import BOUND_S, MAPPED, by_input, command, results, run_map


def test_each_input_has_a_line_with_its_result(tmp_path: Path) -> None:
    """And the table ends with where the results are."""
    done = run_map(f"{MAPPED}:described", "a", "bb", "", "bb", "--workers", 2, cwd=tmp_path)
    assert (done.returncode, re.findall("Traceback|Warning", done.stderr)) == (0, [])
    assert sorted(line["input"] for line in results(tmp_path)) == ["", "a", "bb", "bb"]
    assert all(line["result"]["letters"] == len(line["input"]) for line in results(tmp_path))
    assert all(line["attempts"] == 1 for line in results(tmp_path))
    assert re.search(r"inputs +4 +4 done, 0 failed", done.stdout)
    assert re.search(r"letters +5\n", done.stdout)
    assert re.search(r"longest word +2 +letters, BB, in bb", done.stdout)
    assert re.search(r"2 workers +[\d.]+ (us|ms|s)\n", done.stdout)
    assert "an estimate from the workers' times" in done.stdout
    assert done.stdout.endswith(f"Results: {tmp_path}/results.jsonl\n")


def test_many_inputs_go_through_few_workers(tmp_path: Path) -> None:
    """More than are in the queue at one time; each has one line with its own result."""
    lines = [f"{number:>{number % 40}}" for number in range(5000)]
    done = run_map(
        f"{MAPPED}:length",
        "--lines",
        "-",
        "--out",
        "o",
        cwd=tmp_path,
        stdin="\n".join(lines).encode(),
    )
    assert done.returncode == 0
    found = results(tmp_path, "o")
    assert sorted(line["input"] for line in found) == sorted(lines)
    assert all(line["result"] == len(line["input"]) for line in found)


def test_an_input_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    """Exit status 1, the exception in its line and in the table."""
    done = run_map(f"{MAPPED}:picky", "good", "bad one", "better", cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert found["good"]["result"] == "good"
    assert found["better"]["result"] == "better"
    assert found["bad one"]["error"]["traceback"].startswith("Traceback (most recent call last)")
    assert re.search(r"inputs +3 +2 done, 1 failed", done.stdout)
    assert "bad one: ValueError: I do not like bad one" in done.stdout
    assert "Traceback" not in done.stderr


def test_results_of_megabytes_arrive_whole(tmp_path: Path) -> None:
    """5 MiB each."""
    assert run_map(f"{MAPPED}:large", "a", "b", cwd=tmp_path).returncode == 0
    assert {name: line["result"] for name, line in by_input(tmp_path).items()} == {
        "a": "a" * (5 << 20),
        "b": "b" * (5 << 20),
    }


def test_a_file_name_that_is_no_text_is_read_and_written(tmp_path: Path) -> None:
    """The function gets it as Python names it; the table shows it escaped."""
    name = os.fsdecode(b"\xff\x1b[31m.dat")
    (tmp_path / name).write_bytes(b"four")
    done = run_map("os.path:getsize", "--glob", "*.dat", cwd=tmp_path)
    assert done.returncode == 0
    assert by_input(tmp_path)[name]["result"] == 4
    assert "\\udcff\\x1b[31m.dat" in done.stdout


def test_a_full_disk_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    """Not with a traceback."""
    done = run_map(f"{MAPPED}:length", "a", "--out", "/dev/full", "--no-progress", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("interlock map: the results cannot be written (No space left")
    assert done.stderr.count("\n") == 1


def test_a_table_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    """The results are there, and the status is that of the run."""
    arguments = command(f"{MAPPED}:length", "a", "--no-progress")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            arguments, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=BOUND_S
        )
    assert done.returncode == 0
    assert re.fullmatch(r"interlock map: the table cannot be written .*\n", done.stderr)
    assert [line["result"] for line in results(tmp_path)] == [1]


def test_results_for_a_closed_standard_output_are_refused(tmp_path: Path) -> None:
    """In a sentence that says what to write instead."""
    shell = ["sh", "-c", '"$@" >&-', "sh", *command(f"{MAPPED}:length", "a", "--out", "-")]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, timeout=BOUND_S)
    assert done.returncode == 2
    assert re.fullmatch(r"interlock map: --out -: .*closed; give a file, .*\n", done.stderr)


def test_the_comparison_with_one_process_is_measured_when_asked_for(tmp_path: Path) -> None:
    """--compare; the results are those of the first run."""
    done = run_map(f"{MAPPED}:picky", "a", "bad", "c", "--compare", cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"one process +[\d.]+ (us|ms|s) +measured: a fresh process", done.stdout)
    assert len(by_input(tmp_path)) == 3
    assert "the same in one process: 3 of 3 done" in done.stderr


def test_progress_is_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    """And nothing at all with --no-progress."""
    loud = run_map(f"{MAPPED}:picky", "a", "bad", cwd=tmp_path)
    assert re.fullmatch(r"interlock map: 2 of 2 done, 1 failed, [\d.]+ s\n", loud.stderr)
    silent = run_map(f"{MAPPED}:picky", "a", "bad", "--no-progress", cwd=tmp_path)
    assert silent.stderr == ""


def test_progress_is_a_bar_on_a_terminal(tmp_path: Path) -> None:
    """Standard error is a terminal here; the table goes elsewhere."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(f"{MAPPED}:length", "a", "b", "c"),
        cwd=tmp_path,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        # EIO, the end: the last process that had the terminal open has closed it.
        with pytest.raises(OSError, match="Input/output error"):
            while True:
                shown += os.read(ours, 1 << 16)
        assert process.wait(BOUND_S) == 0
    os.close(ours)
    assert "━" in shown.decode()
    assert "3/3" in shown.decode()
