"""Empty environments, and what `make test` has built to be installed into them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


class Environment:
    """A virtual environment that has nothing but the interpreter."""

    def __init__(self, place: Path) -> None:
        self.bin = place / "bin"
        run([sys.executable, "-m", "venv", "--without-pip", str(place)])

    def install(self, *arguments: str) -> None:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "--python", str(self.bin / "python"), "install", "--quiet", *arguments])

    def python(self, code: str) -> str:
        """What the code prints, run where nothing but this environment is seen."""
        return run([str(self.bin / "python"), "-I", "-c", code]).stdout


def run(command: Sequence[str], cwd: str | Path = "/") -> subprocess.CompletedProcess[str]:
    """The command's result; its output is shown when it fails."""
    # pip takes options from the variables of the one that started the tests.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(
        command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=600, check=False
    )
    if result.returncode != 0:
        pytest.fail(f"{command} failed:\n{result.stdout}\n{result.stderr}", pytrace=False)
    return result


@pytest.fixture
def empty(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "empty")


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The repaired wheel in dist."""
    place = os.environ.get("INTERLOCK_WHEEL")
    if not place:
        pytest.skip("INTERLOCK_WHEEL is not set: `make test` builds the wheel")
    return Path(place)
