"""The repository itself keeps the style guide."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import tidy
from tidy_checks.documented import BLOCKING_NAMES, SECTIONS

ROOT = Path(__file__).resolve().parent.parent.parent


def test_repository_is_tidy() -> None:
    """The style guide is a test: `python tools/tidy.py` finds nothing."""
    command = [sys.executable, str(ROOT / "tools" / "tidy.py")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_finding_is_told_with_its_place_and_exit_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Editors and CI jump to ``file:line``."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text("import time\ntime.sleep(1)\n")
    assert tidy.main([str(tmp_path)]) == 1
    assert "tests/test_x.py:2: time.sleep" in capsys.readouterr().out


@pytest.mark.parametrize("module", ["interlock.queues", "interlock.connection"])
def test_methods_of_the_native_core_are_documented_like_pythons(module: str) -> None:
    """What users call without a Python wrapper says what it raises and what a death does to it."""
    undocumented = []
    for name, value in vars(importlib.import_module(module)).items():
        ours = inspect.isclass(value) and value.__module__.startswith("interlock")
        if not ours or name.startswith("_"):
            continue
        for method in sorted(BLOCKING_NAMES):
            if hasattr(value, method):
                text = inspect.getdoc(getattr(value, method)) or ""
                undocumented += [
                    f"{name}.{method}: {section}"
                    for section in SECTIONS
                    if section not in text and not text.startswith(("As `", "Like `"))
                ]
    assert not undocumented
