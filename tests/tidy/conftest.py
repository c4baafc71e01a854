"""Makes tools/ importable, and small repositories to hold against its checks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

Found = Callable[..., list[str]]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """``found(check, {path: text})``: what the check says of a repository of these files."""
    from tidy_checks.repository import Finding, Repository

    def find(
        check: Callable[..., Iterable[Finding]], files: dict[str, str], *arguments: Any
    ) -> list[str]:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return [str(finding) for finding in check(Repository(tmp_path), *arguments)]

    return find
