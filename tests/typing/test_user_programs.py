"""A user's programs under `mypy --strict`: the right one passes, and each slip is told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import interlock
from tests.typing.programs import BEGIN_OF_WRONG, RIGHT, WRONG

pytest.importorskip("mypy", reason="mypy is not installed: `make test` installs it")
PACKAGE = Path(interlock.__file__).parent
BOUND_S = 100


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy found out about the library, once for all programs."""
    return tmp_path_factory.mktemp("mypy-cache")


def check(program: str, folder: Path, cache: Path) -> tuple[int, str]:
    """Exit status and report of mypy --strict, with no settings but these."""
    (folder / "program.py").write_text(program, encoding="utf-8")
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--show-error-codes"),
            *("--no-error-summary", f"--cache-dir={cache}", "program.py"),
        ],
        cwd=folder,
        env={"PATH": "", "MYPYPATH": str(seen_as_installed(folder))},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )
    return checked.returncode, checked.stdout + checked.stderr


def seen_as_installed(folder: Path) -> Path:
    """A folder with nothing but the package that is under test."""
    place = folder / "site"
    place.mkdir(exist_ok=True)
    link = place / "interlock"
    if not link.exists():
        link.symlink_to(PACKAGE)
    return place


def test_a_program_that_is_right_is_accepted(tmp_path: Path, cache: Path) -> None:
    """P1: queues of ints, a lease, a pipe, awaiting, testing; nothing is an untyped Any."""
    status, report = check(RIGHT, tmp_path, cache)
    assert (status, report) == (0, "")


def test_each_slip_is_told_at_its_line(tmp_path: Path, cache: Path) -> None:
    """P6: what would fail when it runs, or fail only elsewhere."""
    program = BEGIN_OF_WRONG + "\n".join(line for line, _ in WRONG) + "\n"
    status, report = check(program, tmp_path, cache)
    assert status == 1, report
    first = BEGIN_OF_WRONG.count("\n") + 1
    told = re.findall(r"^program\.py:(\d+): error: .*\[([\w-]+)\]$", report, re.MULTILINE)
    found = {(WRONG[int(line) - first][0], code) for line, code in told if int(line) >= first}
    assert set(WRONG) <= found, report


def test_the_package_says_that_it_is_typed() -> None:
    """P1: by py.typed, beside the stub of the native core."""
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "_native.pyi").is_file()
