"""What each option of `interlock map` does, in runs as a user makes them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import BOUND_S, MAPPED, by_input, results, run_map, start_map
from tests.cli.switchboard import Switchboard
from tests.conftest import METHODS

HELD = f"{MAPPED}:held"


def read_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of results on standard output."""
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


@pytest.mark.parametrize("method", METHODS)
def test_workers_start_by_any_context(method: str, tmp_path: Path) -> None:
    """A function of a file is found in each of them."""
    done = run_map(f"{MAPPED}:picky", "a", "bad", "c", "--context", method, cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert found["a"]["result"] == "a" and found["bad"]["error"]["type"] == "ValueError"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ordered", [True, False])
def test_lines_are_in_order_if_that_is_wanted(ordered: bool, tmp_path: Path) -> None:
    """The first input is done last."""
    options = ["--workers", 3, "--out", "-", *(["--ordered"] if ordered else [])]
    with Switchboard(tmp_path) as board:
        inputs = ["held0", "held1", "held2"]
        process = start_map(HELD, *inputs, *options, cwd=tmp_path, **board.environment)
        calls = {call.input: call for call in [board.answer() for _ in inputs]}
        found = []
        for name in ("held2", "held1", "held0"):
            calls[name].release()
            if not ordered:
                found.append(read_line(process)["input"])
        if ordered:
            found = [read_line(process)["input"] for _ in inputs]
        process.communicate(timeout=BOUND_S)
    assert found == (inputs if ordered else inputs[::-1])


def test_an_input_tried_again_keeps_its_place(tmp_path: Path) -> None:
    """--ordered with --retries: more inputs than may be under way at once."""
    inputs = [f"{number}" for number in range(5000)]
    (tmp_path / "list").write_text("\n".join(inputs))
    options = ["--lines", "list", "--ordered", "--retries", 1]
    done = run_map(f"{MAPPED}:flaky", *options, cwd=tmp_path)
    assert done.returncode == 0
    assert [line["input"] for line in results(tmp_path)] == inputs
    assert {line["attempts"] for line in results(tmp_path)} == {2}


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_batches_of_any_size_lose_nothing(batch: int, tmp_path: Path) -> None:
    """Larger than the inputs are many, too; and a failure is of its input alone."""
    inputs = [f"{'bad' if number % 10 == 3 else 'ok'}{number}" for number in range(100)]
    done = run_map(f"{MAPPED}:picky", *inputs, "--batch", batch, cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert sorted(found) == sorted(inputs)
    assert {name for name, line in found.items() if "error" in line} == {
        name for name in inputs if name.startswith("bad")
    }


def test_a_failed_input_is_tried_again_as_often_as_is_said(tmp_path: Path) -> None:
    """Once is enough here; without --retries an exception is final."""
    done = run_map(f"{MAPPED}:flaky", "a", "b", "--retries", 3, cwd=tmp_path)
    assert done.returncode == 0
    assert {line["attempts"] for line in results(tmp_path)} == {2}
    done = run_map(f"{MAPPED}:flaky", "a", "new", cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert (found["a"]["result"], found["a"]["attempts"]) == ("a", 1)
    assert found["new"]["error"]["message"] == "new did not answer"


@pytest.mark.parametrize("retries", [0, 2])
def test_a_workers_death_counts_as_a_failed_attempt(retries: int, tmp_path: Path) -> None:
    """Each death is named; --retries 0 gives no second chance."""
    with Switchboard(tmp_path) as board:
        options = ["--retries", retries, "--workers", 1]
        process = start_map(HELD, "a", "held", "b", *options, cwd=tmp_path, **board.environment)
        pids = []
        for _ in range(retries + 1):
            call = board.answer()
            pids.append(call.pid)
            call.kill()
        process.communicate(timeout=BOUND_S)
    assert process.returncode == 1
    found = by_input(tmp_path)
    assert found["a"]["result"] == "a" and found["b"]["result"] == "b"
    assert found["held"]["attempts"] == retries + 1
    assert found["held"]["worker"] == pids[-1]
    message = found["held"]["error"]["message"]
    assert message.startswith(" and ".join(f"worker {pid} was killed by SIGKILL" for pid in pids))


def test_an_input_may_take_so_long_and_no_longer(tmp_path: Path) -> None:
    """In Python and in C; the others go on."""
    done = run_map(f"{MAPPED}:long", "a", "python", "c", "b", "--timeout", 0.3, cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert found["a"]["result"] == "a" and found["b"]["result"] == "b"
    for name in ("python", "c"):
        line = found[name]
        assert line["error"]["type"] == "TaskTimeout"
        assert "longer than --timeout 0.3 s" in line["error"]["message"]
        assert (line["seconds"], line["attempts"]) == (0.3, 1)
        assert line["worker"] > 1
    assert "Traceback" not in done.stderr


def test_an_input_may_have_so_much_memory_and_no_more(tmp_path: Path) -> None:
    """The one that wants more has failed; the others go on."""
    inputs = ["1000", str(2 << 30), "2000"]
    done = run_map(f"{MAPPED}:hungry", *inputs, "--memory-limit", "300M", cwd=tmp_path)
    assert done.returncode == 1
    found = by_input(tmp_path)
    assert found["1000"]["result"] == 1000 and found["2000"]["result"] == 2000
    assert found[inputs[1]]["error"]["type"] in ("MemoryError", "MemoryLimitExceeded")


def test_random_numbers_are_those_of_the_seed_and_the_place(tmp_path: Path) -> None:
    """Whichever worker runs an input, and though all inputs are equal; numpy's too."""
    (tmp_path / "draws.py").write_text(
        "import random, numpy\n"
        "def f(x): return [random.random(), numpy.random.random()]\n"
    )  # fmt: skip

    def drawn(*options: object) -> list[list[float]]:
        assert (
            run_map("draws.py:f", *["x"] * 20, "--ordered", *options, cwd=tmp_path).returncode == 0
        )
        return [line["result"] for line in results(tmp_path)]

    seeded = drawn("--seed", 7, "--workers", 1)
    assert drawn("--seed", 7, "--workers", 3, "--context", "spawn") == seeded
    assert len({tuple(numbers) for numbers in seeded}) == 20
    assert drawn("--seed", 8) != seeded
    assert drawn() != seeded


def test_the_first_failure_ends_the_run_if_that_is_wanted(tmp_path: Path) -> None:
    """And --resume goes on with the rest."""
    inputs = ["good", "bad", *[f"held{number}" for number in range(3)]]
    with Switchboard(tmp_path) as board:
        options = ["--fail-fast", "--workers", 1]
        process = start_map(f"{MAPPED}:picky_held", *inputs, *options, cwd=tmp_path,
                            **board.environment)  # fmt: skip
        _, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 1
    assert "stopped, for 1 input failed; 2 of 5 inputs are done" in err
    assert sorted(by_input(tmp_path)) == ["bad", "good"]


def test_so_many_failures_end_the_run(tmp_path: Path) -> None:
    """An endless input comes to its end by them."""
    (tmp_path / "endless.py").write_text("def f(x): raise ValueError(x)\n")
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as yes:
        process = start_map(
            "endless.py:f", "--lines", "-", "--max-failures", 5, cwd=tmp_path, stdin=yes.stdout
        )
        _, err = process.communicate(timeout=BOUND_S)
        yes.kill()
    assert process.returncode == 1
    assert "stopped, for " in err and "--resume goes on from there" in err
    assert len(results(tmp_path)) >= 5


def test_results_on_standard_output_are_lines_and_nothing_else(tmp_path: Path) -> None:
    """What the function prints, and the table, are on standard error."""
    done = run_map(f"{MAPPED}:loud", "a", "b", "--out", "-", cwd=tmp_path)
    assert done.returncode == 0
    assert sorted(json.loads(line)["input"] for line in done.stdout.splitlines()) == ["a", "b"]
    assert "working on a" in done.stderr and "2 workers" in done.stderr
    silent = run_map(f"{MAPPED}:picky", "a", "--out", "-", "--no-progress", cwd=tmp_path)
    assert silent.stderr == "" and silent.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_the_function_prints_is_written(tmp_path: Path) -> None:
    """Workers end by themselves, so that what is in their buffers is not lost."""
    done = run_map(f"{MAPPED}:loud", "a", "b", cwd=tmp_path)
    assert "working on a" in done.stdout and "working on b" in done.stdout


def test_values_of_json_lines_and_rows_come_to_the_function(tmp_path: Path) -> None:
    """And are in the lines as they were."""
    (tmp_path / "values").write_text('{"a": [1, null]}\n3\n')
    (tmp_path / "rows").write_text("name,size\nx,1\n")
    options = ["--jsonl", "values", "--csv", "rows", "--ordered"]
    assert run_map(f"{MAPPED}:same", "text", *options, cwd=tmp_path).returncode == 0
    expected = ["text", {"a": [1, None]}, 3, {"name": "x", "size": "1"}]
    assert [line["input"] for line in results(tmp_path)] == expected
    assert [line["result"] for line in results(tmp_path)] == expected


def test_a_dry_run_says_what_would_be_done_and_does_nothing(tmp_path: Path) -> None:
    """For a function, for a program, and for a run that goes on."""
    options = ["--dry-run", "--workers", 3, "--timeout", 5]
    done = run_map(f"{MAPPED}:length", *"abcde", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for said in (f"function {MAPPED}:length", "5, the first of them", '"a"', "3 at the most, by "
                 "fork", "timeout 5", "results.jsonl, begun anew", "nothing was run"):  # fmt: skip
        assert said in done.stdout
    done = run_map("--command", "touch {}", "a b", "--lines", "-", *options, cwd=tmp_path)
    assert "touch 'a b'\n" in done.stdout and "as many as --lines - gives" in done.stdout
    assert list(tmp_path.iterdir()) == []

    run_map(f"{MAPPED}:length", *"ab", cwd=tmp_path)
    before = (tmp_path / "results.jsonl").read_bytes() + b'{"input": "to'
    (tmp_path / "results.jsonl").write_bytes(before)
    done = run_map(f"{MAPPED}:length", *"abcde", "--resume", *options, cwd=tmp_path)
    assert "which has 2 already; 2 inputs would be skipped" in done.stdout
    assert '"c"' in done.stdout and '"a"' not in done.stdout
    assert (tmp_path / "results.jsonl").read_bytes() == before


def test_a_dry_run_tells_wrong_use_too(tmp_path: Path) -> None:
    """As the run would."""
    done = run_map(f"{MAPPED}:lenght", "a", "--dry-run", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean length?" in done.stderr


def test_a_function_that_spawned_workers_cannot_load_is_said(tmp_path: Path) -> None:
    """It loads here and not there: one sentence, no endless starts."""
    (tmp_path / "once.py").write_text(
        "import multiprocessing\n"
        "if multiprocessing.parent_process(): raise ImportError('not in a worker')\n"
        "def f(x): return x\n"
    )
    done = run_map("once.py:f", "a", "--context", "spawn", "--no-progress", cwd=tmp_path)
    assert done.returncode == 1
    assert "the workers cannot run this" in done.stderr and "not in a worker" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--context", "thread"], "give fork, spawn or forkserver"),
        (["--batch", "0"], "whole number from 1"),
        (["--retries", "x"], "whole number of at least 0"),
        (["--timeout", "0"], "a number above 0"),
        (["--memory-limit", "5x"], "K, M or G behind it"),
        (["--max-failures", "0"], "whole number of at least 1"),
        (["--fail-fast", "--max-failures", "2"], "give one of the two"),
        (["--seed", "x"], "whole number"),
        (["--out", "-", "--resume"], "standard output holds nothing"),
        (["--lines", "-", "--jsonl", "-"], "only once"),
        (["--csv", "absent"], "no such file"),
    ],
)
def test_each_wrong_argument_gets_one_sentence(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    """And status 2, and nothing written."""
    done = run_map(f"{MAPPED}:length", "a", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("interlock map: ") and done.stderr.count("\n") == 1
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
