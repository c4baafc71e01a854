"""A clean clone installs by pip alone: no make, no tool but a compiler."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Environment, run

pytestmark = pytest.mark.packaging


@pytest.fixture
def clone(wheel: Path, tmp_path: Path) -> Path:
    """The files that git has, or would have, and no others. (Only where `make test` runs.)"""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others"]
    place = tmp_path / "clone"
    for name in run([*listed, "--exclude-standard"]).stdout.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


@pytest.mark.timeout(600)
def test_pip_installs_a_clean_clone(clone: Path, empty: Environment) -> None:
    """pip fetches what the build needs, and leaves nothing behind in the clone."""
    before = sorted(clone.rglob("*"))
    empty.install("--no-deps", str(clone))
    assert sorted(clone.rglob("*")) == before
    assert empty.python("import interlock._native as native; print(native.PROBES)") == "False\n"
