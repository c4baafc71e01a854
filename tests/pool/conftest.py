"""A pool of two workers, on each start method, that nothing outlives; folders for cgroups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.context import BaseContext
from interlock.pool import Pool
from tests.pool.group_tree import VERSIONS, Tree


@pytest.fixture
def pool(context: BaseContext) -> Iterator[Pool]:
    """Of this context's processes."""
    with Pool(2, context=context) as pool:
        yield pool
    pool.join()


@pytest.fixture(params=VERSIONS)
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Of each version."""
    return Tree(tmp_path, request.param, monkeypatch)


@pytest.fixture
def tree2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Of cgroup v2."""
    return Tree(tmp_path, "v2", monkeypatch)
