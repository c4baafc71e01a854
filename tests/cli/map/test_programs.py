"""`--command`: a program for each input, without a shell, that ends with its worker."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from pathlib import Path

import psutil
import pytest

from interlock.cli.map.work.program import CommandFailed, Program, program
from interlock.cli.usage import Unusable
from tests.cli.command import BOUND_S, by_input, run_map, start_map

PYTHON = shlex.quote(sys.executable)
AWKWARD = "a b; touch hacked $(touch hacked) `touch hacked` 'q\" *"


def test_each_input_takes_the_place_of_the_braces(tmp_path: Path) -> None:
    """In each word, as it is: what a shell would do with it is not done."""
    done = run_map("--command", "printf '%s|' {} {}.png -{}-", AWKWARD, "b", cwd=tmp_path)
    assert done.returncode == 0
    assert by_input(tmp_path)[AWKWARD]["result"] == f"{AWKWARD}|{AWKWARD}.png|-{AWKWARD}-|"
    assert by_input(tmp_path)["b"]["result"] == "b|b.png|-b-|"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.jsonl"]


def test_a_status_other_than_0_is_an_error_with_the_end_of_standard_error(tmp_path: Path) -> None:
    """Its last 4 KiB; and the others are done."""
    code = "import sys; sys.stderr.write('x' * 100_000 + ' the end'); sys.exit(int(sys.argv[1]))"
    done = run_map("--command", f"{PYTHON} -c {shlex.quote(code)} {{}}", "0", "3", cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert found["0"]["result"] == ""
    error = found["3"]["error"]
    assert (error["type"], error["status"], error["traceback"]) == ("CommandFailed", 3, None)
    assert (
        error["message"].endswith(" the end") and "ended itself with status 3" in error["message"]
    )
    assert len(error["stderr"]) == 4096 and error["stderr"].endswith("x the end")
    assert found["3"]["attempts"] == 1


def test_a_program_that_a_signal_ends_is_an_error_that_names_it(tmp_path: Path) -> None:
    """As of a worker."""
    done = run_map("--command", "sh -c 'kill -SEGV $$' {}", "a", cwd=tmp_path)
    assert done.returncode == 1
    error = by_input(tmp_path)["a"]["error"]
    assert error["status"] == -signal.SIGSEGV
    assert error["message"] == "sh was killed by SIGSEGV, and wrote nothing to standard error"


def test_a_program_reads_nothing_from_our_standard_input(tmp_path: Path) -> None:
    """That has the inputs."""
    done = run_map("--command", "sh -c cat {}", "--lines", "-", cwd=tmp_path, stdin=b"a\nb\n")
    assert done.returncode == 0
    assert {line["result"] for line in by_input(tmp_path).values()} == {""}


def test_what_is_no_text_goes_as_json(tmp_path: Path) -> None:
    """And output that is no UTF-8 comes back as Python names such texts."""
    assert Program(("echo", "{}")).words_for({"a": [1, None]}) == ["echo", '{"a": [1, null]}']
    (tmp_path / "in").write_text("3\n[1]\n")
    done = run_map("--command", r"printf '%s\377' {}", "--jsonl", "in", cwd=tmp_path)
    assert done.returncode == 0
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["result"] for line in lines) == ["3\udcff", "[1]\udcff"]


def test_an_input_that_cannot_be_an_argument_fails_alone(tmp_path: Path) -> None:
    """A null byte; and a program that is not there, if its name is the input."""
    (tmp_path / "in").write_text('"a\\u0000b"\n"good"\n')
    assert run_map("--command", "echo {}", "--jsonl", "in", cwd=tmp_path).returncode == 1
    assert "null byte" in by_input(tmp_path)["a\0b"]["error"]["message"]
    assert by_input(tmp_path)["good"]["result"] == "good\n"
    assert run_map("--command", "./{} x", "absent", cwd=tmp_path).returncode == 1
    assert by_input(tmp_path)["absent"]["error"]["type"] == "FileNotFoundError"


def test_a_program_that_takes_too_long_is_killed_with_its_own_children(tmp_path: Path) -> None:
    """The whole process group."""
    text = "sh -c 'sh -c \"echo \\$\\$ >&3; sleep 1000\" 3>>pids; true' {}"
    done = run_map("--command", text, "a", "--timeout", 0.5, cwd=tmp_path)
    assert done.returncode == 1
    assert by_input(tmp_path)["a"]["error"]["type"] == "TaskTimeout"
    (pid,) = map(int, (tmp_path / "pids").read_text().split())
    assert gone(pid)


def test_a_program_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    """PR_SET_PDEATHSIG: none goes on unseen."""
    os.mkfifo(tmp_path / "fifo")
    text = "sh -c 'echo $$ $PPID > fifo; exec sleep 1000' {}"
    process = start_map("--command", text, "a", "--retries", 0, cwd=tmp_path)
    own, worker = map(int, (tmp_path / "fifo").read_text().split())
    os.kill(worker, signal.SIGKILL)
    process.communicate(timeout=BOUND_S)
    assert process.returncode == 1
    assert by_input(tmp_path)["a"]["error"]["type"] == "WorkerDied"
    assert gone(own)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_ends_with_the_run(number: signal.Signals, tmp_path: Path) -> None:
    """By Ctrl-C, which leaves no failure behind; and when the parent is killed."""
    os.mkfifo(tmp_path / "fifo")
    text = "sh -c 'echo $$ > fifo; exec sleep 1000' {}"
    process = start_map("--command", text, "a", cwd=tmp_path)
    pid = int((tmp_path / "fifo").read_text())
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    process.communicate(timeout=BOUND_S)
    assert gone(pid)
    assert by_input(tmp_path) == {}


def gone(pid: int) -> bool:
    """Whether a process ends, and soon; nobody else waits for it."""
    try:
        psutil.Process(pid).wait(BOUND_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_output_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the result, and is held in memory."""
    monkeypatch.setattr("interlock.cli.map.work.program.OUTPUT_MAX", 1000)
    with pytest.raises(ValueError, match="let it write into a file that is named after the input"):
        Program(("yes", "{}"))("a")
    with pytest.raises(CommandFailed):
        Program(("false", "{}"))("a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no program; name one, such as --command 'gzip -k {}'"),
        ("gzip -k", "there is no {} in it; write {} where the input goes, such as"),
        ("echo '{}", "a quote is not closed"),
        ("absent-program {}", "there is no program absent-program; install it, or give its path"),
    ],
)
def test_a_wrong_command_is_told_what_to_write(text: str, said: str) -> None:
    """One sentence."""
    with pytest.raises(Unusable) as raised:
        program(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_wrong_use_of_command_ends_with_status_2(tmp_path: Path) -> None:
    """Through the command itself."""
    done = run_map("--command", "gzip", "a", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []
