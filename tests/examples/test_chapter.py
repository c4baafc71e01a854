"""The programs of the tutorial chapter: the same on both libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAPTER = Path(__file__).resolve().parent.parent.parent / "examples" / "chapter"
PROGRAMS = sorted(CHAPTER.glob("*.py"))
BOUND_S = 60.0


def run(program: Path, **environment: str) -> str:
    """The output of a program that ends well and says nothing on standard error."""
    done = subprocess.run(
        [sys.executable, program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def lines_in_pairs(text: str) -> list[tuple[str, ...]]:
    """Two lines each, sorted: ten processes print in any order."""
    lines = text.splitlines()
    return sorted(zip(lines[::2], lines[1::2], strict=True))


def check(program: str, out: str) -> None:
    """What each program is to print."""
    if program == "pipe.py":
        assert out == "['hello', 42, None]\n"
    elif program == "shared_queue.py":
        assert out == "1\n4\n9\n16\n25\n"
    elif program == "getstate_setstate.py":
        assert out == "the child reads 6\n"
    elif program == "reduce_overrides.py":
        assert out == (
            "__reduce__ was asked\nmeasured(21) was called\nit arrived with 21 degrees\n"
        )
    else:
        assert lines_in_pairs(out) == [
            (f"hello from process {number}", f"goodbye from process {number}")
            for number in range(10)
        ]


def test_all_of_them_are_here() -> None:
    """A pipe, a queue, ten processes under one lock, and an object's own pickling, twice."""
    assert [program.name for program in PROGRAMS] == [
        "getstate_setstate.py",
        "pipe.py",
        "reduce_overrides.py",
        "shared_queue.py",
        "ten_processes.py",
    ]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
@pytest.mark.parametrize("method", ["default", "fork", "spawn", "forkserver"])
def test_it_runs_on_interlock(program: Path, method: str, tmp_path: Path) -> None:
    """P1: on each start method; one is chosen from outside, for the program is not touched."""
    path = os.environ.get("PYTHONPATH", "")
    if method != "default":
        # Python imports this before the program, and in each child that it starts anew.
        (tmp_path / "sitecustomize.py").write_text(
            f"import interlock\ninterlock.set_start_method({method!r}, force=True)\n"
        )
        path = os.pathsep.join([str(tmp_path), path])
    check(program.name, run(program, PYTHONPATH=path))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_it_is_a_program_for_the_standard_library(program: Path, tmp_path: Path) -> None:
    """P1: only the import line names Interlock; with the other name there, all is the same."""
    source = program.read_text()
    assert source.count("interlock") == 1
    for ours, theirs in (
        ("import interlock as multiprocessing", "import multiprocessing"),
        ("from interlock import", "from multiprocessing import"),
    ):
        source = source.replace(ours, theirs)
    assert "interlock" not in source
    (tmp_path / program.name).write_text(source)
    check(program.name, run(tmp_path / program.name))
