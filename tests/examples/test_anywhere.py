"""examples/anywhere.py prints the same on every context that is here (P8)."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "anywhere.py"
NEEDS = {"dask": "distributed", "ray": "ray", "interpreter": "concurrent.interpreters"}
FILES = 60
BOUND_S = 100.0


def is_here(name: str) -> bool:
    """Whether what a context stands on is installed."""
    return name not in NEEDS or find_spec(NEEDS[name]) is not None


HERE = ["spawn", "forkserver", "thread", *(name for name in NEEDS if is_here(name))]
NOT_HERE = [name for name in NEEDS if not is_here(name)]


def run(name: str) -> subprocess.CompletedProcess[str]:
    """The example as its head shows it, on some of the files."""
    command = [sys.executable, str(EXAMPLE), "--context", name, "--files", str(FILES)]
    return subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)


@functools.cache
def printed_by_fork() -> str:
    done = run("fork")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_counts() -> None:
    """What fork prints looks right."""
    first, *words = printed_by_fork().splitlines()
    assert re.fullmatch(rf"[\d,]+ words in {FILES} files", first)
    assert any(line.endswith(" self") for line in words)


@pytest.mark.parametrize("name", HERE)
def test_it_prints_the_same_on(name: str) -> None:
    """P8: the program is the same, and so is its result."""
    done = run(name)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed_by_fork()


@pytest.mark.parametrize("name", [*NOT_HERE, "nowhere"])
def test_what_is_not_here_is_said_in_a_line(name: str) -> None:
    """P6: what to install, or that this Python has no such thing."""
    done = run(name)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    said = {"nowhere": "there are", "interpreter": "Python 3.14"}.get(name, f"interlock[{name}]")
    assert said in done.stderr


def test_a_number_of_files_that_is_none_is_told() -> None:
    """P6: in a line, before anything is started."""
    command = [sys.executable, str(EXAMPLE), "--files", "-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("argument --files: -1 is less than 0\n")
