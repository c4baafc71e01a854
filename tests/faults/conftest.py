"""Processes on the build with crash points, and on the release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stage import Stage

PROBES_SITE = os.environ.get("INTERLOCK_PROBES_SITE", "")


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
