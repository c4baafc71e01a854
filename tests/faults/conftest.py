"""Processes on the build with crash points, and on the release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stage import Stage

PROBES_SITE = os.environ.get("INTERLOCK_PROBES_SITE", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A campaign is fought when it is asked for: `make faults KILLS=5000`."""
    if "INTERLOCK_KILLS" in os.environ:
        return
    campaigns = [item for item in items if item.get_closest_marker("campaign") is not None]
    if campaigns:
        config.hook.pytest_deselected(items=campaigns)
        items[:] = [item for item in items if item not in campaigns]


@pytest.fixture(scope="module")
def with_crash_points() -> Iterator[Stage]:
    """Where scenarios run on the build with crash points."""
    if not PROBES_SITE:
        pytest.skip("INTERLOCK_PROBES_SITE is not set: `make test` builds the crash points")
    stage = Stage(Path(PROBES_SITE))
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def as_shipped() -> Iterator[Stage]:
    """Where scenarios run on the build that users have."""
    stage = Stage(None)
    yield stage
    stage.close()
