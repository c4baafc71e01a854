"""Wrong use of the command: exit status 2 and one sentence on standard error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.cli.usage import Unusable, workers_from
from tests.cli.command import MAPPED, run_map


def test_by_default_there_is_a_worker_for_each_cpu_we_may_use() -> None:
    """`taskset` and containers may leave us some only."""
    usable = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(usable)})
        assert workers_from(None) == 1
    finally:
        os.sched_setaffinity(0, usable)
    assert workers_from(None) == len(usable)


@pytest.mark.parametrize("text", ["0", "-3", "many", "1.5", ""])
def test_workers_is_a_whole_number_of_at_least_one(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(Unusable, match="give a whole number of at least 1"):
        workers_from(text)
    assert workers_from("3") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "FUNCTION is missing"),
        ([f"{MAPPED}:length"], "there is no input"),
        (["absent.py:f", "a"], "no such file"),
        ([f"{MAPPED}:lenght", "a"], "did you mean length?"),
        ([f"{MAPPED}:length", "--glob", "*.absent"], "no file matches"),
        ([f"{MAPPED}:length", "--lines", "absent"], "no such file"),
        ([f"{MAPPED}:length", "--workers", "0", "a"], "whole number of at least 1"),
        ([f"{MAPPED}:length", "--out", "absent/results.jsonl", "a"], "there is no folder absent"),
    ],
)
def test_wrong_use_ends_with_status_2_and_one_sentence(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    """And nothing is written, not even an empty file of results."""
    done = run_map(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("interlock map: ") and done.stderr.count("\n") == 1
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_does_not_exist_is_wrong_use(tmp_path: Path) -> None:
    """The message names the option that may have been meant."""
    done = run_map(f"{MAPPED}:length", "--worker", "3", "a", cwd=tmp_path)
    assert done.returncode == 2
    assert "--workers" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers"], "Option '--workers' requires an argument"),
        (["--ordered=yes", "os.path:basename", "a"], "--ordered"),
    ],
)
def test_an_option_that_is_half_written_is_said_in_one_sentence(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    """And where the options are listed."""
    done = run_map(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert "--help" in done.stderr


def test_the_help_tells_the_options_and_the_exit_status(tmp_path: Path) -> None:
    """All of them."""
    done = run_map("--help", cwd=tmp_path)
    assert done.returncode == 0
    for word in (
        "FUNCTION --command --glob --lines --jsonl --csv --workers --context --ordered --batch "
        "--retries --timeout --memory-limit --out --resume --fail-fast --max-failures --seed "
        "--dry-run --progress --no-progress --compare"
    ).split():
        assert word in done.stdout
    assert "Exit status" in done.stdout


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_extra_the_command_says_what_to_install(missing: str) -> None:
    """`pip install interlock` alone brings neither typer nor rich."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\nfrom interlock.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"interlock: the command needs {missing}, which is not installed; "
        "install it with `pip install 'interlock[cli]'`\n"
    )
