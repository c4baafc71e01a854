"""The Makefile's help and the small programs it stands on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, run

PYPROJECT = """
[build-system]
requires = ["builder>=1"]
[project]
name = "thing"
dependencies = ["always"]
[project.optional-dependencies]
a = ["for-a>=2"]
b = ["for-b", "thing[a]"]
[dependency-groups]
lint = ["checker==3"]
"""


def test_help_lists_every_target() -> None:
    """A target that nobody can find might as well not be there."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE))
    helped = set(re.findall(r"make ([a-z-]+) +\S", run(["make", "help"], ROOT).stdout))
    assert targets - helped == {"FORCE", "build-deps"}


def test_ci_runs_the_tests_and_nothing_else() -> None:
    """`.ci/run` is `make test` in the repository's root."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in script if line.startswith("make")] == ["make test"]
    assert len(script) == 4


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["build-system"], ["builder>=1"]),
        (["a"], ["always", "for-a>=2"]),
        (["b"], ["always", "for-a>=2", "for-b"]),
        (["lint", "build-system"], ["builder>=1", "checker==3"]),
    ],
)
def test_requirements_of_a_part(tmp_path: Path, parts: list[str], expected: list[str]) -> None:
    """An extra brings the core's own requirements and those of the extras it names."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    program = shutil.copy(ROOT / "tools" / "requirements.py", tmp_path / "tools")
    assert run([sys.executable, str(program), *parts]).stdout.splitlines() == expected


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of deps.sh, a list with one thing that is missing, and an apt-get that only notes."""
    shutil.copy(ROOT / "tools" / "deps.sh", tmp_path)
    (tmp_path / "debian-packages.txt").write_text(
        "# a comment\n"
        "build command sh shell never missing\n"
        "build command no-such-command some-package compiles it\n"
        "test  command no-such-command other-package is not asked for\n"
        "build module  no.such.module python{version}-thing is another interpreter's\n",
        encoding="utf-8",
    )
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "apt-get").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    (tools / "apt-get").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("user", [0, 1000])
def test_deps_installs_as_root_and_tells_everybody_else(machine: Path, user: int) -> None:
    """What is missing is named either way, and the run goes on."""
    (machine / "bin" / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (machine / "bin" / "id").chmod(0o755)
    result = subprocess.run(
        ["bash", machine / "deps.sh", sys.executable, "build"],
        env={"PATH": f"{machine / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "no-such-command (compiles it)" in result.stderr
    assert "no.such.module" in result.stderr
    assert "other-package" not in result.stderr
    asked = machine / "asked"
    if user == 0:
        assert re.search(r"^install .*some-package$", asked.read_text(), re.MULTILINE)
    else:
        assert "sudo apt-get install some-package" in result.stderr
        assert not asked.exists()
