"""tools/run_tests.py: all tests run, in two parts, and none of their failures is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import run_tests

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., Ran]:
    """Runs a few tests, of which those in the given files fail."""

    def run(*options: str, failing: tuple[str, ...] = ()) -> Ran:
        shutil.copytree(ROOT / "tools", tmp_path / "tools")
        for name in (*run_tests.ASIDE, "tests/queues"):
            path = tmp_path / name
            (path.parent if path.suffix else path).mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.write_text("", encoding="utf-8")
        for name in ("docs", "queues"):
            holds = name not in failing
            text = f"def test_{name}_holds(): assert {holds}\ndef test_{name}_too(): pass\n"
            (tmp_path / "tests" / name / f"test_{name}.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "tools/run_tests.py", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_what_runs_aside_is_there() -> None:
    """What has another name now would end that part before it begins."""
    assert [name for name in run_tests.ASIDE if not (ROOT / name).exists()] == []


def test_what_passes_is_shown_for_both_parts(suite: Callable[..., Ran]) -> None:
    """The part aside comes last, under its heading."""
    ran = suite("-v")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    first, second = ran.stdout.split("\nBeside them: ")
    assert first.count("PASSED") == second.count("PASSED") == 2
    assert "test_queues_too" in first and "test_docs_too" in second


@pytest.mark.parametrize("part", ["docs", "queues"])
def test_a_failure_in_either_part_is_the_status(suite: Callable[..., Ran], part: str) -> None:
    """And both are run to their ends."""
    ran = suite("-v", failing=(part,))
    assert ran.returncode == 1
    assert f"test_{part}_holds FAILED" in ran.stdout
    assert ran.stdout.count("PASSED") == 3


def test_a_choice_of_tests_is_run_by_one_pytest(suite: Callable[..., Ran]) -> None:
    """As its options mean it: -x ends all, and a file of results has all."""
    ran = suite("-k", "too", "-v")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Beside them" not in ran.stdout
    assert ran.stdout.count("PASSED") == 2
