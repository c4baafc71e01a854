"""tests/beside.py: all tests run, in some pytests, and one summary has what all found."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import beside
from tests.packaging.conftest import ROOT

Ran = subprocess.CompletedProcess[str]
PARTS = {"docs": "tests/docs", "queues": "tests/queues", "ray": "tests/context/ray"}
HOLDS = "def test_holds(): pass\ndef test_too(): pass\n"


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., Ran]:
    """Runs a few tests, whose text may be given for a folder."""

    def run(*options: str, **texts: str) -> Ran:
        (tmp_path / "tests").mkdir()
        shutil.copy(ROOT / "tests/beside.py", tmp_path / "tests")
        (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n", encoding="utf-8")
        for name in (*itertools.chain(*beside.ASIDE), "tests/queues"):
            path = tmp_path / name
            (path.parent if path.suffix else path).mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.write_text("", encoding="utf-8")
        for name, folder in PARTS.items():
            text = texts.get(name, HOLDS)
            (tmp_path / folder / f"test_{name}.py").write_text(text, encoding="utf-8")
        (tmp_path / "tests/docs/conftest.py").write_text(texts.get("conftest", ""))
        command = [sys.executable, "-m", "pytest", "-p", "tests.beside", "--beside", *options]
        light = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            command, cwd=tmp_path, env=light, capture_output=True, text=True, check=False
        )

    return run


def summary(ran: Ran) -> str:
    """Pytest's last line, without the time."""
    return re.sub(r" in .*", "", ran.stdout.strip().splitlines()[-1]).strip("= ")


def test_what_runs_aside_is_there() -> None:
    """What has another name now would be run by nobody."""
    assert [name for part in beside.ASIDE for name in part if not (ROOT / name).exists()] == []


def test_one_summary_has_what_all_ran(suite: Callable[..., Ran]) -> None:
    """Each test once, and pytest's own line at the end."""
    ran = suite("-v")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert summary(ran) == "6 passed"
    names = re.findall(r"(\S+) (?:<- \S+ )?PASSED", ran.stdout)
    assert sorted(names) == sorted(
        f"{folder}/test_{name}.py::test_{test}"
        for name, folder in PARTS.items()
        for test in ("holds", "too")
    )


@pytest.mark.parametrize("part", PARTS)
def test_a_failure_in_any_part_is_shown_and_counts(suite: Callable[..., Ran], part: str) -> None:
    """With its lines; all are run to their ends."""
    ran = suite(**{part: "def test_fails(): assert 1 == 2\ndef test_too(): pass\n"})
    assert ran.returncode == 1
    assert summary(ran) == "1 failed, 5 passed"
    assert "assert 1 == 2" in ran.stdout
    assert f"FAILED {PARTS[part]}/test_{part}.py::test_fails" in ran.stdout


@pytest.mark.parametrize("part", PARTS)
def test_what_cannot_be_imported_counts(suite: Callable[..., Ran], part: str) -> None:
    """In any part."""
    ran = suite(**{part: "import nowhere_to_be_found\n"})
    assert ran.returncode != 0
    assert "1 error" in summary(ran)
    assert "nowhere_to_be_found" in ran.stdout


def test_a_pytest_that_is_killed_is_a_failure(suite: Callable[..., Ran]) -> None:
    """With what it had printed until then; the next one is run."""
    ran = suite(docs="import os\ndef test_dies(): os.kill(os.getpid(), 9)\n")
    assert ran.returncode == 1
    assert summary(ran) == "1 failed, 4 passed"
    assert "a pytest beside ended with status -9" in ran.stdout


def test_a_choice_of_tests_is_run_by_one_pytest(suite: Callable[..., Ran]) -> None:
    """As its options mean it."""
    ran = suite("-k", "too", "-v")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert summary(ran) == "3 passed, 3 deselected"
    assert ran.stdout.index("docs") < ran.stdout.index("queues")


def test_what_is_left_out_is_counted(suite: Callable[..., Ran]) -> None:
    """Plugins that look at all that the summary has, as Hypothesis's does, find something."""
    leaves_out = """
    def pytest_collection_modifyitems(config, items):
        config.hook.pytest_deselected(items=[items.pop()])
    """
    ran = suite("-p_hypothesis_pytestplugin", conftest=textwrap.dedent(leaves_out))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert summary(ran) == "5 passed, 1 deselected"
